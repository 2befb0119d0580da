/* A wire for each test. */
#include "tests/unit/http/h1_wired.h"

#include <string.h>

struct wire w;
static const char *last_word;
static enum end reason;

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

static void
reset_at(struct wire *at, const char *word)
{
	if (strcmp(word, last_word) == 0)
		at->stream->ops->reset(at->stream, reason);
}

void
wired_reset_at(const char *word, enum end why)
{
	last_word = word;
	reason = why;
	w.react = reset_at;
}
