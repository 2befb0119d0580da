/* net/loop: passes, the ready list, graves, mail. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "net/loop.h"

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/rng.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/looped.h"

#define LONG_NS (3600 * CLOCK_S)

TestSuite(loop, .init = loop_up, .fini = loop_down, .timeout = 60);

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
	struct deadline far = { 0 };

	deadline_set(loop, &far, LONG_NS); /* it does not wait for that */
	loop_again(loop, &b.again);
	loop_again(loop, &a.again);
	loop_again(loop, &b.again);
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "ba.");
	loop_again(loop, &end.again);
	loop_run(loop);
	cr_assert_str_eq(heard, "ba..");
	deadline_clear(&far);
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
	cr_assert(!again_is_listed(&b.again));
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
