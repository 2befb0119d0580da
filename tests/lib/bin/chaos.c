/*
 * The server of the chaos test, a process of its own so that it can be killed
 * and stopped.  Each connection has a thread that reads with blocking calls,
 * checks every byte of what came, and answers; by chance it is slow, answers
 * 5xx, cuts its answer by FIN or RST, or closes a connection as it is used.
 * What it did to which request stands in the log at once, a line a write, so
 * that also the log of a killed process can be believed.
 *
 *	chaos PORT LOG [--calm]	calm: slow at times, nothing worse
 *
 * A line is "<id> <GET|POST> <what>"; `what' is
 *	seen	a whole head was read: from here on it counts as processed
 *	done	the whole answer was given to the kernel
 *	cut	the answer was cut on purpose
 *	closed	the connection was closed on purpose before the answer
 *	left	the client's side ended in the middle of the body
 *	wrong	what came is not what the client sent
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/bytes.h"
#include "tests/lib/chaos.h"
#include "tests/lib/wait.h"

enum { HEAD_MOST = 16384, PIECE = 16384 };

/* How many of a thousand requests each fault befalls. */
enum {
	RATE_SLOW = 40,
	RATE_SLOW_CALM = 300, /* so that a kill meets some that wait */
	RATE_PACED = 20,
	RATE_ERROR = 30,
	RATE_CUT = 30,
	RATE_CLOSED = 8,
	RATE_CLOSED_UNREAD = 10, /* of those on a used connection */
	RATE_IMPATIENT = 60, /* closes by itself when idle for a while */
	RATE_LAST = 20, /* says Connection: close */
};

struct server_conn {
	int fd;
	unsigned nth; /* request on it, from 0 */
	unsigned short random[3];
	struct bytes in;
	/* the request at work */
	unsigned id;
	bool post, chunked_answer;
	char framing; /* of its body: '0' none, 's' sized, 'c' chunked */
	uint64_t size, said; /* of its body: as it came, as X-Size says */
	uint64_t answer_size;
};

static int log_fd;
static bool calm;

static int listen_on(int port);
static void *serve(void *);
static bool chance(struct server_conn *, unsigned per_mille);
static unsigned between(struct server_conn *, unsigned least, unsigned most);
static void pause_ms(unsigned);
static bool next_request(struct server_conn *);
static bool is_waited_for(struct server_conn *);
static bool more(struct server_conn *);
static bool read_head(struct server_conn *);
static bool parse_head(struct server_conn *, const char *head);
static bool number_after(const char *text, const char *key, uint64_t *);
static bool read_body(struct server_conn *);
static bool read_piece(struct server_conn *, uint64_t n);
static bool read_chunks(struct server_conn *);
static long read_line(struct server_conn *);
static bool answer(struct server_conn *);
static bool send_head(struct server_conn *, int status, bool last);
static bool send_body(struct server_conn *, uint64_t upto, bool paced);
static bool send_all(struct server_conn *, const void *, size_t);
static void reset(struct server_conn *);
static void tell(const struct server_conn *, const char *what);

int
main(int argc, char *argv[])
{
	struct server_conn *c;
	pthread_attr_t detached;
	pthread_t thread;
	int listener, fd, on = 1;

	if (argc < 3 || argc > 4 ||
	    (argc == 4 && strcmp(argv[3], "--calm") != 0)) {
		fprintf(stderr, "usage: chaos PORT LOG [--calm]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	calm = argc == 4;
	log_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	listener = listen_on((int)strtol(argv[1], NULL, 10));
	if (log_fd == -1 || listener == -1) {
		fprintf(stderr, "chaos: %s\n", strerror(errno));
		return 1;
	}
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		c = keep(sizeof *c);
		c->fd = fd;
		if (pthread_create(&thread, &detached, serve, c) != 0)
			abort();
	}
}

/* SO_REUSEADDR: the test holds the port while this process is dead. */
static int
listen_on(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
	    bind(fd, (struct sockaddr *)&in, sizeof in) == -1 ||
	    listen(fd, 4096) == -1)
		return -1;
	return fd;
}

static void *
serve(void *arg)
{
	struct server_conn *c = arg;

	if (getrandom(c->random, sizeof c->random, 0) == -1)
		abort();
	while (next_request(c) && answer(c))
		c->nth++;
	if (c->fd != -1)
		close(c->fd);
	bytes_free(&c->in);
	keep_no_more(c);
	return NULL;
}

static bool
chance(struct server_conn *c, unsigned per_mille)
{
	return !calm && between(c, 0, 999) < per_mille;
}

static unsigned
between(struct server_conn *c, unsigned least, unsigned most)
{
	return least + (unsigned)nrand48(c->random) % (most - least + 1);
}

static void
pause_ms(unsigned ms)
{
	wait_till(wait_now() + ms);
}

/* ---- what comes ---- */

/* False when the connection is over. */
static bool
next_request(struct server_conn *c)
{
	if (!is_waited_for(c) || !read_head(c))
		return false;
	if (c->id == UINT32_MAX)
		return true;
	tell(c, "seen");
	if (chance(c, RATE_CLOSED)) {
		tell(c, "closed");
		return false;
	}
	if (!read_body(c)) {
		tell(c, "left");
		return false;
	}
	if (c->size != c->said) {
		tell(c, "wrong");
		return false;
	}
	return true;
}

/* Until the next request begins; or this side closes, as servers do. */
static bool
is_waited_for(struct server_conn *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };

	if (c->nth == 0 || c->in.n > 0)
		return true;
	if (chance(c, RATE_IMPATIENT))
		return poll(&pfd, 1, (int)between(c, 0, 100)) == 1;
	return poll(&pfd, 1, -1) == 1 && !chance(c, RATE_CLOSED_UNREAD);
}

static bool
more(struct server_conn *c)
{
	char piece[PIECE];
	ssize_t n = recv(c->fd, piece, sizeof piece, 0);

	if (n > 0)
		bytes_add(&c->in, piece, (size_t)n);
	return n > 0;
}

static bool
read_head(struct server_conn *c)
{
	bool ok;
	char *head;
	long end;

	while ((end = bytes_find(&c->in, 0, "\r\n\r\n")) < 0)
		if (c->in.n > HEAD_MOST || !more(c))
			return false;
	head = keep_text(c->in.p, (size_t)end + 4);
	bytes_drop(&c->in, (size_t)end + 4);
	ok = parse_head(c, head);
	keep_no_more(head);
	if (!ok)
		tell(c, "wrong");
	return ok;
}

/* Path and field must name the same request.  A probe has the id UINT32_MAX. */
static bool
parse_head(struct server_conn *c, const char *head)
{
	uint64_t path_id, id;

	c->id = UINT32_MAX;
	c->post = strncmp(head, "POST ", 5) == 0;
	c->answer_size = c->size = c->said = 0;
	c->framing = '0';
	c->chunked_answer = false;
	if (strncmp(head, "GET /healthz ", 13) == 0)
		return true;
	if (!number_after(head, " /c/", &path_id) ||
	    !number_after(head, "\r\nX-Id: ", &id) || id != path_id)
		return false;
	c->id = (unsigned)id;
	c->chunked_answer = strstr(head, "&f=chunked ") != NULL;
	if (strstr(head, "\r\nTransfer-Encoding: chunked\r\n") != NULL)
		c->framing = 'c';
	else if (number_after(head, "\r\nContent-Length: ", &c->size))
		c->framing = 's';
	return number_after(head, "?n=", &c->answer_size) &&
	    c->answer_size <= CHAOS_BODY_MOST &&
	    number_after(head, "\r\nX-Size: ", &c->said);
}

static bool
number_after(const char *text, const char *key, uint64_t *n)
{
	const char *at = strcasestr(text, key);
	char *end;

	if (at == NULL)
		return false;
	at += strlen(key);
	*n = strtoull(at, &end, 10);
	return end > at;
}

/* False when it did not come whole; a byte that is not the client's is told. */
static bool
read_body(struct server_conn *c)
{
	uint64_t size = c->size;

	c->size = 0;
	return c->framing == 'c' ? read_chunks(c) : read_piece(c, size);
}

static bool
read_piece(struct server_conn *c, uint64_t n)
{
	size_t now;

	for (; n > 0; n -= now) {
		if (c->in.n == 0 && !more(c))
			return false;
		now = c->in.n < n ? c->in.n : (size_t)n;
		if (!pattern_is(
			c->in.p, now, chaos_request_offset(c->id) + c->size))
			tell(c, "wrong");
		c->size += now;
		bytes_drop(&c->in, now);
	}
	return true;
}

static bool
read_chunks(struct server_conn *c)
{
	uint64_t size;
	long end;

	for (;;) {
		if ((end = read_line(c)) < 0)
			return false;
		size = strtoull(c->in.p, NULL, 16);
		bytes_drop(&c->in, (size_t)end + 2);
		if (size == 0)
			break;
		if (!read_piece(c, size) || (end = read_line(c)) < 0)
			return false;
		if (end != 0)
			tell(c, "wrong");
		bytes_drop(&c->in, (size_t)end + 2);
	}
	if ((end = read_line(c)) < 0)
		return false;
	bytes_drop(&c->in, (size_t)end + 2);
	return true;
}

/* Where the line at the front ends. */
static long
read_line(struct server_conn *c)
{
	long end;

	while ((end = bytes_find(&c->in, 0, "\r\n")) < 0)
		if (!more(c))
			return -1;
	return end;
}

/* ---- what goes ---- */

/* False when the connection is over. */
static bool
answer(struct server_conn *c)
{
	bool last = chance(c, RATE_LAST), cut = false;
	uint64_t upto;
	int status = 200;

	if (c->id != UINT32_MAX) {
		if (between(c, 0, 999) < (calm ? RATE_SLOW_CALM : RATE_SLOW))
			pause_ms(between(c, 20, calm ? 100 : 300));
		if (chance(c, RATE_ERROR))
			status = between(c, 0, 1) == 0 ? 500 : 503;
		cut = c->answer_size > 0 && chance(c, RATE_CUT);
	}
	upto =
	    cut ? between(c, 0, (unsigned)c->answer_size - 1) : c->answer_size;
	if (cut)
		tell(c, "cut");
	if (!send_head(c, status, last) ||
	    !send_body(c, upto, chance(c, RATE_PACED)))
		return false;
	if (cut && between(c, 0, 1) == 0)
		reset(c);
	if (cut)
		return false;
	if (c->chunked_answer && !send_all(c, "0\r\n\r\n", 5))
		return false;
	tell(c, "done");
	return !last;
}

static bool
send_head(struct server_conn *c, int status, bool last)
{
	char head[512], framing[64];
	int n;

	if (c->chunked_answer)
		snprintf(framing, sizeof framing, "Transfer-Encoding: chunked");
	else
		snprintf(framing, sizeof framing, "Content-Length: %ju",
		    (uintmax_t)c->answer_size);
	n = snprintf(head, sizeof head,
	    "HTTP/1.1 %d Chaos\r\n%s\r\nX-Id: %u\r\nX-Size: %ju\r\n%s\r\n",
	    status, framing, c->id, (uintmax_t)c->answer_size,
	    last ? "Connection: close\r\n" : "");
	return send_all(c, head, (size_t)n);
}

static bool
send_body(struct server_conn *c, uint64_t upto, bool paced)
{
	uint64_t at, offset = chaos_response_offset(c->id);
	char piece[CHAOS_PIECE_MOST];
	size_t n;

	for (at = 0; at < upto; at += CHAOS_PIECE) {
		if (paced)
			pause_ms(between(c, 5, 20));
		n = chaos_piece(
		    piece, c->chunked_answer, offset + at, upto - at);
		if (!send_all(c, piece, n))
			return false;
	}
	return true;
}

static bool
send_all(struct server_conn *c, const void *p, size_t n)
{
	size_t done = 0;
	ssize_t r;

	for (; done < n; done += (size_t)r) {
		r = send(c->fd, (const char *)p + done, n - done, MSG_NOSIGNAL);
		if (r <= 0)
			return false;
	}
	return true;
}

static void
reset(struct server_conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(c->fd);
	c->fd = -1;
}

static void
tell(const struct server_conn *c, const char *what)
{
	char line[64];
	int n;

	if (c->id == UINT32_MAX && strcmp(what, "wrong") != 0)
		return;
	n = snprintf(line, sizeof line, "%u %s %s\n", c->id,
	    c->post ? "POST" : "GET", what);
	if (write(log_fd, line, (size_t)n) != n)
		abort();
}
