/*
 * Many connections from one process that all behave in one way, for the
 * scripts in tests/soak.
 *
 *	hold PORT N idle|shake|head|body|stuck|unread|sip|greedy [--tls]
 *
 *	idle	asked once, heard the answer and stay
 *	shake	begin a TLS handshake, then send a byte a second
 *	head	send a head of 32 KB, then a byte a second, and never its end
 *	body	send a body by a byte a second
 *	stuck	send to /stuck as much of a body as is taken, bit by bit
 *	unread	ask for /much and take nothing of the answer
 *	sip	ask for it, and take a byte a second
 *	greedy	a large head, and all that stuck and unread do, at /greedy
 *
 * Says "ready" when all have.  From then on until SIGTERM it looks after each
 * once a second, a few at a time as if they were many clients: what the other
 * side has ended it opens anew, but for idle ones; and then says how many those
 * were.  With --tls it is TLS 1.3.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/bytes.h"
#include "tests/lib/wait.h"

enum {
	HEAD_BYTES = 32000,
	FIELDS = 90, /* so many make a head large */
	PIECE = 8192, /* of what is poured: half of a block */
	PATIENCE_MS = 1000,
	ANSWER_MOST = 16384,
	SMALL_BUFFER = 4096, /* where the kernel is to hold little for us */
	TURNS = 50, /* in a second */
	CALL_S = 10
};

struct way {
	const char *name, *begin;
	bool is_large; /* the head, that is */
	bool is_endless; /* it, too */
	bool has_body;
	bool pours; /* the body */
	bool sips; /* of the answer */
};
#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n"
#define POST(path) \
	"POST " path " HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000000\r\n"
static const struct way ways[] = {
	{ .name = "idle", .begin = GET("/") },
	{ .name = "shake", .begin = "\x16\x03\x01\x02", .is_endless = 1 },
	{ .name = "head", .begin = GET("/"), .is_large = 1, .is_endless = 1 },
	{ .name = "body", .begin = POST("/body"), .has_body = 1 },
	{ .name = "stuck", .begin = POST("/stuck"), .has_body = 1, .pours = 1 },
	{ .name = "unread", .begin = GET("/much") },
	{ .name = "sip", .begin = GET("/much"), .sips = 1 },
	{ .name = "greedy",
	    .begin = POST("/greedy"),
	    .is_large = 1,
	    .has_body = 1,
	    .pours = 1 },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

struct held {
	int fd;
	SSL *ssl; /* NULL: plain */
};

static int port;
static const struct way *way;
static SSL_CTX *tls; /* NULL: plain */
static struct bytes said; /* what each connection begins with */

static bool read_arguments(int, char *[], unsigned *n);
static const struct way *way_of(const char *);
static bool is_idle(void);
static void compose(void);
static bool hold(struct held *, unsigned n);
static bool open_one(struct held *);
static bool open_socket(struct held *);
static bool shake(struct held *);
static bool hear(struct held *);
static bool is_whole(const char *answer, size_t n);
static bool put(struct held *, const char *, size_t);
static void pour(struct held *, unsigned n);
static void trickle(struct held *);
static bool has_ended(const struct held *);
static void close_one(struct held *);
static bool is_told_to_end(const sigset_t *);

int
main(int argc, char *argv[])
{
	struct held *all;
	unsigned n;

	signal(SIGPIPE, SIG_IGN);
	if (!read_arguments(argc, argv, &n)) {
		fprintf(stderr,
		    "usage: hold PORT N idle|shake|head|body|stuck|unread|"
		    "sip|greedy [--tls]\n");
		return 2;
	}
	compose();
	all = keep(n * sizeof(*all));
	return hold(all, n) ? 0 : 1;
}

static bool
read_arguments(int argc, char *argv[], unsigned *n)
{
	bool with_tls = argc == 5 && strcmp(argv[4], "--tls") == 0;

	if (argc != (with_tls ? 5 : 4))
		return false;
	port = (int)strtol(argv[1], NULL, 10);
	*n = (unsigned)strtol(argv[2], NULL, 10);
	way = way_of(argv[3]);
	if (with_tls) {
		tls = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
		SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE);
	}
	return port > 0 && *n > 0 && way != NULL;
}

static const struct way *
way_of(const char *name)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (strcmp(name, ways[i].name) == 0)
			return &ways[i];
	return NULL;
}

static bool
is_idle(void)
{
	return way == &ways[0];
}

static void
compose(void)
{
	static char value[HEAD_BYTES / FIELDS];

	memset(value, 'a', sizeof(value));
	bytes_printf(&said, "%s", way->begin);
	for (unsigned i = 10; way->is_large && i < 10 + FIELDS; i++)
		bytes_printf(
		    &said, "X-%u: %.*s\r\n", i, (int)sizeof(value) - 8, value);
	if (!way->is_endless)
		bytes_printf(&said, "\r\n");
}

static bool
hold(struct held *all, unsigned n)
{
	unsigned i, turn = 0, ended = 0;
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	for (i = 0; i < n; i++)
		if (!open_one(&all[i])) {
			fprintf(stderr, "hold: connection %u: %s\n", i,
			    strerror(errno));
			return false;
		}
	sigprocmask(SIG_BLOCK, &end, NULL);
	pour(all, n);
	printf("ready\n");
	fflush(stdout);
	while (!is_told_to_end(&end))
		for (i = turn++ % TURNS; i < n && !is_idle(); i += TURNS) {
			trickle(&all[i]);
			if (!has_ended(&all[i]))
				continue;
			close_one(&all[i]);
			(void)open_one(&all[i]);
			ended++;
		}
	for (i = 0; i < n && is_idle(); i++)
		ended += has_ended(&all[i]);
	printf("%u ended by the other side\n", ended);
	return true;
}

static bool
open_one(struct held *c)
{
	if (!open_socket(c) || (tls != NULL && !shake(c)))
		return false;
	if (!put(c, said.p, said.n))
		return false;
	if (is_idle())
		return hear(c);
	fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
	return true;
}

static bool
open_socket(struct held *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval most = { .tv_sec = CALL_S };
	int small = SMALL_BUFFER;

	*c = (struct held){ 0 };
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return false;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	if (!is_idle()) {
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	}
	return connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static bool
shake(struct held *c)
{
	c->ssl = SSL_new(tls);
	SSL_set_fd(c->ssl, c->fd);
	return SSL_connect(c->ssl) == 1;
}

/* A short answer with a length. */
static bool
hear(struct held *c)
{
	char in[ANSWER_MOST];
	size_t have = 0;

	while (have < sizeof(in) - 1) {
		int room = (int)(sizeof(in) - 1 - have);
		int n = c->ssl != NULL
		    ? SSL_read(c->ssl, in + have, room)
		    : (int)recv(c->fd, in + have, (size_t)room, 0);

		if (n <= 0)
			return false;
		have += (size_t)n;
		in[have] = '\0';
		if (is_whole(in, have))
			return strncmp(in, "HTTP/1.1 200", 12) == 0;
	}
	return false;
}

static bool
is_whole(const char *answer, size_t n)
{
	static const char name[] = "\r\nContent-Length:";
	const char *end = strstr(answer, "\r\n\r\n");
	const char *length = strcasestr(answer, name);

	return end != NULL && length != NULL &&
	    n >= (size_t)(end + 4 - answer) +
		strtoul(length + sizeof(name) - 1, NULL, 10);
}

/* Whether all of it was taken. */
static bool
put(struct held *c, const char *bytes, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t took = c->ssl != NULL
		    ? SSL_write(c->ssl, bytes + at, (int)(n - at))
		    : send(c->fd, bytes + at, n - at, 0);

		if (took <= 0)
			return false;
		at += (size_t)took;
	}
	return true;
}

/*
 * A piece to each in turn, so that they are read one by one, until for a second
 * nobody took any more.
 */
static void
pour(struct held *all, unsigned n)
{
	static char piece[PIECE];
	int64_t end = wait_now() + PATIENCE_MS;

	memset(piece, 'a', sizeof(piece));
	while (way->pours && wait_now() < end) {
		for (unsigned i = 0; i < n; i++)
			if (put(&all[i], piece, sizeof(piece)))
				end = wait_now() + PATIENCE_MS;
		ERR_clear_error();
		wait_breathe();
	}
}

/* A byte now and then, which is to earn nothing. */
static void
trickle(struct held *c)
{
	char byte = 'a';

	if (way->is_endless || way->has_body)
		(void)put(c, &byte, 1);
	else if (way->sips && c->ssl != NULL)
		(void)SSL_read(c->ssl, &byte, 1);
	else if (way->sips)
		(void)!recv(c->fd, &byte, 1, 0);
	ERR_clear_error();
}

static bool
has_ended(const struct held *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return c->fd == -1 ||
	    (poll(&p, 1, 0) == 1 &&
		(p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

static void
close_one(struct held *c)
{
	SSL_free(c->ssl);
	if (c->fd != -1)
		close(c->fd);
	*c = (struct held){ .fd = -1 };
}

/* Waits a turn for it. */
static bool
is_told_to_end(const sigset_t *by)
{
	struct timespec most = { .tv_nsec = 1000000000 / TURNS };

	return sigtimedwait(by, NULL, &most) != -1;
}
