/*
 * A client that reads just enough of an answer to know where it ends: by its
 * Content-Length, as everything here has one.  Anything else is broken.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tests/bench/lib/call.h"

enum { READ_BYTES = 256 * 1024, HEAD_MOST = 16384, STATUS_AT = 9 };

static bool open_one(struct call *);
static enum call_news ask(struct call *);
static enum call_news hear(struct call *);
static enum call_news take(struct call *, const char *, size_t);
static enum call_news take_head(struct call *, const char **, size_t *);
static bool read_head(struct call *, const char *, size_t);
static bool read_field(struct call *, const char *line, size_t n);
static enum call_news finish(struct call *);
static enum call_news lose(struct call *);
static int on_ticket(SSL *, SSL_SESSION *);

SSL_CTX *
call_tls(void)
{
	SSL_CTX *tls = wire_client_tls();

	SSL_CTX_sess_set_new_cb(tls, on_ticket);
	return tls;
}

enum call_news
call_begin(struct call *c, const struct bytes *request)
{
	c->request = request;
	c->is_asking = true;
	c->sent = 0;
	c->in_body = c->must_close = false;
	c->heard = 0;
	c->head.n = 0;
	if (c->wire.fd == -1 && !open_one(c))
		return lose(c);
	return ask(c);
}

enum call_news
call_go_on(struct call *c)
{
	char byte;

	if (c->wire.fd == -1)
		return CALL_WAITS;
	if (!c->is_asking) {
		if (wire_read(&c->wire, &byte, 1) != WIRE_WAITS)
			call_hang_up(c);
		return CALL_WAITS;
	}
	if (c->sent < c->request->n)
		return ask(c);
	return hear(c);
}

void
call_hang_up(struct call *c)
{
	wire_close(&c->wire);
	c->is_asking = false;
}

static bool
open_one(struct call *c)
{
	struct caller *by = c->caller;

	c->used = false;
	by->opened++;
	if (!wire_connect(&c->wire, by->port, by->tls, c->session))
		return false;
	if (by->tls != NULL)
		SSL_set_app_data(c->wire.ssl, c);
	wire_watch(by->epoll, c->wire.fd, c, true);
	return true;
}

/* What was not taken is sent when the connection has room for it. */
static enum call_news
ask(struct call *c)
{
	ssize_t n;

	while (c->sent < c->request->n) {
		n = wire_write(
		    &c->wire, c->request->p + c->sent, c->request->n - c->sent);
		if (n == WIRE_WAITS)
			return CALL_WAITS;
		if (n < 0)
			return lose(c);
		c->sent += (size_t)n;
	}
	return CALL_WAITS;
}

static enum call_news
hear(struct call *c)
{
	static char in[READ_BYTES];
	enum call_news news;
	ssize_t n;

	do {
		n = wire_read(&c->wire, in, sizeof(in));
		if (n == WIRE_WAITS)
			return CALL_WAITS;
		if (n <= 0)
			return lose(c);
		c->heard += (uint64_t)n;
		news = take(c, in, (size_t)n);
	} while (news == CALL_WAITS &&
	    (c->wire.ssl != NULL || (size_t)n == sizeof(in)));
	return news;
}

static enum call_news
take(struct call *c, const char *p, size_t n)
{
	if (!c->in_body) {
		enum call_news news = take_head(c, &p, &n);

		if (!c->in_body)
			return news;
	}
	if (n > c->left) {
		call_hang_up(c);
		return CALL_BROKEN;
	}
	c->left -= n;
	return c->left == 0 ? finish(c) : CALL_WAITS;
}

static enum call_news
take_head(struct call *c, const char **p, size_t *n)
{
	const char *head = *p, *end;
	size_t before = c->head.n, have = *n, length;

	if (before > 0) {
		bytes_add(&c->head, *p, *n);
		head = c->head.p;
		have = c->head.n;
	}
	end = memmem(head, have, "\r\n\r\n", 4);
	if (end == NULL && have < HEAD_MOST) {
		if (before == 0)
			bytes_add(&c->head, *p, *n);
		return CALL_WAITS;
	}
	if (end == NULL || !read_head(c, head, (size_t)(end + 2 - head))) {
		call_hang_up(c);
		return CALL_BROKEN;
	}
	length = (size_t)(end + 4 - head);
	*p += length - before;
	*n -= length - before;
	c->in_body = true;
	return CALL_WAITS;
}

/* The bytes end with the last field's CRLF. */
static bool
read_head(struct call *c, const char *p, size_t n)
{
	const char *end = p + n, *line_end;
	bool has_length = false;

	c->status = n > STATUS_AT ? (int)strtol(p + STATUS_AT, NULL, 10) : 0;
	c->left = 0;
	for (; p < end; p = line_end + 1) {
		line_end = memchr(p, '\n', (size_t)(end - p));
		has_length |= read_field(c, p, (size_t)(line_end - p));
	}
	return has_length || c->status == 204;
}

/* Whether it is the length. */
static bool
read_field(struct call *c, const char *line, size_t n)
{
	static const char length[] = "content-length:",
			  close[] = "connection: close";

	if ((*line | 0x20) != 'c')
		return false;
	if (n >= sizeof(close) - 1 &&
	    strncasecmp(line, close, sizeof(close) - 1) == 0)
		c->must_close = true;
	if (n < sizeof(length) - 1 ||
	    strncasecmp(line, length, sizeof(length) - 1) != 0)
		return false;
	c->left = strtoull(line + sizeof(length) - 1, NULL, 10);
	return true;
}

static enum call_news
finish(struct call *c)
{
	c->is_asking = false;
	c->used = true;
	if (c->wire.ssl != NULL && c->caller->fresh)
		c->caller->resumed += (uint64_t)SSL_session_reused(c->wire.ssl);
	if (c->caller->fresh || c->must_close)
		wire_close(&c->wire);
	return CALL_DONE;
}

static enum call_news
lose(struct call *c)
{
	bool innocent = c->used && c->heard == 0;

	call_hang_up(c);
	return innocent ? CALL_LOST : CALL_BROKEN;
}

/* The session is kept by whoever says 1. */
static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct call *c = SSL_get_app_data(ssl);

	c->caller->tickets++;
	if (!c->caller->resume)
		return 0;
	SSL_SESSION_free(c->session);
	c->session = session;
	return 1;
}
