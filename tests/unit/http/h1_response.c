/* A response as the codec hears it from a server. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bytes.h"
#include "tests/unit/http/h1_asked.h"

TestSuite(h1_response, .init = wired_up, .fini = wired_down, .timeout = 60);

static const struct {
	const char *bytes, *words;
	enum method method;
	bool fin;
} responses[] = {
	{ HELLO, "head 200;body hello last;done keep;", METHOD_GET, false },
	{ OK "Content-Length: 0\r\n\r\n", "head 200 last;done keep;",
	    METHOD_GET, false },
	{ OK "Content-Length: 5\r\n\r\n", "head 200 last;done keep;",
	    METHOD_HEAD, false },
	{ "HTTP/1.1 204 No\r\n\r\n", "head 204 last;done keep;", METHOD_GET,
	    false },
	{ "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n",
	    "head 304 last;done keep;", METHOD_GET, false },
	{ CHUNKED "0\r\n\r\n", "head 200;body  last;done keep;", METHOD_GET,
	    false },
	{ CHUNKED "5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n",
	    "head 200;body hello! last;done keep;", METHOD_GET, false },
	{ CHUNKED "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n",
	    "head 200;body hello;tail X-T=v;done keep;", METHOD_GET, false },
	{ "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hint\r\nLink: x\r\n\r\n" HELLO,
	    "head 100;head 103;head 200;body hello last;done keep;", METHOD_GET,
	    false },
	{ OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello",
	    "head 200;body hello last;done close;", METHOD_GET, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	    "head 200;body hello last;done close;", METHOD_GET, false },
	{ OK "\r\nhello", "head 200;body hello last;done close;", METHOD_GET,
	    true },
	{ OK "\r\n", "head 200;body  last;done close;", METHOD_GET, true },
};

#define NRESPONSES (sizeof(responses) / sizeof(responses[0]))

static void
is_heard(size_t i)
{
	if (responses[i].fin)
		wire_fin(&w);
	cr_assert_str_eq(wire_words(&w), responses[i].words, "row %zu", i);
	wire_renew(&w);
}

Test(h1_response, a_response_is_heard_whole_and_costs_one_read)
{
	for (size_t i = 0; i < NRESPONSES; i++) {
		ask_for(responses[i].method);
		w.reads = 0;
		wire_say(&w, responses[i].bytes);
		cr_assert_eq(w.reads, responses[i].fin ? 2 : 1, "%zu", i);
		is_heard(i);
	}
}

Test(h1_response, one_conn_serves_one_request_after_the_other)
{
	for (int i = 0; i < 5; i++) {
		ask();
		wire_say(&w, HELLO);
		wire_heard(&w, "head 200;body hello last;done keep;");
		cr_assert_eq(w.conn.owner, &w);
		cr_assert_eq(wire_waits(&w), WAITS_NOT);
	}
}

Test(h1_response, a_head_waits_to_be_heard_until_the_sink_is_there)
{
	wire_say(&w, HELLO);
	wire_heard(&w, "unasked;");
	w.conn.can_read = true;
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_heard(&w, "");
	wire_settle(&w);
	wire_heard(&w, "head 200;body hello last;done keep;");
}

Test(h1_response, a_conn_that_was_paused_is_read_for_its_answer)
{
	conn_pause(&w.conn);
	ask();
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done keep;");
}

Test(h1_response, bytes_nobody_asked_for_end_the_conn)
{
	static const char *const bytes[] = { HELLO "x", HELLO HELLO,
		OK "Content-Length: 0\r\n\r\nx", CHUNKED "0\r\n\r\nx",
		CHUNKED "0\r\nX: y\r\n\r\nx",
		"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" };

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		const char *words;

		ask();
		wire_say(&w, bytes[i]);
		words = wire_words(&w);
		cr_assert_str_eq(words + strlen(words) - strlen("done close;"),
		    "done close;", "row %zu", i);
		cr_assert_eq(w.conn.fd, -1);
		wire_renew(&w);
	}
}

Test(h1_response, a_flood_of_interim_heads_ends)
{
	ask();
	for (int i = 0; i < 32; i++) {
		wire_say(&w, "HTTP/1.1 103 Hint\r\n\r\n");
		wire_heard(&w, "head 103;");
	}
	wire_say(&w, "HTTP/1.1 103 Hint\r\n\r\n");
	wire_heard(&w, "gone upstream_interim;done close;");
}

Test(h1_response, as_many_interim_heads_as_allowed_go_before_the_answer)
{
	ask();
	for (int i = 0; i < 32; i++)
		wire_say(&w, "HTTP/1.1 103 Hint\r\n\r\n");
	wire_words(&w);
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done keep;");
}

static void
is_no_response(const char *bytes, const char *before)
{
	char words[128];

	ask();
	wire_say(&w, bytes);
	snprintf(words, sizeof(words), "%sgone upstream_protocol;done close;",
	    before);
	wire_heard(&w, words);
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_response, bytes_that_are_no_response_end_it)
{
	is_no_response("SSH-2.0-x\r\n\r\n", "");
}

Test(h1_response, a_response_against_the_rules_ends_it)
{
	is_no_response(OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "");
}

Test(h1_response, an_upgrade_nobody_asked_for_ends_it)
{
	is_no_response("HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n", "");
}

Test(h1_response, a_chunk_that_is_none_ends_it)
{
	is_no_response(CHUNKED "zz\r\n", "head 200;");
}

Test(h1_response, what_came_before_a_chunk_that_is_none_is_heard)
{
	is_no_response(CHUNKED "1\r\nx\r\nzz\r\n", "head 200;body x;");
}

Test(h1_response, trailers_that_are_none_end_it)
{
	is_no_response(CHUNKED "0\r\nA B: c\r\n\r\n", "head 200;");
}

Test(h1_response, a_window_and_no_byte_more_is_delivered_beyond_took)
{
	static char bytes[3 * STREAM_WINDOW / 2];

	w.keeps = w.quiet = true;
	ask();
	wire_say(
	    &w, keep_printf(OK "Content-Length: %zu\r\n\r\n", sizeof(bytes)));
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	cr_assert_eq(send(w.fd, bytes, sizeof(bytes), MSG_DONTWAIT),
	    (ssize_t)sizeof(bytes));
	wire_settle(&w);
	cr_assert_eq(w.body, STREAM_WINDOW);
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_took(&w, 10);
	cr_assert_eq(w.body, STREAM_WINDOW);
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_settle(&w);
	cr_assert_eq(w.body, STREAM_WINDOW + 10);
	wire_took(&w, STREAM_WINDOW);
	wire_settle(&w);
	cr_assert_eq(w.body, sizeof(bytes));
	wire_heard(&w, "head 200;body  last;done keep;");
}

Test(h1_response, a_close_delimited_body_behind_a_shut_window_ends_in_order)
{
	static char bytes[STREAM_WINDOW + 5];

	w.keeps = w.quiet = true;
	ask();
	wire_say(&w, OK "\r\n");
	cr_assert_eq(send(w.fd, bytes, sizeof(bytes), MSG_DONTWAIT),
	    (ssize_t)sizeof(bytes));
	wire_fin(&w);
	cr_assert_eq(w.body, STREAM_WINDOW);
	wire_heard(&w, "head 200;body ;");
	wire_took(&w, STREAM_WINDOW);
	wire_settle(&w);
	cr_assert_eq(w.body, STREAM_WINDOW + 5);
	wire_heard(&w, "body  last;done close;");
}

Test(h1_response, an_answer_before_the_request_is_out_ends_the_conn)
{
	begin();
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_response, an_answer_while_the_request_is_blocked_ends_the_conn)
{
	w.takes = 10;
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_response, an_answer_begun_before_the_requests_end_keeps_the_conn)
{
	begin();
	wire_say(&w, OK "Content-Length: 5\r\n\r\nhe");
	wire_put(&w, "world", true);
	wire_say(&w, "llo");
	wire_heard(&w, "head 200;body hello last;done keep;");
}
