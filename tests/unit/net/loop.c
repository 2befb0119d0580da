/* net/loop: passes, deadlines, the ready list, graves, mail, absences. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "net/loop.h"

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/rng.h"
#include "tests/lib/drive.h"

#define LONG_NS (3600 * CLOCK_S)
#define AWAY_MS 400

static struct loop *loop;

static void
set_up(void)
{
	loop = loop_new();
	cr_assert_not_null(loop);
}

static void
tear_down(void)
{
	loop_free(loop);
}

TestSuite(loop, .init = set_up, .fini = tear_down, .timeout = 60);

static void
stop_now(struct again *a)
{
	(void)a;
	loop_stop(loop);
}

/* One pass without a wait: what the test set, it set in a pass of its own. */
static void
pass(void)
{
	struct again end = { .run = stop_now };

	loop_again(loop, &end);
	loop_run(loop);
}

/* What happened, one letter each. */
static char heard[256];

static void
hear(char c)
{
	heard[strlen(heard)] = c;
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

Test(loop, deadlines_fire_in_the_order_of_their_time)
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

Test(loop, no_deadline_fires_early)
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

Test(loop, a_deadline_moves_when_it_is_set_again)
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

Test(loop, a_cleared_deadline_does_not_fire)
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

Test(loop, many_durations_keep_their_order)
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
Test(loop, durations_that_come_and_go_stay_right)
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

Test(loop, a_deadline_set_again_as_it_fires_delays_no_other)
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

Test(loop, a_deadline_may_clear_and_set_others_as_it_fires)
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

/* ---- absences --------------------------------------------------------------- */

static void
open_letter(struct mail *mail)
{
	(void)mail;
	hear('m');
}

Test(loop, what_runs_out_while_the_loop_is_away_is_no_ones_fault)
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

Test(loop, an_absence_is_noticed_by_who_asks)
{
	struct bell a = bell('a');

	set_ms(&a, 10);
	drive(loop, 1);
	stand_still();
	cr_assert(loop_was_away_since(loop, clock_now() - CLOCK_MS));
	cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
	cr_assert(a.stalled);
}

Test(loop, a_loop_that_slept_as_it_should_was_not_away)
{
	struct bell a = bell('a');

	deadline_set(loop, &a.d, LONG_NS);
	drive(loop, 1);
	stand_still();
	drive(loop, 1);
	cr_assert(!loop_was_away_since(loop, 0));
	deadline_clear(&a.d);
}

Test(loop, a_short_delay_is_no_absence)
{
	struct bell a = bell('a');

	set_ms(&a, 10);
	drive(loop, 1);
	wait_till(wait_now() + 30);
	cr_assert(DRIVE_UNTIL(loop, heard[0] == 'a'));
	cr_assert(!a.stalled);
	cr_assert(!loop_was_away_since(loop, 0));
}

/* ---- the ready list ----------------------------------------------------------- */

struct turn {
	struct again again;
	char name;
	void (*then)(struct turn *);
};

static void
on_turn(struct again *a)
{
	struct turn *t = (struct turn *)a;

	hear(t->name);
	if (t->then != NULL)
		t->then(t);
}

static struct turn
turn(char name, void (*then)(struct turn *))
{
	return (
	    struct turn){ .again.run = on_turn, .name = name, .then = then };
}

static void
stop(struct turn *t)
{
	(void)t;
	loop_stop(loop);
}

static void
list_again(struct turn *t)
{
	loop_again(loop, &t->again);
}

static struct turn last;

static void
cancel_last(struct turn *t)
{
	(void)t;
	loop_again_cancel(loop, &last.again);
}

static void
add_last(struct turn *t)
{
	(void)t;
	loop_again(loop, &last.again);
}

Test(loop, what_is_listed_runs_once_in_order_without_an_event)
{
	struct turn a = turn('a', NULL), b = turn('b', NULL);
	struct turn end = turn('.', stop);
	struct bell far = bell('f');

	deadline_set(loop, &far.d, LONG_NS); /* it does not wait for that */
	loop_again(loop, &b.again);
	loop_again(loop, &a.again);
	loop_again(loop, &b.again);
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "ba.");
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "ba..");
	deadline_clear(&far.d);
}

Test(loop, what_is_listed_by_what_runs_waits_for_the_next_pass)
{
	struct turn a = turn('a', list_again), b = turn('b', add_last);

	last = turn('.', stop);
	loop_again(loop, &a.again);
	loop_again(loop, &b.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "aba.");
	loop_again_cancel(loop, &a.again);
}

Test(loop, what_is_cancelled_does_not_run)
{
	struct turn a = turn('a', cancel_last), b = turn('b', NULL);
	struct turn end = turn('.', stop);

	last = turn('x', NULL);
	loop_again_cancel(loop, &b.again); /* not listed: no harm */
	loop_again(loop, &b.again);
	loop_again_cancel(loop, &b.again);
	cr_assert(!b.again.listed);
	loop_again(loop, &a.again);
	loop_again(loop, &last.again);
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "a.");
}

/* ---- graves ----------------------------------------------------------------- */

static struct grave first, second;

static void
free_first(struct grave *g)
{
	cr_assert_eq(g, &first);
	hear('1');
}

static void
free_second(struct grave *g)
{
	cr_assert_eq(g, &second);
	hear('2');
}

static void
bury(struct turn *t)
{
	(void)t;
	first.free = free_first;
	second.free = free_second;
	loop_bury(loop, &first);
	loop_bury(loop, &second);
}

Test(loop, the_buried_are_freed_at_the_end_of_the_pass)
{
	struct turn a = turn('a', bury), end = turn('.', stop);

	loop_again(loop, &a.again);
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "a.21");
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "a.21.", "once");
}

Test(loop, a_loop_that_ends_frees_the_buried)
{
	struct loop *mine = loop_new();

	first.free = free_first;
	loop_bury(mine, &first);
	loop_free(mine);
	cr_assert_str_eq(heard, "1");
}

/* ---- mail -------------------------------------------------------------------- */

#define THREADS 4
#define LETTERS 500

struct post {
	struct mail mail;
	unsigned thread, n;
};

static struct post posts[THREADS][LETTERS];
static unsigned opened, next_of[THREADS];
static pthread_t here;

static void
open_post(struct mail *mail)
{
	struct post *p = (struct post *)mail;

	cr_assert(pthread_equal(pthread_self(), here));
	cr_assert_eq(next_of[p->thread]++, p->n, "in order");
	opened++;
}

static void *
write_letters(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < LETTERS; i++) {
		posts[thread][i] =
		    (struct post){ { .open = open_post }, thread, i };
		loop_post(loop, &posts[thread][i].mail);
	}
	return NULL;
}

Test(loop, letters_from_other_threads_are_opened_here)
{
	pthread_t threads[THREADS];

	here = pthread_self();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_letters, (void *)i);
	cr_assert(DRIVE_UNTIL(loop, opened == THREADS * LETTERS));
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void
open_and_stop(struct mail *mail)
{
	(void)mail;
	loop_stop(loop);
}

static void *
write_one(void *arg)
{
	loop_post(loop, arg);
	return NULL;
}

Test(loop, a_letter_wakes_a_loop_that_sleeps)
{
	struct mail letter = { .open = open_and_stop };
	pthread_t thread;

	pthread_create(&thread, NULL, write_one, &letter);
	loop_run(loop);
	pthread_join(thread, NULL);
}

/* ---- passes ------------------------------------------------------------------- */

static uint64_t spent, passes;

static void
on_pass(void *arg, uint64_t ns)
{
	cr_assert_eq(arg, &spent);
	spent = ns;
	passes++;
}

static void
stand_and_look(struct turn *t)
{
	uint64_t now = loop_now(loop);

	(void)t;
	wait_till(wait_now() + 5);
	cr_assert_eq(loop_now(loop), now, "taken once per pass");
	cr_assert_geq(clock_now(), now + 4 * CLOCK_MS);
}

Test(loop, the_time_is_taken_once_per_pass_and_told_at_its_end)
{
	struct turn a = turn('a', stand_and_look), end = turn('.', stop);
	uint64_t turns = loop_turns(loop), before = clock_now();

	loop_on_pass(loop, on_pass, &spent);
	loop_again(loop, &a.again);
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_eq(loop_turns(loop), turns + 1);
	cr_assert_eq(passes, 1);
	cr_assert_geq(spent, 4 * CLOCK_MS);
	cr_assert_leq(spent, clock_now() - before);
	cr_assert_geq(loop_now(loop), before + 4 * CLOCK_MS);
}

Test(loop, a_pass_that_looked_at_no_clock_tells_nothing)
{
	struct turn end = turn('.', stop);

	loop_on_pass(loop, on_pass, &spent);
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_eq(passes, 0);
}

Test(loop, each_loop_has_dice_of_its_own)
{
	struct loop *mine = loop_new();

	cr_assert_neq(loop_rng(loop), loop_rng(mine));
	cr_assert_neq(rng_next(loop_rng(loop)), rng_next(loop_rng(mine)));
	cr_assert_gt(strlen(loop_library()), 0);
	cr_assert_not_null(loop_base(loop));
	loop_free(mine);
}
