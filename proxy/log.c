/*
 * From an exchange to its line in the access log: what access.h is told, and
 * nothing of how it is written.
 */
#include "proxy/log.h"

#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/port.h"
#include "proxy/worker.h"
#include "tls/transport.h"

static void describe_request(const struct exchange *, struct access_entry *);
static void describe_attempts(const struct exchange *, struct access_entry *);
static struct text value_of(const struct exchange *, enum token);

void
log_exchange(const struct exchange *x, uint64_t duration_ns)
{
	struct access_entry e = {
		.wall_ns = x->wall,
		.request_id = x->id_text,
		.client_ip = x->client_ip,
		.listener = text_of(x->client->port->name),
		.status = x->status,
		.reason = x->end,
		.bytes_in = x->bytes_in,
		.bytes_out = x->bytes_out,
		.duration_ns = duration_ns,
		.wait_ns = ACCESS_UNKNOWN,
		.connect_ns = ACCESS_UNKNOWN,
		.ttfb_ns = ACCESS_UNKNOWN,
		.config_generation = x->names.generation,
	};

	if (x->worker->ring == NULL || !x->names.logged)
		return;
	describe_request(x, &e);
	describe_attempts(x, &e);
	access_write(x->worker->ring, &e);
}

static void
describe_request(const struct exchange *x, struct access_entry *e)
{
	const struct head *head = x->request;
	const struct client *c = x->client;

	e->protocol =
	    head->version == HTTP_1_0 ? TEXT("HTTP/1.0") : TEXT("HTTP/1.1");
	e->method = head->method_name;
	e->host = head->authority;
	e->path = x->path.n > 0 ? x->path : head->target;
	e->query = head->query;
	e->has_query = head->has_query;
	e->user_agent = value_of(x, TOKEN_USER_AGENT);
	e->referer = value_of(x, TOKEN_REFERER);
	e->route = x->names.route;
	if (c->secure && c->conn.fd != -1) {
		e->tls_version = text_of(tls_session_version(c->conn.session));
		e->sni = tls_session_sni(c->conn.session);
	}
	if (x->first_byte != 0)
		e->ttfb_ns = x->first_byte - x->began;
}

static void
describe_attempts(const struct exchange *x, struct access_entry *e)
{
	const struct attempt *a = &x->attempt;

	e->upstream = x->names.upstream;
	if (a->nlog == 0)
		return;
	e->server = a->log[a->nlog - 1].server;
	e->attempts = a->log;
	e->nattempts = a->nlog;
	e->connect_ns = a->connect_ns;
}

static struct text
value_of(const struct exchange *x, enum token token)
{
	const struct field *f = fields_find(&x->request->fields, token);

	return f == NULL ? TEXT_NONE : f->value;
}
