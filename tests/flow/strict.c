/*
 * What is refused: requests that two readers could understand differently,
 * and responses that no client may be given.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

static void
stage(void)
{
	stage_set(&(struct front_settings){
	    .listener = ", limits: { header_size: 4KiB, uri_size: 1KiB, "
			"headers: 20, body_size: 1000B }" });
}

TestSuite(strict, .init = stage, .fini = stage_strike, .timeout = 60);

struct bad {
	int status;
	const char *reason;
	const char *bytes;
	size_t n; /* 0: strlen */
};

#define HOST "Host: t\r\n"
#define BYTES(text) text, sizeof(text) - 1

/* Each on a connection of its own; a valid request behind it must not live. */
static void
must_be_refused(const struct bad *b)
{
	struct client *c = dial(f.port);
	struct response r;
	size_t n = b->n > 0 ? b->n : strlen(b->bytes);

	cr_assert(client_send(c, b->bytes, n));
	(void)client_print(c, "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert(client_response(c, &r, "GET"), "%s: %s", b->bytes, c->why);
	cr_assert_eq(r.status, b->status, "%s: %d", b->bytes, r.status);
	must_refuse(&r, b->status, b->reason);
	must_end(c);
	cr_assert_eq(origin_bytes(o), 0, "%s reached a server", b->bytes);
}

Test(strict, bad_request__ambiguous_framing_is_refused)
{
	static const char *const framing[] = {
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 6\r\n",
		"Content-Length: 5, 6\r\n", "Content-Length: +5\r\n",
		"Content-Length: -1\r\n", "Content-Length: 0x5\r\n",
		"Content-Length: 5 5\r\n", "Content-Length: \r\n",
		"Content-Length: 9223372036854775808\r\n",
		"Content-Length: 99999999999999999999999\r\n",
		"Transfer-Encoding: chunked, chunked\r\n",
		"Transfer-Encoding: chunked, gzip\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
		"Transfer-Encoding: , chunked\r\n",
		"Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding:\r\n",
		"Content-Length : 5\r\n", "Transfer-Encoding : chunked\r\n"
	};
	size_t i;

	for (i = 0; i < sizeof framing / sizeof *framing; i++)
		must_be_refused(&(struct bad){ 400, "bad_request",
		    keep_printf("POST / HTTP/1.1\r\n" HOST "%s\r\n0\r\n\r\n",
			framing[i]),
		    0 });
	must_be_refused(&(struct bad){ 400, "bad_request",
	    "POST / HTTP/1.0\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    0 });
}

Test(strict, bad_request__broken_lines_are_refused)
{
	static const struct bad bads[] = {
		{ 400, "bad_request", "GET / HTTP/1.1\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET / HTTP/1.1\r\nHost: t\n\r\n", 0 },
		{ 400, "bad_request",
		    "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 0 },
		{ 400, "bad_request",
		    BYTES("GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n") },
		{ 400, "bad_request",
		    "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 0 },
		{ 400, "bad_request", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
		    0 },
		{ 400, "bad_request", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n",
		    0 },
		{ 400, "bad_request",
		    "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", 0 },
		{ 400, "bad_request",
		    "GET / HTTP/1.1\r\n" HOST "A\x01: b\r\n\r\n", 0 },
		{ 400, "bad_request", "GET / HTTP/1.1\r\n " HOST "\r\n", 0 },
		{ 400, "bad_request", "GET /\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET  / HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "G(T / HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET / HTTP/1.1 \r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET / http/1.1\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET x HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET * HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ 400, "bad_request", "\x16\x03\x01\x02\r\n\r\n", 0 }
	};
	size_t i;

	for (i = 0; i < sizeof bads / sizeof *bads; i++)
		must_be_refused(&bads[i]);
}

Test(strict, bad_request__host_and_path_must_have_one_meaning)
{
	static const char *const hosts[] = { "", "Host: a\r\nHost: b\r\n",
		"Host: a b\r\n", "Host: u@a\r\n", "Host: a,b\r\n",
		"Host: a:x\r\n", "Host: a:99999\r\n", "Host: [::1\r\n",
		"Host: a/b\r\n" };
	static const char *const paths[] = { "/a%2fb", "/a\\b", "/a%5cb",
		"/a%00", "/..", "/a/../../b", "/a;b", "/%zz", "/%" };
	size_t i;

	for (i = 0; i < sizeof hosts / sizeof *hosts; i++)
		must_be_refused(&(struct bad){ 400, "bad_request",
		    keep_printf("GET / HTTP/1.1\r\n%s\r\n", hosts[i]), 0 });
	for (i = 0; i < sizeof paths / sizeof *paths; i++)
		must_be_refused(&(struct bad){ 400, "bad_request",
		    keep_printf("GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]),
		    0 });
	must_be_refused(&(struct bad){
	    400, "bad_request", "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n", 0 });
	must_be_refused(&(struct bad){ 400, "bad_request",
	    "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n", 0 });
}

Test(strict, version_not_supported__only_http_1_is_spoken)
{
	must_be_refused(&(struct bad){ 505, "version_not_supported",
	    "GET / HTTP/1.2\r\n" HOST "\r\n", 0 });
	must_be_refused(&(struct bad){ 505, "version_not_supported",
	    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0 });
}

Test(strict, not_implemented__an_unknown_coding_is_refused)
{
	must_be_refused(&(struct bad){ 501, "not_implemented",
	    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n"
	    "\r\n0\r\n\r\n",
	    0 });
}

Test(strict, method_not_allowed__connect_opens_no_tunnel)
{
	must_be_refused(&(struct bad){ 405, "method_not_allowed",
	    "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 0 });
}

/* A text of n times that letter. */
static char *
letters(size_t n)
{
	char *text = keep(n + 1);

	memset(text, 'a', n);
	return text;
}

Test(strict, header_too_large__bytes_and_fields_have_a_limit)
{
	struct bytes many = { 0 };
	unsigned i;

	must_be_refused(&(struct bad){ 431, "header_too_large",
	    keep_printf(
		"GET / HTTP/1.1\r\n" HOST "A: %s\r\n\r\n", letters(5000)),
	    0 });
	bytes_printf(&many, "GET / HTTP/1.1\r\n" HOST);
	for (i = 0; i < 20; i++)
		bytes_printf(&many, "A: b\r\n");
	bytes_printf(&many, "\r\n");
	must_be_refused(&(struct bad){ 431, "header_too_large", many.p, 0 });
}

Test(strict, uri_too_large__the_target_has_a_limit)
{
	must_be_refused(&(struct bad){ 414, "uri_too_large",
	    keep_printf("GET /%s HTTP/1.1\r\n" HOST "\r\n", letters(1024)),
	    0 });
	cr_assert_eq(
	    get(f.port, keep_printf("/%s", letters(1023)), "")->status, 200);
}

Test(strict, body_too_large__a_declared_length_is_refused_at_once)
{
	must_be_refused(&(struct bad){ 413, "body_too_large",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", 0 });
}

Test(strict, body_too_large__a_chunked_body_is_refused_when_it_grows)
{
	struct client *c = dial(f.port);
	struct response r;

	cr_assert(client_print(c,
	    "POST /big HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n3e8\r\n%s\r\n1\r\na\r\n",
	    letters(1000)));
	cr_assert(client_response(c, &r, "POST"), "%s", c->why);
	must_refuse(&r, 413, "body_too_large");
	must_end(c);
	cr_assert_eq(origin_requests(o) == 0 || !origin_seen(o, 0)->whole, true,
	    "the server got a whole body");
	front_must_log(&f, "/big", "body_too_large");
}

/* After such a chunk nothing may look like the end of a request. */
Test(strict, bad_request__a_broken_chunk_never_ends_the_body)
{
	static const char *const chunks[] = { "x\r\n", "5\nhello\r\n", "-1\r\n",
		"0x5\r\nhello\r\n", "5 \r\nhello\r\n", "5\r\nhelloX\r\n",
		"11111111111111111\r\n", "5;a=\"\n\"\r\nhello\r\n", "\r\n",
		"0\r\nbad trailer\r\n\r\n" };
	struct response r;
	struct client *c;
	unsigned seen;
	size_t i;

	for (i = 0; i < sizeof chunks / sizeof *chunks; i++) {
		c = dial(f.port);
		cr_assert(client_print(c,
		    "POST /%zu HTTP/1.1\r\n" HOST
		    "Transfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n"
		    "GET /smuggled HTTP/1.1\r\n" HOST "\r\n",
		    i, chunks[i]));
		if (client_response(c, &r, "POST"))
			must_refuse(&r, 400, "bad_request");
		must_end(c);
	}
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0),
	    "the server's connection must be cut too");
	cr_assert_eq(origin_count(o, "/smuggled"), 0);
	for (seen = origin_requests(o); seen > 0; seen--)
		cr_assert_not(origin_seen(o, seen - 1)->whole, "%s",
		    origin_seen(o, seen - 1)->head.p);
}

Test(strict, upstream_protocol__lies_of_a_server_reach_no_client)
{
	static const struct bad answers[] = {
		{ 0, 0, "HTTP/0.9 200 OK\r\n\r\n", 0 },
		{ 0, 0, "HTTP/2 200 OK\r\n\r\n", 0 },
		{ 0, 0, "garbage\r\n\r\n", 0 },
		{ 0, 0, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", 0 },
		{ 0, 0, "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", 0 },
		{ 0, 0, "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", 0 },
		{ 0, 0,
		    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		    "Content-Length: 2\r\n\r\nab",
		    0 },
		{ 0, 0, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 0 },
		{ 0, 0,
		    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    0 },
		{ 0, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		    0 },
		{ 0, 0,
		    "HTTP/1.1 200 OK\r\nA : b\r\n"
		    "Content-Length: 0\r\n\r\n",
		    0 },
		{ 0, 0,
		    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n"
		    "Content-Length: 0\r\n\r\n",
		    0 },
		{ 0, 0,
		    BYTES("HTTP/1.1 200 OK\r\nA: b\0c\r\n"
			  "Content-Length: 0\r\n\r\n") },
	};
	size_t i;

	for (i = 0; i < sizeof answers / sizeof *answers; i++) {
		origin_reply(o,
		    (struct reply){
			.raw = answers[i].bytes, .raw_n = answers[i].n });
		must_refuse(get(f.port, "/lie", ""), 502, "upstream_protocol");
	}
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0),
	    "such a connection is not kept");
	front_must_log(&f, "/lie", "upstream_protocol");
}

Test(strict, upstream_protocol__a_broken_chunk_is_never_ended_cleanly)
{
	struct client *c = dial(f.port);
	struct response r;

	origin_reply(o,
	    (struct reply){
		.raw =
		    "HTTP/1.1 200 OK\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n" });
	cr_assert(client_print(c, "GET / HTTP/1.1\r\n" HOST "\r\n"));
	cr_assert_not(client_response(c, &r, "GET"));
	cr_assert(c->eof || c->reset);
	front_must_log(&f, "/", "upstream_protocol");
}

/* The first byte of the answer came: no status can be changed any more. */
static void
must_be_cut(struct reply reply, uint64_t most)
{
	struct client *c = dial(f.port);
	struct response r;

	origin_reply(o, reply);
	cr_assert(client_print(c, "GET /cut HTTP/1.1\r\n" HOST "\r\n"));
	cr_assert(client_head(c, &r), "%s", c->why);
	cr_assert_eq(r.status, 200);
	cr_assert_not(client_body(c, &r, "GET"));
	cr_assert(c->eof || c->reset, "%s", c->why);
	cr_assert_leq(r.body_n, most);
	cr_assert(r.is_pattern);
}

Test(strict, upstream_truncated__a_cut_answer_is_never_ended_cleanly)
{
	must_be_cut((struct reply){ .sized = true,
			.size = 100000,
			.cut = CUT_FIN,
			.cut_at = 50000 },
	    50000);
	must_be_cut((struct reply){ .sized = true,
			.size = 100000,
			.chunked = true,
			.cut = CUT_FIN,
			.cut_at = 50000 },
	    50000);
	front_must_log(&f, "/cut", "upstream_truncated");
}

/* A GET may be sent again, and there is nobody else; a POST may have been done. */
Test(strict, upstream_reset__a_server_that_cuts_before_its_answer_is_a_502)
{
	struct client *c = dial(f.port);

	origin_reply(o, (struct reply){ .raw = "", .cut = CUT_RST });
	must_refuse(get(f.port, "/rst", ""), 502, "upstream_reset");
	must_refuse(
	    ask(c, "POST /post HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"),
	    502, "upstream_reset");
	cr_assert_eq(origin_count(o, "/post"), 1);
	origin_reply(
	    o, (struct reply){ .raw = "HTTP/1.1 200", .cut = CUT_FIN });
	must_refuse(get(f.port, "/fin", ""), 502, "upstream_truncated");
	front_must_log(&f, "/rst", "upstream_reset");
	front_must_log(&f, "/fin", "upstream_truncated");
}
