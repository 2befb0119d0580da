/* The HTTP/1.1 codec in a tunnel, in both roles, on a real conn and loop. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/http/h1_wired.h"

TestSuite(h1_tunnel, .init = wired_up, .fini = wired_down, .timeout = 60);
TestSuite(
    h1_tunnel_tcp, .init = wired_up_tcp, .fini = wired_down, .timeout = 60);

#define ASK \
	"GET /w HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n" \
	"Upgrade: web\r\n\r\n"
#define AGREED "HTTP/1.1 101 R\r\nUpgrade: web\r\nConnection: Upgrade\r\n\r\n"

/* ---- towards a client ---- */

static struct head
agreed(void)
{
	struct head head = wire_response(101, FRAMING_NONE, 0);

	head.tunnel = true;
	head.upgrade = TEXT("web");
	return head;
}

static void
asked(const char *behind)
{
	wire_serve(&w);
	wire_say(&w, ASK);
	if (behind[0] != '\0')
		wire_say(&w, behind);
	wire_heard(&w, "request GET /w last;");
}

static void
opened(void)
{
	asked("");
	wire_put_head(&w, agreed(), false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), AGREED);
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
}

static void
end_in_peace(void)
{
	w.stream->ops->reset(w.stream, END_NONE);
	wire_settle(&w);
	wire_heard(&w, "done close;");
}

Test(h1_tunnel, what_a_client_asks_for_is_in_the_head)
{
	asked("");
	cr_assert(text_equal(w.head->upgrade, TEXT("web")));
}

Test(h1_tunnel, bytes_pass_raw_both_ways)
{
	opened();
	wire_say(&w, "GET / HTTP/1.1\r\n\r\n");
	wire_heard(&w, "body GET / HTTP/1.1\r\n\r\n;");
	wire_put(&w, "5\r\nhello\r\n", false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "5\r\nhello\r\n");
}

Test(h1_tunnel, bytes_behind_the_request_come_after_the_head)
{
	asked("early");
	wire_put_head(&w, agreed(), false);
	wire_heard(&w, "");
	wire_settle(&w);
	wire_heard(&w, "body early;");
}

Test(h1_tunnel, a_half_close_behind_the_request_does_too)
{
	asked("all");
	wire_fin(&w);
	wire_put_head(&w, agreed(), false);
	wire_settle(&w);
	wire_heard(&w, "body all last;");
	wire_put(&w, "bye", true);
	wire_settle(&w);
	wire_heard(&w, "flushed;");
	end_in_peace();
	cr_assert_str_eq(wire_read(&w), AGREED "bye");
	cr_assert(w.eof);
}

Test(h1_tunnel, a_refused_one_is_followed_by_the_next_request)
{
	asked("GET /n HTTP/1.1\r\nHost: h\r\n\r\n");
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 0), true);
	wire_settle(&w);
	wire_heard(&w, "flushed;request GET /n last;");
}

Test(h1_tunnel, each_half_closes_by_itself)
{
	opened();
	wire_fin(&w);
	wire_heard(&w, "body  last;");
	wire_put(&w, "still", false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "still");
	cr_assert_not(w.eof);
	wire_put(&w, "", true);
	wire_settle(&w);
	wire_heard(&w, "flushed;");
	wire_read(&w);
	cr_assert(w.eof);
	end_in_peace();
}

Test(h1_tunnel, ours_may_close_first)
{
	opened();
	wire_put(&w, "bye", true);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "bye");
	cr_assert(w.eof);
	wire_say(&w, "still");
	wire_heard(&w, "body still;");
	wire_fin(&w);
	wire_heard(&w, "body  last;flushed;");
	end_in_peace();
}

Test(h1_tunnel, it_is_flushed_when_the_kernel_has_the_last_byte)
{
	opened();
	w.takes = 0;
	wire_fin(&w);
	wire_put(&w, "late", true);
	wire_settle(&w);
	wire_heard(&w, "body  last;");
	wire_unblock(&w, SIZE_MAX);
	wire_heard(&w, "flushed;");
	cr_assert_str_eq(wire_read(&w), "late");
	cr_assert(w.eof);
	end_in_peace();
}

Test(h1_tunnel, a_window_and_no_byte_more_is_read_beyond_took)
{
	char piece[STREAM_WINDOW / 8];

	memset(piece, 'x', sizeof(piece));
	w.quiet = w.keeps = true;
	opened();
	for (unsigned i = 0; i < 12; i++) {
		(void)send(w.fd, piece, sizeof(piece), MSG_DONTWAIT);
		wire_settle(&w);
	}
	cr_assert_eq(w.body, STREAM_WINDOW);
	wire_took(&w, STREAM_WINDOW);
	wire_settle(&w);
	cr_assert_eq(w.body, 12 * sizeof(piece));
}

Test(h1_tunnel_tcp, a_reset_by_the_client_is_told)
{
	opened();
	wire_rst(&w);
	cr_assert(wire_heard_until(&w, "gone client_closed;done close;"));
}

Test(h1_tunnel_tcp, one_that_is_cut_ends_in_a_reset)
{
	opened();
	wire_put(&w, "half", false);
	wire_settle(&w);
	w.stream->ops->reset(w.stream, END_UPSTREAM_TRUNCATED);
	cr_assert(wire_is_reset(&w));
	wire_heard(&w, "done close;");
}

/* ---- towards a server ---- */

static void
ask(void)
{
	struct head head = wire_request(METHOD_GET, FRAMING_NONE, 0);

	head.upgrade = TEXT("web, chat");
	wire_ask(&w, false);
	wire_put_head(&w, head, true);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w),
	    "GET /p HTTP/1.1\r\nHost: h\r\nUpgrade: web, chat\r\n"
	    "Connection: Upgrade\r\n\r\n");
}

static void
agree(void)
{
	ask();
	w.full = true;
	wire_say(&w, AGREED);
	w.full = false;
	wire_heard(&w, "head 101 (1.1|||||||R|web|00001|00 0|0 0|);");
	cr_assert_eq(wire_waits(&w), WAITS_NOT);
}

Test(h1_tunnel, a_server_agrees_and_speaks_at_once)
{
	ask();
	wire_say(&w, AGREED "hello");
	wire_heard(&w, "head 101;body hello;");
	wire_put(&w, "you", false);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "you");
}

Test(h1_tunnel, a_server_ends_its_half_and_still_hears)
{
	agree();
	wire_fin(&w);
	wire_heard(&w, "body  last;");
	wire_put(&w, "still", true);
	wire_settle(&w);
	cr_assert_str_eq(wire_read(&w), "still");
	cr_assert(w.eof);
	wire_heard(&w, "flushed;");
	end_in_peace();
}

static void
is_no_agreement(const char *bytes)
{
	ask();
	wire_say(&w, bytes);
	wire_heard(&w, "gone upstream_protocol;done close;");
}

Test(h1_tunnel, another_token_is_no_agreement)
{
	is_no_agreement("HTTP/1.1 101 R\r\nUpgrade: other\r\n"
			"Connection: upgrade\r\n\r\n");
}

Test(h1_tunnel, an_agreement_before_the_request_is_out_is_none)
{
	struct head head = wire_request(METHOD_GET, FRAMING_NONE, 0);

	head.upgrade = TEXT("web");
	w.takes = 5;
	wire_ask(&w, false);
	wire_put_head(&w, head, true);
	wire_settle(&w);
	wire_say(&w, AGREED);
	wire_heard(&w, "gone upstream_protocol;done close;");
}

Test(h1_tunnel, a_2xx_to_connect_opens_one_whatever_its_framing)
{
	struct head head = wire_request(METHOD_CONNECT, FRAMING_NONE, 0);

	head.authority = TEXT("h:1");
	wire_ask(&w, false);
	wire_put_head(&w, head, true);
	wire_settle(&w);
	cr_assert_str_eq(
	    wire_read(&w), "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n");
	wire_say(&w, "HTTP/1.1 200 R\r\nContent-Length: 2\r\n\r\nabcd");
	wire_heard(&w, "head 200;body abcd;");
	cr_assert(w.head->tunnel);
}

Test(h1_tunnel, any_other_answer_to_connect_is_an_answer)
{
	struct head head = wire_request(METHOD_CONNECT, FRAMING_NONE, 0);

	head.authority = TEXT("h:1");
	wire_ask(&w, false);
	wire_put_head(&w, head, true);
	wire_settle(&w);
	wire_say(&w, "HTTP/1.1 407 R\r\nContent-Length: 2\r\n\r\nab");
	wire_heard(&w, "head 407;body ab last;done keep;");
}

Test(h1_tunnel_tcp, a_reset_by_the_server_is_a_cut)
{
	agree();
	wire_rst(&w);
	cr_assert(wire_heard_until(&w, "gone upstream_truncated;done close;"));
}

Test(h1_tunnel_tcp, a_reset_after_the_servers_last_byte_is_nobodys_failure)
{
	agree();
	wire_fin(&w);
	cr_assert(wire_heard_until(&w, "body  last;"));
	wire_rst(&w);
	cr_assert(wire_heard_until(&w, "gone ;done close;"));
}

/* The write has had the error: what follows reads as an end. */
Test(h1_tunnel, an_end_after_a_failed_write_is_no_good_end)
{
	agree();
	w.write_error = EPIPE;
	wire_put(&w, "lost", false);
	wire_settle(&w);
	wire_fin(&w);
	wire_heard(&w, "gone upstream_truncated;done close;");
}

Test(h1_tunnel, a_failed_write_after_the_servers_last_byte_ends_it)
{
	agree();
	wire_fin(&w);
	wire_heard(&w, "body  last;");
	w.write_error = EPIPE;
	wire_put(&w, "lost", false);
	wire_settle(&w);
	wire_heard(&w, "gone ;done close;");
}
