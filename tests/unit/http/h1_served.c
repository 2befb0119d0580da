/* What the suites about the HTTP/1.1 codec towards a client share. */
#include "tests/unit/http/h1_served.h"

#include <criterion/criterion.h>

#include <string.h>

void
served_up(void)
{
	wired_up();
	wire_serve(&w);
}

void
served_up_tcp(void)
{
	wired_up_tcp();
	wire_serve(&w);
}

void
answer(unsigned status, const char *body)
{
	wire_put_head(
	    &w, wire_response(status, FRAMING_LENGTH, strlen(body)), false);
	wire_put(&w, body, true);
	wire_settle(&w);
}

void
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
