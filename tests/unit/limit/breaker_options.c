/* A breaker that is told other options meanwhile. */
#include <criterion/criterion.h>

#include "tests/unit/limit/clocked.h"

Test(breaker_options, new_options_take_effect_and_keep_the_state)
{
	struct breaker_options options = usual;
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;

	options.open_for_ns = 1 * S;
	options.max_open_for_ns = 3 * S;
	options.half_open_requests = 1;
	breaker_configure(t.b, &options);
	expect_reject(&t, 5 * S);
	t.now += 5 * S;
	cr_assert(admit(&t, &ticket));
	cr_assert_not(admit(&t, &(struct breaker_ticket){ 0 }));
	result(&t, ticket, OUTCOME_FAILURE);
	expect_reject(&t, 2 * S);
	result(&t, ticket, OUTCOME_FAILURE);
	cr_assert_eq(reopen(&t), 3 * S);
	end(&t);
}

Test(breaker_options, new_options_keep_the_counts)
{
	struct breaker_options options = usual;
	struct test t = begin(usual);

	attempts(&t, 10, OUTCOME_FAILURE);
	options.min_requests = 11;
	options.failure_percent = 91;
	breaker_configure(t.b, &options);
	attempts(&t, 1, OUTCOME_SUCCESS);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_cause(&t, "11 of 12 requests failed");
	end(&t);

	t = begin(usual);
	attempts(&t, 10, OUTCOME_FAILURE);
	options = in_a_row(11);
	breaker_configure(t.b, &options);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_cause(&t, "11 requests in a row failed");
	end(&t);
}

Test(breaker_options, another_window_starts_empty)
{
	struct breaker_options options = usual;
	struct test t = begin(usual);

	attempts(&t, 19, OUTCOME_FAILURE);
	options.window_ns = 20 * S;
	breaker_configure(t.b, &options);
	attempts(&t, 19, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker_options, fewer_trials_may_be_enough_already)
{
	struct breaker_options options = usual;
	struct test t = begin_open(usual);

	t.now += 5 * S;
	attempts(&t, 2, OUTCOME_SUCCESS);
	options.half_open_requests = 2;
	breaker_configure(t.b, &options);
	attempts(&t, 1, OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	cr_assert_eq(look(&t).to[BREAKER_CLOSED], 1);
	end(&t);
}

/* Closed while a trial is out: it belongs to no state that comes after. */
Test(breaker_options, a_trial_that_is_out_when_it_closes_never_counts)
{
	struct breaker_options fewer = usual;
	struct test t = begin_open(usual);
	struct breaker_ticket out;

	t.now += 5 * S;
	cr_assert(admit(&t, &out));
	attempts(&t, 1, OUTCOME_SUCCESS);
	fewer.half_open_requests = 1;
	breaker_configure(t.b, &fewer);
	attempts(&t, 20, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	result(&t, out, OUTCOME_FAILURE);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);

	t.now += 5 * S;
	attempts(&t, 1, OUTCOME_SUCCESS);
	for (unsigned i = 0; i < 30; i++)
		result(&t, out, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker_options, turned_off_it_closes_and_turned_on_it_starts_closed)
{
	struct breaker_options off = usual;
	struct test t = begin_open(usual);
	struct breaker_ticket ticket;

	off.on = false;
	breaker_configure(t.b, &off);
	expect_state(&t, BREAKER_CLOSED);
	cr_assert_eq(look(&t).to[BREAKER_CLOSED], 1);
	attempts(&t, 100, OUTCOME_FAILURE);
	cr_assert(admit(&t, &ticket));
	breaker_configure(t.b, &off);
	cr_assert_eq(look(&t).to[BREAKER_CLOSED], 1);

	breaker_configure(t.b, &usual);
	expect_state(&t, BREAKER_CLOSED);
	cr_assert(look(&t).on);
	for (unsigned i = 0; i < 30; i++)
		result(&t, ticket, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 20, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker_options, a_result_that_comes_when_it_is_off_changes_nothing)
{
	struct breaker_options off = usual;
	struct test t = begin(usual);
	struct breaker_ticket ticket;

	attempts(&t, 19, OUTCOME_FAILURE);
	cr_assert(admit(&t, &ticket));
	off.on = false;
	breaker_configure(t.b, &off);
	result(&t, ticket, OUTCOME_FAILURE);
	cr_assert_eq(look(&t).to[BREAKER_OPEN], 0);
	end(&t);
}
