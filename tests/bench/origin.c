/*
 * The benchmark's origin: as little work for a request as a server can do, so
 * that the core it shares with the load is not the limit.
 *
 *	origin COUNT
 *
 * Listens on so many free ports of the loopback and says them in one line.
 * GET /b/N answers N bytes that were composed before; every other request is
 * heard to its end and answered with "ok".  No connection is closed, whatever
 * the request wants: the relay passes `Connection: close' on as it came.  One
 * thread, edge-triggered.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "tests/bench/lib/wire.h"
#include "tests/lib/bytes.h"

enum { EVENTS = 512, READ_BYTES = 256 * 1024, HEAD_MOST = 16384, PAGES = 16 };
#define BODY_MOST (64l << 20)

struct page {
	long size;
	struct bytes bytes;
};

struct conn {
	struct wire wire;
	bool listens;
	uint64_t body_left; /* of the request */
	char *head; /* the beginning of one that came in pieces */
	size_t head_n;
	const struct bytes *out; /* what is being said; NULL: nothing */
	size_t out_at;
};

static int epoll;
static struct page pages[PAGES];
static unsigned npages;

static void listen_everywhere(unsigned count);
static void accept_all(struct conn *listener);
static void happen(struct conn *, uint32_t events);
static void end(struct conn *);
static bool hear(struct conn *, bool to_the_end);
static bool take(struct conn *, const char *, size_t);
static bool take_head(struct conn *, const char **, size_t *);
static bool answer(struct conn *, const char *head, size_t n);
static uint64_t content_length(const char *head, size_t n);
static bool say(struct conn *, long size);
static bool say_on(struct conn *);
static const struct bytes *page_of(long size);

int
main(int argc, char *argv[])
{
	struct epoll_event events[EVENTS];
	long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	int i, n;

	if (count < 1 || count > 10000) {
		fprintf(stderr, "usage: origin COUNT\n");
		return 2;
	}
	epoll = wire_start();
	listen_everywhere((unsigned)count);
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++)
			happen(events[i].data.ptr, events[i].events);
	}
}

static void
listen_everywhere(unsigned count)
{
	struct conn *all = keep(count * sizeof(*all));
	unsigned i;
	int port;

	for (i = 0; i < count; i++) {
		port = 0;
		all[i].listens = true;
		all[i].wire.fd = wire_listen(&port);
		wire_watch(epoll, all[i].wire.fd, &all[i], false);
		printf("%d%c", port, i + 1 < count ? ' ' : '\n');
	}
	fflush(stdout);
}

static void
happen(struct conn *c, uint32_t events)
{
	bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (c->listens)
		accept_all(c);
	else if (!say_on(c) || !hear(c, ended))
		end(c);
}

static void
accept_all(struct conn *listener)
{
	struct wire w;

	while (wire_accept(&w, listener->wire.fd, NULL)) {
		struct conn *c = calloc(1, sizeof(*c));

		if (c == NULL)
			abort();
		c->wire = w;
		wire_watch(epoll, w.fd, c, true);
	}
}

static void
end(struct conn *c)
{
	wire_close(&c->wire);
	free(c->head);
	free(c);
}

/* False when it is over. */
static bool
hear(struct conn *c, bool to_the_end)
{
	static char in[READ_BYTES];
	ssize_t n;

	do {
		n = wire_read(&c->wire, in, sizeof(in));
		if (n == WIRE_WAITS)
			return true;
		if (n <= 0 || !take(c, in, (size_t)n))
			return false;
	} while (to_the_end || (size_t)n == sizeof(in));
	return true;
}

static bool
take(struct conn *c, const char *p, size_t n)
{
	size_t part;

	while (n > 0) {
		if (c->body_left == 0) {
			if (!take_head(c, &p, &n))
				return false;
			continue;
		}
		part = n < c->body_left ? n : (size_t)c->body_left;
		p += part;
		n -= part;
		c->body_left -= part;
		if (c->body_left == 0 && !say(c, -1))
			return false;
	}
	return true;
}

static bool
take_head(struct conn *c, const char **p, size_t *n)
{
	size_t before = c->head_n, have = before + *n, length;
	const char *head = *p, *end;

	if (have > HEAD_MOST)
		have = HEAD_MOST;
	if (before > 0) {
		memcpy(c->head + before, *p, have - before);
		head = c->head;
	}
	end = memmem(head, have, "\r\n\r\n", 4);
	if (end == NULL) {
		if (have == HEAD_MOST)
			return false;
		if (c->head == NULL && (c->head = malloc(HEAD_MOST)) == NULL)
			abort();
		if (before == 0)
			memcpy(c->head, *p, have);
		c->head_n = have;
		*n = 0;
		return true;
	}
	length = (size_t)(end + 4 - head);
	c->head_n = 0;
	*p += length - before;
	*n -= length - before;
	return answer(c, head, length);
}

static bool
answer(struct conn *c, const char *head, size_t n)
{
	if (n > 7 && memcmp(head, "GET /b/", 7) == 0)
		return say(c, strtol(head + 7, NULL, 10));
	c->body_left = content_length(head, n);
	return c->body_left > 0 || say(c, -1);
}

static uint64_t
content_length(const char *head, size_t n)
{
	static const char name[] = "\ncontent-length:";
	const size_t name_n = sizeof(name) - 1;
	const char *at = head, *end = head + n;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL &&
	    (size_t)(end - at) > name_n) {
		if (strncasecmp(at, name, name_n) == 0)
			return strtoull(at + name_n, NULL, 10);
		at++;
	}
	return 0;
}

/* Nobody asks for the next thing before he has heard this one. */
static bool
say(struct conn *c, long size)
{
	if (c->out != NULL)
		return false;
	c->out = page_of(size);
	c->out_at = 0;
	return c->out != NULL && say_on(c);
}

static bool
say_on(struct conn *c)
{
	ssize_t n;

	while (c->out != NULL) {
		n = wire_write(
		    &c->wire, c->out->p + c->out_at, c->out->n - c->out_at);
		if (n < 0)
			return n == WIRE_WAITS;
		c->out_at += (size_t)n;
		if (c->out_at == c->out->n)
			c->out = NULL;
	}
	return true;
}

/* Of that many bytes; -1 is the one that says "ok". */
static const struct bytes *
page_of(long size)
{
	struct page *page = pages;
	long i;

	while (page < pages + npages && page->size != size)
		page++;
	if (page < pages + npages)
		return &page->bytes;
	if (npages == PAGES || size > BODY_MOST)
		return NULL;
	npages++;
	page->size = size;
	bytes_printf(&page->bytes,
	    "HTTP/1.1 200 OK\r\n"
	    "Server: origin\r\n"
	    "Date: Sat, 22 Aug 2026 10:00:00 GMT\r\n"
	    "Content-Type: text/plain\r\n"
	    "Cache-Control: no-store\r\n"
	    "Content-Length: %ld\r\n\r\n%s",
	    size < 0 ? 3 : size, size < 0 ? "ok\n" : "");
	for (i = 0; i < size; i++)
		bytes_add(&page->bytes, &"0123456789abcdef"[i & 15], 1);
	return &page->bytes;
}
