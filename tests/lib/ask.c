/*
 * The raw client for tests that want one sentence: each call asserts that it
 * went well.  Only for the test's own thread.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/client.h"

struct client *
dial(int port)
{
	struct client *c = keep(sizeof *c);

	cr_assert(client_connect(c, port), "port %d: %s", port, c->why);
	return c;
}

struct response *
ask(struct client *c, const char *fmt, ...)
{
	va_list ap;
	char *text, *method;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	cr_assert_geq(n, 0);
	cr_assert(client_send(c, text, (size_t)n), "%s", c->why);
	method = keep_text(text, strcspn(text, " "));
	free(text);
	return answer(c, method);
}

struct response *
answer(struct client *c, const char *method)
{
	struct response *r = keep(sizeof *r);

	cr_assert(client_response(c, r, method), "%s", c->why);
	return r;
}

struct response *
get(int port, const char *path, const char *fields)
{
	struct client *c = dial(port);
	struct response *r;

	r = ask(c, "GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", path, fields);
	client_close(c);
	return r;
}

void
must_end(struct client *c)
{
	cr_assert(
	    client_ended(c), "%s", c->why != NULL ? c->why : "bytes are left");
}

void
must_refuse(const struct response *r, int status, const char *reason)
{
	char *word = response_field(r, "x-fairlead-reason");

	cr_assert_eq(
	    r->status, status, "%d, not %d: %s", r->status, status, r->head.p);
	cr_assert_not_null(word, "no X-Fairlead-Reason in %s", r->head.p);
	cr_assert_str_eq(word, reason);
	cr_assert(response_says(r, reason) || r->body_n == 0,
	    "the body does not say %s", reason);
}
