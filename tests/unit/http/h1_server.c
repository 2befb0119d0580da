/* The HTTP/1.1 codec towards a client, on a real conn and loop. */
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
	wire_serve(&w);
}

static void
set_up_tcp(void)
{
	wire_open(&w, true);
	wire_serve(&w);
}

static void
tear_down(void)
{
	wire_close(&w);
}

TestSuite(h1_server, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(h1_server_tcp, .init = set_up_tcp, .fini = tear_down, .timeout = 60);

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED \
	"POST /p HTTP/1.1\r\nHost: h\r\n" \
	"Transfer-Encoding: chunked\r\n\r\n"
#define OK_2 "HTTP/1.1 200 R\r\nContent-Length: 2\r\n"

static void
answer(unsigned status, const char *body)
{
	wire_put_head(
	    &w, wire_response(status, FRAMING_LENGTH, strlen(body)), false);
	wire_put(&w, body, true);
	wire_settle(&w);
}

/* ---- reading ------------------------------------------------------------ */

static const struct {
	const char *bytes, *words;
} requests[] = {
	{ GET, "request GET /a last;" },
	{ "\r\nGET /a?b=/c HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n",
	    "request GET /a?b=/c last;" },
	{ "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	    "request POST /p last;" },
	{ POST "hello", "request POST /p;body hello last;" },
	{ CHUNKED "0\r\n\r\n", "request POST /p;body  last;" },
	{ CHUNKED "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
	    "request POST /p;body hello! last;" },
	{ CHUNKED "5\r\nhello\r\n0\r\nX-T: v\r\nY-T: u\r\n\r\n",
	    "request POST /p;body hello;tail X-T=v Y-T=u;" },
	{ CHUNKED "1\r\nx\r\n0\r\nHost: evil\r\nX-T: v\r\n\r\n",
	    "request POST /p;body x;tail X-T=v;" },
};

#define NREQUESTS (sizeof(requests) / sizeof(requests[0]))

static void
request_is_heard_and_answered(const char *words)
{
	wire_heard(&w, words);
	cr_assert_str_eq(wire_read(&w), "");
	answer(200, "ok");
	wire_heard(&w, "flushed;done keep;");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

Test(h1_server, a_request_is_heard_whole_wherever_it_is_cut)
{
	for (size_t i = 0; i < NREQUESTS; i++) {
		size_t n = strlen(requests[i].bytes);

		for (size_t cut = 1; cut <= n; cut++) {
			wire_say_n(&w, requests[i].bytes, cut);
			wire_say_n(&w, requests[i].bytes + cut, n - cut);
			/* "\r\n" alone is no more than nothing */
			request_is_heard_and_answered(requests[i].words);
		}
	}
}

Test(h1_server, a_request_is_heard_whole_byte_by_byte)
{
	for (size_t i = 0; i < NREQUESTS; i++) {
		for (const char *p = requests[i].bytes; *p != '\0'; p++)
			wire_say_n(&w, p, 1);
		request_is_heard_and_answered(requests[i].words);
	}
}

Test(h1_server, pipelined_requests_are_answered_one_after_the_other)
{
	wire_say(&w, GET POST "hello" CHUNKED "1\r\nx\r\n0\r\n\r\n" GET);
	wire_heard(&w, "request GET /a last;");
	answer(200, "1.");
	wire_heard(&w, "flushed;request POST /p;body hello last;");
	answer(200, "2.");
	wire_heard(&w, "flushed;request POST /p;body x last;");
	answer(200, "3.");
	wire_heard(&w, "flushed;request GET /a last;");
	answer(200, "4.");
	wire_heard(&w, "flushed;done keep;");
	cr_assert_str_eq(wire_read(&w),
	    OK_2 "\r\n1." OK_2 "\r\n2." OK_2 "\r\n3." OK_2 "\r\n4.");
}

static void
answer_at_once(struct wire *at, const char *word)
{
	if (strcmp(word, "request") != 0)
		return;
	wire_put_head(at, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(at, "ok", true);
}

Test(h1_server, pipelined_requests_answered_at_once_are_all_answered)
{
	w.react = answer_at_once;
	wire_say(&w, GET GET GET);
	wire_heard(&w,
	    "request GET /a last;flushed;request GET /a last;"
	    "flushed;request GET /a last;flushed;done keep;");
	cr_assert_str_eq(
	    wire_read(&w), OK_2 "\r\nok" OK_2 "\r\nok" OK_2 "\r\nok");
}

static unsigned answered;

static void
count_and_answer(struct wire *at, const char *word)
{
	answer_at_once(at, word);
	answered += strcmp(word, "flushed") == 0;
	at->n = 0;
}

/* The answers stay unread: no other edge wakes the conn. */
Test(h1_server, more_pipelined_requests_than_are_read_at_once_are_answered)
{
	static char all[100 * 300];
	size_t n = 0;

	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n,
		    "GET /a HTTP/1.1\r\nHost: h\r\nA: %0200u\r\n\r\n", i);
	w.react = count_and_answer;
	cr_assert_eq(send(w.fd, all, n, MSG_DONTWAIT), (ssize_t)n);
	for (unsigned i = 0; i < 400; i++)
		wire_turn(&w);
	cr_assert_eq(answered, 100);
}

Test(h1_server, each_pipelined_request_has_a_window_of_its_own)
{
	static char bytes[STREAM_WINDOW];

	w.keeps = w.quiet = true;
	wire_say(&w,
	    POST "hello"
		 "POST /q HTTP/1.1\r\nHost: h\r\n"
		 "Content-Length: 99999999\r\n\r\n");
	answer(200, "ok");
	wire_heard(&w, "request POST /p;body  last;flushed;request POST /q;");
	w.body = 0;
	wire_say_n(&w, bytes, sizeof(bytes));
	cr_assert_eq(w.body, STREAM_WINDOW);
}

Test(h1_server, a_paused_conn_is_read_again)
{
	conn_pause(&w.conn);
	wire_say(&w, GET);
	wire_heard(&w, "");
	conn_resume(&w.conn);
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;");
}

Test(h1_server, a_pipelined_head_that_is_cut_goes_on_and_has_its_time)
{
	for (size_t cut = 1; cut < strlen(GET); cut++) {
		char bytes[200];

		snprintf(bytes, sizeof(bytes), "%s%.*s", GET, (int)cut, GET);
		wire_say(&w, bytes);
		wire_heard(&w, "request GET /a last;");
		cr_assert_eq(wire_waits(&w), WAITS_NOT);
		answer(200, "ok");
		wire_heard(&w, "flushed;");
		cr_assert_eq(wire_waits(&w), WAITS_FOR_HEAD);
		wire_say(&w, GET + cut);
		wire_heard(&w, "request GET /a last;");
		answer(200, "ok");
		wire_heard(&w, "flushed;done keep;");
	}
}

Test(h1_server, what_stands_behind_a_request_is_read_no_further_than_a_block)
{
	static char more[40000];

	memset(more, 'x', sizeof(more));
	wire_say(&w, GET);
	cr_assert_eq(send(w.fd, more, sizeof(more), MSG_DONTWAIT),
	    (ssize_t)sizeof(more));
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;");
	cr_assert_leq(block_count().live_bytes, 3 * BLOCK_BYTES);
}

Test(h1_server, a_head_and_its_texts_stay_good_until_flushed)
{
	struct text path;

	wire_say(&w, POST "he");
	path = w.head->path;
	wire_say(&w, "llo" GET);
	cr_assert(text_equal(path, TEXT("/p")));
	cr_assert(text_equal(w.head->authority, TEXT("h")));
	answer(200, "ok");
}

Test(h1_server, a_wake_up_without_a_byte_changes_nothing)
{
	conn_deadline(&w.conn, WIRE_IDLE_NS);
	w.conn.can_read = true;
	loop_again(w.loop, &w.conn.again);
	wire_settle(&w);
	wire_heard(&w, "nothing;");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_say(&w, GET);
	wire_heard(&w, "request GET /a last;");
}

Test(h1_server, a_body_without_end_leaves_the_others_their_turn)
{
	w.quiet = true;
	wire_say(&w,
	    "POST /p HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 99999999999\r\n\r\n");
	w.flood = true;
	w.conn.can_read = true;
	loop_again(w.loop, &w.conn.again);
	wire_turn(&w);
	cr_assert_geq(w.flooded, 256 * 1024);
	cr_assert_leq(w.flooded, 256 * 1024 + BLOCK_BYTES);
	w.flooded = 0;
	wire_turn(&w);
	cr_assert_geq(w.flooded, 256 * 1024, "it goes on in the next pass");
	w.flood = false;
}

Test(h1_server, a_request_in_one_piece_costs_one_read)
{
	for (size_t i = 0; i < NREQUESTS; i++) {
		w.reads = 0;
		wire_say(&w, requests[i].bytes);
		cr_assert_eq(w.reads, 1, "%zu", i);
		answer(200, "ok");
		cr_assert_eq(w.reads, 1, "%zu", i);
	}
}

/* ---- what is refused ---------------------------------------------------- */

static const struct {
	const char *bytes, *words;
} wrong[] = {
	{ "GET /a HTTP/1.1\nHost: h\n\n", "refused bad_request;" },
	{ "GET /a HTTP/1.1\r\n\r\n", "refused bad_request;" }, /* by rules */
	{ "GET /a HTTP/2.0\r\nHost: h\r\n\r\n",
	    "refused version_not_supported;" },
	{ "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
	    "refused not_implemented;" },
};

static void
nothing_more_is_heard(void)
{
	wire_say(&w, GET);
	wire_heard(&w, "");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	answer(400, "no");
	wire_heard(&w, "flushed;done close;");
	cr_assert_str_eq(wire_read(&w),
	    "HTTP/1.1 400 R\r\nContent-Length: 2\r\n"
	    "Connection: close\r\n\r\nno");
}

static void
is_refused(size_t i)
{
	wire_say(&w, wrong[i].bytes);
	wire_heard(&w, wrong[i].words);
	nothing_more_is_heard();
}

Test(h1_server, bytes_that_are_no_request_are_refused)
{
	is_refused(0);
}

Test(h1_server, a_request_against_the_rules_is_refused)
{
	is_refused(1);
}

Test(h1_server, another_version_is_refused)
{
	is_refused(2);
}

Test(h1_server, a_coding_unknown_is_refused)
{
	is_refused(3);
}

Test(h1_server, a_head_too_large_is_refused)
{
	char line[64];

	wire_say(&w, "GET / HTTP/1.1\r\nHost: h\r\n");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "A%u: b\r\n", i);
		wire_say(&w, line);
	}
	wire_heard(&w, "refused header_too_large;");
	nothing_more_is_heard();
}

Test(h1_server, refused_bytes_in_pieces_are_refused_once)
{
	wire_say(&w, "GET /a HTTP/1.1\r\nHo");
	wire_say(&w, "st : h\r\n\r\nGET");
	wire_heard(&w, "refused bad_request;");
	nothing_more_is_heard();
}

static void
body_breaks(const char *bytes, const char *words)
{
	wire_say(&w, CHUNKED);
	wire_heard(&w, "request POST /p;");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_say(&w, bytes);
	wire_heard(&w, words);
	nothing_more_is_heard();
}

Test(h1_server, a_chunk_that_is_none_breaks_the_request_not_the_answer)
{
	body_breaks("1\r\nx\r\nzz\r\nmore", "broken bad_request;");
}

Test(h1_server, trailers_that_are_none_break_the_request)
{
	body_breaks(
	    "1\r\nx\r\n0\r\nA B: c\r\n\r\n", "body x;broken bad_request;");
}

Test(h1_server, trailers_too_many_break_the_request)
{
	char bytes[1024] = "0\r\n";

	for (unsigned i = 0; i < 21; i++)
		snprintf(bytes + strlen(bytes), sizeof(bytes) - strlen(bytes),
		    "T%u: v\r\n", i);
	body_breaks(bytes, "broken header_too_large;");
}

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

Test(h1_server, a_conn_is_kept_when_both_sides_want_it_and_the_end_is_known)
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
		wire_close(&w);
		set_up();
	}
}

Test(h1_server, answers_without_a_body_have_none)
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

Test(h1_server, an_answer_of_a_head_alone_is_whole)
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

Test(h1_server, chunks_and_trailers_go_out_as_such)
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

Test(h1_server, trailers_are_left_out_where_there_is_no_place)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(&w, "ok", false);
	wire_put_tail(&w, "X-T", "v");
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;flushed;done keep;");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

Test(h1_server, an_end_without_bytes_ends_the_answer)
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

Test(h1_server, interim_heads_go_before_the_answer_at_once)
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

Test(h1_server, interim_heads_are_not_for_http_1_0)
{
	wire_say(&w, "GET /a HTTP/1.0\r\nHost: h\r\n\r\n");
	wire_put_head(&w, wire_response(103, FRAMING_NONE, 0), false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "");
	wire_heard(&w, "request GET /a last;");
	answer(200, "ok");
	wire_heard(&w, "flushed;done close;");
}

Test(h1_server, a_head_and_its_first_bytes_leave_in_one_send)
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

Test(h1_server, a_head_whose_body_keeps_waiting_leaves_with_the_pass)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	cr_assert_eq(w.sends, 0);
	wire_settle(&w);
	cr_assert_eq(w.sends, 1);
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\n");
	wire_heard(&w, "request GET /a last;");
}

/* ---- backpressure ------------------------------------------------------- */

static void
say_body(size_t n)
{
	char head[128];
	static char bytes[200000];

	w.keeps = w.quiet = true;
	snprintf(head, sizeof(head),
	    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", n);
	wire_say(&w, head);
	memset(bytes, 'x', sizeof(bytes));
	while (n > 0) {
		ssize_t sent = send(w.fd, bytes,
		    n < sizeof(bytes) ? n : sizeof(bytes), MSG_DONTWAIT);

		if (sent == -1)
			break;
		n -= (size_t)sent;
		wire_settle(&w);
	}
}

Test(h1_server, a_window_and_no_byte_more_is_delivered_beyond_took)
{
	say_body(100000);
	cr_assert_eq(w.body, STREAM_WINDOW);
	cr_assert_eq(wire_waits(&w), WAITS_NOT, "we wait for us alone");
	wire_took(&w, 1);
	cr_assert_eq(w.body, STREAM_WINDOW, "not before the verb returns");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_settle(&w);
	cr_assert_eq(w.body, STREAM_WINDOW + 1);
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_took(&w, 1000);
	wire_settle(&w);
	cr_assert_eq(w.body, STREAM_WINDOW + 1001);
	wire_took(&w, STREAM_WINDOW);
	wire_settle(&w);
	cr_assert_eq(w.body, 100000);
	answer(200, "ok");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

Test(h1_server, a_body_of_a_window_is_delivered_with_its_end)
{
	say_body(STREAM_WINDOW);
	cr_assert_eq(w.body, STREAM_WINDOW);
	wire_heard(&w, "request POST /p;body  last;");
	wire_took(&w, STREAM_WINDOW); /* late, and no harm */
	answer(200, "ok");
	wire_heard(&w, "flushed;done keep;");
}

Test(h1_server, many_small_chunks_keep_to_the_window)
{
	static char chunks[20000];
	size_t n = 0;

	/* many small chunks: framing that is read beyond the window */
	w.keeps = w.quiet = true;
	wire_say(&w, CHUNKED);
	while (w.body < STREAM_WINDOW) {
		n = 0;
		while (n + 6 < sizeof(chunks)) {
			memcpy(chunks + n, "1\r\nx\r\n", 6);
			n += 6;
		}
		wire_say_n(&w, chunks, n);
	}
	wire_say(&w, "0\r\n\r\n");
	for (int i = 0; i < 100 && w.stream != NULL; i++) {
		wire_took(&w, 1);
		wire_settle(&w);
	}
	wire_took(&w, STREAM_WINDOW - 100);
	wire_settle(&w);
	answer(200, "ok");
	cr_assert_not_null(strstr(wire_words(&w), " last;flushed;done keep;"));
}

Test(h1_server, room_is_a_window_less_what_is_unsent)
{
	wire_say(&w, GET);
	cr_assert_eq(w.stream->ops->room(w.stream), STREAM_WINDOW);
	w.takes = 0;
	wire_put_head(&w, wire_response(200, FRAMING_CLOSE, 0), false);
	wire_put_n(&w, 1000, false);
	cr_assert_eq(
	    w.stream->ops->room(w.stream), STREAM_WINDOW - w.conn.out.n);
	wire_put_n(&w, STREAM_WINDOW - w.conn.out.n - 10, false);
	wire_put_n(&w, 4, false);
	cr_assert_eq(w.stream->ops->room(w.stream), 0);
	wire_words(&w);
}

Test(h1_server, room_is_told_when_all_blocked_bytes_are_gone)
{
	wire_say(&w, GET);
	w.takes = 10;
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 1000), false);
	wire_put_n(&w, 500, false);
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_unblock(&w, 200);
	wire_heard(&w, "");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "room;");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_put_n(&w, 500, true);
	wire_settle(&w);
	wire_heard(&w, "flushed;done keep;");
}

Test(h1_server, a_blocked_answer_is_flushed_when_it_is_gone_and_has_no_room)
{
	wire_say(&w, GET GET);
	w.takes = 10;
	answer(200, "ok");
	wire_heard(&w, "request GET /a last;");
	wire_unblock(&w, 5);
	wire_heard(&w, "");
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "flushed;request GET /a last;");
}

Test(h1_server, the_time_to_take_moves_with_each_byte_taken)
{
	uint64_t at;

	wire_say(&w, GET);
	w.takes = 10;
	answer(200, "hello hello hello");
	at = w.conn.deadline.at;
	wire_turn(&w);
	wire_unblock(&w, 1);
	cr_assert_gt(w.conn.deadline.at, at);
}

/* ---- early answers ------------------------------------------------------ */

Test(h1_server, an_answer_before_the_body_closes_the_conn)
{
	wire_say(&w, POST "he");
	wire_heard(&w, "request POST /p;body he;");
	answer(413, "no");
	wire_heard(&w, "flushed;done close;");
	cr_assert_str_eq(
	    wire_read(&w), "HTTP/1.1 413 R\r\nContent-Length: 2\r\n\r\nno");
}

Test(h1_server, an_answer_begun_before_the_bodys_end_keeps_the_conn)
{
	wire_say(&w, POST "he");
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(&w, "o", false);
	wire_say(&w, "llo");
	wire_heard(&w, "request POST /p;body hello last;");
	wire_put(&w, "k", true);
	wire_settle(&w);
	wire_heard(&w, "flushed;done keep;");
}

Test(h1_server, a_body_goes_on_behind_an_answer_that_is_blocked)
{
	wire_say(&w, POST "he");
	w.takes = 0;
	answer(200, "ok");
	wire_say(&w, "llo");
	wire_heard(&w, "request POST /p;body hello last;");
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "flushed;done keep;");
}

/* ---- the client's end --------------------------------------------------- */

Test(h1_server, an_end_before_a_byte_is_no_request)
{
	wire_fin(&w);
	wire_heard(&w, "done close;");
}

Test(h1_server, an_end_within_a_head_is_no_request)
{
	wire_say(&w, "GET / HT");
	wire_fin(&w);
	wire_heard(&w, "done close;");
}

Test(h1_server, an_end_within_a_body_is_the_clients_going)
{
	wire_say(&w, POST "he");
	wire_fin(&w);
	wire_heard(&w,
	    "request POST /p;body he;gone client_closed;"
	    "done close;");
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_server, an_end_within_trailers_is_the_clients_going)
{
	wire_say(&w, CHUNKED "0\r\nX-T");
	wire_fin(&w);
	wire_heard(&w, "request POST /p;gone client_closed;done close;");
}

Test(h1_server, an_end_behind_a_request_still_gets_its_answer)
{
	wire_say(&w, GET);
	wire_fin(&w);
	wire_heard(&w, "request GET /a last;");
	answer(200, "ok");
	wire_heard(&w, "flushed;done close;");
	cr_assert_str_eq(wire_read(&w), OK_2 "Connection: close\r\n\r\nok");
}

Test(h1_server, an_end_during_the_answer_closes_behind_it)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(&w, "o", false);
	wire_fin(&w);
	wire_put(&w, "k", true);
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;flushed;done close;");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

Test(h1_server, an_end_between_requests_ends_the_conn)
{
	wire_say(&w, GET);
	answer(200, "ok");
	wire_fin(&w);
	wire_heard(&w, "request GET /a last;flushed;done keep;done close;");
}

Test(h1_server_tcp, a_reset_before_the_answer_is_the_clients_going)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_server_tcp, a_reset_within_a_head_is_no_request)
{
	wire_say(&w, "GET");
	wire_rst(&w);
	wire_heard(&w, "done close;");
}

Test(h1_server_tcp, a_reset_within_a_body_is_the_clients_going)
{
	wire_say(&w, POST "he");
	cr_assert(wire_heard_until(&w, "request POST /p;body he;"));
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_server_tcp, a_reset_is_noticed_behind_a_shut_window)
{
	static char bytes[STREAM_WINDOW];

	w.keeps = w.quiet = true;
	wire_say(&w,
	    "POST /p HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 99999999\r\n\r\n");
	while (w.body < STREAM_WINDOW)
		wire_say_n(&w, bytes, STREAM_WINDOW - w.body);
	cr_assert(wire_heard_until(&w, "request POST /p;body ;"));
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_server_tcp, a_reset_during_the_answer_is_the_clients_going)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	wire_put(&w, "ok", false);
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_server, a_wire_that_fails_is_told_in_a_turn_of_its_own)
{
	wire_say(&w, GET);
	wire_words(&w);
	w.write_error = EPIPE;
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	wire_put(&w, "ok", false);
	wire_put(&w, "ok", true);
	wire_heard(&w, "");
	wire_settle(&w);
	wire_heard(&w, "gone client_closed;done close;");
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_server, a_wire_that_fails_within_an_answer_is_told)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	w.write_error = EPIPE;
	wire_put(&w, "ok", false);
	wire_heard(&w, "request GET /a last;");
	wire_settle(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_server, a_wire_that_fails_while_it_is_blocked_is_told)
{
	wire_say(&w, GET);
	w.takes = 0;
	answer(200, "ok");
	wire_heard(&w, "request GET /a last;");
	w.write_error = EPIPE;
	wire_unblock(&w, 0);
	wire_heard(&w, "gone client_closed;done close;");
}

/* ---- deadlines ---------------------------------------------------------- */

Test(h1_server, a_head_has_its_time_from_the_first_byte_on_and_no_more)
{
	uint64_t at;

	wire_say(&w, "G");
	cr_assert_eq(wire_waits(&w), WAITS_FOR_HEAD);
	at = w.conn.deadline.at;
	wire_say(&w, "ET / HTTP/1.1\r\n");
	wire_say(&w, "Host: h\r\n");
	cr_assert_eq(w.conn.deadline.at, at);
	wire_say(&w, "\r\n");
	wire_heard(&w, "request GET / last;");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
}

Test(h1_server, a_head_out_of_time_is_refused_and_answered)
{
	wire_say(&w, "GET / HTTP/1.1\r\nHo");
	wire_expire(&w, false);
	wire_heard(&w, "refused header_timeout;");
	nothing_more_is_heard();
}

Test(h1_server, a_head_that_our_own_stall_delayed_is_no_ones_fault)
{
	wire_say(&w, "GET / HTTP/1.1\r\nHo");
	wire_expire(&w, true);
	wire_heard(&w, "refused stalled;");
	nothing_more_is_heard();
}

Test(h1_server, a_pipelined_head_out_of_time_is_refused)
{
	wire_say(&w, GET "GET");
	answer(200, "ok");
	wire_expire(&w, false);
	wire_heard(&w, "request GET /a last;flushed;refused header_timeout;");
}

Test(h1_server, a_body_has_its_time_from_byte_to_byte)
{
	uint64_t at;

	wire_say(&w, POST);
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	at = w.conn.deadline.at;
	wire_say(&w, "he");
	cr_assert_gt(w.conn.deadline.at, at);
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_say(&w, "llo");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_words(&w);
}

Test(h1_server, trailers_have_their_time)
{
	wire_say(&w, CHUNKED "0\r\nX");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_say(&w, ": y\r\n\r\n");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_heard(&w, "request POST /p;tail X=y;");
}

Test(h1_server, a_body_out_of_time_is_broken_and_may_be_answered)
{
	wire_say(&w, POST "he");
	wire_expire(&w, false);
	wire_heard(&w, "request POST /p;body he;broken body_timeout;");
	wire_say(&w, "llo");
	wire_heard(&w, "");
	answer(408, "no");
	wire_heard(&w, "flushed;done close;");
	cr_assert_str_eq(wire_read(&w),
	    "HTTP/1.1 408 R\r\n"
	    "Content-Length: 2\r\nConnection: close\r\n\r\nno");
}

Test(h1_server, a_body_that_our_own_stall_delayed_is_broken_by_it)
{
	wire_say(&w, POST "he");
	wire_expire(&w, true);
	wire_heard(&w, "request POST /p;body he;broken stalled;");
}

static void
nobody_takes_the_answer(bool stalled, const char *words)
{
	wire_say(&w, GET);
	w.takes = 20;
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 10), false);
	wire_put(&w, "hello", false);
	wire_settle(&w);
	wire_words(&w);
	wire_expire(&w, stalled);
	wire_heard(&w, words);
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_server, an_answer_nobody_takes_ends)
{
	nobody_takes_the_answer(false, "gone too_slow;done close;");
}

Test(h1_server, an_answer_that_our_own_stall_delayed_ends_by_it)
{
	nobody_takes_the_answer(true, "gone stalled;done close;");
}

/* ---- giving up ---------------------------------------------------------- */

Test(h1_server_tcp, an_answer_that_is_cut_is_reset)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_put_head(&w, wire_response(200, FRAMING_CLOSE, 0), false);
	wire_put(&w, "some", false);
	w.stream->ops->reset(w.stream, END_UPSTREAM_TRUNCATED);
	wire_heard(&w, "done close;");
	cr_assert_eq(w.conn.fd, -1);
	cr_assert(wire_ends(&w));
	cr_assert(w.reset && !w.eof);
}

Test(h1_server_tcp, an_answer_never_begun_is_closed)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	w.stream->ops->reset(w.stream, END_SHUTDOWN);
	wire_settle(&w);
	wire_heard(&w, "done close;");
	cr_assert(wire_ends(&w));
	cr_assert(w.eof && !w.reset);
}

Test(h1_server_tcp, an_answer_that_fails_half_way_is_reset)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_put_head(&w, wire_response(200, FRAMING_CLOSE, 0), false);
	wire_put(&w, "some", false);
	w.takes = 0;
	wire_put(&w, "more", false);
	wire_expire(&w, false);
	wire_heard(&w, "gone too_slow;done close;");
	cr_assert(wire_ends(&w));
	cr_assert(w.reset && !w.eof);
}

static void
reset_on_body(struct wire *at, const char *word)
{
	if (strcmp(word, "body") == 0)
		at->stream->ops->reset(at->stream, END_BODY_TOO_LARGE);
}

Test(h1_server, a_stream_may_be_reset_from_its_own_sink)
{
	w.react = reset_on_body;
	w.keeps = true;
	wire_say(&w, POST "he");
	wire_heard(&w, "request POST /p;body he;done close;");
}

static void
reset_on_request(struct wire *at, const char *word)
{
	if (strcmp(word, "request") == 0)
		at->stream->ops->reset(at->stream, END_SHUTDOWN);
}

Test(h1_server, a_stream_may_be_reset_as_it_comes)
{
	w.react = reset_on_request;
	wire_say(&w, GET GET);
	wire_heard(&w, "request GET /a last;done close;");
}

Test(h1_server, a_dropped_codec_goes_without_a_word)
{
	wire_say(&w, POST "he");
	wire_words(&w);
	h1_drop(&w.conn);
	cr_assert_null(w.conn.ops);
	conn_close(&w.conn);
	wire_settle(&w);
	wire_heard(&w, "");
}

Test(h1_server, an_idle_conn_has_no_codec_to_drop)
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
