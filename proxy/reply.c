/*
 * Answers that fairlead makes itself: errors with their reason, the routes'
 * own responses and redirects.
 */
#include "proxy/reply.h"

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "http/head.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/lease.h"
#include "proxy/port.h"
#include "proxy/route.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"

static void add(struct exchange *, struct fields *, struct text, struct text);
static void add_allow(struct exchange *, struct fields *);
static bool has_name(struct exchange *);
static struct text asked_path(const struct exchange *);
static void redirect(struct exchange *, unsigned, struct text);
static unsigned https_port(const struct snapshot *);

void
reply_error(struct exchange *x, uint64_t retry_after_ns)
{
	const struct end_row *row = end_row(x->end);
	struct fields fields = { 0 };
	struct buf body = { 0 };

	add(x, &fields, TEXT("X-Fairlead-Reason"), text_of(row->word));
	if (row->status == 503) {
		uint64_t s = (retry_after_ns + CLOCK_S - 1) / CLOCK_S;

		add(x, &fields, TEXT("Retry-After"),
		    arena_printf(&x->arena, "%u", s == 0 ? 1 : (unsigned)s));
	}
	if (x->end == END_METHOD_NOT_ALLOWED)
		add_allow(x, &fields);
	buf_append_text(&body,
	    arena_printf(
		&x->arena, "%u %s: %s\n", row->status, row->word, row->text));
	reply(
	    x, row->status, &fields, TEXT("text/plain; charset=utf-8"), &body);
}

void
reply(struct exchange *x, unsigned status, const struct fields *fields,
    struct text type, struct buf *body)
{
	bool bare = status == 204 || status == 304, no_body;
	struct head head = {
		.status = status,
		.reason = status_reason(status),
		.version = HTTP_1_1,
		.framing = bare ? FRAMING_NONE : FRAMING_LENGTH,
	};

	if (bare || status == 205) /* RFC 9110 15.3.6 */
		buf_clear(body);
	head.length = body->n;
	no_body = body->n == 0 || x->request->method == METHOD_HEAD;
	add(x, &head.fields, TEXT("Date"), text_of(worker_date(x->worker)));
	if (body->n > 0 && type.n > 0)
		add(x, &head.fields, TEXT("Content-Type"), type);
	for (unsigned i = 0; fields != NULL && i < fields->n; i++)
		add(x, &head.fields, fields->v[i].name, fields->v[i].value);
	exchange_answer(x, &head, no_body);
	if (!no_body) {
		x->bytes_out += body->n;
		x->down->ops->body(x->down, body, true);
	} else
		buf_clear(body);
}

void
reply_respond(struct exchange *x)
{
	const struct conf_route *r = x->route->conf;
	struct fields fields = { 0 };
	struct text type = TEXT("text/plain; charset=utf-8");
	struct buf body = { 0 };

	for (unsigned i = 0; i < r->respond_headers.nset; i++) {
		const struct conf_field *f = &r->respond_headers.set[i];

		if (text_equal_fold(text_of(f->name), TEXT("Content-Type")))
			type = text_of(f->value);
		else
			add(x, &fields, text_of(f->name), text_of(f->value));
	}
	if (r->respond_body != NULL)
		buf_append_text(&body, text_of(r->respond_body));
	reply(x, r->respond_status, &fields, type, &body);
}

void
reply_redirect(struct exchange *x)
{
	const struct conf_route *r = x->route->conf;
	const struct head *q = x->request;
	struct text scheme = text_of(r->redirect_scheme);
	struct text host = text_of(r->redirect_host), path;

	if (host.n == 0 && !has_name(x))
		return;
	if (scheme.n == 0)
		scheme = x->client->secure ? TEXT("https") : TEXT("http");
	/* Another scheme has another port: the one we were asked at is wrong. */
	if (host.n == 0)
		host = r->redirect_scheme != NULL ? q->host : q->authority;
	path = r->redirect_path != NULL ? text_of(r->redirect_path)
					: asked_path(x);
	redirect(x, r->redirect_status,
	    arena_printf(&x->arena, "%.*s://%.*s%.*s%s%.*s", TEXT_ARG(scheme),
		TEXT_ARG(host), TEXT_ARG(path), q->has_query ? "?" : "",
		TEXT_ARG(q->query)));
}

void
reply_https(struct exchange *x)
{
	const struct head *q = x->request;
	struct text path = asked_path(x);
	unsigned port = https_port(x->lease->snapshot);

	if (!has_name(x))
		return;
	redirect(x, 308,
	    port == 443 ? arena_printf(&x->arena, "https://%.*s%.*s%s%.*s",
			      TEXT_ARG(q->host), TEXT_ARG(path),
			      q->has_query ? "?" : "", TEXT_ARG(q->query))
			: arena_printf(&x->arena, "https://%.*s:%u%.*s%s%.*s",
			      TEXT_ARG(q->host), port, TEXT_ARG(path),
			      q->has_query ? "?" : "", TEXT_ARG(q->query)));
}

static void
add(struct exchange *x, struct fields *fields, struct text name,
    struct text value)
{
	fields_add(fields, &x->arena, TOKEN_OTHER, name, value);
}

static void
add_allow(struct exchange *x, struct fields *fields)
{
	struct route_query q = exchange_query(x);
	char *allow = arena_alloc(&x->arena, 128);
	size_t n =
	    route_allow(x->lease->snapshot->plan->routes, &q, allow, 128);

	add(x, fields, TEXT("Allow"), (struct text){ allow, n });
}

/* HTTP/1.0 without Host: there is no name to send the client to. */
static bool
has_name(struct exchange *x)
{
	if (x->request->host.n > 0)
		return true;
	exchange_fail(x, END_BAD_REQUEST);
	return false;
}

/* The asterisk of an OPTIONS has no place in a URI. */
static struct text
asked_path(const struct exchange *x)
{
	struct text path = x->request->path;

	return text_equal(path, TEXT("*")) ? TEXT("/") : path;
}

static void
redirect(struct exchange *x, unsigned status, struct text location)
{
	struct fields fields = { 0 };
	struct buf none = { 0 };

	add(x, &fields, TEXT("Location"), location);
	reply(x, status, &fields, TEXT_NONE, &none);
}

/* Where the first TLS listener really listens; 443 when there is none. */
static unsigned
https_port(const struct snapshot *s)
{
	for (unsigned i = 0; i < s->nlisteners; i++) {
		const struct snap_listener *l = &s->listeners[i];

		if (l->conf->tls && l->ndoors > 0 &&
		    !addr_is_unix(&l->doors[0]->real))
			return addr_port(&l->doors[0]->real);
	}
	return 443;
}
