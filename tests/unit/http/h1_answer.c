/* The answer to a client's request: its head, its bytes, and who may stay. */
#include <criterion/criterion.h>

#include <signal.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/http/h1_served.h"

TestSuite(h1_answer, .init = served_up, .fini = wired_down, .timeout = 60);
TestSuite(
    h1_answer_tcp, .init = served_up_tcp, .fini = wired_down, .timeout = 60);

/* ---- the answer --------------------------------------------------------- */

static const struct {
	const char *request;
	bool keep; /* the answer's */
	enum framing framing;
	const char *response, *done;
} keeps[] = {
	{ "1.1\r\nHost: h\r\n\r\n", true, FRAMING_LENGTH,
	    "Content-Length: 2\r\n\r\nok", "keep" },
	{ "1.1\r\nHost: h\r\n\r\n", false, FRAMING_LENGTH,
	    "Content-Length: 2\r\nConnection: close\r\n\r\nok", "close" },
	{ "1.1\r\nHost: h\r\nConnection: close\r\n\r\n", true, FRAMING_LENGTH,
	    "Content-Length: 2\r\nConnection: close\r\n\r\nok", "close" },
	{ "1.0\r\nHost: h\r\n\r\n", true, FRAMING_LENGTH,
	    "Content-Length: 2\r\nConnection: close\r\n\r\nok", "close" },
	{ "1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", true,
	    FRAMING_LENGTH,
	    "Content-Length: 2\r\nConnection: keep-alive\r\n\r\nok", "keep" },
	{ "1.1\r\nHost: h\r\n\r\n", true, FRAMING_CHUNKED,
	    "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "keep" },
	{ "1.1\r\nHost: h\r\n\r\n", true, FRAMING_CLOSE,
	    "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "keep" },
	{ "1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", true,
	    FRAMING_CHUNKED, "Connection: close\r\n\r\nok", "close" },
};

Test(h1_answer, a_conn_is_kept_when_both_sides_want_it_and_the_end_is_known)
{
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		struct head head = wire_response(200, keeps[i].framing, 2);
		char words[64], bytes[256];

		wire_say(&w, "GET /a HTTP/");
		wire_say(&w, keeps[i].request);
		wire_heard(&w, "request GET /a last;");
		head.keep_alive = keeps[i].keep;
		wire_put_head(&w, head, false);
		wire_put(&w, "ok", true);
		wire_settle(&w);
		snprintf(
		    words, sizeof(words), "flushed;done %s;", keeps[i].done);
		wire_heard(&w, words);
		snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 R\r\n%s",
		    keeps[i].response);
		cr_assert_str_eq(
		    wire_read(&w), bytes, "row %zu: %s", i, w.bytes);
		wire_renew(&w);
		wire_serve(&w);
	}
}

Test(h1_answer, answers_without_a_body_have_none)
{
	static const struct {
		const char *method;
		unsigned status;
		const char *response;
	} rows[] = {
		{ "HEAD", 200, "200 R\r\nContent-Length: 2\r\n\r\n" },
		{ "GET", 204, "204 R\r\n\r\n" },
		{ "GET", 304, "304 R\r\nContent-Length: 2\r\n\r\n" },
		{ "GET", 200, "200 R\r\nContent-Length: 2\r\n\r\nok" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wire_say(&w, rows[i].method);
		wire_say(&w, " /a HTTP/1.1\r\nHost: h\r\n\r\n");
		wire_words(&w);
		answer(rows[i].status, "ok");
		wire_heard(&w, "flushed;done keep;");
		cr_assert_str_eq(
		    wire_read(&w) + strlen("HTTP/1.1 "), rows[i].response);
	}
}

Test(h1_answer, an_answer_of_a_head_alone_is_whole)
{
	wire_say(&w, GET);
	wire_words(&w);
	wire_put_head(&w, wire_response(302, FRAMING_NONE, 0), true);
	wire_heard(&w, ""); /* no verb calls its own sink */
	wire_settle(&w);
	wire_heard(&w, "flushed;done keep;");
	cr_assert_str_eq(
	    wire_read(&w), "HTTP/1.1 302 R\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(w.sends, 1);
}

Test(h1_answer, chunks_and_trailers_go_out_as_such)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_CHUNKED, 0), false);
	wire_put(&w, "hello", false);
	wire_put(&w, "", false);
	wire_put(&w, "!", false);
	wire_put_tail(&w, "X-T", "v");
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;flushed;done keep;");
	cr_assert_str_eq(wire_read(&w),
	    "HTTP/1.1 200 R\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\n1\r\n!\r\n0\r\nX-T: v\r\n\r\n");
}

Test(h1_answer, trailers_are_left_out_where_there_is_no_place)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(&w, "ok", false);
	wire_put_tail(&w, "X-T", "v");
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;flushed;done keep;");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

/* Two answers in the place of one would be for the taking. */
Test(h1_answer, more_body_than_was_told_ends_the_program, .signal = SIGABRT)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	wire_put(&w, "hel", false);
	wire_put(&w, "lo", true);
}

Test(h1_answer, an_end_without_bytes_ends_the_answer)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_CHUNKED, 0), false);
	wire_put(&w, "hello", false);
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;");
	wire_put(&w, "", true);
	wire_settle(&w);
	wire_heard(&w, "flushed;done keep;");
	cr_assert_str_eq(wire_read(&w),
	    "HTTP/1.1 200 R\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\n0\r\n\r\n");
}

Test(h1_answer, interim_heads_go_before_the_answer_at_once)
{
	wire_say(&w,
	    "POST /p HTTP/1.1\r\nHost: h\r\n"
	    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	wire_heard(&w, "request POST /p;");
	cr_assert(w.head->expect_continue);
	wire_put_head(&w, wire_response(100, FRAMING_NONE, 0), false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "HTTP/1.1 100 R\r\n\r\n");
	wire_say(&w, "hi");
	wire_heard(&w, "body hi last;");
	answer(200, "ok");
	wire_heard(&w, "flushed;done keep;");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

Test(h1_answer, interim_heads_are_not_for_http_1_0)
{
	wire_say(&w, "GET /a HTTP/1.0\r\nHost: h\r\n\r\n");
	wire_put_head(&w, wire_response(103, FRAMING_NONE, 0), false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "");
	wire_heard(&w, "request GET /a last;");
	answer(200, "ok");
	wire_heard(&w, "flushed;done close;");
}

Test(h1_answer, a_head_and_its_first_bytes_leave_in_one_send)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	cr_assert_eq(w.sends, 0);
	wire_put(&w, "ok", false);
	cr_assert_eq(w.sends, 1);
	wire_settle(&w);
	cr_assert_eq(w.sends, 1);
	wire_put(&w, "ok", true);
	cr_assert_eq(w.sends, 2);
}

Test(h1_answer, a_head_whose_body_keeps_waiting_leaves_with_the_pass)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	cr_assert_eq(w.sends, 0);
	wire_settle(&w);
	cr_assert_eq(w.sends, 1);
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\n");
	wire_heard(&w, "request GET /a last;");
}

/* ---- early answers ------------------------------------------------------ */

Test(h1_answer, an_answer_before_the_body_closes_the_conn)
{
	wire_say(&w, POST "he");
	wire_heard(&w, "request POST /p;body he;");
	answer(413, "no");
	wire_heard(&w, "flushed;done close;");
	cr_assert_str_eq(wire_read(&w),
	    "HTTP/1.1 413 R\r\nContent-Length: 2\r\n"
	    "Connection: close\r\n\r\nno");
}

static void
answer_before_the_body(struct wire *at, const char *word)
{
	if (strcmp(word, "request") != 0)
		return;
	wire_put_head(at, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(at, "ok", true);
}

Test(h1_answer, an_answer_to_a_body_that_has_come_keeps_the_conn)
{
	w.react = answer_before_the_body;
	wire_say(&w, POST "hello");
	wire_heard(&w, "request POST /p;body hello last;flushed;done keep;");
}

/* The head has said so when the rest of the body comes. */
Test(h1_answer, an_answer_begun_before_the_bodys_end_closes_the_conn)
{
	wire_say(&w, POST "he");
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(&w, "o", false);
	wire_say(&w, "llo");
	wire_heard(&w, "request POST /p;body hello last;");
	wire_put(&w, "k", true);
	wire_settle(&w);
	wire_heard(&w, "flushed;done close;");
}

Test(h1_answer, a_body_goes_on_behind_an_answer_that_is_blocked)
{
	wire_say(&w, POST "he");
	w.takes = 0;
	answer(200, "ok");
	wire_say(&w, "llo");
	wire_heard(&w, "request POST /p;body hello last;");
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "flushed;done close;");
}

/* ---- giving up ---------------------------------------------------------- */

/* One that ends with the conn. */
static void
begin_answer(void)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_put_head(&w, wire_response(200, FRAMING_CLOSE, 0), false);
	wire_put(&w, "some", false);
}

Test(h1_answer_tcp, an_answer_that_is_cut_is_reset)
{
	begin_answer();
	w.stream->ops->reset(w.stream, END_UPSTREAM_TRUNCATED);
	wire_heard(&w, "done close;");
	cr_assert_eq(w.conn.fd, -1);
	cr_assert(wire_is_reset(&w));
}

Test(h1_answer_tcp, an_answer_never_begun_is_closed)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	w.stream->ops->reset(w.stream, END_SHUTDOWN);
	wire_settle(&w);
	wire_heard(&w, "done close;");
	cr_assert(wire_ends(&w));
	cr_assert(w.eof && !w.reset);
}

Test(h1_answer_tcp, an_answer_that_fails_half_way_is_reset)
{
	begin_answer();
	w.takes = 0;
	wire_put(&w, "more", false);
	wire_expire(&w, false);
	wire_heard(&w, "gone too_slow;done close;");
	cr_assert(wire_is_reset(&w));
}

Test(h1_answer, a_stream_may_be_reset_from_its_own_sink)
{
	wired_reset_at("body", END_BODY_TOO_LARGE);
	w.keeps = true;
	wire_say(&w, POST "he");
	wire_heard(&w, "request POST /p;body he;done close;");
}

Test(h1_answer, a_stream_may_be_reset_as_it_comes)
{
	wired_reset_at("request", END_SHUTDOWN);
	wire_say(&w, GET GET);
	wire_heard(&w, "request GET /a last;done close;");
}

Test(h1_answer, a_dropped_codec_goes_without_a_word)
{
	wire_say(&w, POST "he");
	wire_words(&w);
	h1_drop(&w.conn);
	cr_assert_null(w.conn.ops);
	conn_close(&w.conn);
	wire_settle(&w);
	wire_heard(&w, "");
}

static const struct {
	const char *request;
	bool fin;
	const char *behind; /* sent before the answer */
	enum h1_left left;
} lasts[] = {
	{ "1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false, "", H1_SPENT },
	{ "1.0\r\nHost: h\r\n\r\n", false, "", H1_SPENT },
	{ "1.1\r\nHost: h\r\n\r\n", true, "", H1_SPENT },
	{ "1.1\r\nHost: h\r\n\r\n", false, "", H1_ENDING },
	{ "1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false, "\r\n",
	    H1_ENDING },
	{ "1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET", false, "",
	    H1_ENDING },
	{ "1.1\r\nHost: h\r\nConnection: close\r\n"
	  "Content-Length: 9\r\n\r\nhe",
	    false, "", H1_ENDING },
	{ "1.1\r\nHost: h\r\nConnection: close\r\n"
	  "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	    false, "", H1_ENDING },
};

Test(h1_answer, only_a_client_that_sends_no_more_is_done_with)
{
	for (size_t i = 0; i < sizeof(lasts) / sizeof(lasts[0]); i++) {
		struct head head = wire_response(200, FRAMING_LENGTH, 2);
		char request[256];

		snprintf(request, sizeof(request), "GET /a HTTP/%s",
		    lasts[i].request);
		wire_say(&w, request);
		if (lasts[i].behind[0] != '\0')
			wire_say(&w, lasts[i].behind);
		if (lasts[i].fin)
			wire_fin(&w);
		head.keep_alive = false;
		wire_put_head(&w, head, false);
		wire_put(&w, "ok", true);
		wire_settle(&w);
		cr_assert_eq(w.left, lasts[i].left, "row %zu", i);
		wire_renew(&w);
		wire_serve(&w);
	}
}

Test(h1_answer, an_idle_conn_has_no_codec_to_drop)
{
	wire_say(&w, GET);
	answer(200, "ok");
	h1_drop(&w.conn);
	cr_assert_not_null(w.conn.ops);
	cr_assert_eq(w.conn.owner, &w);
	wire_say(&w, GET);
	wire_heard(
	    &w, "request GET /a last;flushed;done keep;request GET /a last;");
}
