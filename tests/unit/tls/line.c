/* Many sessions on one line, in any order, are as those with a BIO each. */
#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tls/line.h"

#include "base/rng.h"
#include "tests/unit/tls/pki.h"
#include "tests/unit/tls/site.h"
#include "tests/unit/tls/wire.h"
#include "tls/pieces.h"
#include "tls/transport.h"

#define MANY 7
#define BULK (1 << 18)

static struct wire w[MANY];
static struct rng rng;
/* What each server sends and has sent, what each client has got. */
static char sent[MANY][BULK], got[MANY][BULK];
static size_t out[MANY], in[MANY];
/* Bytes the other way. */
static size_t said[MANY], heard[MANY];
static size_t updated[MANY]; /* how far out it was when keys were updated */
static unsigned updates;

static void
setup(void)
{
	site_up();
	rng_seed(&rng, 11);
	for (unsigned i = 0; i < MANY; i++) {
		wire_open(&w[i], context, store);
		for (size_t at = 0; at < BULK; at++)
			sent[i][at] = (char)rng_next(&rng);
	}
}

static void
teardown(void)
{
	for (unsigned i = 0; i < MANY; i++)
		if (w[i].conn.session != NULL)
			wire_close(&w[i]);
	site_down();
}

TestSuite(line, .init = setup, .fini = teardown);

/* One move of each side; both may have been over before. */
static bool
shake_on(struct wire *x)
{
	bool client, server;

	ERR_clear_error();
	client = SSL_do_handshake(x->client) == 1;
	server = transport_tls.shake(&x->conn) == 0;
	cr_assert(server || errno == EAGAIN);
	return client && server;
}

/* All of them, one move at a time, in an order of chance. */
static void
shake_all(void)
{
	unsigned done = 0, turns = 0;
	bool is_done[MANY] = { false };

	while (done < MANY && turns++ < 100 * MANY) {
		unsigned i = (unsigned)rng_below(&rng, MANY);

		if (!is_done[i] && shake_on(&w[i])) {
			is_done[i] = true;
			done++;
		}
	}
	cr_assert_eq(done, MANY);
}

static void
tiny_buffers(void)
{
	int n = 4096;

	for (unsigned i = 0; i < MANY; i++) {
		setsockopt(w[i].fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
		setsockopt(w[i].conn.fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	}
}

static ssize_t
server_read(unsigned i, char *to, size_t n)
{
	return transport_tls.read(&w[i].conn, to, n);
}

static void
send_some(unsigned i)
{
	struct iovec iov = { sent[i] + out[i], BULK - out[i] };
	ssize_t n;

	if (out[i] == BULK)
		return;
	n = transport_tls.writev(&w[i].conn, &iov, 1);
	cr_assert(n > 0 || errno == EAGAIN);
	out[i] += n > 0 ? (size_t)n : 0;
}

static void
take_some(unsigned i)
{
	int n;

	if (in[i] == BULK)
		return;
	ERR_clear_error();
	n = SSL_read(w[i].client, got[i] + in[i], (int)(BULK - in[i]));
	in[i] += n > 0 ? (size_t)n : 0;
}

/*
 * The client's side says a byte, maybe after a key update.  OpenSSL takes no
 * second one while it still owes an answer to the first behind a refused
 * record, so there is one in some records only.
 */
static void
say_byte(unsigned i, bool may_update)
{
	if (may_update && out[i] >= updated[i] + 4 * TLS_RECORD_BYTES) {
		SSL_key_update(w[i].client, SSL_KEY_UPDATE_REQUESTED);
		updated[i] = out[i];
		updates++;
	}
	ERR_clear_error();
	if (SSL_write(w[i].client, "y", 1) == 1)
		said[i]++;
}

static void
hear_some(unsigned i)
{
	char bytes[8];
	ssize_t n = server_read(i, bytes, sizeof(bytes));

	cr_assert(n > 0 || errno == EAGAIN);
	for (ssize_t at = 0; at < n; at++)
		cr_assert_eq(bytes[at], 'y');
	heard[i] += n > 0 ? (size_t)n : 0;
}

static bool
all_is_there(void)
{
	for (unsigned i = 0; i < MANY; i++)
		if (in[i] < BULK || heard[i] < said[i])
			return false;
	return true;
}

/* Everybody sends, is refused, and goes on, in an order of chance. */
static void
pass_bulk(bool may_update)
{
	for (unsigned turn = 0; !all_is_there() && turn < 1000000; turn++) {
		unsigned i = (unsigned)rng_below(&rng, MANY);

		switch (rng_below(&rng, 8)) {
		case 0:
			if (in[i] < BULK)
				say_byte(i, may_update);
			break;
		case 1:
		case 2:
			hear_some(i);
			break;
		case 3:
		case 4:
			take_some(i);
			break;
		default:
			send_some(i);
		}
	}
	for (unsigned i = 0; i < MANY; i++) {
		cr_assert_eq(in[i], BULK);
		cr_assert_eq(heard[i], said[i]);
		cr_assert_eq(memcmp(got[i], sent[i], BULK), 0, "%u", i);
	}
}

Test(line, serves_handshakes_in_any_order)
{
	shake_all();
	for (unsigned i = 0; i < MANY; i++)
		wire_say(&w[i], "hello");
}

Test(line, serves_handshakes_of_tls_1_2_in_any_order)
{
	for (unsigned i = 0; i < MANY; i += 2)
		SSL_set_max_proto_version(w[i].client, TLS1_2_VERSION);
	shake_all();
	for (unsigned i = 0; i < MANY; i++)
		wire_say(&w[i], "hello");
}

Test(line, passes_the_bytes_of_each_to_its_own_socket)
{
	shake_all();
	tiny_buffers();
	pass_bulk(false);
}

/* OpenSSL pushes its buffer on the line for each update that it answers. */
Test(line, passes_the_key_updates_of_each_amid_refused_records)
{
	shake_all();
	tiny_buffers();
	pass_bulk(true);
	cr_assert_gt(updates, MANY);
}

Test(line, forgets_a_handshake_that_was_broken_off)
{
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_not(shake_on(&w[i]));
	for (unsigned i = 0; i < MANY; i += 2)
		wire_close(&w[i]);
	for (unsigned i = 1; i < MANY; i += 2) {
		while (!shake_on(&w[i]))
			;
		wire_say(&w[i], "hello");
	}
}

Test(line, tells_the_end_of_one_from_the_silence_of_another)
{
	char byte;

	shake_all();
	shutdown(w[0].fd, SHUT_WR);
	for (unsigned turn = 0; turn < 2; turn++) {
		cr_assert_eq(server_read(0, &byte, 1), -1);
		cr_assert_eq(errno, ECONNRESET);
		cr_assert_eq(server_read(1, &byte, 1), -1);
		cr_assert_eq(errno, EAGAIN);
	}
	wire_say(&w[1], "hello");
}

/* Closing with unread bytes is a reset also of a unix socket. */
Test(line, tells_the_end_of_one_from_the_reset_of_another)
{
	char byte, text[64];

	shake_all();
	shutdown(w[0].fd, SHUT_WR);
	cr_assert_eq(server_read(0, &byte, 1), -1);
	cr_assert_eq(transport_tls.writev(
			 &w[1].conn, &(struct iovec){ sent[1], 100 }, 1),
	    100);
	close(w[1].fd);
	w[1].fd = -1;
	cr_assert_eq(server_read(1, &byte, 1), -1);
	cr_assert_eq(errno, ECONNRESET);
	tls_session_explain(w[1].conn.session, text, sizeof(text));
	cr_assert_str_eq(text, "Connection reset by peer");
}

Test(line, remembers_for_each_what_its_last_read_left)
{
	char bytes[64];

	shake_all();
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_eq(SSL_write(w[i].client, sent[i], 64), 64);
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_eq(
		    server_read(i, bytes, i % 2 ? 64 : 32), i % 2 ? 64 : 32);
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_eq(transport_tls.pending(&w[i].conn), i % 2 == 0);
}

/* A reload may drop the context; the last of its sessions frees the line. */
Test(line, outlives_its_context)
{
	shake_all();
	tls_context_free(context);
	context = NULL;
	for (unsigned i = 0; i < MANY; i++)
		wire_say(&w[i], "hello");
	for (unsigned i = 0; i + 1 < MANY; i++)
		wire_close(&w[i]);
	wire_say(&w[MANY - 1], "still there");
	cr_assert_eq(transport_tls.shut(&w[MANY - 1].conn), 0);
}

static void
crowd(void)
{
	struct tls_tickets *keys = tls_tickets_new(0);
	struct tls_context *fresh = wire_context(&wire_options, "x", keys);
	struct wire a, b;

	wire_open(&a, fresh, store);
	wire_open(&b, fresh, store);
	cr_assert_not(shake_on(&a));
	cr_assert_not(shake_on(&b));
	cr_assert(shake_on(&b));
	tls_context_free(fresh);
	wire_close(&a);
	wire_say(&b, "hello");
	wire_close(&b);
	tls_tickets_free(keys);
}

Test(line, leaves_nothing_behind)
{
	cr_assert_eq(pki_heap_growth(crowd), 0);
}
