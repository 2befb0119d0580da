/*
 * Large bodies pass from socket to socket unread, by a pipe in the kernel.
 * Whatever happens on the way, every byte comes once, in its place, and to the
 * one it is for; a body that was cut does not look whole.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

enum { KIB = 1024, MIB = 1 << 20 };

static void
start(void)
{
	stage_plain();
}

TestSuite(unread, .init = start, .fini = stage_strike, .timeout = 120);

static struct client *
dial_slow(void)
{
	struct client *c = keep(sizeof(*c));

	c->receive_buffer = 4096;
	c->ms = 30000;
	cr_assert(client_connect(c, f.port));
	return c;
}

static void
must_get(struct client *c, uint64_t size)
{
	struct response *r = answer(c, "GET");

	cr_assert_eq(r->body_n, size);
	cr_assert(r->is_pattern);
}

static void
wish(struct client *c, uint64_t size)
{
	char *path = keep_printf("/%llu", (unsigned long long)size);

	origin_reply(
	    o, (struct reply){ .path = path, .sized = true, .size = size });
	cr_assert(client_print(c, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path));
}

static void
must_be_fit(void)
{
	struct client *c = dial(f.port);

	for (unsigned i = 0; i < 3; i++) {
		wish(c, MIB);
		must_get(c, MIB);
	}
	client_close(c);
}

/* Around each border there is: of a head's block, of what is passed on so. */
static const uint64_t sizes[] = { 1, 16 * KIB, 32 * KIB - 1, 32 * KIB,
	32 * KIB + 1, 48 * KIB, 49 * KIB, 64 * KIB, 256 * KIB, 256 * KIB + 1,
	300 * KIB, MIB + 3 };
enum { SIZES = sizeof(sizes) / sizeof(*sizes) };

Test(unread, pipelined_responses_keep_to_themselves)
{
	struct client *c = dial(f.port);

	for (unsigned i = 0; i < SIZES; i++)
		wish(c, sizes[i]);
	for (unsigned i = 0; i < SIZES; i++)
		must_get(c, sizes[i]);
	client_close(c);
}

static void
send_upload(struct client *c, const char *method, uint64_t size)
{
	cr_assert(client_print(c,
	    "%s /up HTTP/1.1\r\nHost: t\r\nContent-Length: %llu\r\n\r\n",
	    method, (unsigned long long)size));
	cr_assert(client_send_pattern(c, size), "%s", c->why);
}

static void
must_have_sent(struct client *c, uint64_t size)
{
	struct response *r = answer(c, "POST");

	cr_assert_str_eq(r->body.p,
	    keep_printf(
		"%llu %s", (unsigned long long)size, pattern_digest(size)));
}

static void
upload_in_rows(const char *method)
{
	struct client *c = dial(f.port);

	origin_reply(o, (struct reply){ .path = "/up", .digest = true });
	for (unsigned i = 0; i < SIZES; i++) {
		send_upload(c, method, sizes[i]);
		wish(c, 1000);
		must_have_sent(c, sizes[i]);
		must_get(c, 1000);
	}
	client_close(c);
}

Test(unread, a_request_right_behind_an_upload_is_found)
{
	upload_in_rows("POST");
}

Test(unread, also_behind_one_that_may_be_sent_again)
{
	upload_in_rows("PUT");
}

Test(unread, a_slow_reader_gets_every_byte)
{
	struct client *c = dial_slow();

	wish(c, 3 * MIB);
	wish(c, 300 * KIB);
	must_get(c, 3 * MIB);
	must_get(c, 300 * KIB);
	client_close(c);
}

/* There are fewer pipes than these, and none is free for the last one. */
Test(unread, more_slow_readers_than_pipes)
{
	enum { SLOW = 80 };
	struct client *slow[SLOW];

	for (unsigned i = 0; i < SLOW; i++) {
		slow[i] = dial_slow();
		wish(slow[i], 2 * MIB);
		cr_assert(client_more(slow[i]), "%s", slow[i]->why);
	}
	must_be_fit();
	for (unsigned i = 0; i < SLOW; i += 2)
		client_abort(slow[i]);
	must_be_fit();
	for (unsigned i = 1; i < SLOW; i += 2)
		must_get(slow[i], 2 * MIB);
}

/* What a client left in a pipe comes out nowhere else. */
Test(unread, client_closed__a_client_leaves_in_the_midst)
{
	for (unsigned i = 0; i < 10; i++) {
		struct client *c = dial_slow();

		wish(c, 20 * MIB);
		for (unsigned n = 0; n <= i; n++)
			cr_assert(client_more(c), "%s", c->why);
		client_abort(c);
		cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
		must_be_fit();
		origin_close_idle(o);
		cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
	}
	front_must_log(&f, keep_printf("/%d", 20 * MIB), "client_closed");
}

static void
cut_response(enum cut cut, bool slow)
{
	struct client *c = slow ? dial_slow() : dial(f.port);
	struct response r = { .is_pattern = true };

	origin_reply(o,
	    (struct reply){ .path = "/cut",
		.sized = true,
		.size = 4 * MIB,
		.cut = cut,
		.cut_at = 1 * MIB + 5 });
	cr_assert(client_print(c, "GET /cut HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not(client_response(c, &r, "GET"));
	cr_assert(c->eof || c->reset, "%s", c->why);
	cr_assert_lt(r.body_n, 4 * MIB);
	cr_assert(r.is_pattern);
	front_must_log(&f, "/cut", "upstream_truncated");
	must_be_fit();
}

Test(unread, upstream_truncated__a_server_ends_in_the_midst)
{
	cut_response(CUT_FIN, false);
}

Test(unread, upstream_truncated__a_server_resets_in_the_midst)
{
	cut_response(CUT_RST, false);
}

Test(unread, upstream_truncated__while_a_slow_reader_holds_bytes)
{
	cut_response(CUT_FIN, true);
}

Test(unread, a_server_dies_in_the_midst_of_an_upload)
{
	struct client *c = dial(f.port);
	char *piece = keep(MIB);
	struct response r = { 0 };

	origin_reply(o,
	    (struct reply){ .path = "/deaf", .silent = true, .unread = true });
	cr_assert(client_print(c,
	    "POST /deaf HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 104857600\r\n\r\n"));
	while (client_send_some(c, piece, MIB, 300) == MIB)
		;
	origin_kill(o);
	if (client_response(c, &r, "POST"))
		must_refuse(&r, 502, "upstream_reset");
	front_must_log(&f, "/deaf", "upstream_reset");
	origin_revive(o);
	must_be_fit();
}

Test(unread, a_client_dies_in_the_midst_of_an_upload)
{
	struct client *c = dial(f.port);

	origin_reply(o, (struct reply){ .path = "/up", .digest = true });
	cr_assert(client_print(c,
	    "POST /up HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 104857600\r\n\r\n"));
	cr_assert(client_send_pattern(c, 2 * MIB));
	cr_assert(WAIT_FOR(10000, origin_bytes(o) > MIB));
	client_abort(c);
	front_must_log(&f, "/up", "client_closed");
	cr_assert_not(origin_seen(o, 0)->whole);
	c = dial(f.port);
	send_upload(c, "POST", 2 * MIB);
	must_have_sent(c, 2 * MIB);
}

static double
logged(const char *key)
{
	return json_number_value(json_object_get(front_line(&f, 0), key));
}

Test(unread, all_bytes_are_counted)
{
	struct client *c = dial(f.port);

	origin_reply(
	    o, (struct reply){ .path = "/up", .sized = true, .size = MIB + 3 });
	send_upload(c, "POST", 2 * MIB + 1);
	must_get(c, MIB + 3);
	cr_assert_eq(logged("bytes_in"), 2 * MIB + 1);
	cr_assert_eq(logged("bytes_out"), MIB + 3);
	must_count(
	    f.d, "fairlead_http_response_bytes_total{route=\"all\"}", MIB + 3);
}

/* It has no other length than the bytes there are. */
Test(unread, a_body_that_ends_with_its_connection_is_whole)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o,
	    (struct reply){ .path = "/close",
		.sized = true,
		.size = 3 * MIB,
		.until_close = true });
	cr_assert(client_print(c, "GET /close HTTP/1.0\r\n\r\n"));
	r = answer(c, "GET");
	cr_assert(r->until_close);
	cr_assert_eq(r->body_n, 3 * MIB);
	cr_assert(r->is_pattern);
}
