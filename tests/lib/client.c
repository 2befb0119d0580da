/*
 * The raw client's connection: connect, send and receive, each by a deadline,
 * plain or through TLS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/client.h"
#include "tests/lib/wait.h"

enum { CALL_MS = 10000, PIECE = 65536 };

static bool connect_to(struct client *, const void *sa, socklen_t);
static bool fail(struct client *, const char *what, const char *why);
static int64_t call_deadline(const struct client *);
static bool wait_ready(struct client *, short events, int64_t deadline);
static ssize_t write_now(struct client *, const void *, size_t, short *);
static ssize_t read_now(struct client *, void *, size_t, short *);
static ssize_t tls_result(struct client *, int r, short *);

bool
client_connect(struct client *c, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect_to(c, &in, sizeof in);
}

bool
client_connect6(struct client *c, int port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	return connect_to(c, &in6, sizeof in6);
}

bool
client_connect_unix(struct client *c, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	return connect_to(c, &un, sizeof un);
}

bool
client_connect_tls(struct client *c, int port, const struct tls_wish *wish)
{
	return client_connect(c, port) && client_tls(c, wish);
}

bool
client_tls(struct client *c, const struct tls_wish *w)
{
	unsigned char alpn[64];
	int64_t deadline = call_deadline(c);
	short wait = 0;
	int r;

	c->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(c->ctx, w->min);
	SSL_CTX_set_max_proto_version(c->ctx, w->max);
	if (w->ca != NULL) {
		SSL_CTX_load_verify_locations(c->ctx, w->ca, NULL);
		SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	}
	if (w->ciphers != NULL)
		SSL_CTX_set_cipher_list(c->ctx, w->ciphers);
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	if (w->sni != NULL) {
		SSL_set_tlsext_host_name(c->ssl, keep_printf("%s", w->sni));
		SSL_set1_host(c->ssl, w->sni);
	}
	if (w->alpn != NULL) {
		alpn[0] = (unsigned char)strlen(w->alpn);
		memcpy(alpn + 1, w->alpn, alpn[0]);
		SSL_set_alpn_protos(c->ssl, alpn, alpn[0] + 1u);
	}
	if (w->session != NULL)
		SSL_set_session(c->ssl, w->session);
	while ((r = SSL_connect(c->ssl)) != 1) {
		if (tls_result(c, r, &wait) == -1 && errno != EAGAIN)
			return false;
		if (!wait_ready(c, wait, deadline))
			return false;
	}
	return true;
}

void
client_close(struct client *c)
{
	if (c->ssl != NULL)
		(void)SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	c->ssl = NULL;
	c->ctx = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	bytes_free(&c->in);
}

void
client_abort(struct client *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	if (c->ssl != NULL)
		SSL_set_quiet_shutdown(c->ssl, 1);
	client_close(c);
}

void
client_half_close(struct client *c)
{
	if (c->ssl != NULL)
		(void)SSL_shutdown(c->ssl);
	shutdown(c->fd, SHUT_WR);
}

bool
client_send(struct client *c, const void *p, size_t n)
{
	int64_t deadline = call_deadline(c);
	size_t done = 0;
	ssize_t r;
	short wait;

	while (done < n) {
		r = write_now(c, (const char *)p + done, n - done, &wait);
		if (r >= 0)
			done += (size_t)r;
		else if (errno != EAGAIN)
			return fail(c, "send", strerror(errno));
		else if (!wait_ready(c, wait, deadline))
			return false;
	}
	return true;
}

bool
client_print(struct client *c, const char *fmt, ...)
{
	va_list ap;
	char *text;
	bool ok;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	ok = n >= 0 && client_send(c, text, (size_t)n);
	free(text);
	return ok;
}

bool
client_send_pattern(struct client *c, uint64_t n)
{
	char piece[PIECE];
	uint64_t at;
	size_t now;

	for (at = 0; at < n; at += now) {
		now = n - at < sizeof piece ? (size_t)(n - at) : sizeof piece;
		pattern_fill(piece, now, at);
		if (!client_send(c, piece, now))
			return false;
	}
	return true;
}

size_t
client_send_some(struct client *c, const void *p, size_t n, int ms)
{
	int64_t deadline = wait_deadline(ms);
	size_t done = 0;
	ssize_t r;
	short wait;

	while (done < n) {
		r = write_now(c, (const char *)p + done, n - done, &wait);
		if (r >= 0)
			done += (size_t)r;
		else if (errno != EAGAIN || !wait_ready(c, wait, deadline))
			break;
	}
	return done;
}

bool
client_more(struct client *c)
{
	int64_t deadline = call_deadline(c);
	char piece[PIECE];
	ssize_t n;
	short wait;

	while ((n = read_now(c, piece, sizeof piece, &wait)) == -1) {
		if (errno != EAGAIN) {
			c->reset = errno == ECONNRESET;
			return fail(c, "receive", strerror(errno));
		}
		if (!wait_ready(c, wait, deadline))
			return false;
	}
	if (n == 0) {
		c->eof = true;
		return fail(c, "receive", "the peer closed");
	}
	bytes_add(&c->in, piece, (size_t)n);
	return true;
}

bool
client_ended(struct client *c)
{
	if (c->in.n == 0 && !c->eof && !c->reset && client_more(c))
		return fail(c, "bytes after the end", c->in.p);
	return c->in.n == 0 && (c->eof || c->reset);
}

static bool
connect_to(struct client *c, const void *sa, socklen_t n)
{
	const struct sockaddr *to = sa;
	int error = 0, on = 1, family = to->sa_family;
	socklen_t error_n = sizeof error;

	*c = (struct client){ .ms = c->ms,
		.keep = c->keep,
		.receive_buffer = c->receive_buffer };
	c->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		return fail(c, "socket", strerror(errno));
	if (c->receive_buffer > 0)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &c->receive_buffer,
		    sizeof c->receive_buffer);
	if (family != AF_UNIX)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(c->fd, to, n) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(c, "connect", strerror(errno));
	if (!wait_ready(c, POLLOUT, call_deadline(c)))
		return false;
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &error_n);
	return error == 0 || fail(c, "connect", strerror(error));
}

static bool
fail(struct client *c, const char *what, const char *why)
{
	keep_no_more(c->why);
	c->why = keep_printf("%s: %.200s", what, why);
	return false;
}

static int64_t
call_deadline(const struct client *c)
{
	return wait_deadline(c->ms > 0 ? c->ms : CALL_MS);
}

static bool
wait_ready(struct client *c, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };
	int n;

	do
		n = poll(&pfd, 1, wait_left(deadline));
	while (n == -1 && errno == EINTR);
	return n == 1 || fail(c, "wait", "nothing happened in time");
}

/* As send(2); with EAGAIN `wait' is what to poll for. */
static ssize_t
write_now(struct client *c, const void *p, size_t n, short *wait)
{
	*wait = POLLOUT;
	if (c->ssl == NULL)
		return send(c->fd, p, n, MSG_NOSIGNAL);
	return tls_result(
	    c, SSL_write(c->ssl, p, n > PIECE ? PIECE : (int)n), wait);
}

static ssize_t
read_now(struct client *c, void *p, size_t n, short *wait)
{
	*wait = POLLIN;
	if (c->ssl == NULL)
		return recv(c->fd, p, n, 0);
	return tls_result(c, SSL_read(c->ssl, p, (int)n), wait);
}

/* OpenSSL's result as that of a system call. */
static ssize_t
tls_result(struct client *c, int r, short *wait)
{
	unsigned long error;

	if (r > 0)
		return r;
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		*wait = POLLIN;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*wait = POLLOUT;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		if (errno == EAGAIN || errno == 0)
			errno = EPIPE;
		return -1;
	default:
		error = ERR_get_error();
		fail(c, "TLS", ERR_error_string(error, NULL));
		ERR_clear_error();
		errno = EPROTO;
		return -1;
	}
}
