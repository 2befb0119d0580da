/*
 * The tests' own tools, client against origin with nothing between: what they
 * would not notice here they would not notice in fairlead.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/client.h"
#include "tests/lib/load.h"
#include "tests/lib/origin.h"
#include "tests/lib/wait.h"

Test(harness, bodies_of_every_framing_arrive_as_the_pattern)
{
	struct origin *o = origin_new("a");
	struct client *c = dial(origin_port(o));
	struct response *r;

	origin_reply(o,
	    (struct reply){ .path = "/sized", .sized = true, .size = 1 << 20 });
	origin_reply(o,
	    (struct reply){ .path = "/chunked",
		.sized = true,
		.size = 100000,
		.chunked = true,
		.piece = 7000,
		.trailers = "X-Sum: 1\r\n" });
	origin_reply(o,
	    (struct reply){ .path = "/close",
		.sized = true,
		.size = 70000,
		.until_close = true });
	r = ask(c, "GET /sized HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert(r->is_pattern);
	cr_assert_eq(r->body_n, 1 << 20);
	r = ask(c, "GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert(r->is_pattern);
	cr_assert_eq(r->body_n, 100000);
	cr_assert_eq(r->chunks, 15);
	cr_assert_str_eq(r->trailers.p, "X-Sum: 1\r\n");
	r = ask(c, "GET /close HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert(r->is_pattern && r->until_close);
	cr_assert_eq(r->body_n, 70000);
	must_end(c);
	cr_assert_eq(origin_accepted(o), 1);
	cr_assert_eq(origin_requests(o), 3);
}

Test(harness, uploads_are_hashed_sized_and_chunked)
{
	struct origin *o = origin_new("a");
	struct client *c = dial(origin_port(o));
	struct response *r;

	origin_reply(o, (struct reply){ .digest = true });
	cr_assert(client_print(c,
	    "PUT / HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: 200000\r\n\r\n"));
	cr_assert(client_send_pattern(c, 200000));
	r = answer(c, "PUT");
	cr_assert_str_eq(
	    r->body.p, keep_printf("200000 %s", pattern_digest(200000)));
	r = ask(c,
	    "PUT / HTTP/1.1\r\nHost: a\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n"
	    "0\r\nX-T: 1\r\n\r\n");
	cr_assert(response_says(r, "3 "));
	cr_assert_str_eq(origin_seen(o, 1)->body.p,
	    "2\r\nab\r\n1;x\r\nc\r\n0\r\nX-T: 1\r\n\r\n");
}

Test(harness, cuts_and_broken_grammar_are_noticed)
{
	static const char *const broken[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3;x\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"
	};
	struct origin *o = origin_new("a");
	struct response r;
	struct client *c;
	size_t i;

	for (i = 0; i < sizeof broken / sizeof *broken; i++) {
		origin_reply(
		    o, (struct reply){ .raw = broken[i], .close = true });
		c = dial(origin_port(o));
		cr_assert(client_print(c, "GET / HTTP/1.1\r\n\r\n"));
		cr_assert_not(client_response(c, &r, "GET"), "%s", broken[i]);
	}
	origin_reply(o,
	    (struct reply){ .sized = true,
		.size = 100000,
		.cut = CUT_RST,
		.cut_at = 50000 });
	c = dial(origin_port(o));
	cr_assert(client_print(c, "GET / HTTP/1.1\r\n\r\n"));
	cr_assert_not(client_response(c, &r, "GET"));
	cr_assert_leq(r.body_n, 50000);
}

Test(harness, a_shifted_body_is_not_the_pattern)
{
	char piece[100];

	pattern_fill(piece, sizeof piece, 70000);
	cr_assert(pattern_is(piece, sizeof piece, 70000));
	cr_assert_not(pattern_is(piece, sizeof piece, 70001));
	piece[99] ^= 1;
	cr_assert_not(pattern_is(piece, sizeof piece, 70000));
	cr_assert(pattern_is(piece, 99, 70000));
}

Test(harness, a_killed_origin_refuses_and_comes_back_on_its_port)
{
	struct origin *o = origin_new("a");
	struct client *c = dial(origin_port(o)), again = { 0 };
	int port = origin_port(o);

	(void)ask(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	origin_kill(o);
	cr_assert_not(client_more(c));
	cr_assert(c->reset);
	cr_assert_not(client_connect(&again, port));
	cr_assert_eq(origin_open(o), 0);
	origin_revive(o);
	cr_assert_eq(get(port, "/", "")->status, 200);
}

Test(harness, delays_and_paces_do_not_hold_up_other_connections)
{
	struct origin *o = origin_new("a");
	struct client *slow = dial(origin_port(o));
	struct response r = { 0 };

	origin_reply(o,
	    (struct reply){ .path = "/slow",
		.delay_ms = 300,
		.sized = true,
		.size = 30,
		.piece = 10,
		.pace_ms = 20 });
	cr_assert(client_print(slow, "GET /slow HTTP/1.1\r\n\r\n"));
	cr_assert_not_null(origin_seen(o, 0));
	cr_assert_eq(get(origin_port(o), "/", "")->status, 200);
	cr_assert_not(origin_seen(o, 0)->answered);
	cr_assert(client_response(slow, &r, "GET"));
	cr_assert_eq(r.body_n, 30);
}

Test(harness, an_early_answer_does_not_wait_for_the_body)
{
	struct origin *o = origin_new("a");
	struct client *c = dial(origin_port(o));

	origin_reply(
	    o, (struct reply){ .path = "/early", .early = true, .text = "no" });
	cr_assert_eq(ask(c,
			 "PUT /early HTTP/1.1\r\nContent-Length: 3\r\n"
			 "\r\n")
			 ->status,
	    200);
	cr_assert_not(origin_seen(o, 0)->whole);
	cr_assert(client_print(c, "abc"));
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\n\r\n")->status, 200);
	cr_assert(origin_seen(o, 0)->whole);
}

Test(harness, load_counts_and_checks_every_answer)
{
	struct origin *o = origin_new("a");
	struct load_result *r;

	origin_reply(
	    o, (struct reply){ .path = "/wrong", .text = "X-Load-Id: 7\r\n" });
	origin_reply(o, (struct reply){ .path = "/bad", .status = 503 });
	r = load_run(&(struct load_plan){
	    .port = origin_port(o), .connections = 4, .requests = 400 });
	cr_assert_eq(r->ok, 400, "%s", load_reasons(r));
	cr_assert_leq(origin_accepted(o), 4);
	r = load_run(&(struct load_plan){ .port = origin_port(o),
	    .requests = 10,
	    .path = "/wrong",
	    .fresh = true });
	cr_assert_eq(r->mixed, 9, "%s", load_reasons(r));
	r = load_run(&(struct load_plan){
	    .port = origin_port(o), .requests = 10, .path = "/bad" });
	cr_assert_eq(r->status[503], 10, "%s", load_reasons(r));
	cr_assert_eq(r->ok, 0);
}

Test(harness, flaky_origins_fail_in_their_share)
{
	struct origin *o = origin_new("a");
	struct load_result *r;

	origin_reply(o, (struct reply){ .fail_percent = 30 });
	r = load_run(
	    &(struct load_plan){ .port = origin_port(o), .requests = 100 });
	cr_assert_eq(r->ok, 70, "%s", load_reasons(r));
	cr_assert_eq(r->status[503], 30);
}
