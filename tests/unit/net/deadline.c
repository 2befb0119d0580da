/* net/loop: deadlines, and what the loop makes of its own absences. */
#include <criterion/criterion.h>

#include <malloc.h>
#include <string.h>

#include "net/loop.h"

#include "base/clock.h"
#include "base/mailbox.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/looped.h"

#define LONG_NS (3600 * CLOCK_S)
#define AWAY_MS 400

TestSuite(deadline, .init = loop_up, .fini = loop_down, .timeout = 60);

/* What the test set, it set in a pass of its own. */
static void
pass(void)
{
	drive_once(loop);
}

/* The one thing no loop can do: stand still. */
static void
stand_still(void)
{
	wait_till(wait_now() + AWAY_MS);
}

/* ---- deadlines ------------------------------------------------------------ */

struct bell {
	struct deadline d;
	char name;
	bool stalled;
	uint64_t now; /* as it rang */
	void (*then)(struct bell *);
};

static void
on_fire(struct deadline *d, bool stalled)
{
	struct bell *b = (struct bell *)d;

	cr_assert_null(d->list, "one that fires is not set");
	b->stalled = stalled;
	b->now = loop_now(loop);
	hear(b->name);
	if (b->then != NULL)
		b->then(b);
}

static struct bell
bell(char name)
{
	return (struct bell){ .d.fire = on_fire, .name = name };
}

static void
set_ms(struct bell *b, unsigned ms)
{
	deadline_set(loop, &b->d, ms * CLOCK_MS);
}

Test(deadline, deadlines_fire_in_the_order_of_their_time)
{
	struct bell a = bell('a'), b = bell('b'), c = bell('c'), d = bell('d');

	set_ms(&a, 60);
	set_ms(&b, 20);
	set_ms(&c, 40);
	set_ms(&d, 20);
	pass();
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 4));
	cr_assert_str_eq(heard, "bdca");
}

Test(deadline, no_deadline_fires_early)
{
	struct bell a = bell('a');

	for (unsigned ms = 1; ms < 8; ms++) {
		uint64_t before = clock_now();

		set_ms(&a, ms);
		heard[0] = '\0';
		cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
		memset(heard, 0, sizeof(heard));
		cr_assert_geq(a.now, a.d.at);
		cr_assert_geq(clock_now() - before, (ms - 1) * CLOCK_MS);
		cr_assert(!a.stalled);
	}
}

Test(deadline, a_deadline_moves_when_it_is_set_again)
{
	struct bell a = bell('a'), b = bell('b');

	set_ms(&a, 10);
	set_ms(&b, 10);
	set_ms(&a, 10);
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 2));
	cr_assert_str_eq(heard, "ba");
	set_ms(&a, 10);
	set_ms(&a, 3600000);
	set_ms(&b, 20);
	pass();
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 3));
	cr_assert_str_eq(heard, "bab");
	deadline_clear(&a.d);
}

Test(deadline, a_cleared_deadline_does_not_fire)
{
	struct bell a = bell('a'), b = bell('b'), c = bell('c');

	deadline_clear(&a.d); /* was not set: no harm */
	set_ms(&a, 10);
	set_ms(&b, 10);
	set_ms(&c, 10);
	deadline_clear(&a.d);
	cr_assert_null(a.d.list);
	deadline_set(loop, &b.d, 0);
	cr_assert_null(b.d.list);
	cr_assert(DRIVE_UNTIL(loop, heard[0] != '\0'));
	cr_assert_str_eq(heard, "c");
}

Test(deadline, many_durations_keep_their_order)
{
	struct bell b[12];

	for (unsigned i = 0; i < 12; i++) {
		b[i] = bell((char)('a' + i));
		set_ms(&b[i], 20 + 20 * (i * 7 % 12));
	}
	pass();
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 12));
	for (unsigned i = 0; i < 12; i++)
		cr_assert_eq((unsigned)(heard[i] - 'a') * 7 % 12, i);
}

/* Lists are taken over by other durations when they stand empty. */
Test(deadline, durations_that_come_and_go_stay_right)
{
	struct bell a = bell('a'), b = bell('b'), c = bell('c');

	for (unsigned round = 0; round < 3; round++) {
		memset(heard, 0, sizeof(heard));
		set_ms(&a, 40 + round);
		set_ms(&b, 20 + round);
		pass();
		cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 2));
		set_ms(&c, 10 + round);
		set_ms(&a, 60 + round);
		set_ms(&b, 35);
		pass();
		cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 5));
		cr_assert_str_eq(heard, "bacba");
	}
}

static struct bell other;

static void
set_again(struct bell *b)
{
	b->then = NULL;
	set_ms(b, 200);
}

static void
clear_other(struct bell *b)
{
	(void)b;
	deadline_clear(&other.d);
}

static void
set_other(struct bell *b)
{
	(void)b;
	set_ms(&other, 5);
}

Test(deadline, a_deadline_set_again_as_it_fires_delays_no_other)
{
	struct bell a = bell('a');

	other = bell('o');
	a.then = set_again;
	set_ms(&a, 200);
	drive(loop, 20);
	set_ms(&other, 200);
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 2));
	cr_assert_str_eq(heard, "ao");
	cr_assert_lt(other.now, a.d.at, "in its own time");
	cr_assert(!other.stalled);
	deadline_clear(&a.d);
}

Test(deadline, a_deadline_may_clear_and_set_others_as_it_fires)
{
	struct bell a = bell('a');

	other = bell('o');
	a.then = clear_other;
	set_ms(&a, 10);
	set_ms(&other, 10);
	cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
	drive(loop, 20);
	cr_assert_str_eq(heard, "a");
	a.then = set_other;
	set_ms(&a, 10);
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 3));
	cr_assert_str_eq(heard, "aao");
}

/*
 * Durations come and go, as with each reload: what one of them needed serves
 * the next, also when the first that was ever used is still in use.
 */
Test(deadline, the_memory_of_durations_gone_is_used_again)
{
	struct bell far = bell('f'), a = bell('a');
	size_t before = 0;

	for (unsigned ms = 1; ms <= 28; ms++) {
		if (ms == 12) /* the allocator's own caches are full */
			before = mallinfo2().uordblks;
		memset(heard, 0, sizeof(heard));
		deadline_set(loop, &far.d, LONG_NS);
		set_ms(&a, ms);
		pass();
		cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
	}
	cr_assert_leq(mallinfo2().uordblks, before + 256);
	deadline_clear(&far.d);
}

/* ---- absences --------------------------------------------------------------- */

static void
open_letter(struct mail *mail)
{
	(void)mail;
	hear('m');
}

Test(deadline, what_runs_out_while_the_loop_is_away_is_no_ones_fault)
{
	struct bell a = bell('a'), b = bell('b'), c = bell('c');
	struct mail letter = { .open = open_letter };
	uint64_t began = loop_now(loop);

	set_ms(&a, 20);
	set_ms(&b, AWAY_MS + 10);
	set_ms(&c, AWAY_MS + 200);
	drive(loop, 1);
	loop_post(loop, &letter);
	stand_still();
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) >= 3));
	cr_assert_eq(heard[0], 'm', "what is ready is read first");
	cr_assert(a.stalled && b.stalled);
	cr_assert_geq(a.now, began + (AWAY_MS + 50) * CLOCK_MS, "grace");
	cr_assert(loop_was_away_since(loop, began));
	cr_assert(!loop_was_away_since(loop, clock_now() + CLOCK_S));
	cr_assert(DRIVE_UNTIL(loop, strlen(heard) == 4));
	cr_assert(!c.stalled, "it ran out before our eyes");
}

Test(deadline, an_absence_is_noticed_by_who_asks)
{
	struct bell a = bell('a');

	set_ms(&a, 10);
	drive(loop, 1);
	stand_still();
	cr_assert(loop_was_away_since(loop, clock_now() - CLOCK_MS));
	cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
	cr_assert(a.stalled);
}

Test(deadline, a_loop_that_slept_as_it_should_was_not_away)
{
	struct bell a = bell('a');

	deadline_set(loop, &a.d, LONG_NS);
	drive(loop, 1);
	stand_still();
	drive(loop, 1);
	cr_assert(!loop_was_away_since(loop, 0));
	deadline_clear(&a.d);
}

Test(deadline, a_short_delay_is_no_absence)
{
	struct bell a = bell('a');

	set_ms(&a, 10);
	drive(loop, 1);
	wait_till(wait_now() + 30);
	cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
	cr_assert(!a.stalled);
	cr_assert(!loop_was_away_since(loop, 0));
}

Test(deadline, an_absence_is_seen_whichever_duration_ran_out)
{
	struct bell far = bell('f'), a = bell('a');

	deadline_set(loop, &far.d, LONG_NS);
	set_ms(&a, 10);
	pass();
	stand_still();
	cr_assert(loop_was_away_since(loop, clock_now() - CLOCK_MS));
	deadline_clear(&a.d);
	deadline_clear(&far.d);
}
