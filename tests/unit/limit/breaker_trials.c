/* The breaker when it is open: for how long, and the trials that end it. */
#include <criterion/criterion.h>

#include "tests/unit/limit/clocked.h"

Test(breaker_trials, open_rejects_until_its_time_is_over)
{
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;

	expect_reject(&t, 5 * S);
	t.now += 2 * S;
	expect_reject(&t, 3 * S);
	cr_assert_eq(look(&t).left_ns, 3 * S);
	t.now += 3 * S - 1;
	expect_state(&t, BREAKER_OPEN);
	expect_reject(&t, 1);
	cr_assert_eq(look(&t).rejected, 3);
	t.now += 1;
	expect_state(&t, BREAKER_HALF_OPEN);
	cr_assert_eq(look(&t).to[BREAKER_HALF_OPEN], 0);
	cr_assert(admit(&t, &ticket));
	cr_assert_eq(look(&t).to[BREAKER_HALF_OPEN], 1);
	expect_state(&t, BREAKER_HALF_OPEN);
	cr_assert_eq(look(&t).left_ns, 0);
	end(&t);
}

Test(
    breaker_trials, half_open_admits_so_many_trials_and_closes_when_all_succeed)
{
	struct test t = begin_open(usual);
	struct breaker_ticket trials[3];

	t.now += 5 * S;
	for (unsigned i = 0; i < 3; i++)
		cr_assert(admit(&t, &trials[i]));
	expect_reject(&t, 5 * S);
	t.now += 1 * S;
	expect_reject(&t, 4 * S);
	result(&t, trials[2], OUTCOME_SUCCESS);
	result(&t, trials[0], OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_HALF_OPEN);
	expect_reject(&t, 4 * S);
	result(&t, trials[1], OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 100, OUTCOME_SUCCESS);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 1);
	cr_assert_eq(look(&t).to[BREAKER_HALF_OPEN], 1);
	cr_assert_eq(look(&t).to[BREAKER_CLOSED], 1);
	end(&t);
}

Test(breaker_trials, any_failed_trial_opens_it_again)
{
	struct test t = begin_open(usual);
	struct breaker_ticket trials[3];

	t.now += 5 * S;
	for (unsigned i = 0; i < 3; i++)
		cr_assert(admit(&t, &trials[i]));
	result(&t, trials[0], OUTCOME_SUCCESS);
	result(&t, trials[1], OUTCOME_SUCCESS);
	t.now += 1 * S;
	result(&t, trials[2], OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	expect_cause(&t, "1 of 3 trials failed");
	cr_assert_eq(look(&t).cause, CAUSE_TRIAL_FAILED);
	expect_reject(&t, 10 * S);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
	end(&t);
}

Test(breaker_trials, a_trial_handed_back_makes_room_for_another)
{
	struct test t = begin_open(usual);
	struct breaker_ticket trials[3], more;

	t.now += 5 * S;
	for (unsigned i = 0; i < 3; i++)
		cr_assert(admit(&t, &trials[i]));
	result(&t, trials[0], OUTCOME_NEITHER);
	expect_state(&t, BREAKER_HALF_OPEN);
	cr_assert(admit(&t, &more));
	cr_assert_not(admit(&t, &trials[0]));
	result(&t, trials[1], OUTCOME_SUCCESS);
	result(&t, trials[2], OUTCOME_SUCCESS);
	result(&t, more, OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker_trials, trials_that_hang_expire_and_count_as_failed)
{
	struct test t = begin_open(usual);
	struct breaker_ticket trials[3], ticket;

	t.now += 5 * S;
	for (unsigned i = 0; i < 3; i++)
		cr_assert(admit(&t, &trials[i]));
	result(&t, trials[0], OUTCOME_SUCCESS);
	t.now += 5 * S - 1;
	expect_state(&t, BREAKER_HALF_OPEN);
	expect_reject(&t, 1);
	t.now += 1;
	expect_state(&t, BREAKER_OPEN);
	cr_assert_eq(look(&t).left_ns, 10 * S);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 1, "nobody noticed yet");
	expect_reject(&t, 10 * S);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
	cr_assert_eq(look(&t).cause, CAUSE_TRIAL_LOST);
	expect_cause(&t, "2 of 3 trials did not come back");

	t.now += 10 * S;
	cr_assert(admit(&t, &ticket));
	end(&t);
}

Test(breaker_trials, lost_trials_open_it_from_their_deadline_on)
{
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;

	t.now += 5 * S;
	cr_assert(admit(&t, &ticket));
	t.now += 5 * S + 4 * S;
	cr_assert_eq(look(&t).left_ns, 6 * S);
	expect_reject(&t, 6 * S);
	end(&t);

	t = begin_open(usual);
	t.now += 5 * S;
	cr_assert(admit(&t, &ticket));
	t.now += 5 * S + 10 * S - 1;
	expect_state(&t, BREAKER_OPEN);
	t.now += 1;
	expect_state(&t, BREAKER_HALF_OPEN);
	cr_assert(admit(&t, &ticket));
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
	cr_assert_eq(look(&t).to[BREAKER_HALF_OPEN], 2);
	end(&t);
}

Test(breaker_trials, a_trial_has_as_long_as_its_attempt_may_take)
{
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;
	uint64_t retry;

	t.now += 5 * S;
	cr_assert_eq(
	    breaker_admit(t.b, t.now, 30 * S, &ticket, &retry), BREAKER_PASS);
	t.now += 30 * S - 1;
	expect_state(&t, BREAKER_HALF_OPEN);
	t.now += 1;
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker_trials, the_half_open_window_ends_with_the_last_deadline)
{
	struct test t = begin_open(usual);
	struct breaker_ticket trials[3];

	t.now += 5 * S;
	cr_assert(admit(&t, &trials[0]));
	t.now += 4 * S;
	cr_assert(admit(&t, &trials[1]));
	t.now -= 2 * S; /* a worker whose pass began earlier */
	cr_assert(admit(&t, &trials[2]));
	t.now += 7 * S - 1;
	expect_state(&t, BREAKER_HALF_OPEN);
	t.now += 1;
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker_trials, a_rejected_caller_waits_no_longer_than_an_open_time)
{
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;
	uint64_t retry;

	t.now += 5 * S;
	for (unsigned i = 0; i < 3; i++)
		breaker_admit(t.b, t.now, 30 * S, &ticket, &retry);
	expect_reject(&t, 5 * S);
	t.now += 26 * S;
	expect_reject(&t, 4 * S);
	end(&t);
}

Test(breaker_trials, trials_that_came_back_well_do_not_expire)
{
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;

	t.now += 5 * S;
	attempts(&t, 2, OUTCOME_SUCCESS);
	t.now += 3600 * S;
	expect_state(&t, BREAKER_HALF_OPEN);
	cr_assert(admit(&t, &ticket));
	t.now += 5 * S - 1;
	result(&t, ticket, OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker_trials, a_result_past_the_deadline_is_a_lost_trial)
{
	static const enum breaker_outcome late[] = { OUTCOME_SUCCESS,
		OUTCOME_NEITHER, OUTCOME_FAILURE };

	for (unsigned i = 0; i < 3; i++) {
		struct test t = begin_open(usual);
		struct breaker_ticket ticket;

		t.now += 5 * S;
		cr_assert(admit(&t, &ticket));
		t.now += 5 * S;
		result(&t, ticket, late[i]);
		expect_cause(&t, "1 of 1 trials did not come back");
		expect_reject(&t, 10 * S);
		end(&t);
	}
}

Test(breaker_trials, late_results_of_an_earlier_state_are_dropped)
{
	struct test t = begin(usual);
	struct breaker_ticket old, trial, lost;

	cr_assert(admit(&t, &old));
	attempts(&t, 20, OUTCOME_FAILURE);
	result(&t, old, OUTCOME_SUCCESS);
	result(&t, old, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 1);

	t.now += 5 * S;
	cr_assert(admit(&t, &lost));
	cr_assert(admit(&t, &trial));
	result(&t, old, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_HALF_OPEN);
	result(&t, trial, OUTCOME_FAILURE);

	t.now += 10 * S; /* half open again, of another generation */
	cr_assert(admit(&t, &trial));
	for (unsigned i = 0; i < 5; i++)
		result(&t, lost, OUTCOME_SUCCESS);
	result(&t, lost, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_HALF_OPEN);

	result(&t, trial, OUTCOME_SUCCESS);
	attempts(&t, 2, OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	for (unsigned i = 0; i < 30; i++)
		result(&t, lost, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker_trials,
    open_time_doubles_up_to_its_cap_and_starts_over_after_closing)
{
	static const unsigned seconds[] = { 10, 20, 40, 60, 60 };
	struct test t = begin_open(usual);

	cr_assert_eq(look(&t).left_ns, 5 * S);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(reopen(&t), seconds[i] * S, "reopening %u", i);
	for (unsigned i = 0; i < 100; i++)
		cr_assert_eq(reopen(&t), 60 * S);

	t.now += 60 * S;
	attempts(&t, 3, OUTCOME_SUCCESS);
	attempts(&t, 20, OUTCOME_FAILURE);
	cr_assert_eq(look(&t).left_ns, 5 * S);
	end(&t);
}

Test(breaker_trials, open_time_may_reach_its_cap_exactly)
{
	struct breaker_options options = usual;
	struct test t;

	options.max_open_for_ns = 10 * S;
	t = begin_open(options);
	cr_assert_eq(reopen(&t), 10 * S);
	cr_assert_eq(reopen(&t), 10 * S);
	end(&t);
	options.max_open_for_ns = 3 * S;
	t = begin_open(options);
	cr_assert_eq(look(&t).left_ns, 3 * S);
	end(&t);
}

Test(breaker_trials, counts_start_over_after_closing)
{
	struct breaker_options options = usual;
	struct test t;

	options.consecutive_failures = 20;
	t = begin_open(options);
	t.now += 5 * S; /* the window is 10 s: the failures are still in it */
	attempts(&t, 3, OUTCOME_SUCCESS);
	attempts(&t, 19, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker_trials, takes_as_many_trials_as_options_allow)
{
	struct breaker_options options = usual;
	struct breaker_ticket trials[HALF_OPEN_REQUESTS_MAX], ticket;
	struct test t;

	options.half_open_requests = HALF_OPEN_REQUESTS_MAX;
	t = begin_open(options);
	t.now += 5 * S;
	for (unsigned i = 0; i < HALF_OPEN_REQUESTS_MAX; i++)
		cr_assert(admit(&t, &trials[i]));
	cr_assert_not(admit(&t, &ticket));
	for (unsigned i = 0; i < HALF_OPEN_REQUESTS_MAX - 1; i++)
		result(&t, trials[i], OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_HALF_OPEN);
	result(&t, trials[HALF_OPEN_REQUESTS_MAX - 1], OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}
