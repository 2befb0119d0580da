/*
 * HTTP/1.1 on both sides: connections kept, framing translated, fields that
 * belong to one hop removed and the ones that name the client added.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

static void
stage_trusting(void)
{
	stage_set(&(struct front_settings){
	    .listener = ", trusted_proxies: [127.0.0.0/8]" });
}

TestSuite(http1, .init = stage_plain, .fini = stage_strike, .timeout = 60);
TestSuite(http1_trusting, .init = stage_trusting, .fini = stage_strike,
    .timeout = 60);

/* The value of the origin's view of the i-th request, or "-". */
static char *
received(unsigned i, const char *name)
{
	struct seen *s = origin_seen(o, i);
	char *value;

	cr_assert_not_null(s, "request %u never came", i);
	value = origin_field(&s->head, name, 0);
	return value == NULL ? keep_printf("-") : value;
}

Test(http1, connections_are_kept_on_both_sides)
{
	struct client *c = dial(f.port);
	unsigned i;

	for (i = 0; i < 5; i++)
		cr_assert_eq(
		    ask(c, "GET /%u HTTP/1.1\r\nHost: t\r\n\r\n", i)->status,
		    200);
	cr_assert_eq(origin_requests(o), 5);
	cr_assert_eq(origin_accepted(o), 1);
}

Test(http1, another_client_uses_the_pooled_connection)
{
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert_eq(origin_accepted(o), 1);
}

Test(http1, responses_keep_their_bytes_sized_chunked_and_until_close)
{
	static const uint64_t sizes[] = { 0, 1, 1024, 1 << 20 };
	struct client *c = dial(f.port);
	struct response *r;
	size_t i;

	for (i = 0; i < 4; i++) {
		origin_reply(
		    o, (struct reply){ .sized = true, .size = sizes[i] });
		r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
		cr_assert_not_null(response_field(r, "content-length"));
		cr_assert(r->is_pattern && r->body_n == sizes[i]);
		origin_reply(o,
		    (struct reply){ .sized = true,
			.size = sizes[i],
			.chunked = true,
			.piece = 5000 });
		r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
		cr_assert(r->chunked);
		cr_assert(r->is_pattern && r->body_n == sizes[i]);
		origin_reply(o,
		    (struct reply){
			.sized = true, .size = sizes[i], .until_close = true });
		r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
		cr_assert(r->chunked, "its end must be told");
		cr_assert(r->is_pattern && r->body_n == sizes[i]);
	}
}

Test(http1, request_bodies_keep_their_bytes_sized_and_chunked)
{
	static const uint64_t sizes[] = { 0, 1, 1024, 1 << 20 };
	struct client *c = dial(f.port);
	char *want;
	size_t i;

	origin_reply(o, (struct reply){ .digest = true });
	for (i = 0; i < 4; i++) {
		want = keep_printf("%llu %s", (unsigned long long)sizes[i],
		    pattern_digest(sizes[i]));
		cr_assert(client_print(c,
		    "POST / HTTP/1.1\r\nHost: t\r\n"
		    "Content-Length: %llu\r\n\r\n",
		    (unsigned long long)sizes[i]));
		cr_assert(client_send_pattern(c, sizes[i]));
		cr_assert_str_eq(answer(c, "POST")->body.p, want);
		cr_assert(client_print(c,
		    "POST / HTTP/1.1\r\nHost: t\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n"));
		if (sizes[i] > 0) {
			cr_assert(client_print(
			    c, "%llx\r\n", (unsigned long long)sizes[i]));
			cr_assert(client_send_pattern(c, sizes[i]));
			cr_assert(client_print(c, "\r\n"));
		}
		cr_assert(client_print(c, "0\r\n\r\n"));
		cr_assert_str_eq(answer(c, "POST")->body.p, want);
	}
	cr_assert_eq(origin_accepted(o), 1);
}

Test(http1, head_204_and_304_have_no_body_and_keep_the_connection)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(
	    o, (struct reply){ .path = "/sized", .sized = true, .size = 100 });
	origin_reply(o,
	    (struct reply){ .path = "/chunked",
		.sized = true,
		.size = 100,
		.chunked = true });
	origin_reply(o, (struct reply){ .path = "/204", .status = 204 });
	origin_reply(o,
	    (struct reply){ .path = "/304",
		.status = 304,
		.fields = "ETag: \"x\"\r\nContent-Length: 77\r\n" });
	r = ask(c, "HEAD /sized HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_str_eq(response_field(r, "content-length"), "100");
	r = ask(c, "HEAD /chunked HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_eq(r->status, 200);
	r = ask(c, "GET /204 HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_eq(r->status, 204);
	cr_assert_null(response_field(r, "transfer-encoding"));
	r = ask(c, "GET /304 HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_eq(r->status, 304);
	cr_assert_str_eq(response_field(r, "etag"), "\"x\"");
	r = ask(c, "GET /sized HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert(r->is_pattern && r->body_n == 100);
	cr_assert_eq(origin_accepted(o), 1);
}

Test(http1, expect_100_continue_is_answered_before_the_body_is_sent)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o, (struct reply){ .digest = true });
	cr_assert(client_print(c,
	    "POST / HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
	cr_assert(client_more(c), "%s", c->why);
	cr_assert_eq(strncmp(c->in.p, "HTTP/1.1 100 ", 13), 0, "%s", c->in.p);
	cr_assert(client_print(c, "hello"));
	r = answer(c, "POST");
	cr_assert_eq(r->status, 200);
	cr_assert(response_says(r, "5 "));
}

Test(http1, expectation_failed__an_unknown_one_gets_no_100)
{
	struct client *c = dial(f.port);
	struct response *r;

	r = ask(c,
	    "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
	    "Expect: tea\r\n\r\n");
	must_refuse(r, 417, "expectation_failed");
	cr_assert_eq(r->interim.n, 0);
	cr_assert_eq(origin_requests(o), 0);
}

Test(http1, pipelined_requests_are_answered_in_order)
{
	struct client *c = dial(f.port);
	struct bytes b = { 0 };
	unsigned i;

	origin_reply(o,
	    (struct reply){ .path = "/0", .delay_ms = 100, .text = "first" });
	for (i = 0; i < 20; i++)
		bytes_printf(&b,
		    i == 7 ? "POST /%u HTTP/1.1\r\nHost: t\r\n"
			     "Content-Length: 3\r\n\r\nabc"
			   : "GET /%u HTTP/1.1\r\nHost: t\r\n\r\n",
		    i);
	cr_assert(client_send(c, b.p, b.n));
	cr_assert(response_says(answer(c, "GET"), "first"));
	for (i = 1; i < 20; i++)
		cr_assert(response_says(answer(c, "GET"),
			      keep_printf(" /%u HTTP/1.1\r\n", i)),
		    "answer %u", i);
	for (i = 0; i < 20; i++)
		cr_assert_str_eq(
		    origin_seen(o, i)->path, keep_printf("/%u", i));
}

Test(http1, http10_clients_get_no_chunks_and_a_closed_connection)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o,
	    (struct reply){ .sized = true,
		.size = 70000,
		.chunked = true,
		.interim = "HTTP/1.1 103 Early\r\n"
			   "Link: </a>\r\n\r\n" });
	r = ask(c, "GET / HTTP/1.0\r\n\r\n");
	cr_assert_eq(r->status, 200);
	cr_assert_not(r->chunked);
	cr_assert(r->until_close && r->is_pattern);
	cr_assert_eq(r->body_n, 70000);
	cr_assert_eq(r->interim.n, 0);
	cr_assert_neq(
	    strncmp(origin_seen(o, 0)->head.p, "GET / HTTP/1.1", 14), 1);
}

Test(http1, http10_clients_may_ask_to_be_kept)
{
	struct client *c = dial(f.port);
	struct response *r;

	r = ask(c,
	    "GET / HTTP/1.0\r\nHost: t\r\n"
	    "Connection: keep-alive\r\n\r\n");
	cr_assert_str_eq(response_field(r, "connection"), "keep-alive");
	cr_assert_eq(ask(c, "GET / HTTP/1.0\r\nHost: t\r\n\r\n")->status, 200);
	must_end(c);
}

Test(http1, close_is_honoured_on_both_sides)
{
	struct client *c = dial(f.port);
	struct response *r;

	r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	cr_assert_str_eq(response_field(r, "connection"), "close");
	must_end(c);
	origin_reply(o, (struct reply){ .close = true, .text = "bye" });
	c = dial(f.port);
	r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_null(response_field(r, "connection"),
	    "the server's close is not the client's");
	r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_eq(r->status, 200);
	cr_assert_eq(origin_accepted(o), 2);
}

/*
 * By the rules it may send nothing more; what it sends costs no answer.  The
 * answer is more than all buffers hold, so that it is under way until it is
 * read.
 */
Test(http1, what_follows_a_last_request_costs_no_byte_of_its_answer)
{
	static const char *const behind[] = { "", "\r\n",
		"GET /no HTTP/1.1\r\nHost: t\r\n\r\n" };

	origin_reply(o, (struct reply){ .sized = true, .size = 12 << 20 });
	for (unsigned i = 0; i < 6; i++) {
		const char *more = behind[i % 3];
		bool at_once = i < 3;
		struct client c = { .receive_buffer = 16384 };
		struct response *r;

		cr_assert(client_connect(&c, f.port));
		cr_assert(client_print(&c,
		    "GET /%u HTTP/1.1\r\nHost: t\r\n"
		    "Connection: close\r\n\r\n%s",
		    i, at_once ? more : ""));
		cr_assert_not_null(origin_seen(o, i));
		if (!at_once)
			cr_assert(client_print(&c, "%s", more));
		r = answer(&c, "GET");
		cr_assert(r->body_n == 12 << 20 && r->is_pattern);
		must_end(&c);
		cr_assert(c.eof && !c.reset, "behind it %s", more);
	}
}

Test(http1, trailers_are_passed_on_both_ways)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o,
	    (struct reply){ .text = "body",
		.chunked = true,
		.trailers = "X-Sum: 7\r\nContent-Length: 9\r\n" });
	r = ask(c,
	    "POST / HTTP/1.1\r\nHost: t\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "4\r\nbody\r\n0\r\nX-Check: 5\r\nHost: evil\r\n"
	    "X-Forwarded-For: 1.2.3.4\r\n\r\n");
	cr_assert_str_eq(r->body.p, "body");
	cr_assert(bytes_hold(&r->trailers, "X-Sum: 7\r\n"));
	cr_assert_not(bytes_hold(&r->trailers, "ength"));
	cr_assert(bytes_hold(&origin_seen(o, 0)->body, "X-Check: 5\r\n"));
	cr_assert_not(bytes_hold(&origin_seen(o, 0)->body, "evil"));
	cr_assert_not(bytes_hold(&origin_seen(o, 0)->body, "1.2.3.4"));
}

Test(http1, hop_by_hop_fields_go_no_further_than_one_hop)
{
	static const char *const gone[] = { "keep-alive", "proxy-connection",
		"te", "upgrade", "x-secret", "transfer-encoding" };
	struct client *c = dial(f.port);
	struct response *r;
	size_t i;

	origin_reply(o,
	    (struct reply){ .text = "x",
		.fields = "Connection: X-Mine, keep-alive\r\nX-Mine: 1\r\n"
			  "Keep-Alive: timeout=60\r\nX-End: 2\r\n" });
	r = ask(c,
	    "GET / HTTP/1.1\r\nHost: t\r\nKeep-Alive: 5\r\n"
	    "Proxy-Connection: x\r\nTE: gzip\r\nUpgrade: h2c\r\n"
	    "Connection: X-Secret, TE, Upgrade, Host, X-Forwarded-For\r\n"
	    "X-Secret: 1\r\nX-Public: 2\r\n\r\n");
	for (i = 0; i < sizeof gone / sizeof *gone; i++)
		cr_assert_str_eq(received(0, gone[i]), "-", "%s", gone[i]);
	cr_assert_str_eq(received(0, "x-public"), "2");
	cr_assert_str_eq(received(0, "host"), "t");
	cr_assert_str_eq(received(0, "x-forwarded-for"), "127.0.0.1");
	cr_assert_null(response_field(r, "x-mine"));
	cr_assert_null(response_field(r, "keep-alive"));
	cr_assert_str_eq(response_field(r, "x-end"), "2");
}

Test(http1, forwarding_fields_name_the_peer_whatever_the_client_says)
{
	(void)get(f.port, "/",
	    "X-Forwarded-For: 6.6.6.6\r\n"
	    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
	    "Forwarded: for=6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n"
	    "X-Real-IP: 6.6.6.6\r\n");
	cr_assert_str_eq(received(0, "x-forwarded-for"), "127.0.0.1");
	cr_assert_str_eq(received(0, "x-forwarded-proto"), "http");
	cr_assert_str_eq(received(0, "x-forwarded-host"), "test");
	cr_assert_not(bytes_hold(&origin_seen(o, 0)->head, "6.6.6.6"));
	cr_assert_not(bytes_hold(&origin_seen(o, 0)->head, "evil"));
}

Test(http1_trusting, a_trusted_proxy_extends_the_chain)
{
	(void)get(f.port, "/",
	    "X-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n"
	    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\n"
	    "X-Request-Id: from-the-edge\r\n");
	cr_assert_str_eq(
	    received(0, "x-forwarded-for"), "10.1.1.1, 10.2.2.2, 127.0.0.1");
	cr_assert_str_eq(received(0, "x-forwarded-proto"), "https");
	cr_assert_str_eq(received(0, "x-forwarded-host"), "shop");
	cr_assert_str_eq(received(0, "x-request-id"), "from-the-edge");
	cr_assert_str_eq(front_line_text(&f, 0, "request_id"), "from-the-edge");
}

Test(http1, every_request_gets_an_id_of_its_own)
{
	char *first, *second;

	(void)get(f.port, "/", "X-Request-Id: mine\r\n");
	(void)get(f.port, "/", "");
	first = received(0, "x-request-id");
	second = received(1, "x-request-id");
	cr_assert_str_neq(first, "mine");
	cr_assert_str_neq(first, "-");
	cr_assert_str_neq(first, second);
	cr_assert_str_eq(front_line_text(&f, 0, "request_id"), first);
}

Test(http1, via_is_added_both_ways)
{
	struct response *r;

	origin_reply(
	    o, (struct reply){ .text = "x", .fields = "Via: 1.1 before\r\n" });
	r = get(f.port, "/", "Via: 1.0 other\r\n");
	cr_assert(bytes_hold(&origin_seen(o, 0)->head, "1.0 other"));
	cr_assert(bytes_hold(&origin_seen(o, 0)->head, "1.1 fairlead"), "%s",
	    origin_seen(o, 0)->head.p);
	cr_assert(bytes_hold(&r->head, "1.1 before"));
	cr_assert(bytes_hold(&r->head, "1.1 fairlead"), "%s", r->head.p);
}

Test(http1, interim_heads_pass_and_an_unasked_101_is_refused)
{
	struct response *r;

	origin_reply(o,
	    (struct reply){ .path = "/103",
		.text = "x",
		.interim = "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
			   "HTTP/1.1 103 Early\r\nLink: </b>\r\n\r\n" });
	origin_reply(o,
	    (struct reply){ .path = "/101",
		.close = true,
		.raw = "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n"
		       "Connection: upgrade\r\n\r\n" });
	r = get(f.port, "/103", "");
	cr_assert_eq(r->status, 200);
	cr_assert(bytes_hold(&r->interim, "</a>"));
	cr_assert(bytes_hold(&r->interim, "</b>"));
	must_refuse(get(f.port, "/101", ""), 502, "upstream_protocol");
}

Test(http1, an_early_answer_is_delivered_and_its_connection_not_reused)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o,
	    (struct reply){ .path = "/early",
		.early = true,
		.text = "enough",
		.unread = true });
	r = ask(c,
	    "POST /early HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 100000000\r\n\r\nabc");
	cr_assert_eq(r->status, 200);
	cr_assert_str_eq(r->body.p, "enough");
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert_eq(origin_accepted(o), 2);
}

Test(http1, an_answer_before_the_requests_end_says_that_it_closes)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o,
	    (struct reply){
		.path = "/early", .early = true, .text = "enough" });
	r = ask(c,
	    "POST /early HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 100000\r\n\r\nabc");
	cr_assert_eq(r->status, 200);
	cr_assert_str_eq(response_field(r, "connection"), "close");
	must_end(c);
	c = dial(f.port);
	r = ask(c,
	    "POST /early HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 3\r\n\r\nabc");
	cr_assert_null(response_field(r, "connection"));
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
}

Test(http1, an_absolute_target_decides_host_and_path)
{
	struct client *c = dial(f.port);

	(void)ask(c,
	    "GET http://other.test:81/p?q HTTP/1.1\r\n"
	    "Host: t\r\n\r\n");
	cr_assert_str_eq(received(0, "host"), "other.test:81");
	cr_assert(bytes_hold(&origin_seen(o, 0)->head, "GET /p?q HTTP/1.1"));
}

Test(http1, the_forwarded_path_is_the_normalised_one)
{
	(void)get(f.port, "/a/./b/../%63//d%7e?x=%2e", "");
	cr_assert(bytes_hold(&origin_seen(o, 0)->head,
		      "GET /a/c/d~?x=%2e HTTP/1.1\r\n"),
	    "%s", origin_seen(o, 0)->head.p);
}

Test(http1, a_client_that_half_closes_still_gets_its_answer)
{
	struct client *c = dial(f.port);

	origin_reply(o, (struct reply){ .delay_ms = 100, .text = "late" });
	cr_assert(client_print(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
	shutdown(c->fd, SHUT_WR);
	cr_assert_str_eq(answer(c, "GET")->body.p, "late");
	must_end(c);
}

Test(http1, pipelined_requests_before_a_half_close_are_all_answered)
{
	struct client *c = dial(f.port);
	unsigned i;

	origin_reply(o, (struct reply){ .delay_ms = 50, .text = "late" });
	for (i = 0; i < 3; i++)
		cr_assert(client_print(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(client_print(c, "GET / HTTP/1.1\r\nHo"));
	shutdown(c->fd, SHUT_WR);
	for (i = 0; i < 3; i++)
		cr_assert_str_eq(answer(c, "GET")->body.p, "late");
	must_end(c);
}

Test(http1, client_closed__a_reset_cancels_the_request_at_the_server)
{
	struct client *c = dial(f.port);

	origin_reply(o, (struct reply){ .path = "/never", .silent = true });
	cr_assert(client_print(c, "GET /never HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(o, 0));
	client_abort(c);
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0));
	front_must_log(&f, "/never", "client_closed");
}

Test(http1, bytes_after_an_answer_reach_nobody)
{
	struct client *c = dial(f.port);
	struct response *r;

	origin_reply(o,
	    (struct reply){ .path = "/surplus",
		.raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
		       "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" });
	r = ask(c, "GET /surplus HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_str_eq(r->body.p, "ok");
	r = ask(c, "GET /next HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert(response_says(r, "GET /next "), "%s", r->body.p);
	cr_assert_eq(origin_accepted(o), 2);
}

Test(http1, the_servers_status_and_reason_pass_unchanged)
{
	struct response *r;

	origin_reply(o, (struct reply){ .status = 799, .text = "odd" });
	r = get(f.port, "/", "");
	cr_assert_eq(r->status, 799);
	cr_assert_null(response_field(r, "x-fairlead-reason"));
	cr_assert_str_eq(front_line_text(&f, 0, "reason"), "");
}
