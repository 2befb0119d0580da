/* Bytes, ends and failures over the wire. */
#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tls/transport.h"

#include "base/rng.h"
#include "tests/unit/tls/pki.h"
#include "tests/unit/tls/wire.h"

#define BULK (1 << 20)

static struct tls_tickets *tickets;
static struct tls_store *store;
static struct tls_context *context;
static struct wire w;
static struct rng rng;
static char sent[BULK], got[BULK];

static void
setup(void)
{
	struct tls_certificate_file file =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });

	store = pki_store(&file, 1);
	tickets = tls_tickets_new(0);
	context = wire_context(&wire_options, "https", tickets);
	wire_open(&w, context, store);
	rng_seed(&rng, 7);
	for (size_t i = 0; i < BULK; i++)
		sent[i] = (char)rng_next(&rng);
}

static void
teardown(void)
{
	wire_close(&w);
	tls_context_free(context);
	tls_tickets_free(tickets);
	tls_store_free(store);
}

TestSuite(transport, .init = setup, .fini = teardown);

static void
shake(void)
{
	cr_assert(wire_shake(&w));
	cr_assert_eq(tls_session_failure(wire_session(&w)), TLS_FAILED_NOT);
}

static void
tiny_buffers(void)
{
	int n = 4096;

	setsockopt(w.fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	setsockopt(w.conn.fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

/* What an earlier call left in OpenSSL's queue and errno means nothing. */
static void
leave_stale_errors(void)
{
	ERR_raise(ERR_LIB_SSL, SSL_R_HTTP_REQUEST);
	errno = ENOTTY;
}

static ssize_t
server_read(void *to, size_t n)
{
	leave_stale_errors();
	return transport_tls.read(&w.conn, to, n);
}

static ssize_t
server_write(const void *from, size_t n)
{
	struct iovec iov = { (void *)(uintptr_t)from, n };

	leave_stale_errors();
	return transport_tls.writev(&w.conn, &iov, 1);
}

static bool
pending(void)
{
	return transport_tls.pending(&w.conn);
}

/* Nothing waits in the server's socket. */
static bool
socket_is_empty(void)
{
	char byte;

	return recv(w.conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1;
}

/* The client's error after a call that did not succeed. */
static int
client_error(int n)
{
	return SSL_get_error(w.client, n);
}

static void
say(size_t n)
{
	cr_assert_eq(SSL_write(w.client, sent, (int)n), (int)n);
}

/* ---- bulk ---- */

/* Cut [at, at + n) into pieces anywhere, some of them empty. */
static int
cut(struct iovec *iov, int most, size_t at, size_t n)
{
	static const size_t sizes[] = { 1, 40, 900, 5000, 17000, 60000 };
	int k = 0;

	for (; k < most - 1 && n > 0; k++) {
		size_t piece = rng_below(&rng, sizes[rng_below(&rng, 6)] + 1);

		if (piece > n)
			piece = n;
		iov[k] = (struct iovec){ sent + at, piece };
		at += piece;
		n -= piece;
	}
	iov[k] = (struct iovec){ sent + at, n };
	return k + 1;
}

static size_t
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

/* What was refused is offered again, cut otherwise and with more behind. */
Test(transport, sends_bulk_byte_for_byte_through_a_tiny_socket)
{
	size_t in = 0, out = 0, offered = 0;
	unsigned refusals = 0;

	shake();
	tiny_buffers();
	while (in < BULK) {
		struct iovec iov[9];
		size_t n = offered + rng_below(&rng, 50000);
		ssize_t done;

		if (n > BULK - out)
			n = BULK - out;
		done = transport_tls.writev(&w.conn, iov, cut(iov, 9, out, n));
		if (done == -1) {
			cr_assert_eq(errno, EAGAIN);
			refusals++;
		} else
			out += (size_t)done;
		offered = n - (done > 0 ? (size_t)done : 0);
		in += client_take(in, BULK - in);
	}
	cr_assert_eq(memcmp(sent, got, BULK), 0);
	cr_assert_gt(refusals, 10);
}

Test(transport, receives_bulk_byte_for_byte_through_a_tiny_socket)
{
	size_t in = 0, out = 0;

	shake();
	tiny_buffers();
	while (in < BULK) {
		size_t most = 1 + rng_below(&rng, 20000);
		ssize_t n;
		int put;

		if (out < BULK &&
		    (put = SSL_write(w.client, sent + out, (int)(BULK - out))) >
			0)
			out += (size_t)put;
		ERR_clear_error();
		n = server_read(got + in, most < BULK - in ? most : BULK - in);
		cr_assert(n > 0 || (n == -1 && errno == EAGAIN));
		in += n > 0 ? (size_t)n : 0;
	}
	cr_assert_eq(memcmp(sent, got, BULK), 0);
}

Test(transport, writes_until_the_kernel_refuses)
{
	ssize_t n;

	shake();
	n = server_write(sent, BULK);
	cr_assert_gt(n, 16384);
	cr_assert_lt(n, BULK);
	cr_assert_eq(server_write(sent + n, BULK - (size_t)n), -1);
	cr_assert_eq(errno, EAGAIN);
}

Test(transport, puts_small_pieces_into_one_record)
{
	struct iovec iov[] = {
		{ sent, 10 },
		{ sent + 10, 0 },
		{ sent + 10, 2000 },
		{ sent + 2010, 300 },
	};

	shake();
	cr_assert_eq(transport_tls.writev(&w.conn, iov, 4), 2310);
	cr_assert_eq(client_take(0, BULK), 2310);
	cr_assert_eq(memcmp(got, sent, 2310), 0);
	cr_assert_eq(client_take(0, BULK), 0);
}

/* Only the refused record itself is offered again as it was. */
Test(transport, cuts_records_anew_when_the_refused_one_is_gone)
{
	struct iovec iov[] = { { sent, 385 }, { sent + 385, 16000 } };
	size_t out = 0;
	ssize_t n;

	shake();
	tiny_buffers();
	while ((n = server_write(sent + out, BULK - out)) > 0)
		out += (size_t)n;
	cr_assert_eq(errno, EAGAIN);
	do {
		while (client_take(0, BULK) > 0)
			;
		n = server_write(sent + out, 16384);
	} while (n == -1);
	while (client_take(0, BULK) > 0)
		;
	cr_assert_geq(transport_tls.writev(&w.conn, iov, 2), 385);
	cr_assert_eq(client_take(0, BULK), 385);
}

Test(transport, writes_nothing_for_no_bytes)
{
	struct iovec iov[] = { { sent, 0 }, { sent, 0 } };

	shake();
	cr_assert_eq(transport_tls.writev(&w.conn, iov, 0), 0);
	cr_assert_eq(transport_tls.writev(&w.conn, iov, 2), 0);
	cr_assert_eq(client_take(0, BULK), 0);
}

Test(transport, answers_key_updates_amid_a_refused_record)
{
	size_t in = 0, out = 0;

	shake();
	tiny_buffers();
	for (int i = 0; in < BULK; i++) {
		ssize_t n = server_write(sent + out, BULK - out);
		char byte;

		out += n > 0 ? (size_t)n : 0;
		if (i % 50 == 0) {
			SSL_key_update(w.client, SSL_KEY_UPDATE_REQUESTED);
			say(1);
			cr_assert_eq(server_read(&byte, 1), 1);
		}
		in += client_take(in, BULK - in);
	}
	cr_assert_eq(memcmp(sent, got, BULK), 0);
}

/* ---- what waits ---- */

Test(transport, has_nothing_pending_when_the_socket_was_read_dry)
{
	shake();
	cr_assert_eq(server_read(got, BULK), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_not(pending());
}

Test(transport, knows_after_one_record_that_it_was_the_last)
{
	shake();
	say(100);
	cr_assert_eq(server_read(got, BULK), 100);
	cr_assert_not(pending());
	cr_assert(socket_is_empty());
}

Test(transport, has_pending_what_a_small_read_left)
{
	shake();
	say(100);
	cr_assert_eq(server_read(got, 99), 99);
	cr_assert(pending());
	cr_assert_eq(server_read(got, 99), 1);
	cr_assert_not(pending());
}

Test(transport, has_pending_the_records_it_read_ahead)
{
	shake();
	for (int i = 0; i < 3; i++)
		say(10);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(server_read(got, BULK), 10);
		cr_assert(socket_is_empty());
		cr_assert_eq(pending(), i < 2);
	}
}

/* Half a record in the buffer is nothing to spin for. */
Test(transport, has_nothing_pending_for_half_a_record)
{
	char bytes[256];
	BIO *memory = BIO_new(BIO_s_mem());
	ssize_t n;

	shake();
	SSL_set0_wbio(w.client, memory);
	say(100);
	n = BIO_read(memory, bytes, sizeof(bytes));
	cr_assert_gt(n, 100);
	cr_assert_eq(write(w.fd, bytes, (size_t)n - 1), n - 1);
	cr_assert_eq(server_read(got, BULK), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_not(pending());
	cr_assert_eq(write(w.fd, bytes + n - 1, 1), 1);
	cr_assert_eq(server_read(got, BULK), 100);
}

/*
 * Of some length two records fill OpenSSL's buffer to the last byte, and
 * nothing in it tells of the third in the socket.
 */
Test(transport, knows_when_a_full_read_left_something_behind)
{
	shake();
	for (size_t n = 8000; n < 9000; n++) {
		say(8000);
		say(n);
		say(1);
		for (size_t in = 0; in < 8001 + n;) {
			ssize_t one = server_read(got, BULK);

			cr_assert_gt(one, 0);
			in += (size_t)one;
			cr_assert(pending() || in == 8001 + n, "%zu", n);
		}
		cr_assert(socket_is_empty());
		server_read(got, 1);
	}
}

/* ---- ends ---- */

Test(transport, reads_close_notify_as_the_end)
{
	shake();
	say(5);
	SSL_shutdown(w.client);
	cr_assert_eq(server_read(got, BULK), 5);
	cr_assert_eq(server_read(got, BULK), 0);
	cr_assert_not(pending());
	cr_assert_eq(server_read(got, BULK), 0);
	/* and may still answer */
	cr_assert_eq(server_write("bye", 3), 3);
	cr_assert_eq(client_take(0, BULK), 3);
}

Test(transport, reads_an_end_without_close_notify_as_a_cut)
{
	shake();
	say(5);
	shutdown(w.fd, SHUT_WR);
	cr_assert_eq(server_read(got, BULK), 5);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(server_read(got, BULK), -1);
		cr_assert_eq(errno, ECONNRESET);
	}
	cr_assert_eq(server_write("x", 1), -1);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert_not(pending());
}

Test(transport, reads_what_is_no_record_as_a_protocol_error)
{
	char text[64];

	shake();
	cr_assert_eq(write(w.fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	cr_assert_eq(server_read(got, BULK), -1);
	cr_assert_eq(errno, EPROTO);
	tls_session_explain(wire_session(&w), text, sizeof(text));
	cr_assert_str_neq(text, "no failure");
	/* nobody is told good-bye on a wire that broke */
	transport_tls.shut(&w.conn);
	cr_assert_not(tls_session_shutting(wire_session(&w)));
}

Test(transport, reports_a_peer_that_takes_no_more)
{
	shake();
	close(w.fd);
	w.fd = -1;
	cr_assert_eq(server_write("x", 1), -1);
	cr_assert_eq(errno, EPIPE);
	cr_assert_eq(server_read(got, 1), -1);
	cr_assert_eq(errno, EPIPE);
}

Test(transport, shuts_with_close_notify_before_the_fin)
{
	int n;
	char byte;

	shake();
	cr_assert_eq(server_write("bye", 3), 3);
	transport_tls.shut(&w.conn);
	cr_assert_not(tls_session_shutting(wire_session(&w)));
	cr_assert_eq(client_take(0, BULK), 3);
	ERR_clear_error();
	n = SSL_read(w.client, got, 1);
	cr_assert_eq(client_error(n), SSL_ERROR_ZERO_RETURN);
	cr_assert_eq(recv(w.fd, &byte, 1, 0), 0);
	/* and hears what the client still says */
	say(9);
	cr_assert_eq(transport_tls.shut(&w.conn), 0, "once more: no harm");
	cr_assert_not(tls_session_shutting(wire_session(&w)));
	cr_assert_eq(server_read(got, BULK), 9);
}

Test(transport, before_its_handshake_shuts_with_a_fin_alone)
{
	char byte;

	transport_tls.shut(&w.conn);
	cr_assert_not(tls_session_shutting(wire_session(&w)));
	cr_assert_eq(recv(w.fd, &byte, 1, 0), 0);
}

/* One-byte records until the socket is full to the brim and none is owed. */
static void
fill_to_the_brim(void)
{
	while (server_write("x", 1) == 1)
		;
	do
		cr_assert_eq(client_take(0, 1), 1);
	while (server_write("x", 1) == -1);
}

Test(transport, keeps_close_notify_for_a_socket_that_is_full)
{
	int n;

	shake();
	tiny_buffers();
	cr_assert_eq(client_take(0, 1), 0); /* the ticket */
	fill_to_the_brim();
	leave_stale_errors();
	cr_assert_eq(transport_tls.shut(&w.conn), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert(tls_session_shutting(wire_session(&w)));
	cr_assert_eq(transport_tls.shut(&w.conn), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert(tls_session_shutting(wire_session(&w)));
	while (client_take(0, BULK) > 0)
		;
	cr_assert_eq(transport_tls.shut(&w.conn), 0);
	cr_assert_not(tls_session_shutting(wire_session(&w)));
	ERR_clear_error();
	n = SSL_read(w.client, got, 1);
	cr_assert_eq(client_error(n), SSL_ERROR_ZERO_RETURN);
	cr_assert_eq(recv(w.fd, got, 1, 0), 0);
}

/* ---- handshakes that fail ---- */

static void
fails_as(int error, enum tls_failure failure, const char *explained)
{
	char text[64];

	for (int i = 0; i < 2; i++) {
		leave_stale_errors();
		cr_assert_eq(transport_tls.shake(&w.conn), -1);
		cr_assert_eq(errno, error);
	}
	cr_assert_eq(tls_session_failure(wire_session(&w)), failure);
	tls_session_explain(wire_session(&w), text, sizeof(text));
	cr_assert_str_eq(text, explained);
	cr_assert_eq(server_read(got, 1), -1);
	cr_assert_eq(errno, error);
}

static void
raw(const char *bytes)
{
	cr_assert_eq(write(w.fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

Test(transport, waits_for_the_hello)
{
	char text[64];

	cr_assert_eq(transport_tls.shake(&w.conn), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(tls_session_failure(wire_session(&w)), TLS_FAILED_NOT);
	tls_session_explain(wire_session(&w), text, sizeof(text));
	cr_assert_str_eq(text, "no failure");
	shake();
}

Test(transport, knows_plain_http)
{
	raw("GET / HTTP/1.1\r\nHost: a.x\r\n\r\n");
	fails_as(EPROTO, TLS_FAILED_PLAINTEXT_HTTP, "http request");
}

Test(transport, knows_a_plain_proxy_request)
{
	raw("CONNECT a.x:443 HTTP/1.1\r\n\r\n");
	fails_as(EPROTO, TLS_FAILED_PLAINTEXT_HTTP, "https proxy request");
}

Test(transport, refuses_what_is_not_tls)
{
	raw("SSH-2.0-OpenSSH_9.2\r\n");
	fails_as(EPROTO, TLS_FAILED_PROTOCOL, "wrong version number");
}

Test(transport, knows_that_the_client_went_away)
{
	shutdown(w.fd, SHUT_WR);
	fails_as(ECONNRESET, TLS_FAILED_CLOSED, "unexpected eof while reading");
}

Test(transport, knows_that_the_client_said_good_bye_instead)
{
	static const char alert[] = { 0x15, 3, 3, 0, 2, 1, 0 };

	SSL_set_max_proto_version(w.client, TLS1_2_VERSION);
	cr_assert_eq(SSL_do_handshake(w.client), -1);
	cr_assert_eq(transport_tls.shake(&w.conn), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(write(w.fd, alert, sizeof(alert)), sizeof(alert));
	cr_assert_eq(transport_tls.shake(&w.conn), -1);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert_eq(tls_session_failure(wire_session(&w)), TLS_FAILED_CLOSED);
}

Test(transport, knows_that_the_client_refused_the_certificate)
{
	SSL_set_verify(w.client, SSL_VERIFY_PEER, NULL);
	cr_assert_not(wire_shake(&w));
	cr_assert_eq(
	    tls_session_failure(wire_session(&w)), TLS_FAILED_PEER_ALERT);
}

/* The request comes in one read with the end of the handshake. */
Test(transport, has_pending_what_followed_the_handshake_at_once)
{
	cr_assert_eq(SSL_do_handshake(w.client), -1);
	cr_assert_eq(transport_tls.shake(&w.conn), -1);
	ERR_clear_error();
	cr_assert_eq(SSL_do_handshake(w.client), 1);
	say(7);
	cr_assert_eq(transport_tls.shake(&w.conn), 0);
	cr_assert(socket_is_empty());
	cr_assert(pending());
	cr_assert_eq(server_read(got, BULK), 7);
}

static void
visit(void)
{
	struct tls_tickets *keys = tls_tickets_new(0);
	struct tls_context *fresh = wire_context(&wire_options, "x", keys);
	struct wire one;

	wire_open(&one, fresh, store);
	cr_assert(wire_shake(&one));
	wire_say(&one, "hello");
	transport_tls.shut(&one.conn);
	wire_close(&one);
	tls_context_free(fresh);
	tls_tickets_free(keys);
}

Test(transport, leaves_nothing_behind)
{
	cr_assert_eq(pki_heap_growth(visit), 0);
}
