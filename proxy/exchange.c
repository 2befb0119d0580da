/*
 * One request and its response: this is the file to read first.  A request
 * comes in at exchange_new, admit() decides what becomes of it, relay.c passes
 * bytes between the client's stream (down) and the server's (up), and
 * exchange_end is the one way out.  Runs on its worker.
 */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/exchange.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/rng.h"
#include "conf/conf.h"
#include "proxy/admin.h"
#include "proxy/client.h"
#include "proxy/headers.h"
#include "proxy/lease.h"
#include "proxy/log.h"
#include "proxy/port.h"
#include "proxy/relay.h"
#include "proxy/reply.h"
#include "proxy/requests.h"
#include "proxy/route.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tls/store.h"
#include "tls/transport.h"

#define SPARE_MOST 512 /* exchanges kept for reuse */

static struct exchange *exchange_make(struct worker *);
static void admit(struct exchange *, enum end);
static enum end find_route(struct exchange *);
static bool is_misdirected(const struct exchange *);
static void act(struct exchange *);
static void identify(struct exchange *);
static bool may_keep_alive(const struct exchange *);
static void exchange_recycle(struct grave *);
static void exchange_free(struct exchange *);
static void set_phase(struct exchange *, enum phase);

void
exchange_new(struct client *c, struct stream *s, struct head *head, bool last,
    enum end why)
{
	struct worker *w = c->port->worker;
	struct exchange *x = exchange_make(w);

	x->worker = w;
	x->client = c;
	x->client_ip = (struct text){ x->ip, addr_print_bytes(c->ip, x->ip) };
	x->lease = lease_take(w->lease);
	x->names.generation = x->lease->snapshot->generation;
	x->names.logged = !c->port->is_admin;
	x->stats = c->port->is_admin ? x->lease->admin : x->lease->no_route;
	x->id = ++w->next_id;
	x->down = s;
	x->request = head;
	x->path = head->path;
	x->request_done = last;
	x->began = s->began;
	x->wall = clock_wall() - (loop_now(w->loop) - x->began);
	x->body_limit = c->port->body_size;
	s->sink = &relay_down_sink;
	s->arg = x;
	TAILQ_INSERT_TAIL(&w->exchanges, x, entry);
	atomic_store_explicit(&w->at_exchange, x->id, memory_order_relaxed);
	admit(x, why);
}

void
exchange_fail(struct exchange *x, enum end why)
{
	if (x->phase == PHASE_DONE)
		return;
	x->end = why;
	requests_forget(x);
	attempt_over(x, why);
	if (x->up != NULL) {
		x->up->ops->reset(x->up, why);
		x->up = NULL;
	}
	if (x->phase < PHASE_ANSWER && end_row(why)->status != 0) {
		reply_error(x, x->attempt.retry_after_ns);
		return;
	}
	exchange_cut(x, why);
}

void
exchange_drained(struct exchange *x)
{
	if (x->phase >= PHASE_ANSWER) {
		exchange_fail(x, END_DRAINED);
		return;
	}
	if (x->up != NULL)
		x->up->ops->reset(x->up, END_DRAINED);
	x->up = NULL;
	attempt_failed(x, END_DRAINED);
}

void
exchange_cut(struct exchange *x, enum end why)
{
	x->end = why;
	attempt_over(x, why);
	if (x->up != NULL)
		x->up->ops->reset(x->up, why);
	x->up = NULL;
	if (x->down != NULL)
		x->down->ops->reset(x->down, why);
	x->down = NULL;
	exchange_end(x);
}

void
exchange_send(struct exchange *x, struct stream *up)
{
	struct head *head = x->request;
	bool last = x->request_done && x->held.n == 0 && x->tail == NULL;
	bool waits = head->expect_continue && !x->request_done;

	x->up = up;
	up->sink = &relay_up_sink;
	up->arg = x;
	set_phase(x, PHASE_WAIT);
	head->expect_continue = false; /* it is us who answers it */
	up->ops->head(up, head, last);
	if (waits) {
		struct head go_on = { .status = 100,
			.reason = status_reason(100),
			.version = HTTP_1_1 };

		x->down->ops->head(x->down, &go_on, false);
	}
	if (x->held.n > 0) {
		struct buf held = x->held;

		x->held = (struct buf){ 0 };
		relay_request_body(
		    x, &held, x->request_done && x->tail == NULL);
	}
	if (x->tail != NULL)
		up->ops->tail(up, x->tail);
}

void
exchange_answer(struct exchange *x, struct head *head, bool last)
{
	head->keep_alive = may_keep_alive(x);
	set_phase(x, head->tunnel ? PHASE_TUNNEL : PHASE_ANSWER);
	x->status = head->status;
	if (x->first_byte == 0)
		x->first_byte = loop_now(x->worker->loop);
	x->down->ops->head(x->down, head, last);
	if (head->tunnel)
		tunnel_open(x, head);
	if (x->lease != x->worker->lease)
		exchange_detach(x);
}

void
exchange_detach(struct exchange *x)
{
	struct exchange_names *names = &x->names;

	if (x->lease == NULL)
		return;
	names->route = arena_copy(&x->arena, names->route);
	names->upstream = arena_copy(&x->arena, names->upstream);
	attempt_detach(x);
	lease_give(x->lease);
	x->lease = NULL;
	x->route = NULL;
}

uint64_t
exchange_over_at(const struct exchange *x)
{
	return x->phase == PHASE_TUNNEL ? x->first_byte
					: loop_now(x->worker->loop);
}

/* "OPTIONS *" asks whoever serves the host's root (RFC 9110 9.3.7). */
struct route_query
exchange_query(const struct exchange *x)
{
	return (struct route_query){
		.host = x->request->host,
		.path = text_equal(x->path, TEXT("*")) ? TEXT("/") : x->path,
		.method_name = x->request->method_name,
		.method = x->request->method,
		.listener = x->client->port->gone ? ROUTE_NO_LISTENER
						  : x->client->port->index,
	};
}

void
exchange_end(struct exchange *x)
{
	struct worker *w = x->worker;
	struct stats_request done = {
		.method = x->request->method,
		.reason = x->end,
		.status = x->status,
		.duration_ns = exchange_over_at(x) - x->began,
		.request_bytes = x->bytes_in,
		.response_bytes = x->bytes_out,
	};

	assert(x->up == NULL && x->phase != PHASE_DONE);
	set_phase(x, PHASE_DONE);
	tunnel_close(x);
	stats_request_end(x->stats, &done);
	log_exchange(x, loop_now(w->loop) - x->began);
	requests_forget(x);
	TAILQ_REMOVE(&w->exchanges, x, entry);
	buf_clear(&x->held);
	buf_clear(&x->replay);
	attempt_fini(x);
	if (x->lease != NULL)
		lease_give(x->lease);
	loop_bury(w->loop, &x->grave);
}

const char *
exchange_phase_name(enum phase phase)
{
	static const char *const names[] = {
		[PHASE_ADMIT] = "admit",
		[PHASE_CONNECT] = "connect",
		[PHASE_WAIT] = "wait",
		[PHASE_ANSWER] = "answer",
		[PHASE_TUNNEL] = "tunnel",
		[PHASE_DONE] = "done",
	};

	return names[phase];
}

void
exchange_spares_fini(struct worker *w)
{
	struct spare *s;

	while ((s = spares_take(&w->spares)) != NULL)
		exchange_free(CONTAINER_OF(s, struct exchange, spare));
}

bool
exchange_spares_shed(struct worker *w)
{
	struct spare *s;

	while ((s = spares_shed(&w->spares)) != NULL)
		exchange_free(CONTAINER_OF(s, struct exchange, spare));
	return w->spares.n > 0;
}

static struct exchange *
exchange_make(struct worker *w)
{
	struct spare *spare = spares_take(&w->spares);
	struct arena arena = { 0 };
	struct exchange *x;

	if (spare != NULL) {
		x = CONTAINER_OF(spare, struct exchange, spare);
		arena = x->arena;
	} else
		x = xmalloc(sizeof(*x));
	memset(x, 0, offsetof(struct exchange, attempt.log));
	x->arena = arena;
	x->replayable = true;
	x->grave.free = exchange_recycle;
	return x;
}

/* What becomes of a request, in this order. */
static void
admit(struct exchange *x, enum end why)
{
	const struct port *p = x->client->port;

	if (!p->is_admin)
		counter_add(&p->stats->requests[x->request->version == HTTP_1_0
				    ? PROTOCOL_HTTP_1_0
				    : PROTOCOL_HTTP_1_1],
		    1);
	identify(x);
	if (why == END_NONE && p->redirect_https &&
	    x->request->method == METHOD_CONNECT)
		why = END_METHOD_NOT_ALLOWED;
	if (why == END_NONE && !p->is_admin && !p->redirect_https)
		why = find_route(x);
	stats_request_begin(x->stats);
	if (why != END_NONE)
		exchange_fail(x, why);
	else if (p->is_admin)
		admin_answer(x);
	else if (p->redirect_https)
		reply_https(x);
	else
		act(x);
}

static enum end
find_route(struct exchange *x)
{
	const struct snapshot *s = x->lease->snapshot;
	struct route_query q = exchange_query(x);
	struct route_answer a = route_match(s->plan->routes, &q);

	if (is_misdirected(x))
		return END_MISDIRECTED;
	if (a.route < 0)
		return a.other_method || q.method == METHOD_CONNECT
		    ? END_METHOD_NOT_ALLOWED
		    : END_NO_ROUTE;
	x->route = &s->routes[a.route];
	x->stats = lease_route(x->lease, (unsigned)a.route);
	x->names.route = text_of(x->route->conf->name);
	x->names.logged = x->route->conf->access_log;
	if (x->route->conf->body_size != 0)
		x->body_limit = x->route->conf->body_size;
	if (x->request->framing == FRAMING_LENGTH &&
	    x->request->length > x->body_limit)
		return END_BODY_TOO_LARGE;
	return END_NONE;
}

/* A connection made for one site must not be asked for another (C.3, 19). */
static bool
is_misdirected(const struct exchange *x)
{
	const struct client *c = x->client;
	const struct tls_store *store;
	struct text sni;

	if (!c->secure)
		return false;
	sni = tls_session_sni(c->conn.session);
	if (sni.n == 0 || text_equal_fold(sni, x->request->host) ||
	    c->port->gone)
		return false;
	store = x->lease->snapshot->listeners[c->port->index].store;
	return store != NULL && !tls_store_same(store, sni, x->request->host);
}

/* RFC 9110 7.6.2: the last proxy a TRACE or OPTIONS may reach answers it. */
static void
act(struct exchange *x)
{
	struct buf none = { 0 };

	if (x->request->max_forwards_zero)
		reply(x, 200, NULL, TEXT_NONE, &none);
	else if (x->route->conf->action == ACTION_RESPOND)
		reply_respond(x);
	else if (x->route->conf->action == ACTION_REDIRECT)
		reply_redirect(x);
	else {
		headers_upgrade(x);
		headers_rewrite(x);
		headers_request(x);
		set_phase(x, PHASE_CONNECT);
		attempt_start(x);
	}
}

/* A trusted proxy's id is kept, so that its log and ours tell one story. */
static void
identify(struct exchange *x)
{
	const struct field *f =
	    fields_find(&x->request->fields, TOKEN_X_REQUEST_ID);
	struct rng *rng = loop_rng(x->worker->loop);
	char *id = x->id_line + EXCHANGE_ID_AT;

	if (f != NULL && f->value.n > 0) {
		x->id_text = f->value;
		return;
	}
	memcpy(x->id_line, "X-Request-Id: ", EXCHANGE_ID_AT);
	text_put_hex16(id, rng_next(rng));
	text_put_hex16(id + 16, rng_next(rng));
	memcpy(id + EXCHANGE_ID_BYTES, "\r\n", 2);
	x->id_text = (struct text){ id, EXCHANGE_ID_BYTES };
}

static bool
may_keep_alive(const struct exchange *x)
{
	const struct client *c = x->client;
	unsigned most = c->port->requests_per_connection;

	return !x->worker->draining && !c->port->gone &&
	    (most == 0 || c->requests < most);
}

static void
exchange_recycle(struct grave *grave)
{
	struct exchange *x = CONTAINER_OF(grave, struct exchange, grave);
	struct worker *w = x->worker;

	if (w->spares.n == SPARE_MOST) {
		exchange_free(x);
		return;
	}
	arena_reset(&x->arena);
	spares_give(&w->spares, &x->spare);
	worker_shed_later(w);
}

static void
exchange_free(struct exchange *x)
{
	arena_fini(&x->arena);
	free(x);
}

/* Forward only, but for a new attempt after one that got no answer. */
static void
set_phase(struct exchange *x, enum phase phase)
{
	assert(phase > x->phase || x->phase < PHASE_ANSWER);
	x->phase = phase;
}
