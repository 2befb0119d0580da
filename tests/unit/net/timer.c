/* net/timer on a real loop. */
#include <criterion/criterion.h>

#include "net/timer.h"

#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/looped.h"

struct fired {
	unsigned count;
	uint64_t at;
	struct timer *timer;
};

TestSuite(timer, .init = loop_up, .fini = loop_down, .timeout = 60);

static void
note(void *arg)
{
	struct fired *f = arg;

	f->count++;
	f->at = clock_now();
}

static void
note_and_free(void *arg)
{
	struct fired *f = arg;

	note(f);
	timer_free(f->timer);
}

Test(timer, fires_once_when_its_time_has_come)
{
	struct fired f = { 0 };
	struct timer *t = timer_new(loop, note, &f);
	uint64_t began = clock_now();

	timer_set(t, 1100 * CLOCK_MS);
	cr_assert(DRIVE_UNTIL(loop, f.count > 0));
	/* the loop's own clock is a coarse one: some milliseconds early */
	cr_assert_geq(f.at - began, 1090 * CLOCK_MS);
	cr_assert_lt(f.at - began, 1900 * CLOCK_MS);
	drive(loop, 20);
	cr_assert_eq(f.count, 1);
	timer_free(t);
}

Test(timer, setting_it_again_moves_it)
{
	struct fired f = { 0 };
	struct timer *t = timer_new(loop, note, &f);

	timer_set(t, 3600 * CLOCK_S);
	timer_set(t, 0);
	cr_assert(DRIVE_UNTIL(loop, f.count == 1));
	timer_free(t);
}

Test(timer, a_cleared_or_freed_one_does_not_fire)
{
	struct fired f = { 0 };
	struct timer *t = timer_new(loop, note, &f);

	timer_clear(t);
	timer_set(t, 0);
	timer_clear(t);
	drive(loop, 20);
	timer_set(t, 0);
	timer_free(t);
	timer_free(NULL);
	drive(loop, 20);
	cr_assert_eq(f.count, 0);
}

Test(timer, may_be_freed_by_what_it_fires)
{
	struct fired f = { 0 };

	f.timer = timer_new(loop, note_and_free, &f);
	timer_set(f.timer, 0);
	cr_assert(DRIVE_UNTIL(loop, f.count == 1));
}
