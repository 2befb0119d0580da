/*
 * Sockets and OpenSSL for load, origin and relay.  What is chosen here is what
 * PERFORMANCE asks of anybody who wants to be near the limit: no delay, buffers
 * read ahead and released, no word at the end of a TLS connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lib/wire.h"

enum { BACKLOG = 4096 };

static struct sockaddr_in loopback(int port);
static void send_at_once(int fd);
static bool begin_tls(struct wire *, SSL_CTX *);
static ssize_t tls_said(struct wire *, int said);
static SSL_CTX *new_tls(const SSL_METHOD *);
static void give_up(const char *what) __attribute__((noreturn));

int
wire_start(void)
{
	struct rlimit most;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll == -1)
		give_up("epoll_create1");
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &most);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	return epoll;
}

int
wire_listen(int *port)
{
	struct sockaddr_in at = loopback(*port);
	socklen_t n = sizeof(at);
	int one = 1, fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		give_up("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(fd, BACKLOG) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) == -1)
		give_up("listen");
	*port = ntohs(at.sin_port);
	return fd;
}

void
wire_watch(int epoll, int fd, void *whose, bool edge)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = whose };

	if (edge)
		e.events |= EPOLLOUT | EPOLLRDHUP | EPOLLET;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == -1)
		give_up("epoll_ctl");
}

bool
wire_accept(struct wire *w, int listener, SSL_CTX *tls)
{
	*w =
	    (struct wire){ .fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK) };
	if (w->fd == -1)
		return false;
	send_at_once(w->fd);
	if (begin_tls(w, tls))
		SSL_set_accept_state(w->ssl);
	return true;
}

bool
wire_connect(struct wire *w, int port, SSL_CTX *tls, SSL_SESSION *resume)
{
	struct sockaddr_in to = loopback(port);

	*w = (struct wire){ .fd = socket(
				AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	if (w->fd == -1)
		return false;
	send_at_once(w->fd);
	if (connect(w->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS) {
		wire_close(w);
		return false;
	}
	if (begin_tls(w, tls)) {
		SSL_set_connect_state(w->ssl);
		if (resume != NULL)
			SSL_set_session(w->ssl, resume);
	}
	return true;
}

ssize_t
wire_read(struct wire *w, void *to, size_t room)
{
	ssize_t n;

	if (w->ssl != NULL)
		return tls_said(w, SSL_read(w->ssl, to, (int)room));
	n = recv(w->fd, to, room, 0);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? WIRE_WAITS : WIRE_BROKEN;
}

ssize_t
wire_write(struct wire *w, const void *from, size_t n)
{
	ssize_t wrote;

	if (w->ssl != NULL)
		return tls_said(w, SSL_write(w->ssl, from, (int)n));
	wrote = send(w->fd, from, n, MSG_NOSIGNAL);
	if (wrote >= 0)
		return wrote;
	return errno == EAGAIN || errno == ENOTCONN ? WIRE_WAITS : WIRE_BROKEN;
}

/*
 * With TLS that is so unless the peer's records happened to end just where
 * OpenSSL's buffer did: requests are far smaller than that, and who reads an
 * answer knows when it is whole.
 */
bool
wire_is_drained(const struct wire *w, size_t n, size_t room)
{
	return w->ssl != NULL ? !SSL_has_pending(w->ssl) : n < room;
}

void
wire_close(struct wire *w)
{
	if (w->ssl != NULL) {
		/* Else its session could not be resumed. */
		SSL_set_shutdown(
		    w->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(w->ssl);
	}
	if (w->fd != -1)
		close(w->fd);
	*w = (struct wire){ .fd = -1 };
}

SSL_CTX *
wire_client_tls(void)
{
	SSL_CTX *tls = new_tls(TLS_client_method());

	SSL_CTX_set_session_cache_mode(
	    tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	return tls;
}

SSL_CTX *
wire_server_tls(const char *cert, const char *key, size_t tickets)
{
	SSL_CTX *tls = new_tls(TLS_server_method());

	if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls, tickets);
	return tls;
}

static SSL_CTX *
new_tls(const SSL_METHOD *method)
{
	SSL_CTX *tls = SSL_CTX_new(method);

	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_mode(tls,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(tls, 1);
	return tls;
}

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void
send_at_once(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static bool
begin_tls(struct wire *w, SSL_CTX *tls)
{
	if (tls == NULL)
		return false;
	w->ssl = SSL_new(tls);
	SSL_set_fd(w->ssl, w->fd);
	return true;
}

static ssize_t
tls_said(struct wire *w, int said)
{
	int error;

	if (said > 0)
		return said;
	error = SSL_get_error(w->ssl, said);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return WIRE_WAITS;
	ERR_clear_error();
	return error == SSL_ERROR_ZERO_RETURN ? 0 : WIRE_BROKEN;
}

static void
give_up(const char *what)
{
	perror(what);
	exit(1);
}
