/* A request as the codec sends it to a server, and as it gives it up. */
#include <criterion/criterion.h>

#include "tests/unit/http/h1_asked.h"

TestSuite(h1_client, .init = wired_up, .fini = wired_down, .timeout = 60);
TestSuite(
    h1_client_tcp, .init = wired_up_tcp, .fini = wired_down, .timeout = 60);

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

/* ---- giving up ---------------------------------------------------------- */

static void
is_cut(void)
{
	w.stream->ops->reset(w.stream, END_CLIENT_CLOSED);
	wire_heard(&w, "done close;");
	cr_assert_eq(w.conn.fd, -1);
	cr_assert(wire_is_reset(&w));
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

Test(h1_client, a_stream_may_be_reset_as_its_answer_comes)
{
	static const char *const bytes[] = { HELLO, "HTTP/1.1 204 No\r\n\r\n",
		"HTTP/1.1 103 Hint\r\n\r\n" HELLO };
	static const char *const words[] = { "head 200;done close;",
		"head 204 last;done close;", "head 103;done close;" };

	for (size_t i = 0; i < 3; i++) {
		wired_reset_at("head", END_CLIENT_CLOSED);
		ask();
		wire_say(&w, bytes[i]);
		wire_heard(&w, words[i]);
		wire_renew(&w);
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
