/*
 * One connection to Consul's double: its requests, one after the other, each
 * sent where it belongs.  Runs in a thread of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/consul_conn.h"
#include "tests/lib/wait.h"

struct road {
	const char *method, *path; /* of which the request's is a beginning */
	bool (*serve)(struct consul_conn *, const struct consul_request *,
	    const char *rest);
};

static bool serve(struct consul_conn *, const struct consul_request *);
static bool
serve_health(struct consul_conn *, const struct consul_request *, const char *);
static bool serve_services(
    struct consul_conn *, const struct consul_request *, const char *);
static bool
serve_self(struct consul_conn *, const struct consul_request *, const char *);
static bool serve_register(
    struct consul_conn *, const struct consul_request *, const char *);
static bool serve_deregister(
    struct consul_conn *, const struct consul_request *, const char *);
static bool
serve_pass(struct consul_conn *, const struct consul_request *, const char *);
static bool
serve_warn(struct consul_conn *, const struct consul_request *, const char *);
static bool serve_critical(
    struct consul_conn *, const struct consul_request *, const char *);
static bool set_check(struct consul_conn *, const char *id, const char *status);
static bool
serve_fault(struct consul_conn *, const struct consul_request *, const char *);
static bool
serve_rewind(struct consul_conn *, const struct consul_request *, const char *);
static bool
serve_touch(struct consul_conn *, const struct consul_request *, const char *);

static const struct road roads[] = {
	{ "GET", "/v1/health/service/", serve_health },
	{ "GET", "/v1/catalog/services", serve_services },
	{ "GET", "/v1/agent/self", serve_self },
	{ "PUT", "/v1/agent/service/register", serve_register },
	{ "PUT", "/v1/agent/service/deregister/", serve_deregister },
	{ "PUT", "/v1/agent/check/pass/", serve_pass },
	{ "PUT", "/v1/agent/check/warn/", serve_warn },
	{ "PUT", "/v1/agent/check/fail/", serve_critical },
	{ "PUT", "/double/fault/", serve_fault },
	{ "PUT", "/double/rewind/", serve_rewind },
	{ "PUT", "/double/touch", serve_touch },
};

void
consul_conn_serve(struct consul_conn *c)
{
	struct consul_request r;
	bool more = c->ssl == NULL || SSL_accept(c->ssl) == 1;

	while (more && consul_request_read(c, &r)) {
		more = serve(c, &r) && !r.close;
		consul_request_free(&r);
	}
}

bool
consul_answer(
    struct consul_conn *c, int status, const char *fields, const char *body)
{
	const char *type =
	    *body == '{' || *body == '[' ? "application/json" : "text/plain";
	struct bytes b = { 0 };
	bool ok;

	bytes_printf(&b,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
	    "Vary: Accept-Encoding\r\n%s"
	    "Content-Length: %zu\r\n\r\n%s",
	    status, status == 200 ? "OK" : "Not OK", type, fields, strlen(body),
	    body);
	ok = consul_conn_send(c, b.p, b.n);
	bytes_free(&b);
	return ok;
}

void
consul_wake(struct consul *c)
{
	const uint64_t one = 1;
	struct consul_conn *conn;

	TAILQ_FOREACH (conn, &c->conns, entry)
		if (consul_has_news(conn))
			(void)!write(conn->wakeup, &one, sizeof one);
}

static bool
serve(struct consul_conn *c, const struct consul_request *r)
{
	const char *token = c->consul->options.token;
	const struct road *road = NULL;
	size_t n = 0;

	if (r->token != NULL && token != NULL && strcmp(r->token, token) != 0)
		return consul_answer(c, 403, "", "ACL not found");
	for (size_t i = 0; i < sizeof roads / sizeof *roads; i++) {
		n = strlen(roads[i].path);
		road = &roads[i];
		if (roads[i].path[n - 1] == '/'
			? strncmp(r->path, road->path, n) == 0
			: strcmp(r->path, road->path) == 0)
			break;
		road = NULL;
	}
	if (road == NULL)
		return consul_answer(c, 404, "", "");
	if (strcmp(r->method, road->method) != 0)
		return consul_answer(c, 405, "", "method not allowed");
	if (token != NULL && r->token == NULL && *road->method == 'P')
		return consul_answer(c, 403, "", "Permission denied");
	return road->serve(c, r, r->path + n);
}

static bool
serve_health(
    struct consul_conn *c, const struct consul_request *r, const char *rest)
{
	if (*rest == '\0' || strchr(rest, '/') != NULL)
		return consul_answer(c, 400, "", "Missing service name");
	return consul_health(c, r);
}

static bool
serve_services(
    struct consul_conn *conn, const struct consul_request *r, const char *rest)
{
	struct consul *c = conn->consul;
	char *fields, *body;
	json_t *names;
	bool ok;

	(void)r, (void)rest;
	pthread_mutex_lock(&c->lock);
	names = catalog_names(&c->catalog);
	fields = keep_printf(
	    "X-Consul-Index: %llu\r\n", (unsigned long long)c->catalog.index);
	pthread_mutex_unlock(&c->lock);
	body = json_dumps(names, JSON_COMPACT);
	ok = consul_answer(conn, 200, fields, body);
	json_decref(names);
	keep_no_more(fields);
	free(body);
	return ok;
}

static bool
serve_self(
    struct consul_conn *c, const struct consul_request *r, const char *rest)
{
	(void)r, (void)rest;
	return consul_answer(c, 200, "",
	    "{\"Config\":{\"Datacenter\":\"dc1\",\"NodeName\":\"agent\","
	    "\"Server\":true,\"Version\":\"double\"}}");
}

static bool
serve_register(
    struct consul_conn *conn, const struct consul_request *r, const char *rest)
{
	struct consul *c = conn->consul;
	const char *error = "Request decode failed";
	json_t *registration;

	(void)rest;
	registration = json_loadb(r->body.p, r->body.n, 0, NULL);
	pthread_mutex_lock(&c->lock);
	if (json_is_object(registration))
		error = catalog_register(&c->catalog, registration, wait_now());
	consul_wake(c);
	pthread_mutex_unlock(&c->lock);
	json_decref(registration);
	return consul_answer(
	    conn, error == NULL ? 200 : 400, "", error == NULL ? "" : error);
}

static bool
serve_deregister(
    struct consul_conn *c, const struct consul_request *r, const char *id)
{
	(void)r;
	return consul_deregister(c->consul, id)
	    ? consul_answer(c, 200, "", "")
	    : consul_answer(c, 404, "", "Unknown service ID");
}

static bool
serve_pass(
    struct consul_conn *c, const struct consul_request *r, const char *id)
{
	(void)r;
	return set_check(c, id, "passing");
}

static bool
serve_warn(
    struct consul_conn *c, const struct consul_request *r, const char *id)
{
	(void)r;
	return set_check(c, id, "warning");
}

static bool
serve_critical(
    struct consul_conn *c, const struct consul_request *r, const char *id)
{
	(void)r;
	return set_check(c, id, "critical");
}

static bool
set_check(struct consul_conn *c, const char *id, const char *status)
{
	return consul_check(c->consul, id, status)
	    ? consul_answer(c, 200, "", "")
	    : consul_answer(c, 404, "", "Unknown check ID");
}

static bool
serve_fault(
    struct consul_conn *c, const struct consul_request *r, const char *name)
{
	enum consul_fault fault = consul_fault_of(name);

	(void)r;
	if (fault == CONSUL_FAULTS)
		return consul_answer(c, 404, "", "no such fault");
	consul_fail(c->consul, fault);
	return consul_answer(c, 200, "", "");
}

static bool
serve_rewind(
    struct consul_conn *c, const struct consul_request *r, const char *index)
{
	(void)r;
	consul_rewind(c->consul, strtoull(index, NULL, 10));
	return consul_answer(c, 200, "", "");
}

static bool
serve_touch(
    struct consul_conn *c, const struct consul_request *r, const char *rest)
{
	(void)r, (void)rest;
	consul_touch(c->consul);
	return consul_answer(c, 200, "", "");
}
