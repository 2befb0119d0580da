/* The HTTP/1.1 codec towards a server, on a real conn and loop. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/http/h1_wire.h"

#include "net/loop.h"

static struct wire w;

static void
set_up(void)
{
	wire_open(&w, false);
}

static void
set_up_tcp(void)
{
	wire_open(&w, true);
}

static void
tear_down(void)
{
	wire_close(&w);
}

TestSuite(h1_client, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(h1_client_tcp, .init = set_up_tcp, .fini = tear_down, .timeout = 60);

#define OK "HTTP/1.1 200 OK\r\n"
#define HELLO OK "Content-Length: 5\r\n\r\nhello"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define ASKED "GET /p HTTP/1.1\r\nHost: h\r\n\r\n"

/* A whole request of that method is on its way. */
static void
ask_for(enum method method)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(method, FRAMING_NONE, 0), true);
	wire_settle(&w);
}

static void
ask(void)
{
	ask_for(METHOD_GET);
	cr_assert_str_eq(wire_read(&w), ASKED);
}

/* A request whose body is still to come. */
static void
begin(void)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_LENGTH, 10), false);
	wire_put(&w, "hello", false);
	wire_settle(&w);
}

/* ---- reading ------------------------------------------------------------ */

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
	wire_close(&w);
	set_up();
}

Test(h1_client, a_response_is_heard_whole_and_costs_one_read)
{
	for (size_t i = 0; i < NRESPONSES; i++) {
		ask_for(responses[i].method);
		w.reads = 0;
		wire_say(&w, responses[i].bytes);
		cr_assert_eq(w.reads, responses[i].fin ? 2 : 1, "%zu", i);
		is_heard(i);
	}
}

Test(h1_client, one_conn_serves_one_request_after_the_other)
{
	for (int i = 0; i < 5; i++) {
		ask();
		wire_say(&w, HELLO);
		wire_heard(&w, "head 200;body hello last;done keep;");
		cr_assert_eq(w.conn.owner, &w);
		cr_assert_eq(wire_waits(&w), WAITS_NOT);
	}
}

Test(h1_client, a_head_waits_to_be_heard_until_the_sink_is_there)
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

Test(h1_client, a_conn_that_was_paused_is_read_for_its_answer)
{
	conn_pause(&w.conn);
	ask();
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done keep;");
}

Test(h1_client, bytes_nobody_asked_for_end_the_conn)
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
		wire_close(&w);
		set_up();
	}
}

Test(h1_client, a_flood_of_interim_heads_ends)
{
	ask();
	for (int i = 0; i < 32; i++) {
		wire_say(&w, "HTTP/1.1 103 Hint\r\n\r\n");
		wire_heard(&w, "head 103;");
	}
	wire_say(&w, "HTTP/1.1 103 Hint\r\n\r\n");
	wire_heard(&w, "gone upstream_interim;done close;");
}

Test(h1_client, as_many_interim_heads_as_allowed_go_before_the_answer)
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

Test(h1_client, bytes_that_are_no_response_end_it)
{
	is_no_response("SSH-2.0-x\r\n\r\n", "");
}

Test(h1_client, a_response_against_the_rules_ends_it)
{
	is_no_response(OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "");
}

Test(h1_client, an_upgrade_nobody_asked_for_ends_it)
{
	is_no_response("HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n", "");
}

Test(h1_client, a_chunk_that_is_none_ends_it)
{
	is_no_response(CHUNKED "zz\r\n", "head 200;");
}

Test(h1_client, what_came_before_a_chunk_that_is_none_is_heard)
{
	is_no_response(CHUNKED "1\r\nx\r\nzz\r\n", "head 200;body x;");
}

Test(h1_client, trailers_that_are_none_end_it)
{
	is_no_response(CHUNKED "0\r\nA B: c\r\n\r\n", "head 200;");
}

Test(h1_client, a_window_and_no_byte_more_is_delivered_beyond_took)
{
	static char bytes[100000];

	w.keeps = w.quiet = true;
	ask();
	wire_say(&w, OK "Content-Length: 100000\r\n\r\n");
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
	cr_assert_eq(w.body, 100000);
	wire_heard(&w, "head 200;body  last;done keep;");
}

Test(h1_client, a_close_delimited_body_behind_a_shut_window_ends_in_order)
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

/* ---- the request -------------------------------------------------------- */

Test(h1_client, a_request_with_its_first_bytes_leaves_in_one_send)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_LENGTH, 7), false);
	cr_assert_eq(w.sends, 0);
	wire_put(&w, "hello", false);
	cr_assert_eq(w.sends, 1);
	wire_put(&w, "!!", true);
	cr_assert_eq(w.sends, 2);
	wire_settle(&w);
	cr_assert_eq(w.sends, 2);
	cr_assert_str_eq(wire_read(&w),
	    "POST /p HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 7\r\n\r\nhello!!");
	wire_heard(&w, "");
}

Test(h1_client, a_head_whose_body_keeps_waiting_leaves_with_the_pass)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_LENGTH, 7), false);
	wire_settle(&w);
	cr_assert_eq(w.sends, 1);
	cr_assert_str_eq(wire_read(&w),
	    "POST /p HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 7\r\n\r\n");
}

Test(h1_client, chunks_and_trailers_go_out_as_such)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_CHUNKED, 0), false);
	wire_put(&w, "hello", false);
	wire_put(&w, "", false);
	wire_put_tail(&w, "X-T", "v");
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w),
	    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n");
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done keep;");
}

Test(h1_client, the_last_chunk_ends_a_request)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_CHUNKED, 0), false);
	wire_put(&w, "hello", true);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w),
	    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\n0\r\n\r\n");
}

Test(h1_client, room_is_told_when_all_blocked_bytes_are_gone)
{
	w.takes = 10;
	begin();
	wire_heard(&w, "");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_unblock(&w, 10);
	wire_heard(&w, "");
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "room;");
	cr_assert_eq(wire_waits(&w), WAITS_NOT, "the request is not out");
	w.takes = 0;
	wire_put(&w, "hello", true);
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, ""); /* a request that is out has no more room */
	cr_assert_eq(wire_waits(&w), WAITS_FOR_HEAD);
}

Test(h1_client, an_answer_before_the_request_is_out_ends_the_conn)
{
	begin();
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_client, an_answer_while_the_request_is_blocked_ends_the_conn)
{
	w.takes = 10;
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_client, an_answer_begun_before_the_requests_end_keeps_the_conn)
{
	begin();
	wire_say(&w, OK "Content-Length: 5\r\n\r\nhe");
	wire_put(&w, "world", true);
	wire_say(&w, "llo");
	wire_heard(&w, "head 200;body hello last;done keep;");
}

/* ---- the server's end --------------------------------------------------- */

/* What is told when the wire ends, by what there was before. */
static void
ends(bool reused, size_t takes, const char *bytes, const char *words)
{
	w.takes = takes;
	wire_ask(&w, reused);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_settle(&w);
	wire_say(&w, bytes);
	wire_words(&w);
	wire_fin(&w);
	wire_heard(&w, words);
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_client, a_fresh_conn_that_ends_unanswered_was_cut)
{
	ends(false, SIZE_MAX, "", "gone upstream_reset;done close;");
}

Test(h1_client, a_fresh_conn_that_takes_nothing_was_none)
{
	ends(false, 0, "", "gone connect_failure;done close;");
}

Test(h1_client, a_reused_conn_that_ends_unanswered_is_stale)
{
	ends(true, SIZE_MAX, "", "gone stale;done close;");
}

Test(h1_client, a_reused_conn_that_takes_a_byte_is_stale)
{
	ends(true, 1, "", "gone stale;done close;");
}

Test(h1_client, a_reused_conn_that_takes_nothing_is_stale_unsent)
{
	ends(true, 0, "", "gone stale_unsent;done close;");
}

/* What an idle server said as its window was shut is no answer. */
Test(h1_client, an_answer_to_what_was_not_sent_is_none)
{
	w.takes = 0;
	wire_ask(&w, true);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_settle(&w);
	wire_say(&w, HELLO);
	wire_heard(&w, "gone stale_unsent;done close;");
}

Test(h1_client, a_fresh_server_may_answer_what_it_does_not_read)
{
	w.takes = 0;
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_settle(&w);
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_client, what_was_sent_before_does_not_count)
{
	ask();
	wire_say(&w, HELLO);
	ends(true, 0, "", "gone stale_unsent;done close;");
}

Test(h1_client, an_end_within_a_head_cuts_it_short)
{
	ends(true, SIZE_MAX, "H", "gone upstream_truncated;done close;");
}

Test(h1_client, an_end_after_an_interim_head_cuts_short)
{
	ends(false, SIZE_MAX, "HTTP/1.1 103 Hint\r\n\r\n",
	    "gone upstream_truncated;done close;");
}

Test(h1_client, an_end_within_a_body_cuts_it_short)
{
	ends(false, SIZE_MAX, OK "Content-Length: 5\r\n\r\nhell",
	    "gone upstream_truncated;done close;");
}

Test(h1_client, an_end_within_chunks_cuts_them_short)
{
	ends(false, SIZE_MAX, CHUNKED "5\r\nhello\r\n",
	    "gone upstream_truncated;done close;");
}

Test(h1_client, an_end_within_trailers_cuts_them_short)
{
	ends(false, SIZE_MAX, CHUNKED "0\r\n",
	    "gone upstream_truncated;done close;");
}

Test(h1_client_tcp, a_reset_cuts_a_body_short_that_ends_with_the_conn)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_say(&w, OK "\r\nhello");
	cr_assert(wire_heard_until(&w, "head 200;body hello;"));
	wire_rst(&w);
	wire_heard(&w, "gone upstream_truncated;done close;");
}

Test(h1_client_tcp, a_reset_before_the_answer_is_told)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_rst(&w);
	wire_heard(&w, "gone upstream_reset;done close;");
}

Test(h1_client, an_answer_is_heard_though_the_wire_no_longer_takes)
{
	wire_say(&w, HELLO);
	wire_heard(&w, "unasked;"); /* its edge is gone by */
	wire_ask(&w, false);
	w.write_error = EPIPE;
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_LENGTH, 9), false);
	wire_put(&w, "hello", false);
	wire_heard(&w, "");
	wire_put(&w, "hell", true);
	wire_settle(&w);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_client, a_wire_that_no_longer_takes_still_has_time_to_answer)
{
	begin();
	w.write_error = EPIPE;
	wire_put(&w, "wor", false);
	wire_settle(&w);
	wire_heard(&w, "");
	cr_assert_eq(wire_waits(&w), WAITS_FOR_HEAD);
	wire_put(&w, "l", false);
	wire_settle(&w);
	cr_assert_eq(w.conn.out.n, 0, "nothing is kept for nobody");
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_client, a_blocked_wire_that_fails_still_has_its_answer_read)
{
	w.takes = 10;
	begin();
	w.write_error = EPIPE;
	wire_unblock(&w, 0);
	wire_heard(&w, "");
	cr_assert_eq(w.conn.out.n, 0, "nothing is kept for nobody");
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_client, a_wire_that_neither_takes_nor_gives_ends)
{
	begin();
	w.write_error = EPIPE;
	wire_put(&w, "world", true);
	wire_fin(&w);
	wire_heard(&w, "gone upstream_reset;done close;");
}

/* ---- deadlines ---------------------------------------------------------- */

Test(h1_client, an_answer_has_its_time_from_the_requests_last_byte_on)
{
	uint64_t at;

	begin();
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_put(&w, "world", true);
	cr_assert_eq(wire_waits(&w), WAITS_FOR_HEAD);
	at = w.conn.deadline.at;
	wire_say(&w, "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 2");
	cr_assert_eq(w.conn.deadline.at, at);
	wire_heard(&w, "head 100;");
	wire_say(&w, "00 OK\r\nContent-Length: 5\r\n\r\n");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	at = wire_due(&w);
	wire_say(&w, "he");
	cr_assert_gt(wire_due(&w), at);
	wire_say(&w, "llo");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_heard(&w, "head 200;body hello last;done keep;");
}

Test(h1_client, an_idle_conns_deadline_is_not_the_requests)
{
	conn_deadline(&w.conn, WIRE_IDLE_NS);
	wire_ask(&w, true);
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
}

static void
out_of_time(const char *bytes, bool stalled, const char *words)
{
	ask();
	wire_say(&w, bytes);
	wire_words(&w);
	wire_expire(&w, stalled);
	wire_heard(&w, words);
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_client, no_answer_in_time_ends_it)
{
	out_of_time("", false, "gone response_timeout;done close;");
}

Test(h1_client, a_head_that_takes_too_long_ends_it)
{
	out_of_time("HTTP/1.1 ", false, "gone response_timeout;done close;");
}

Test(h1_client, our_own_stall_is_not_the_servers)
{
	out_of_time("", true, "gone stalled;done close;");
}

Test(h1_client, a_body_that_stops_ends_it)
{
	out_of_time(OK "Content-Length: 5\r\n\r\nhe", false,
	    "gone upstream_idle;done close;");
}

Test(h1_client, trailers_that_stop_end_it)
{
	out_of_time(CHUNKED "0\r\nX", false, "gone upstream_idle;done close;");
}

Test(h1_client, a_request_nobody_takes_ends)
{
	w.takes = 10;
	begin();
	wire_expire(&w, false);
	wire_heard(&w, "gone upstream_idle;done close;");
}

Test(h1_client, a_request_whose_last_byte_nobody_takes_ends)
{
	w.takes = strlen(ASKED) - 1;
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_settle(&w);
	cr_assert_eq(w.conn.out.n, 1);
	wire_expire(&w, false);
	wire_heard(&w, "gone upstream_idle;done close;");
}

/* ---- giving up ---------------------------------------------------------- */

static void
is_cut(void)
{
	w.stream->ops->reset(w.stream, END_CLIENT_CLOSED);
	wire_heard(&w, "done close;");
	cr_assert_eq(w.conn.fd, -1);
	cr_assert(wire_ends(&w));
	cr_assert(w.reset && !w.eof);
}

Test(h1_client_tcp, a_request_given_up_is_reset)
{
	begin();
	is_cut();
}

Test(h1_client_tcp, a_request_given_up_when_it_is_out_is_reset)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	is_cut();
}

static void
reset_on_head(struct wire *at, const char *word)
{
	if (strcmp(word, "head") == 0)
		at->stream->ops->reset(at->stream, END_CLIENT_CLOSED);
}

Test(h1_client, a_stream_may_be_reset_as_its_answer_comes)
{
	static const char *const bytes[] = { HELLO, "HTTP/1.1 204 No\r\n\r\n",
		"HTTP/1.1 103 Hint\r\n\r\n" HELLO };
	static const char *const words[] = { "head 200;done close;",
		"head 204 last;done close;", "head 103;done close;" };

	for (size_t i = 0; i < 3; i++) {
		w.react = reset_on_head;
		ask();
		wire_say(&w, bytes[i]);
		wire_heard(&w, words[i]);
		wire_close(&w);
		set_up();
	}
}

Test(h1_client, a_dropped_codec_goes_without_a_word)
{
	begin();
	h1_drop(&w.conn);
	cr_assert_null(w.conn.ops);
	conn_close(&w.conn);
	wire_settle(&w);
	wire_heard(&w, "");
}
