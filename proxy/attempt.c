/*
 * The tries of one exchange to get an answer: breaker, choice of a server,
 * connection, and what to do when one fails.  A connect failure goes on to each
 * other eligible server once, whatever the method; a request lost with a
 * connection is sent once more where that is safe (DESIGN 8.4, RFC 9110 9.2.2).
 */
#include <assert.h>
#include <errno.h>

#include "proxy/attempt.h"

#include "balancer/roster.h"
#include "balancer/server.h"
#include "conf/conf.h"
#include "health/verdict.h"
#include "proxy/exchange.h"
#include "proxy/lease.h"
#include "proxy/pool.h"
#include "proxy/route.h"
#include "proxy/snapshot.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "stats/stats.h"

static void settle(struct exchange *);
static void try_next(struct exchange *);
static bool breaker_lets(struct exchange *);
static int pick(struct exchange *);
static int pick_other(struct exchange *);
static void judge_end(struct exchange *, enum end);
static void hand_back(struct exchange *);
static void connect_to(struct exchange *);
static void connected(void *, int, bool, bool);
static void send_on(struct exchange *, struct link *);
static struct text host_of(struct exchange *, const struct server *);
static void link_done(void *, bool, unsigned);
static bool may_try_again(struct exchange *, enum end);
static void tried(struct exchange *);
static bool may_resend(const struct exchange *);
static void begin(struct exchange *, int);
static void note(struct exchange *, enum end);
static bool is_local(int error);
static unsigned failure_of_end(enum end);
static unsigned failure_of_status(unsigned);

static const struct h1_client_owner link_owner = {
	.done = link_done,
};

void
attempt_start(struct exchange *x)
{
	const struct conf_route *r = x->route->conf;
	struct attempt *a = &x->attempt;
	uint64_t ticket = 0;

	a->lost = -1;
	if (r->ntargets > 1)
		ticket = atomic_fetch_add_explicit(
		    &x->route->ticket, 1, memory_order_relaxed);
	a->upstream =
	    &x->lease->upstreams[r->targets[route_target(r, ticket)].upstream];
	x->names.upstream = text_of(a->upstream->snap->conf->name);
	settle(x);
	try_next(x);
}

void
attempt_answered(struct exchange *x, unsigned status)
{
	struct attempt *a = &x->attempt;
	const struct conf_upstream *conf = a->upstream->snap->conf;
	bool failed =
	    (failure_of_status(status) & conf->breaker.failure_on) != 0;

	server_count(&a->server->requests[status / 100 - 1 < SERVER_CLASSES
		? status / 100 - 1
		: SERVER_CLASSES - 1]);
	breaker_result(a->upstream->snap->breaker, a->ticket,
	    failed ? OUTCOME_FAILURE : OUTCOME_SUCCESS,
	    loop_now(x->worker->loop));
	a->judged = true;
}

void
attempt_failed(struct exchange *x, enum end why)
{
	struct attempt *a = &x->attempt;

	attempt_over(x, why);
	a->last = why;
	if (!may_try_again(x, why)) {
		exchange_fail(x, why);
		return;
	}
	counter_add(&a->upstream->stats->retries[why], 1);
	buf_move(&x->replay, &x->held, x->held.n);
	x->held = x->replay;
	x->replay = (struct buf){ 0 };
	try_next(x);
}

void
attempt_over(struct exchange *x, enum end why)
{
	struct attempt *a = &x->attempt;
	uint64_t took_ns = exchange_over_at(x) - a->began;

	if (!a->in_flight)
		return;
	a->in_flight = false;
	if (a->opening != NULL)
		link_cancel(a->opening);
	a->opening = NULL;
	server_leave(a->server);
	if (!a->judged)
		judge_end(x, why);
	if (end_row(why)->blame == BLAME_SERVER)
		server_count(&a->server->failures[why]);
	histogram_note(&a->stats->duration, took_ns);
	histogram_note(&a->server_stats->duration, took_ns);
	note(x, why);
}

void
attempt_fini(struct exchange *x)
{
	if (x->attempt.any_tried)
		serverset_fini(&x->attempt.tried);
	x->attempt.any_tried = false;
	if (x->attempt.detached)
		server_unref(x->attempt.server);
	x->attempt.detached = false;
}

void
attempt_detach(struct exchange *x)
{
	struct attempt *a = &x->attempt;

	for (unsigned i = 0; i < a->nlog; i++)
		a->log[i].server = arena_copy(&x->arena, a->log[i].server);
	a->upstream = NULL;
	if (a->server == NULL)
		return;
	server_ref(a->server);
	a->detached = true;
}

const char *
attempt_server_name(const struct exchange *x)
{
	return x->attempt.server != NULL ? x->attempt.server->name : NULL;
}

/* The route's own timeouts go before the upstream's. */
static void
settle(struct exchange *x)
{
	const struct conf_route *r = x->route->conf;
	struct attempt *a = &x->attempt;
	const struct conf_upstream *u = a->upstream->snap->conf;

	a->connect_timeout_ns =
	    r->connect_ns != 0 ? r->connect_ns : u->connect_ns;
	a->h1 = (struct h1_settings){
		.limits = x->lease->snapshot->response_limits,
		.head_ns =
		    r->response_ns != 0 ? r->response_ns : u->response_ns,
		.idle_ns = r->idle_ns != 0 ? r->idle_ns : u->idle_ns,
	};
}

static void
try_next(struct exchange *x)
{
	struct attempt *a = &x->attempt;
	struct link *link = NULL;
	int index;

	if (!breaker_lets(x)) {
		exchange_fail(
		    x, a->last != END_NONE ? a->last : END_CIRCUIT_OPEN);
		return;
	}
	index = pick(x);
	if (index == -1) {
		hand_back(x);
		exchange_fail(x,
		    a->last != END_NONE ? a->last
			: a->upstream->snap->unresolved
			? END_UNRESOLVED
			: END_NO_HEALTHY_SERVER);
		return;
	}
	begin(x, index);
	if (!a->fresh)
		link = pool_take(a->upstream->pools[index], !may_resend(x));
	if (link != NULL)
		send_on(x, link);
	else
		connect_to(x);
}

static bool
breaker_lets(struct exchange *x)
{
	struct attempt *a = &x->attempt;

	return breaker_admit(a->upstream->snap->breaker,
		   loop_now(x->worker->loop),
		   a->connect_timeout_ns + a->h1.head_ns + a->h1.idle_ns,
		   &a->ticket, &a->retry_after_ns) == BREAKER_PASS;
}

/* Before there was an answer: only what failure_on names is a failure. */
static void
judge_end(struct exchange *x, enum end why)
{
	const struct attempt *a = &x->attempt;
	const struct snap_upstream *snap = a->upstream->snap;
	bool failed =
	    (failure_of_end(why) & snap->conf->breaker.failure_on) != 0;

	breaker_result(snap->breaker, a->ticket,
	    failed ? OUTCOME_FAILURE : OUTCOME_NEITHER,
	    loop_now(x->worker->loop));
}

/*
 * One that was not tried; a lost request, which is sent again once, may go back
 * where it was.
 */
static int
pick(struct exchange *x)
{
	struct attempt *a = &x->attempt;
	int index = -1;

	if (a->last == END_STALE || a->last == END_STALE_UNSENT)
		index = pick_other(x);
	if (index == -1)
		index = upstream_pick(
		    a->upstream, x->worker, a->any_tried ? &a->tried : NULL);
	if (index == -1 && a->lost != -1) {
		serverset_clear(&a->tried, (unsigned)a->lost);
		a->lost = -1;
		index = upstream_pick(a->upstream, x->worker, &a->tried);
	}
	return index;
}

/*
 * Connections that end while idle tell of nothing, mostly; but sometimes of a
 * server that dies, and whose last breath may take a fresh connection and the
 * only other try with it.  So that another one of its kind gets this one, but
 * for it no backup is called, and it counts as not tried.
 */
static int
pick_other(struct exchange *x)
{
	struct attempt *a = &x->attempt;
	const struct roster *roster = a->upstream->snap->roster;
	int index;

	tried(x);
	index = upstream_pick(a->upstream, x->worker, &a->tried);
	serverset_clear(&a->tried, (unsigned)a->index);
	if (index != -1 &&
	    roster->members[index].backup != roster->members[a->index].backup)
		return -1;
	return index;
}

static void
hand_back(struct exchange *x)
{
	struct attempt *a = &x->attempt;

	breaker_result(a->upstream->snap->breaker, a->ticket, OUTCOME_NEITHER,
	    loop_now(x->worker->loop));
}

static void
begin(struct exchange *x, int index)
{
	struct attempt *a = &x->attempt;
	const struct roster *roster = a->upstream->snap->roster;

	a->index = index;
	a->server = roster->members[index].server;
	a->stats = a->upstream->stats;
	a->server_stats = pool_stats(a->upstream->pools[index]);
	a->began = loop_now(x->worker->loop);
	a->connect_ns = ACCESS_UNKNOWN;
	a->in_flight = true;
	a->judged = false;
	server_enter(a->server);
}

static void
connect_to(struct exchange *x)
{
	struct attempt *a = &x->attempt;

	a->opening = pool_connect(
	    a->upstream->pools[a->index], a->connect_timeout_ns, connected, x);
	if (a->opening == NULL)
		connected(x, errno, false, false);
}

static void
connected(void *arg, int error, bool timed_out, bool stalled)
{
	struct exchange *x = arg;
	struct attempt *a = &x->attempt;
	struct link *link = a->opening;
	uint64_t now = loop_now(x->worker->loop);

	a->opening = NULL;
	assert(error != 0 || link != NULL);
	if (error == 0) {
		a->connect_ns = now - a->began;
		histogram_note(&a->upstream->stats->connect, a->connect_ns);
		verdict_connected(a->server);
		send_on(x, link);
		return;
	}
	if (link != NULL)
		link_give(link, false, 0);
	if (stalled)
		attempt_failed(x, END_STALLED);
	else if (error == EMFILE || error == ENFILE)
		attempt_failed(x, END_DESCRIPTOR_LIMIT);
	else if (is_local(error))
		attempt_failed(x, END_LOCAL_RESOURCE);
	else {
		verdict_connect_failed(a->server, now);
		attempt_failed(
		    x, timed_out ? END_CONNECT_TIMEOUT : END_CONNECT_FAILURE);
	}
}

static void
send_on(struct exchange *x, struct link *link)
{
	struct attempt *a = &x->attempt;

	if (x->request->authority.n == 0)
		x->request->authority = host_of(x, a->server);
	exchange_send(
	    x, h1_ask(&link->conn, &a->h1, link->reused, &link_owner, link));
}

/* For HTTP/1.0 without Host: a server's name is the operator's and no host. */
static struct text
host_of(struct exchange *x, const struct server *server)
{
	char host[ADDR_TEXT_MAX];

	if (addr_is_unix(&server->addr))
		return TEXT("localhost");
	return arena_copy(
	    &x->arena, (struct text){ host, addr_print(&server->addr, host) });
}

/* The codec is done with the connection. */
static void
link_done(void *arg, bool keep, unsigned kept_s)
{
	link_give(arg, keep, kept_s);
}

static bool
may_try_again(struct exchange *x, enum end why)
{
	struct attempt *a = &x->attempt;
	enum end_retry retry = end_row(why)->retry;

	if (retry == RETRY_NEVER || !x->replayable)
		return false;
	if (retry == RETRY_RESENDABLE) {
		if (a->resent || !may_resend(x))
			return false;
		a->resent = true;
	}
	if (why == END_STALE_UNSENT || retry == RETRY_RESENDABLE)
		a->fresh = true;
	/* An idle connection's end says nothing of its server. */
	if (why == END_STALE || why == END_STALE_UNSENT)
		return true;
	tried(x);
	if (why == END_UPSTREAM_RESET)
		a->lost = a->index;
	return true;
}

/* The server of the last attempt. */
static void
tried(struct exchange *x)
{
	struct attempt *a = &x->attempt;

	if (!a->any_tried)
		serverset_init(&a->tried, a->upstream->snap->roster->n);
	a->any_tried = true;
	serverset_set(&a->tried, (unsigned)a->index);
}

static bool
may_resend(const struct exchange *x)
{
	return method_is_idempotent(x->request->method);
}

/* For the log's list of attempts; the last row is the last attempt. */
static void
note(struct exchange *x, enum end why)
{
	struct attempt *a = &x->attempt;

	if (a->nlog == ATTEMPTS_LOGGED)
		a->nlog--;
	a->log[a->nlog++] = (struct access_attempt){
		.server = text_of(a->server->name),
		.reason = why,
		.duration_ns = loop_now(x->worker->loop) - a->began,
	};
}

/* Not the server's doing (DESIGN 8.15). */
static bool
is_local(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == EADDRNOTAVAIL ||
	    error == EACCES || error == EPERM;
}

/* As what the breaker's failure_on counts this end; 0: as nothing. */
static unsigned
failure_of_end(enum end why)
{
	switch (why) {
	case END_CONNECT_FAILURE:
		return FAILURE_CONNECT;
	case END_CONNECT_TIMEOUT:
		return FAILURE_CONNECT | FAILURE_TIMEOUT;
	case END_RESPONSE_TIMEOUT:
	case END_UPSTREAM_IDLE:
		return FAILURE_TIMEOUT;
	case END_UPSTREAM_RESET:
	case END_UPSTREAM_TRUNCATED:
	case END_UPSTREAM_PROTOCOL:
	case END_UPSTREAM_HEADER_TOO_LARGE:
	case END_UPSTREAM_INTERIM:
		return FAILURE_RESET;
	default:
		return 0;
	}
}

static unsigned
failure_of_status(unsigned status)
{
	if (status == 502 || status == 503 || status == 504)
		return FAILURE_GATEWAY_ERROR | FAILURE_5XX;
	return status >= 500 && status < 600 ? FAILURE_5XX : 0;
}
