/* Several threads at one breaker. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/lib/team.h"
#include "tests/unit/limit/clocked.h"
#include "tests/unit/limit/meanwhile.h"

/* Four workers at one half-open breaker, with no care for each other. */
struct crowd {
	struct breaker *b;
	uint64_t now;
	atomic_uint passed, arrived;
	enum breaker_outcome how;
	bool hang;
};

static void *
worker(void *arg)
{
	struct crowd *crowd = arg;
	struct breaker_ticket ticket, held[64];
	unsigned nheld = 0;
	uint64_t retry;

	atomic_fetch_add(&crowd->arrived, 1);
	while (crowd->arrived < 4)
		sched_yield();
	for (unsigned i = 0; i < 2000; i++) {
		if (breaker_admit(crowd->b, crowd->now, S, &ticket, &retry) !=
		    BREAKER_PASS)
			continue;
		atomic_fetch_add(&crowd->passed, 1);
		held[nheld++] = ticket;
		if (nheld == 64)
			break;
	}
	while (!crowd->hang && nheld > 0)
		breaker_result(crowd->b, held[--nheld], crowd->how, crowd->now);
	return NULL;
}

/* Takes a trial and hands it back, over and over. */
static void *
juggler(void *arg)
{
	struct crowd *crowd = arg;
	struct breaker_ticket ticket;
	uint64_t retry;

	atomic_fetch_add(&crowd->arrived, 1);
	while (crowd->arrived < 4)
		sched_yield();
	for (unsigned i = 0; i < 4000; i++)
		if (breaker_admit(crowd->b, crowd->now, S, &ticket, &retry) ==
		    BREAKER_PASS)
			breaker_result(
			    crowd->b, ticket, OUTCOME_NEITHER, crowd->now);
	return NULL;
}

static void
run_four(struct crowd *crowd, void *(*what)(void *))
{
	crowd->passed = crowd->arrived = 0;
	team_wait(team_start(4, what, crowd, 0));
}

static void
run_crowd(struct crowd *crowd)
{
	run_four(crowd, worker);
}

Test(breaker_threads, exactly_so_many_trials_pass_over_four_threads)
{
	struct breaker_options options = usual;

	options.half_open_requests = 7;
	for (unsigned round = 0; round < 20; round++) {
		struct test t = begin_open(options);
		struct crowd crowd = { .b = t.b, .hang = true };

		t.now += 5 * S;
		crowd.now = t.now;
		run_crowd(&crowd);
		cr_assert_eq(crowd.passed, 7, "%u passed", crowd.passed);
		expect_state(&t, BREAKER_HALF_OPEN);

		t.now += 5 * S; /* all of them hang */
		crowd.now = t.now;
		run_crowd(&crowd);
		cr_assert_eq(crowd.passed, 0);
		cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
		expect_cause(&t, "7 of 7 trials did not come back");
		end(&t);
	}
}

Test(breaker_threads, trips_and_reopens_once_whoever_sees_it_first)
{
	struct breaker_options options = usual;

	options.half_open_requests = 7;
	for (unsigned round = 0; round < 20; round++) {
		struct test t = begin(options);
		struct crowd crowd = { .b = t.b, .how = OUTCOME_FAILURE };

		crowd.now = t.now;
		run_crowd(&crowd);
		cr_assert_eq(look(&t).to[BREAKER_OPEN], 1);
		cr_assert_eq(look(&t).left_ns, 5 * S);
		crowd.now = t.now += 5 * S;
		run_crowd(&crowd);
		cr_assert_leq(crowd.passed, 7);
		cr_assert_geq(crowd.passed, 1);
		cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
		cr_assert_eq(look(&t).left_ns, 10 * S);
		end(&t);
	}
}

Test(breaker_threads, handed_back_trials_are_counted_exactly_over_four_threads)
{
	for (unsigned round = 0; round < 20; round++) {
		struct test t = begin_open(usual);
		struct crowd crowd = { .b = t.b };
		struct breaker_ticket trials[3];

		crowd.now = t.now += 5 * S;
		run_four(&crowd, juggler);
		for (unsigned i = 0; i < 3; i++)
			cr_assert(admit(&t, &trials[i]), "room for three");
		expect_reject(&t, 5 * S);
		end(&t);
	}
}

/* Another thread, with a trial of its own. */
struct other {
	struct test *t;
	struct breaker_ticket trial;
};

static void
comes_back(void *arg)
{
	struct other *other = arg;

	result(other->t, other->trial, OUTCOME_SUCCESS);
}

static void
hands_back(void *arg)
{
	struct other *other = arg;

	result(other->t, other->trial, OUTCOME_NEITHER);
}

static void
begins_one(void *arg)
{
	struct other *other = arg;

	cr_assert(admit(other->t, &other->trial));
}

/* Opening takes two swaps: another comes before the first, or the second. */
Test(breaker_threads, a_failed_trial_is_not_lost_among_others)
{
	void (*const deeds[])(void *) = { comes_back, hands_back, begins_one };

	for (unsigned i = 0; i < 6; i++) {
		struct test t = begin_open(usual);
		struct other other = { .t = &t };
		struct breaker_ticket mine;

		t.now += 5 * S;
		cr_assert(admit(&t, &mine));
		cr_assert(admit(&t, &other.trial));
		meanwhile(1 + i / 3, deeds[i % 3], &other);
		result(&t, mine, OUTCOME_FAILURE);
		cr_assert(meanwhile_was());
		expect_state(&t, BREAKER_OPEN);
		cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
		expect_reject(&t, 10 * S);
		end(&t);
	}
}
