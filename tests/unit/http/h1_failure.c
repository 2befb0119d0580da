/* How a server's connection fails: by its end, or out of time. */
#include <criterion/criterion.h>

#include <sys/ioctl.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/http/h1_asked.h"

#include "net/loop.h"
#include "tests/lib/drive.h"

TestSuite(h1_failure, .init = wired_up, .fini = wired_down, .timeout = 60);
TestSuite(
    h1_failure_tcp, .init = wired_up_tcp, .fini = wired_down, .timeout = 60);

/* A GET on a conn of which the kernel takes so many bytes. */
static void
ask_on(bool reused, size_t takes)
{
	w.takes = takes;
	wire_ask(&w, reused);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_settle(&w);
}

/* What is told when the wire ends, by what there was before. */
static void
ends(bool reused, size_t takes, const char *bytes, const char *words)
{
	ask_on(reused, takes);
	wire_say(&w, bytes);
	wire_words(&w);
	wire_fin(&w);
	wire_heard(&w, words);
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_failure, a_fresh_conn_that_ends_unanswered_was_cut)
{
	ends(false, SIZE_MAX, "", "gone upstream_reset;done close;");
}

Test(h1_failure, a_fresh_conn_that_takes_nothing_was_none)
{
	ends(false, 0, "", "gone connect_failure;done close;");
}

Test(h1_failure, a_reused_conn_that_ends_unanswered_is_stale)
{
	ends(true, SIZE_MAX, "", "gone stale;done close;");
}

Test(h1_failure, a_reused_conn_that_takes_a_byte_is_stale)
{
	ends(true, 1, "", "gone stale;done close;");
}

Test(h1_failure, a_reused_conn_that_takes_nothing_is_stale_unsent)
{
	ends(true, 0, "", "gone stale_unsent;done close;");
}

/* What an idle server said as its window was shut is no answer. */
Test(h1_failure, an_answer_to_what_was_not_sent_is_none)
{
	ask_on(true, 0);
	wire_say(&w, HELLO);
	wire_heard(&w, "gone stale_unsent;done close;");
}

Test(h1_failure, a_fresh_server_may_answer_what_it_does_not_read)
{
	ask_on(false, 0);
	wire_say(&w, HELLO);
	wire_heard(&w, "head 200;body hello last;done close;");
}

Test(h1_failure, what_was_sent_before_does_not_count)
{
	ask();
	wire_say(&w, HELLO);
	ends(true, 0, "", "gone stale_unsent;done close;");
}

Test(h1_failure, an_end_within_a_head_cuts_it_short)
{
	ends(true, SIZE_MAX, "H", "gone upstream_truncated;done close;");
}

Test(h1_failure, an_end_after_an_interim_head_cuts_short)
{
	ends(false, SIZE_MAX, "HTTP/1.1 103 Hint\r\n\r\n",
	    "gone upstream_truncated;done close;");
}

Test(h1_failure, an_end_within_a_body_cuts_it_short)
{
	ends(false, SIZE_MAX, OK "Content-Length: 5\r\n\r\nhell",
	    "gone upstream_truncated;done close;");
}

Test(h1_failure, an_end_within_chunks_cuts_them_short)
{
	ends(false, SIZE_MAX, CHUNKED "5\r\nhello\r\n",
	    "gone upstream_truncated;done close;");
}

Test(h1_failure, an_end_within_trailers_cuts_them_short)
{
	ends(false, SIZE_MAX, CHUNKED "0\r\n",
	    "gone upstream_truncated;done close;");
}

Test(h1_failure_tcp, a_reset_cuts_a_body_short_that_ends_with_the_conn)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_say(&w, OK "\r\nhello");
	cr_assert(wire_heard_until(&w, "head 200;body hello;"));
	wire_rst(&w);
	wire_heard(&w, "gone upstream_truncated;done close;");
}

/* The kernel tells of it once, and here it tells who writes. */
Test(h1_failure_tcp, and_does_so_when_it_was_writing_that_heard_of_it)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_LENGTH, 9), false);
	wire_put(&w, "he", false);
	wire_say(&w, OK "\r\nhello");
	cr_assert(wire_heard_until(&w, "head 200;body hello;"));
	wire_rst_unheard(&w);
	wire_put(&w, "wor", false);
	wire_settle(&w);
	wire_heard(&w, "gone upstream_truncated;done close;");
}

/* It may have said all before it closed, and what we sent came too late. */
Test(h1_failure_tcp, a_reset_behind_a_shut_window_waits_for_what_is_before_it)
{
	static char body[5000];
	int there = 0;

	w.keeps = w.quiet = true;
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_say(&w, OK "Content-Length: 40000\r\n\r\n");
	for (int i = 0; i < 8; i++)
		wire_say_n(&w, body, sizeof(body));
	cr_assert(DRIVE_UNTIL(w.loop,
	    w.body == STREAM_WINDOW &&
		ioctl(w.conn.fd, FIONREAD, &there) == 0 &&
		there == 40000 - STREAM_WINDOW));
	wire_rst(&w);
	wire_heard(&w, "head 200;body ;");
	wire_took(&w, STREAM_WINDOW);
	wire_settle(&w);
	cr_assert_eq(w.body, 40000);
	wire_heard(&w, "body  last;done keep;");
}

Test(h1_failure_tcp, a_reset_before_the_answer_is_told)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_GET, FRAMING_NONE, 0), true);
	wire_rst(&w);
	wire_heard(&w, "gone upstream_reset;done close;");
}

Test(h1_failure, an_answer_is_heard_though_the_wire_no_longer_takes)
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

Test(h1_failure, a_wire_that_no_longer_takes_still_has_time_to_answer)
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

Test(h1_failure, a_blocked_wire_that_fails_still_has_its_answer_read)
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

Test(h1_failure, a_wire_that_neither_takes_nor_gives_ends)
{
	begin();
	w.write_error = EPIPE;
	wire_put(&w, "world", true);
	wire_fin(&w);
	wire_heard(&w, "gone upstream_reset;done close;");
}

/* ---- deadlines ---------------------------------------------------------- */

Test(h1_failure, an_answer_has_its_time_from_the_requests_last_byte_on)
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

Test(h1_failure, an_idle_conns_deadline_is_not_the_requests)
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

Test(h1_failure, no_answer_in_time_ends_it)
{
	out_of_time("", false, "gone response_timeout;done close;");
}

Test(h1_failure, a_head_that_takes_too_long_ends_it)
{
	out_of_time("HTTP/1.1 ", false, "gone response_timeout;done close;");
}

Test(h1_failure, our_own_stall_is_not_the_servers)
{
	out_of_time("", true, "gone stalled;done close;");
}

Test(h1_failure, a_body_that_stops_ends_it)
{
	out_of_time(OK "Content-Length: 5\r\n\r\nhe", false,
	    "gone upstream_idle;done close;");
}

Test(h1_failure, trailers_that_stop_end_it)
{
	out_of_time(CHUNKED "0\r\nX", false, "gone upstream_idle;done close;");
}

Test(h1_failure, a_request_nobody_takes_ends)
{
	w.takes = 10;
	begin();
	wire_expire(&w, false);
	wire_heard(&w, "gone upstream_idle;done close;");
}

Test(h1_failure, a_request_whose_last_byte_nobody_takes_ends)
{
	ask_on(false, strlen(ASKED) - 1);
	cr_assert_eq(w.conn.out.n, 1);
	wire_expire(&w, false);
	wire_heard(&w, "gone upstream_idle;done close;");
}
