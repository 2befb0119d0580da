/* How a client's connection ends: by its own end, or out of time. */
#include <criterion/criterion.h>

#include <errno.h>

#include "tests/unit/http/h1_served.h"

TestSuite(h1_departure, .init = served_up, .fini = wired_down, .timeout = 60);
TestSuite(
    h1_departure_tcp, .init = served_up_tcp, .fini = wired_down, .timeout = 60);

/* ---- the client's end --------------------------------------------------- */

Test(h1_departure, an_end_before_a_byte_is_no_request)
{
	wire_fin(&w);
	wire_heard(&w, "done close;");
}

Test(h1_departure, an_end_within_a_head_is_no_request)
{
	wire_say(&w, "GET / HT");
	wire_fin(&w);
	wire_heard(&w, "done close;");
}

Test(h1_departure, an_end_within_a_body_is_the_clients_going)
{
	wire_say(&w, POST "he");
	wire_fin(&w);
	wire_heard(&w,
	    "request POST /p;body he;gone client_closed;"
	    "done close;");
	cr_assert_eq(w.conn.fd, -1);
}

Test(h1_departure, an_end_within_trailers_is_the_clients_going)
{
	wire_say(&w, CHUNKED "0\r\nX-T");
	wire_fin(&w);
	wire_heard(&w, "request POST /p;gone client_closed;done close;");
}

Test(h1_departure, an_end_behind_a_request_still_gets_its_answer)
{
	wire_say(&w, GET);
	wire_fin(&w);
	wire_heard(&w, "request GET /a last;");
	answer(200, "ok");
	wire_heard(&w, "flushed;done close;");
	cr_assert_str_eq(wire_read(&w), OK_2 "Connection: close\r\n\r\nok");
}

Test(h1_departure, an_end_during_the_answer_closes_behind_it)
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

Test(h1_departure, an_end_between_requests_ends_the_conn)
{
	wire_say(&w, GET);
	answer(200, "ok");
	wire_fin(&w);
	wire_heard(&w, "request GET /a last;flushed;done keep;done close;");
}

Test(h1_departure_tcp, a_reset_before_the_answer_is_the_clients_going)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_departure_tcp, a_reset_within_a_head_is_no_request)
{
	wire_say(&w, "GET");
	wire_rst(&w);
	wire_heard(&w, "done close;");
}

Test(h1_departure_tcp, a_reset_within_a_body_is_the_clients_going)
{
	wire_say(&w, POST "he");
	cr_assert(wire_heard_until(&w, "request POST /p;body he;"));
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_departure_tcp, a_reset_is_noticed_behind_a_shut_window)
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

Test(h1_departure_tcp, a_reset_during_the_answer_is_the_clients_going)
{
	wire_say(&w, GET);
	cr_assert(wire_heard_until(&w, "request GET /a last;"));
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	wire_put(&w, "ok", false);
	wire_rst(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_departure, a_wire_that_fails_is_told_in_a_turn_of_its_own)
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

Test(h1_departure, a_wire_that_fails_within_an_answer_is_told)
{
	wire_say(&w, GET);
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 4), false);
	w.write_error = EPIPE;
	wire_put(&w, "ok", false);
	wire_heard(&w, "request GET /a last;");
	wire_settle(&w);
	wire_heard(&w, "gone client_closed;done close;");
}

Test(h1_departure, a_wire_that_fails_while_it_is_blocked_is_told)
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

Test(h1_departure, a_head_has_its_time_from_the_first_byte_on_and_no_more)
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

Test(h1_departure, a_head_out_of_time_is_refused_and_answered)
{
	wire_say(&w, "GET / HTTP/1.1\r\nHo");
	wire_expire(&w, false);
	wire_heard(&w, "refused header_timeout;");
	nothing_more_is_heard();
}

Test(h1_departure, a_head_that_our_own_stall_delayed_is_no_ones_fault)
{
	wire_say(&w, "GET / HTTP/1.1\r\nHo");
	wire_expire(&w, true);
	wire_heard(&w, "refused stalled;");
	nothing_more_is_heard();
}

Test(h1_departure, a_pipelined_head_out_of_time_is_refused)
{
	wire_say(&w, GET "GET");
	answer(200, "ok");
	wire_expire(&w, false);
	wire_heard(&w, "request GET /a last;flushed;refused header_timeout;");
}

Test(h1_departure, a_body_has_its_time_from_byte_to_byte)
{
	uint64_t at;

	wire_say(&w, POST);
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	at = wire_due(&w);
	wire_say(&w, "he");
	cr_assert_gt(wire_due(&w), at);
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_say(&w, "llo");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_words(&w);
}

Test(h1_departure, trailers_have_their_time)
{
	wire_say(&w, CHUNKED "0\r\nX");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_say(&w, ": y\r\n\r\n");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_heard(&w, "request POST /p;tail X=y;");
}

Test(h1_departure, a_body_out_of_time_is_broken_and_may_be_answered)
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

Test(h1_departure, a_body_that_our_own_stall_delayed_is_broken_by_it)
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

Test(h1_departure, an_answer_nobody_takes_ends)
{
	nobody_takes_the_answer(false, "gone too_slow;done close;");
}

Test(h1_departure, an_answer_that_our_own_stall_delayed_ends_by_it)
{
	nobody_takes_the_answer(true, "gone stalled;done close;");
}
