/*
 * Loops under test: turned a little at a time, so that the test can look in
 * between.
 */
#include "tests/lib/drive.h"

#include "base/clock.h"
#include "base/container.h"
#include "net/loop.h"
#include "net/timer.h"

/* Stops a loop at the end of its pass. */
struct stopper {
	struct again again;
	struct loop *loop;
};

static void stop(void *);
static void stop_now(struct again *);

void
drive(struct loop *loop, unsigned ms)
{
	struct timer *t = timer_new(loop, stop, loop);

	timer_set(t, ms * CLOCK_MS);
	loop_run(loop);
	timer_free(t);
}

void
drive_once(struct loop *loop)
{
	struct stopper s = { { .run = stop_now }, loop };

	loop_again(loop, &s.again);
	loop_run(loop);
	loop_again_cancel(loop, &s.again);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
stop_now(struct again *a)
{
	loop_stop(CONTAINER_OF(a, struct stopper, again)->loop);
}
