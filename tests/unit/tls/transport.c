/* Bytes over the wire, and what of them waits. */
#include <sys/uio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tls/transport.h"

#include "tests/unit/tls/carrying.h"

TestSuite(transport, .init = carrying_up, .fini = carrying_down);

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

/* OpenSSL reads no further while its answer to a key update finds no room. */
Test(transport, has_pending_what_is_behind_a_key_update_it_could_not_answer)
{
	shake();
	tiny_buffers();
	cr_assert_eq(client_take(0, 1), 0); /* the ticket */
	fill_to_the_brim();
	SSL_key_update(w.client, SSL_KEY_UPDATE_REQUESTED);
	say(10);
	say(20);
	cr_assert_eq(server_read(got, BULK), 10);
	cr_assert_eq(server_write("y", 1), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(server_read(got, BULK), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert(pending());
	while (client_take(0, BULK) > 0)
		;
	cr_assert_eq(server_write("y", 1), 1);
	cr_assert_eq(server_read(got, BULK), 20);
	cr_assert_not(pending());
}

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
