/* The loop of the one test that runs. */
#include "tests/unit/net/looped.h"

#include <criterion/criterion.h>

#include <string.h>

#include "net/loop.h"

struct loop *loop;
char heard[256];

void
loop_up(void)
{
	loop = loop_new();
	cr_assert_not_null(loop);
}

void
loop_down(void)
{
	loop_free(loop);
}

void
hear(char c)
{
	heard[strlen(heard)] = c;
}
