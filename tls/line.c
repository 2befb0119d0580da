/*
 * A socket BIO without a socket: OpenSSL's own takes 200 bytes for each
 * session, and cannot say whether a read emptied the socket.  During a
 * handshake OpenSSL pushes a buffer of the session's on it; the line never
 * looks up, so that any number of handshakes may have it at once.
 */
#include <sys/socket.h>

#include <openssl/bio.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "tls/line.h"

static void make_method(void);
static int line_read(BIO *, char *, size_t, size_t *);
static int line_write(BIO *, const char *, size_t, size_t *);
static long line_ctrl(BIO *, int, long, void *);
static bool is_to_wait(ssize_t);

static BIO_METHOD *method; /* made once, then constant */
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

BIO *
tls_line_new(void)
{
	pthread_once(&method_once, make_method);
	return method != NULL ? BIO_new(method) : NULL;
}

void
tls_line_turn(BIO *line, struct tls_end *end)
{
	BIO_set_data(line, end);
}

static void
make_method(void)
{
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "line");
	if (method == NULL)
		return;
	BIO_meth_set_read_ex(method, line_read);
	BIO_meth_set_write_ex(method, line_write);
	BIO_meth_set_ctrl(method, line_ctrl);
}

static int
line_read(BIO *line, char *to, size_t room, size_t *n)
{
	struct tls_end *end = BIO_get_data(line);
	ssize_t got = recv(end->fd, to, room, 0);

	BIO_clear_retry_flags(line);
	end->filled = got > 0 && (size_t)got == room;
	end->over = got == 0;
	if (is_to_wait(got))
		BIO_set_retry_read(line);
	*n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static int
line_write(BIO *line, const char *from, size_t n, size_t *put)
{
	const struct tls_end *end = BIO_get_data(line);
	ssize_t took = send(end->fd, from, n, end->flags);

	BIO_clear_retry_flags(line);
	if (is_to_wait(took))
		BIO_set_retry_write(line);
	*put = took > 0 ? (size_t)took : 0;
	return took > 0;
}

/* Of all the questions OpenSSL has it asks a socket two. */
static long
line_ctrl(BIO *line, int question, long n, void *p)
{
	const struct tls_end *end = BIO_get_data(line);

	(void)n, (void)p;
	if (question == BIO_CTRL_EOF)
		return end->over;
	return question == BIO_CTRL_FLUSH;
}

static bool
is_to_wait(ssize_t result)
{
	return result == -1 && errno == EAGAIN;
}
