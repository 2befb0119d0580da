/* Ends and failures over the wire. */
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "tls/transport.h"

#include "tests/unit/tls/carrying.h"
#include "tests/unit/tls/pki.h"

TestSuite(transport_end, .init = carrying_up, .fini = carrying_down);

/* ---- ends ---- */

Test(transport_end, reads_close_notify_as_the_end)
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

Test(transport_end, reads_an_end_without_close_notify_as_a_cut)
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

Test(transport_end, reads_what_is_no_record_as_a_protocol_error)
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

Test(transport_end, reports_a_peer_that_takes_no_more)
{
	shake();
	close(w.fd);
	w.fd = -1;
	cr_assert_eq(server_write("x", 1), -1);
	cr_assert_eq(errno, EPIPE);
	cr_assert_eq(server_read(got, 1), -1);
	cr_assert_eq(errno, EPIPE);
}

Test(transport_end, shuts_with_close_notify_before_the_fin)
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

Test(transport_end, before_its_handshake_shuts_with_a_fin_alone)
{
	char byte;

	transport_tls.shut(&w.conn);
	cr_assert_not(tls_session_shutting(wire_session(&w)));
	cr_assert_eq(recv(w.fd, &byte, 1, 0), 0);
}

Test(transport_end, keeps_close_notify_for_a_socket_that_is_full)
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

Test(transport_end, waits_for_the_hello)
{
	char text[64];

	cr_assert_eq(transport_tls.shake(&w.conn), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(tls_session_failure(wire_session(&w)), TLS_FAILED_NOT);
	tls_session_explain(wire_session(&w), text, sizeof(text));
	cr_assert_str_eq(text, "no failure");
	shake();
}

Test(transport_end, knows_plain_http)
{
	raw("GET / HTTP/1.1\r\nHost: a.x\r\n\r\n");
	fails_as(EPROTO, TLS_FAILED_PLAINTEXT_HTTP, "http request");
}

Test(transport_end, knows_a_plain_proxy_request)
{
	raw("CONNECT a.x:443 HTTP/1.1\r\n\r\n");
	fails_as(EPROTO, TLS_FAILED_PLAINTEXT_HTTP, "https proxy request");
}

Test(transport_end, refuses_what_is_not_tls)
{
	raw("SSH-2.0-OpenSSH_9.2\r\n");
	fails_as(EPROTO, TLS_FAILED_PROTOCOL, "wrong version number");
}

Test(transport_end, knows_that_the_client_went_away)
{
	shutdown(w.fd, SHUT_WR);
	fails_as(ECONNRESET, TLS_FAILED_CLOSED, "unexpected eof while reading");
}

Test(transport_end, knows_that_the_client_said_good_bye_instead)
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

Test(transport_end, knows_that_the_client_refused_the_certificate)
{
	SSL_set_verify(w.client, SSL_VERIFY_PEER, NULL);
	cr_assert_not(wire_shake(&w));
	cr_assert_eq(
	    tls_session_failure(wire_session(&w)), TLS_FAILED_PEER_ALERT);
}

/* The request comes in one read with the end of the handshake. */
Test(transport_end, has_pending_what_followed_the_handshake_at_once)
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

/* About how much heap goes with it: malloc keeps some for itself. */
static long
free_store(struct tls_store **which)
{
	struct mallinfo2 before = mallinfo2(), after;

	tls_store_free(*which);
	*which = NULL;
	after = mallinfo2();
	return (long)(before.uordblks - after.uordblks);
}

/* Or what a reload has replaced would live as long as its connections do. */
Test(transport_end, of_a_handshake_leaves_no_certificate_in_use)
{
	struct tls_certificate_file file =
	    pki_pair("b", (struct pki_spec){ .names = "DNS:b.x" });
	struct tls_store *unused = pki_store(&file, 1);
	long freed;

	shake();
	freed = free_store(&store);
	cr_assert_geq(freed, free_store(&unused) * 3 / 4);
	wire_say(&w, "hello");
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

Test(transport_end, leaves_nothing_behind)
{
	cr_assert_eq(pki_heap_growth(visit), 0);
}
