/*
 * A one-shot timer with a duration of its own, over one libevent timer.  For
 * schedules with jitter and for the timeouts that libraries ask for; deadlines
 * of connections live in net/loop.  Loop thread only.
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include <stdlib.h>

#include "net/timer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

struct timer {
	struct event ev;
	void (*fire)(void *);
	void *arg;
};

static void on_time(evutil_socket_t, short, void *);

struct timer *
timer_new(struct loop *loop, void (*fire)(void *), void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	t->fire = fire;
	t->arg = arg;
	evtimer_assign(&t->ev, loop_base(loop), on_time, t);
	return t;
}

void
timer_set(struct timer *t, uint64_t after_ns)
{
	uint64_t us = after_ns / CLOCK_US;
	struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};

	evtimer_add(&t->ev, &tv);
}

void
timer_clear(struct timer *t)
{
	evtimer_del(&t->ev);
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	evtimer_del(&t->ev);
	free(t);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	t->fire(t->arg);
}
