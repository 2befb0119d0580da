/*
 * Loops under test: turned a little at a time, so that the test can look in
 * between.
 */
#include "tests/lib/drive.h"

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"

static void stop(void *);

void
drive(struct loop *loop, unsigned ms)
{
	struct timer *t = timer_new(loop, stop, loop);

	timer_set(t, ms * CLOCK_MS);
	loop_run(loop);
	timer_free(t);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}
