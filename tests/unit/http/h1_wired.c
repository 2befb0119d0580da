/* A wire for each test. */
#include "tests/unit/http/h1_wired.h"

struct wire w;

void
wired_up(void)
{
	wire_open(&w, false);
}

void
wired_up_tcp(void)
{
	wire_open(&w, true);
}

void
wired_down(void)
{
	wire_close(&w);
}
