/*
 * Many connections from one process that all behave in one way, for the
 * scripts in tests/soak.
 *
 *	hold PORT N idle|head|body|stuck|unread [--tls]
 *
 *	idle	asked once, heard the answer and stay
 *	head	send a head of 32 KB, then a byte a second, and never its end
 *	body	send as much of a long body as is taken, then a byte a second
 *	stuck	the same to /stuck
 *	unread	ask for /much and take nothing of the answer
 *
 * Says "ready" when all are there.  From then on until SIGTERM it opens anew,
 * each second, what the other side has ended, but for idle ones; and then says
 * how many those were.
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

enum { HEAD_BYTES = 32000, BODY_BYTES = 8 * 1024 * 1024, ANSWER_MOST = 16384 };
enum { CALL_S = 10, SMALL_WINDOW = 4096 };

enum way { IDLE, HEAD, BODY, STUCK, UNREAD, WAYS };
static const char *const way_names[WAYS] = { "idle", "head", "body", "stuck",
	"unread" };

struct held {
	int fd;
	SSL *ssl; /* NULL: plain */
};

static int port;
static enum way way;
static SSL_CTX *tls; /* NULL: plain */
static char *said; /* what each connection begins with */
static size_t said_n;

static bool read_arguments(int, char *[], unsigned *n);
static enum way way_of(const char *);
static void compose(void);
static bool hold(struct held *, unsigned n);
static bool open_one(struct held *);
static bool open_socket(struct held *);
static bool shake(struct held *);
static bool hear(struct held *);
static bool is_whole(const char *answer, size_t n);
static bool put(struct held *, const char *, size_t);
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
		    "usage: hold PORT N idle|head|body|stuck|unread [--tls]\n");
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
		SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE);
	}
	return port > 0 && *n > 0 && way < WAYS;
}

static enum way
way_of(const char *name)
{
	enum way w = 0;

	while (w < WAYS && strcmp(name, way_names[w]) != 0)
		w++;
	return w;
}

static void
compose(void)
{
	static const char *const heads[WAYS] = {
		[IDLE] = "GET / HTTP/1.1\r\nHost: t\r\n\r\n",
		[HEAD] = "GET / HTTP/1.1\r\nHost: t\r\nX: ",
		[BODY] = "POST / HTTP/1.1\r\nHost: t\r\n"
			 "Content-Length: 1000000000\r\n\r\n",
		[STUCK] = "POST /stuck HTTP/1.1\r\nHost: t\r\n"
			  "Content-Length: 1000000000\r\n\r\n",
		[UNREAD] = "GET /much HTTP/1.1\r\nHost: t\r\n\r\n",
	};
	static const size_t sizes[WAYS] = {
		[HEAD] = HEAD_BYTES, [BODY] = BODY_BYTES, [STUCK] = BODY_BYTES
	};
	size_t n = strlen(heads[way]);

	said_n = sizes[way] > n ? sizes[way] : n;
	said = keep(said_n);
	memset(said, 'a', said_n);
	memcpy(said, heads[way], n);
}

static bool
hold(struct held *all, unsigned n)
{
	unsigned i, ended = 0;
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
	printf("ready\n");
	fflush(stdout);
	while (!is_told_to_end(&end))
		for (i = 0; i < n && way != IDLE; i++) {
			trickle(&all[i]);
			if (!has_ended(&all[i]))
				continue;
			close_one(&all[i]);
			(void)open_one(&all[i]);
			ended++;
		}
	for (i = 0; i < n && way == IDLE; i++)
		ended += has_ended(&all[i]);
	printf("%u ended by the other side\n", ended);
	return true;
}

static bool
open_one(struct held *c)
{
	if (!open_socket(c) || (tls != NULL && !shake(c)))
		return false;
	if (way == IDLE)
		return put(c, said, said_n) && hear(c);
	fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
	(void)put(c, said, said_n);
	return true;
}

static bool
open_socket(struct held *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval most = { .tv_sec = CALL_S };
	int small = SMALL_WINDOW;

	*c = (struct held){ .fd = socket(
				AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (c->fd == -1)
		return false;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	if (way == UNREAD)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
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

/* A byte now and then, which is to earn nothing. */
static void
trickle(struct held *c)
{
	if (way != UNREAD)
		(void)put(c, "a", 1);
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

/* Waits a second for it. */
static bool
is_told_to_end(const sigset_t *by)
{
	struct timespec most = { .tv_sec = 1 };

	return sigtimedwait(by, NULL, &most) != -1;
}
