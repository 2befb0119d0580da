/* What the suites about the HTTP/1.1 codec towards a server share. */
#include "tests/unit/http/h1_asked.h"

#include <criterion/criterion.h>

void
ask_for(enum method method)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(method, FRAMING_NONE, 0), true);
	wire_settle(&w);
}

void
ask(void)
{
	ask_for(METHOD_GET);
	cr_assert_str_eq(wire_read(&w), ASKED);
}

void
begin(void)
{
	wire_ask(&w, false);
	wire_put_head(&w, wire_request(METHOD_POST, FRAMING_LENGTH, 10), false);
	wire_put(&w, "hello", false);
	wire_settle(&w);
}
