/*
 * A leaky bucket of time.  Pure.
 */
#include "http/pace.h"

#define SECOND 1000000000ull

static uint64_t time_for(uint64_t, uint64_t, uint64_t);

void
pace_begin(struct pace *p, uint64_t slack_ns)
{
	p->left = slack_ns;
}

void
pace_go(struct pace *p, uint64_t now)
{
	p->due = now + p->left;
}

void
pace_rest(struct pace *p, uint64_t now)
{
	p->left = p->due > now ? p->due - now : 0;
}

void
pace_moved(struct pace *p, uint64_t bytes, uint64_t rate, uint64_t slack_ns,
    uint64_t now)
{
	uint64_t most = now + slack_ns;

	if (bytes == 0)
		return;
	p->due += time_for(bytes, rate, slack_ns);
	if (rate == 0 || p->due > most)
		p->due = most;
}

/* No more than the whole slack counts, and so nothing can overflow. */
static uint64_t
time_for(uint64_t bytes, uint64_t rate, uint64_t slack_ns)
{
	if (rate == 0 || bytes / rate > slack_ns / SECOND)
		return slack_ns + SECOND;
	return bytes / rate * SECOND + bytes % rate * SECOND / rate;
}
