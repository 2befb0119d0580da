/* How much the codec takes from a client, and gives it, before the other side
 * has taken it. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tests/unit/http/h1_served.h"

TestSuite(h1_window, .init = served_up, .fini = wired_down, .timeout = 60);

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

Test(h1_window, a_window_and_no_byte_more_is_delivered_beyond_took)
{
	say_body(3 * STREAM_WINDOW / 2);
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
	cr_assert_eq(w.body, 3 * STREAM_WINDOW / 2);
	answer(200, "ok");
	cr_assert_str_eq(wire_read(&w), OK_2 "\r\nok");
}

Test(h1_window, a_body_of_a_window_is_delivered_with_its_end)
{
	say_body(STREAM_WINDOW);
	cr_assert_eq(w.body, STREAM_WINDOW);
	wire_heard(&w, "request POST /p;body  last;");
	wire_took(&w, STREAM_WINDOW); /* late, and no harm */
	answer(200, "ok");
	wire_heard(&w, "flushed;done keep;");
}

Test(h1_window, many_small_chunks_keep_to_the_window)
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

Test(h1_window, room_is_a_window_less_what_is_unsent)
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

Test(h1_window, room_is_told_when_all_blocked_bytes_are_gone)
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
	wire_unblock(&w, w.conn.out.n - 1);
	cr_assert_eq(w.conn.out.n, 1);
	wire_heard(&w, "");
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "room;");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_put_n(&w, 500, true);
	wire_settle(&w);
	wire_heard(&w, "flushed;done keep;");
}

Test(h1_window, a_blocked_answer_is_flushed_when_it_is_gone_and_has_no_room)
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

/* No event says that the peer took some, and a late look would count it late. */
Test(h1_window, what_the_peer_takes_is_looked_at_often)
{
	uint64_t due;

	wire_say(&w, GET);
	w.takes = 10;
	answer(200, "hello hello hello");
	due = wire_due(&w);
	for (int i = 0; i < 2; i++) {
		cr_assert_lt(
		    w.conn.deadline.at, clock_now() + WIRE_IDLE_NS / 16);
		deadline_clear(&w.conn.deadline);
		w.conn.deadline.fire(&w.conn.deadline, false);
	}
	cr_assert_eq(wire_due(&w), due, "it took nothing");
	cr_assert_neq(wire_read(&w)[0], '\0');
	deadline_clear(&w.conn.deadline);
	w.conn.deadline.fire(&w.conn.deadline, false);
	cr_assert_gt(wire_due(&w), due, "it did");
	wire_heard(&w, "request GET /a last;");
}

/* The kernel takes it all, the peer nothing, and then there is more. */
Test(h1_window, the_time_to_take_goes_on_where_it_stopped)
{
	wire_say(&w, GET GET);
	w.takes = 10;
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 20), false);
	wire_put_n(&w, 10, false);
	wire_wasted(&w, WIRE_IDLE_NS / 2);
	wire_unblock(&w, SIZE_MAX);
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	w.takes = 0;
	wire_put_n(&w, 10, true);
	cr_assert_lt(wire_due(&w), clock_now() + WIRE_IDLE_NS / 2);
	wire_unblock(&w, SIZE_MAX);
	w.takes = 0;
	answer(200, "ok");
	cr_assert_gt(wire_due(&w), clock_now() + WIRE_IDLE_NS / 2);
	wire_heard(&w, "request GET /a last;room;flushed;request GET /a last;");
}

Test(h1_window, nor_does_a_window_that_opens_give_a_body_its_time_again)
{
	w.settings.min_rate = 1 << 20;
	say_body(100000);
	wire_took(&w, 1);
	wire_wasted(&w, WIRE_IDLE_NS / 2);
	wire_settle(&w);
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
	wire_took(&w, 1);
	cr_assert_lt(wire_due(&w), clock_now() + WIRE_IDLE_NS / 2 + CLOCK_S);
	wire_words(&w);
}

/* What the kernel took, the peer has not. */
Test(h1_window, the_time_to_take_moves_with_what_the_peer_takes)
{
	wire_say(&w, GET);
	w.takes = 10;
	answer(200, "hello hello hello");
	wire_unblock(&w, 1);
	cr_assert_neq(wire_read(&w)[0], '\0');
	wire_expire(&w, false);
	cr_assert_eq(wire_waits(&w), WAITS_IDLE);
	wire_heard(&w, "request GET /a last;");
	wire_expire(&w, false);
	wire_heard(&w, "gone too_slow;done close;");
}
