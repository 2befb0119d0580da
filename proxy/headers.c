/*
 * The fields fairlead itself writes.  rules.h has removed before what a client
 * may not say; what is still there of a forwarding chain came from a trusted
 * proxy and is kept and continued (SURFACES, L.trusted_proxies).
 */
#include <string.h>

#include "proxy/headers.h"

#include "base/mem.h"
#include "conf/conf.h"
#include "http/head.h"
#include "http/upgrade.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"

#define HOP_END ", "
#define FOR "X-Forwarded-For: "

static void forwarded_for(struct exchange *);
static void forwarded_proto(struct exchange *);
static size_t chain_bytes(const struct fields *);
static void
change(struct exchange *, struct fields *, const struct conf_headers *);
static void request_id(struct exchange *);
static void via(struct exchange *, struct head *);

void
headers_request(struct exchange *x)
{
	struct head *head = x->request;

	forwarded_for(x);
	forwarded_proto(x);
	if (head->authority.n > 0 &&
	    fields_find(&head->fields, TOKEN_X_FORWARDED_HOST) == NULL)
		fields_add(&head->fields, &x->arena, TOKEN_X_FORWARDED_HOST,
		    TEXT("X-Forwarded-Host"), head->authority);
	request_id(x);
	via(x, head);
	change(x, &head->fields, &x->route->conf->request_headers);
}

void
headers_response(struct exchange *x, struct head *head)
{
	via(x, head);
	/* RFC 9110 6.6.1: who has a clock adds what the server left out. */
	if (fields_find(&head->fields, TOKEN_DATE) == NULL)
		fields_add(&head->fields, &x->arena, TOKEN_DATE, TEXT("Date"),
		    text_of(worker_date(x->worker)));
	change(x, &head->fields, &x->route->conf->response_headers);
}

void
headers_upgrade(struct exchange *x)
{
	const struct conf_route *r = x->route->conf;
	struct head *head = x->request;

	head->upgrade = upgrade_select(
	    head->upgrade, head->method, r->upgrades, r->nupgrades, &x->arena);
}

/*
 * A prefix is cut by whole segments; what is left begins with a slash.  The
 * asterisk of an OPTIONS is no path.
 */
void
headers_rewrite(struct exchange *x)
{
	const struct conf_route *r = x->route->conf;
	struct head *head = x->request;
	struct text path = head->path;

	if (text_equal(path, TEXT("*")))
		return;
	if (r->strip_prefix != NULL) {
		struct text prefix = text_of(r->strip_prefix);

		while (prefix.n > 0 && prefix.p[prefix.n - 1] == '/')
			prefix.n--;
		if (text_starts(path, prefix) &&
		    (path.n == prefix.n || path.p[prefix.n] == '/'))
			path = text_from(path, prefix.n);
		if (path.n == 0)
			path = TEXT("/");
	}
	if (r->add_prefix != NULL) {
		struct text prefix = text_of(r->add_prefix);

		while (prefix.n > 0 && prefix.p[prefix.n - 1] == '/')
			prefix.n--;
		path = arena_printf(
		    &x->arena, "%.*s%.*s", TEXT_ARG(prefix), TEXT_ARG(path));
	}
	head->path = path;
}

/*
 * The peer's address always comes last (BEHAVIOURS C.2, 13).  The chain is put
 * together at once, so that one in many fields costs no more than its bytes.
 */
static void
forwarded_for(struct exchange *x)
{
	struct fields *fields = &x->request->fields;
	size_t hops = chain_bytes(fields);
	char *line = arena_alloc(
	    &x->arena, strlen(FOR) + hops + x->client_ip.n + strlen("\r\n"));
	char *to = mempcpy(line, FOR, strlen(FOR));

	for (unsigned i = 0; hops > 0 && i < fields->n; i++) {
		struct field *f = &fields->v[i];

		if (f->token != TOKEN_X_FORWARDED_FOR)
			continue;
		f->token = TOKEN_NONE;
		if (f->value.n > 0)
			to = mempcpy(mempcpy(to, f->value.p, f->value.n),
			    HOP_END, strlen(HOP_END));
	}
	to = mempcpy(to, x->client_ip.p, x->client_ip.n);
	to = mempcpy(to, "\r\n", 2);
	fields_add_line(fields, &x->arena, TOKEN_X_FORWARDED_FOR,
	    (struct text){ line, (size_t)(to - line) },
	    strlen("X-Forwarded-For"));
}

/* Enough for the hops so far. */
static size_t
chain_bytes(const struct fields *fields)
{
	size_t n = 0;

	if (!fields_may_have(fields, TOKEN_X_FORWARDED_FOR))
		return 0;
	for (unsigned i = 0; i < fields->n; i++)
		if (fields->v[i].token == TOKEN_X_FORWARDED_FOR)
			n += fields->v[i].value.n + strlen(HOP_END);
	return n;
}

static void
forwarded_proto(struct exchange *x)
{
	struct fields *fields = &x->request->fields;

	if (fields_find(fields, TOKEN_X_FORWARDED_PROTO) == NULL)
		fields_add_line(fields, &x->arena, TOKEN_X_FORWARDED_PROTO,
		    x->client->secure ? TEXT("X-Forwarded-Proto: https\r\n")
				      : TEXT("X-Forwarded-Proto: http\r\n"),
		    strlen("X-Forwarded-Proto"));
}

/* The peer's own goes on as it came. */
static void
request_id(struct exchange *x)
{
	struct fields *fields = &x->request->fields;

	if (fields_find(fields, TOKEN_X_REQUEST_ID) == NULL)
		fields_add_line(fields, &x->arena, TOKEN_X_REQUEST_ID,
		    (struct text){ x->id_line, sizeof(x->id_line) },
		    strlen("X-Request-Id"));
}

static void
change(struct exchange *x, struct fields *fields, const struct conf_headers *h)
{
	for (unsigned i = 0; i < h->nremove; i++)
		fields_remove_name(fields, text_of(h->remove[i]));
	for (unsigned i = 0; i < h->nset; i++) {
		fields_remove_name(fields, text_of(h->set[i].name));
		fields_add(fields, &x->arena, TOKEN_OTHER,
		    text_of(h->set[i].name), text_of(h->set[i].value));
	}
	for (unsigned i = 0; i < h->nadd; i++)
		fields_add(fields, &x->arena, TOKEN_OTHER,
		    text_of(h->add[i].name), text_of(h->add[i].value));
}

/* RFC 9110 7.6.3: the version is that of the message received. */
static void
via(struct exchange *x, struct head *head)
{
	fields_add_line(&head->fields, &x->arena, TOKEN_VIA,
	    head->version == HTTP_1_0 ? TEXT("Via: 1.0 fairlead\r\n")
				      : TEXT("Via: 1.1 fairlead\r\n"),
	    strlen("Via"));
}
