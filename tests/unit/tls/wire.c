/* A TLS connection in one thread: the server under test, OpenSSL's client. */
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/tls/wire.h"

#include "tls/transport.h"

static const char *const http_1[] = { "http/1.1", NULL };

static bool turn_client(struct wire *, bool *);
static bool turn_server(struct wire *, bool *);

const struct tls_options wire_options = {
	.min_version = TLS_1_2,
	.session_tickets = true,
};

struct tls_context *
wire_context(const struct tls_options *options, const char *listener,
    struct tls_tickets *tickets)
{
	struct tls_option_fault fault;
	struct tls_context *context =
	    tls_context_new(&(struct tls_settings){ .options = options,
				.listener = listener,
				.protocols = http_1,
				.tickets = tickets },
		&fault);

	cr_assert_not_null(context, "%s", fault.message);
	return context;
}

void
wire_open(
    struct wire *w, struct tls_context *context, const struct tls_store *store)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*w = (struct wire){ .fd = fds[1] };
	w->conn.fd = fds[0];
	w->conn.session = tls_session_new(context, store, fds[0]);
	cr_assert_not_null(w->conn.session);
	w->client = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(w->client, w->fd);
	SSL_set_mode(w->client,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_connect_state(w->client);
}

void
wire_close(struct wire *w)
{
	transport_tls.free(&w->conn);
	cr_assert_null(w->conn.session);
	SSL_free(w->client);
	close(w->conn.fd);
	if (w->fd != -1)
		close(w->fd);
}

void
wire_ask_for(struct wire *w, const char *name)
{
	SSL_ctrl(w->client, SSL_CTRL_SET_TLSEXT_HOSTNAME,
	    TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name);
}

void
wire_set(struct wire *w, int list, const char *value)
{
	cr_assert_eq(SSL_ctrl(w->client, list, 0, (void *)(uintptr_t)value), 1);
}

bool
wire_shake(struct wire *w)
{
	bool client = false, server = false;

	for (int i = 0; i < 20 && !(client && server); i++)
		if (!turn_client(w, &client) || !turn_server(w, &server)) {
			turn_server(w, &server);
			turn_client(w, &client);
			return false;
		}
	return client && server;
}

struct tls_session *
wire_session(struct wire *w)
{
	return w->conn.session;
}

void
wire_say(struct wire *w, const char *text)
{
	char to[64] = "";
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	int n = (int)strlen(text);

	cr_assert_eq(SSL_write(w->client, text, n), n);
	cr_assert_eq(transport_tls.read(&w->conn, to, sizeof(to)), n);
	cr_assert_str_eq(to, text);
	memset(to, 0, sizeof(to));
	cr_assert_eq(transport_tls.writev(&w->conn, &iov, 1), n);
	cr_assert_eq(SSL_read(w->client, to, sizeof(to)), n);
	cr_assert_str_eq(to, text);
}

SSL_SESSION *
wire_ticket(struct wire *w)
{
	char byte;

	ERR_clear_error();
	cr_assert_eq(SSL_read(w->client, &byte, 1), -1);
	return SSL_get1_session(w->client);
}

const char *
wire_peer_cn(struct wire *w)
{
	static char cn[64];

	cn[0] = '\0';
	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(SSL_get0_peer_certificate(w->client)),
	    NID_commonName, cn, sizeof(cn));
	return cn;
}

/* False: failed. */
static bool
turn_client(struct wire *w, bool *done)
{
	int n, error;

	if (*done)
		return true;
	ERR_clear_error();
	n = SSL_do_handshake(w->client);
	*done = n == 1;
	error = SSL_get_error(w->client, n);
	return *done || error == SSL_ERROR_WANT_READ ||
	    error == SSL_ERROR_WANT_WRITE;
}

static bool
turn_server(struct wire *w, bool *done)
{
	if (*done)
		return true;
	*done = transport_tls.shake(&w->conn) == 0;
	return *done || errno == EAGAIN;
}
