/*
 * The raw client's reading of responses: a second opinion, independent of the
 * program's own parser, that refuses whatever RFC 9112 does not allow to be
 * sent.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/lib/client.h"

#define KEEP_BODY (4u << 20)

static bool wrong(struct client *, const char *what);
static long need_line(struct client *, size_t from);
static bool head_lines(struct client *, struct bytes *);
static bool status_line(struct response *);
static bool fields_valid(const char *lines);
static bool line_valid(const char *line, size_t n);
static bool has_body(const struct response *, const char *method);
static bool sized_body(struct client *, struct response *, uint64_t);
static bool chunked_body(struct client *, struct response *);
static bool chunk_line(struct client *, uint64_t *size);
static bool closed_body(struct client *, struct response *);
static void take(struct client *, struct response *, size_t);
static const char *
value_of(const struct bytes *, const char *, unsigned, size_t *);

bool
client_response(struct client *c, struct response *r, const char *method)
{
	return client_head(c, r) && client_body(c, r, method);
}

bool
client_head(struct client *c, struct response *r)
{
	*r = (struct response){ .is_pattern = true };
	for (;;) {
		if (!head_lines(c, &r->head))
			return false;
		if (!status_line(r))
			return wrong(c, "not a status line");
		if (!fields_valid(strstr(r->head.p, "\r\n") + 2))
			return wrong(c, "not a valid head");
		if (r->status >= 200 || r->status == 101)
			return true;
		bytes_add(&r->interim, r->head.p, r->head.n);
		bytes_drop(&r->head, r->head.n);
	}
}

bool
client_body(struct client *c, struct response *r, const char *method)
{
	size_t n, coding_n;
	const char *length = value_of(&r->head, "content-length", 0, &n);
	const char *coding =
	    value_of(&r->head, "transfer-encoding", 0, &coding_n);

	if (length != NULL && coding != NULL)
		return wrong(c, "both Content-Length and Transfer-Encoding");
	if (response_count(r, "content-length") > 1)
		return wrong(c, "two Content-Length fields");
	if (length != NULL && (n == 0 || strspn(length, "0123456789") != n))
		return wrong(c, "a Content-Length that is no number");
	if (!has_body(r, method))
		return true;
	if (coding != NULL) {
		if (coding_n != 7 || strncmp(coding, "chunked", 7) != 0)
			return wrong(c, "an unknown transfer coding");
		return chunked_body(c, r);
	}
	if (length == NULL)
		return closed_body(c, r);
	return sized_body(c, r, strtoull(length, NULL, 10));
}

char *
response_field(const struct response *r, const char *name)
{
	size_t n;
	const char *value = value_of(&r->head, name, 0, &n);

	return value == NULL ? NULL : keep_text(value, n);
}

unsigned
response_count(const struct response *r, const char *name)
{
	unsigned n = 0;
	size_t ignored;

	while (value_of(&r->head, name, n, &ignored) != NULL)
		n++;
	return n;
}

bool
response_says(const struct response *r, const char *text)
{
	return bytes_hold(&r->body, text);
}

bool
response_keeps(const struct response *r)
{
	char *option = response_field(r, "connection");
	bool keeps = option == NULL || strcasecmp(option, "close") != 0;

	keep_no_more(option);
	return keeps;
}

void
response_free(struct response *r)
{
	bytes_free(&r->head);
	bytes_free(&r->interim);
	bytes_free(&r->body);
	bytes_free(&r->trailers);
}

static bool
wrong(struct client *c, const char *what)
{
	keep_no_more(c->why);
	c->why = keep_printf(
	    "%s in: %.300s", what, c->in.n > 0 ? c->in.p : "(nothing)");
	return false;
}

/* The end of the line that begins at `from'; -1 when none came. */
static long
need_line(struct client *c, size_t from)
{
	long at;

	while ((at = bytes_find(&c->in, from, "\r\n")) < 0)
		if (!client_more(c))
			return -1;
	return at;
}

/* Move everything up to and with the empty line. */
static bool
head_lines(struct client *c, struct bytes *head)
{
	size_t from = 0;
	long at;

	for (;;) {
		if ((at = need_line(c, from)) < 0)
			return false;
		if ((size_t)at == from && from > 0)
			break;
		from = (size_t)at + 2;
	}
	bytes_add(head, c->in.p, from + 2);
	bytes_drop(&c->in, from + 2);
	return true;
}

static bool
status_line(struct response *r)
{
	const char *p = r->head.p;
	size_t i;

	if (strncmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1') ||
	    p[8] != ' ' || p[12] != ' ')
		return false;
	for (i = 9; i < 12; i++)
		if (!isdigit((unsigned char)p[i]))
			return false;
	r->minor = p[7] == '1';
	r->status = (int)strtol(p + 9, NULL, 10);
	return line_valid(p, strcspn(p, "\r"));
}

/* Up to the empty line: token ":" value, nothing folded. */
static bool
fields_valid(const char *line)
{
	static const char token[] =
	    "!#$%&'*+-.^_`|~0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t name, n;

	for (; strncmp(line, "\r\n", 2) != 0; line += n + 2) {
		n = strcspn(line, "\r");
		name = strspn(line, token);
		if (name == 0 || line[name] != ':' || line[n + 1] != '\n' ||
		    !line_valid(line, n))
			return false;
	}
	return true;
}

static bool
line_valid(const char *line, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') ||
		    line[i] == 127)
			return false;
	return true;
}

static bool
has_body(const struct response *r, const char *method)
{
	return strcmp(method, "HEAD") != 0 && r->status != 204 &&
	    r->status != 304 && r->status != 101;
}

static bool
sized_body(struct client *c, struct response *r, uint64_t left)
{
	size_t n;

	while (left > 0) {
		if (c->in.n == 0 && !client_more(c))
			return false;
		n = c->in.n < left ? c->in.n : (size_t)left;
		take(c, r, n);
		left -= n;
	}
	return true;
}

static bool
chunked_body(struct client *c, struct response *r)
{
	uint64_t size = 0;
	long end;

	r->chunked = true;
	for (;;) {
		if (!chunk_line(c, &size))
			return false;
		if (size == 0)
			break;
		r->chunks++;
		if (!sized_body(c, r, size))
			return false;
		if (need_line(c, 0) != 0)
			return wrong(c, "no CRLF after a chunk");
		bytes_drop(&c->in, 2);
	}
	while ((end = need_line(c, 0)) > 0) {
		bytes_add(&r->trailers, c->in.p, (size_t)end + 2);
		bytes_drop(&c->in, (size_t)end + 2);
	}
	if (end < 0)
		return false;
	bytes_drop(&c->in, 2);
	return r->trailers.n == 0 ||
	    fields_valid(keep_printf("%s\r\n", r->trailers.p)) ||
	    wrong(c, "not a valid trailer");
}

/* A size in hex and nothing else: extensions are not passed on. */
static bool
chunk_line(struct client *c, uint64_t *size)
{
	long end = need_line(c, 0);

	if (end < 0)
		return false;
	if (end == 0 || end > 16 ||
	    strspn(c->in.p, "0123456789abcdefABCDEF") != (size_t)end)
		return wrong(c, "not a chunk size");
	*size = strtoull(c->in.p, NULL, 16);
	bytes_drop(&c->in, (size_t)end + 2);
	return true;
}

static bool
closed_body(struct client *c, struct response *r)
{
	r->until_close = true;
	do
		take(c, r, c->in.n);
	while (client_more(c));
	return c->eof;
}

static void
take(struct client *c, struct response *r, size_t n)
{
	uint64_t most = c->keep > 0 ? c->keep : KEEP_BODY;

	if (r->is_pattern && n > 0)
		r->is_pattern = pattern_is(c->in.p, n, r->body_n);
	if (r->body.n < most)
		bytes_add(&r->body, c->in.p,
		    n < most - r->body.n ? n : (size_t)(most - r->body.n));
	r->body_n += n;
	bytes_drop(&c->in, n);
}

static const char *
value_of(const struct bytes *head, const char *name, unsigned nth, size_t *n)
{
	size_t name_n = strlen(name);
	const char *line = strstr(head->p, "\r\n");

	for (; line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, name_n) != 0 ||
		    line[name_n] != ':' || nth-- > 0)
			continue;
		line += name_n + 1;
		line += strspn(line, " \t");
		*n = strcspn(line, "\r");
		return line;
	}
	return NULL;
}
