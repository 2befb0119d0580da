/* A request as the codec hears it from a client: read, pipelined, refused. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/unit/http/h1_served.h"

#include "base/clock.h"
#include "net/loop.h"

TestSuite(h1_request, .init = served_up, .fini = wired_down, .timeout = 60);

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

Test(h1_request, a_request_is_heard_whole_and_answered)
{
	for (size_t i = 0; i < NREQUESTS; i++) {
		wire_say(&w, requests[i].bytes);
		request_is_heard_and_answered(requests[i].words);
	}
}

Test(h1_request, pipelined_requests_are_answered_one_after_the_other)
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

Test(h1_request, pipelined_requests_answered_at_once_are_all_answered)
{
	w.react = answer_at_once;
	wire_say(&w, GET GET GET);
	wire_heard(&w,
	    "request GET /a last;flushed;request GET /a last;"
	    "flushed;request GET /a last;flushed;done keep;");
	cr_assert_str_eq(
	    wire_read(&w), OK_2 "\r\nok" OK_2 "\r\nok" OK_2 "\r\nok");
}

Test(h1_request, a_request_begins_with_its_first_byte_or_when_its_turn_comes)
{
	uint64_t before;

	wire_say_n(&w, GET, 3);
	before = clock_now();
	wire_say(&w, &(GET GET)[3]);
	cr_assert_lt(w.stream->began, before);
	before = clock_now();
	answer(200, "1.");
	cr_assert_geq(w.stream->began, before);
	answer(200, "2.");
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
Test(h1_request, more_pipelined_requests_than_are_read_at_once_are_answered)
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

/* So that the other side sends both in one piece, too. */
Test(h1_request, the_end_of_chunks_comes_with_the_last_of_them)
{
	static const struct {
		const char *bytes;
		unsigned tails;
	} cases[] = {
		{ CHUNKED "5\r\nhello\r\n0\r\n\r\n", 0 },
		{ CHUNKED "5\r\nhello\r\n0\r\n\r\nGET", 0 },
		{ CHUNKED "5\r\nhello\r\n0\r\nX: y\r\n\r\n", 1 },
	};

	for (size_t i = 0; i < 3; i++) {
		w.tails = 0;
		wire_say(&w, cases[i].bytes);
		cr_assert_eq(w.tails, cases[i].tails, "%zu", i);
		wire_renew(&w);
		wire_serve(&w);
	}
}

Test(h1_request, each_pipelined_request_has_a_window_of_its_own)
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

Test(h1_request, a_paused_conn_is_read_again)
{
	conn_pause(&w.conn);
	wire_say(&w, GET);
	wire_heard(&w, "");
	conn_resume(&w.conn);
	wire_settle(&w);
	wire_heard(&w, "request GET /a last;");
}

Test(h1_request, a_pipelined_head_that_is_cut_goes_on_and_has_its_time)
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
		wire_say(&w, &GET[cut]);
		wire_heard(&w, "request GET /a last;");
		answer(200, "ok");
		wire_heard(&w, "flushed;done keep;");
	}
}

Test(h1_request, what_stands_behind_a_request_is_read_no_further_than_a_block)
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

static int
unread(void)
{
	int n = -1;

	cr_assert_eq(ioctl(w.conn.fd, FIONREAD, &n), 0);
	return n;
}

/* Also when it began in the block of the request itself. */
Test(h1_request, what_stands_behind_a_request_is_read_to_the_same_length)
{
	static char more[40000];

	memset(more, 'x', sizeof(more));
	wire_say(&w, GET "GET /b");
	cr_assert_eq(send(w.fd, more, sizeof(more), MSG_DONTWAIT),
	    (ssize_t)sizeof(more));
	wire_settle(&w);
	cr_assert_eq(
	    unread(), (int)(strlen("GET /b") + sizeof(more) - BUF_ROOM));
}

/* Its bytes lie side by side, and have room for those to come. */
Test(h1_request, a_long_head_is_not_moved_for_every_byte)
{
	static char much[BUF_ROOM + 100];
	const char *at = NULL;
	unsigned moved = 0;

	w.settings.limits.head_bytes = 2 * BUF_ROOM;
	memset(much, 'a', sizeof(much));
	wire_say(&w, "GET / HTTP/1.1\r\nA: ");
	wire_say_n(&w, much, sizeof(much));
	for (int i = 0; i < 1000; i++) {
		wire_say(&w, "a");
		moved += buf_front(wire_bytes(&w)).p != at;
		at = buf_front(wire_bytes(&w)).p;
	}
	cr_assert_leq(moved, 2);
	cr_assert_leq(block_count().live_bytes, 2 * BUF_ROOM + 1024);
	wire_say(&w, "\r\nHost: h\r\n\r\n");
	wire_heard(&w, "request GET / last;");
	answer(200, "ok");
}

Test(h1_request, a_head_and_its_texts_stay_good_until_flushed)
{
	struct text path;

	wire_say(&w, POST "he");
	path = w.head->path;
	wire_say(&w, "llo" GET);
	cr_assert(text_equal(path, TEXT("/p")));
	cr_assert(text_equal(w.head->authority, TEXT("h")));
	answer(200, "ok");
}

/* What comes behind is read into other memory. */
Test(h1_request, a_refused_head_and_its_texts_stay_good_too)
{
	static char more[2000];

	memset(more, 'x', sizeof(more));
	wire_say(&w, "GET /abc HTTP/1.1\r\nHo st: h\r\n\r\n");
	wire_heard(&w, "refused bad_request;");
	wire_say_n(&w, more, sizeof(more));
	cr_assert(text_equal(w.head->method_name, TEXT("GET")));
	cr_assert(text_equal(w.head->target, TEXT("/abc")));
	answer(400, "no");
}

Test(h1_request, a_wake_up_without_a_byte_changes_nothing)
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

Test(h1_request, a_body_without_end_leaves_the_others_their_turn)
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

Test(h1_request, a_request_in_one_piece_costs_one_read)
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
is_refused(size_t i)
{
	wire_say(&w, wrong[i].bytes);
	wire_heard(&w, wrong[i].words);
	nothing_more_is_heard();
}

Test(h1_request, bytes_that_are_no_request_are_refused)
{
	is_refused(0);
}

Test(h1_request, a_request_against_the_rules_is_refused)
{
	is_refused(1);
}

Test(h1_request, another_version_is_refused)
{
	is_refused(2);
}

Test(h1_request, a_coding_unknown_is_refused)
{
	is_refused(3);
}

Test(h1_request, a_head_too_large_is_refused)
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

Test(h1_request, refused_bytes_in_pieces_are_refused_once)
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

Test(h1_request, a_chunk_that_is_none_breaks_the_request_not_the_answer)
{
	body_breaks("zz\r\nmore", "broken bad_request;");
}

Test(h1_request, what_came_before_a_chunk_that_is_none_is_heard)
{
	body_breaks("1\r\nx\r\nzz\r\nmore", "body x;broken bad_request;");
}

Test(h1_request, trailers_that_are_none_break_the_request)
{
	body_breaks(
	    "1\r\nx\r\n0\r\nA B: c\r\n\r\n", "body x;broken bad_request;");
}

Test(h1_request, trailers_too_many_break_the_request)
{
	char bytes[1024] = "0\r\n";

	for (unsigned i = 0; i < 21; i++)
		snprintf(bytes + strlen(bytes), sizeof(bytes) - strlen(bytes),
		    "T%u: v\r\n", i);
	body_breaks(bytes, "broken header_too_large;");
}
