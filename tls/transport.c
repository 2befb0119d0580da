/*
 * TLS on a conn, server's side: by read ahead a request costs one read(2) and
 * a response one write(2), through the line that the context's sessions share.
 * Runs in the thread of its conn.
 *
 * With edge-triggered events two things must be known exactly: whether the
 * socket was emptied (the line sees if the last read was short), and that it
 * refused bytes (write until OpenSSL says so).  OpenSSL wants a refused record
 * again byte for byte, whatever was appended in the meantime: `refused'
 * remembers how long it was.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/transport.h"

#include "base/mem.h"
#include "net/conn.h"
#include "tls/context.h"
#include "tls/failure.h"
#include "tls/line.h"
#include "tls/pieces.h"

struct tls_session {
	SSL *ssl;
	unsigned long error; /* OpenSSL's, of what broke it */
	int broken; /* errno of what broke it, 0: nothing */
	struct tls_end end;
	size_t refused; /* bytes of the record to be resumed */
	uint8_t failure; /* enum tls_failure */
	bool dry; /* the last read gave nothing */
	bool shutting; /* close_notify found no room */
};

static ssize_t tls_read(struct conn *, void *, size_t);
static ssize_t tls_writev(struct conn *, const struct iovec *, int);
static int tls_shake(struct conn *);
static int tls_shut(struct conn *);
static bool tls_pending(const struct conn *);
static void tls_free(struct conn *);

static bool goes_on(struct tls_session *);
static int outcome(struct tls_session *, int);
static int breakage(struct tls_session *, int);
static bool is_last(const struct tls_pieces *, size_t);
static bool write_record(struct tls_session *, struct tls_pieces *, size_t *);
static bool notify(struct tls_session *);

const struct transport transport_tls = {
	.read = tls_read,
	.writev = tls_writev,
	.shake = tls_shake,
	.shut = tls_shut,
	.pending = tls_pending,
	.free = tls_free,
};

struct tls_session *
tls_session_new(
    struct tls_context *context, const struct tls_store *store, int fd)
{
	struct tls_session *t = xcalloc(1, sizeof(*t));

	t->ssl = tls_context_accept(context, store);
	if (t->ssl == NULL) {
		free(t);
		return NULL;
	}
	t->end.fd = fd;
	t->end.flags = MSG_NOSIGNAL;
	return t;
}

enum tls_failure
tls_session_failure(const struct tls_session *t)
{
	return t->failure;
}

void
tls_session_explain(const struct tls_session *t, char *to, size_t n)
{
	const char *reason = ERR_reason_error_string(t->error);

	if (reason == NULL)
		reason = t->broken != 0 ? strerror(t->broken) : "no failure";
	snprintf(to, n, "%s", reason);
}

const char *
tls_session_version(const struct tls_session *t)
{
	return SSL_get_version(t->ssl);
}

bool
tls_session_resumed(const struct tls_session *t)
{
	return SSL_session_reused(t->ssl);
}

struct text
tls_session_sni(const struct tls_session *t)
{
	return text_of(SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name));
}

struct text
tls_session_alpn(const struct tls_session *t)
{
	const unsigned char *p;
	unsigned n;

	SSL_get0_alpn_selected(t->ssl, &p, &n);
	return (struct text){ (const char *)p, n };
}

bool
tls_session_shutting(const struct tls_session *t)
{
	return t->shutting;
}

static ssize_t
tls_read(struct conn *c, void *to, size_t n)
{
	struct tls_session *t = c->session;
	size_t got = 0;
	bool some;

	if (!goes_on(t))
		return -1;
	some = SSL_read_ex(t->ssl, to, n, &got) == 1;
	t->dry = !some && !SSL_want_write(t->ssl);
	return some ? (ssize_t)got : outcome(t, 0);
}

static ssize_t
tls_writev(struct conn *c, const struct iovec *iov, int niov)
{
	struct tls_session *t = c->session;
	struct tls_pieces rest = { iov, niov, 0 };
	size_t done = 0;

	t->end.flags = conn_send_flags(c);
	tls_pieces_skip(&rest, 0);
	while (rest.n > 0)
		if (!write_record(t, &rest, &done))
			return done > 0 ? (ssize_t)done : -1;
	return (ssize_t)done;
}

static int
tls_shake(struct conn *c)
{
	struct tls_session *t = c->session;
	int got;

	if (!goes_on(t))
		return -1;
	got = SSL_do_handshake(t->ssl);
	if (got != 1) {
		if (outcome(t, got) == -1 && errno == EAGAIN)
			return -1;
		if (t->broken == 0)
			t->broken = ECONNRESET;
		t->failure = (uint8_t)tls_failure_of(t->error);
	}
	tls_context_shaken(t->ssl);
	errno = t->broken;
	return got == 1 ? 0 : -1;
}

static int
tls_shut(struct conn *c)
{
	struct tls_session *t = c->session;

	t->end.flags = conn_send_flags(c);
	t->shutting = !notify(t);
	if (!t->shutting)
		return shutdown(c->fd, SHUT_WR);
	errno = EAGAIN;
	return -1;
}

static bool
tls_pending(const struct conn *c)
{
	const struct tls_session *t = c->session;

	return !t->dry && (t->end.filled || SSL_has_pending(t->ssl));
}

static void
tls_free(struct conn *c)
{
	struct tls_session *t = c->session;

	SSL_free(t->ssl);
	free(t);
	c->session = NULL;
}

/*
 * Before each call: it is this session's turn, and what earlier ones left means
 * nothing, unless it broke the session.
 */
static bool
goes_on(struct tls_session *t)
{
	tls_line_turn(SSL_get_rbio(t->ssl), &t->end);
	ERR_clear_error();
	errno = t->broken;
	return t->broken == 0;
}

/* After a call that did not succeed: 0 the peer's end, else -1 with errno. */
static int
outcome(struct tls_session *t, int result)
{
	int saved = errno;
	int error = SSL_get_error(t->ssl, result);

	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = saved;
	t->broken = breakage(t, error);
	errno = t->broken != 0 ? t->broken : EAGAIN;
	return -1;
}

/* The errno for what cannot go on; 0: it can, when the socket is ready. */
static int
breakage(struct tls_session *t, int error)
{
	int saved = errno;

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return 0;
	t->error = ERR_peek_error();
	ERR_clear_error();
	if (error == SSL_ERROR_SYSCALL)
		return saved != 0 ? saved : ECONNRESET;
	if (ERR_GET_REASON(t->error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return ECONNRESET;
	return EPROTO;
}

static bool
is_last(const struct tls_pieces *pieces, size_t n)
{
	struct tls_pieces rest = *pieces;

	tls_pieces_skip(&rest, n);
	return rest.n == 0;
}

/* Write one record; false with errno when it could not be written whole. */
static bool
write_record(struct tls_session *t, struct tls_pieces *rest, size_t *done)
{
	char scratch[TLS_RECORD_BYTES];
	struct text record = tls_pieces_record(rest, t->refused, scratch);
	int flags = t->end.flags;
	size_t put;
	bool written;

	if (!goes_on(t))
		return false;
	t->end.flags = is_last(rest, record.n) ? flags : flags | MSG_MORE;
	written = SSL_write_ex(t->ssl, record.p, record.n, &put) == 1;
	t->end.flags = flags;
	if (written) {
		t->refused = 0;
		*done += put;
		tls_pieces_skip(rest, put);
		return true;
	}
	if (outcome(t, 0) == -1 && errno == EAGAIN)
		t->refused = record.n;
	return false;
}

/*
 * Send close_notify, once; false when the socket has no room.  A session that
 * broke or has not been made yet has nobody to tell.
 */
static bool
notify(struct tls_session *t)
{
	int result;

	if (!goes_on(t) || SSL_in_init(t->ssl))
		return true;
	if ((SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) && !t->shutting)
		return true;
	result = SSL_shutdown(t->ssl);
	return SSL_get_error(t->ssl, result) != SSL_ERROR_WANT_WRITE;
}
