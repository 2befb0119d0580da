/* A wire with bytes to carry, of the one test that runs. */
#include "tests/unit/tls/carrying.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <errno.h>

#include "tls/transport.h"

struct wire w;
struct rng rng;
char sent[BULK], got[BULK];

void
carrying_up(void)
{
	site_up();
	wire_open(&w, context, store);
	rng_seed(&rng, 7);
	for (size_t i = 0; i < BULK; i++)
		sent[i] = (char)rng_next(&rng);
}

void
carrying_down(void)
{
	wire_close(&w);
	site_down();
}

void
shake(void)
{
	cr_assert(wire_shake(&w));
	cr_assert_eq(tls_session_failure(wire_session(&w)), TLS_FAILED_NOT);
}

void
tiny_buffers(void)
{
	int n = 4096;

	setsockopt(w.fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	setsockopt(w.conn.fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

void
leave_stale_errors(void)
{
	ERR_raise(ERR_LIB_SSL, SSL_R_HTTP_REQUEST);
	errno = ENOTTY;
}

ssize_t
server_read(void *to, size_t n)
{
	leave_stale_errors();
	return transport_tls.read(&w.conn, to, n);
}

ssize_t
server_write(const void *from, size_t n)
{
	struct iovec iov = { (void *)(uintptr_t)from, n };

	leave_stale_errors();
	return transport_tls.writev(&w.conn, &iov, 1);
}

bool
pending(void)
{
	return transport_tls.pending(&w.conn);
}

bool
socket_is_empty(void)
{
	char byte;

	return recv(w.conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1;
}

void
fill_to_the_brim(void)
{
	while (server_write("x", 1) == 1)
		;
	do
		cr_assert_eq(client_take(0, 1), 1);
	while (server_write("x", 1) == -1);
}

int
client_error(int n)
{
	return SSL_get_error(w.client, n);
}

void
say(size_t n)
{
	cr_assert_eq(SSL_write(w.client, sent, (int)n), (int)n);
}

size_t
client_take(size_t at, size_t most)
{
	int n;

	ERR_clear_error();
	n = SSL_read(w.client, got + at, (int)most);
	if (n > 0)
		return (size_t)n;
	cr_assert_eq(client_error(n), SSL_ERROR_WANT_READ);
	return 0;
}
