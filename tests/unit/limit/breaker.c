/* The breaker while it is closed: what trips it, and what does not. */
#include <criterion/criterion.h>

#include "tests/unit/limit/clocked.h"

Test(breaker, off_lets_all_pass_and_counts_nothing)
{
	struct test t = begin((struct breaker_options){ .on = false });
	struct breaker_ticket ticket;

	for (unsigned i = 0; i < 100; i++) {
		cr_assert(admit(&t, &ticket));
		cr_assert_not(ticket.counted);
		result(&t, ticket, OUTCOME_FAILURE);
	}
	expect_state(&t, BREAKER_CLOSED);
	cr_assert_not(look(&t).on);
	end(&t);
}

Test(breaker, trips_at_the_minimum_volume_and_not_before)
{
	struct test t = begin(usual);

	attempts(&t, 19, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	expect_cause(&t, "20 of 20 requests failed");
	end(&t);
}

Test(breaker, trips_at_the_rate_and_not_below)
{
	struct test t = begin(usual);

	attempts(&t, 20, OUTCOME_SUCCESS);
	attempts(&t, 19, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	expect_cause(&t, "20 of 40 requests failed");
	end(&t);
}

Test(breaker, can_trip_at_one_percent)
{
	struct breaker_options options = usual;
	struct test t;

	options.failure_percent = 1;
	t = begin(options);
	attempts(&t, 100, OUTCOME_SUCCESS);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker, can_trip_at_a_hundred_percent)
{
	struct breaker_options options = usual;
	struct test t;

	options.failure_percent = 100;
	t = begin(options);
	attempts(&t, 20, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);
	t = begin(options);
	attempts(&t, 1, OUTCOME_SUCCESS);
	attempts(&t, 500, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker, a_success_never_trips_it)
{
	struct test t = begin(usual);

	attempts(&t, 19, OUTCOME_FAILURE);
	attempts(&t, 1, OUTCOME_SUCCESS);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	expect_cause(&t, "20 of 21 requests failed");
	end(&t);
}

Test(breaker, what_is_nobodys_fault_does_not_count)
{
	struct test t = begin(usual);

	attempts(&t, 19, OUTCOME_FAILURE);
	attempts(&t, 100, OUTCOME_NEITHER);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_cause(&t, "20 of 20 requests failed");
	end(&t);
}

Test(breaker, the_window_rolls)
{
	struct test t = begin(usual);

	attempts(&t, 19, OUTCOME_FAILURE);
	t.now = START + 10 * S - 1;
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);

	t = begin(usual);
	attempts(&t, 19, OUTCOME_FAILURE);
	t.now = START + 10 * S;
	attempts(&t, 19, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker, trips_on_failures_in_a_row)
{
	struct test t = begin(in_a_row(5));

	attempts(&t, 4, OUTCOME_FAILURE);
	attempts(&t, 1, OUTCOME_SUCCESS);
	attempts(&t, 2, OUTCOME_FAILURE);
	attempts(&t, 3, OUTCOME_NEITHER);
	attempts(&t, 2, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 1, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	expect_cause(&t, "5 requests in a row failed");
	cr_assert_eq(look(&t).cause, CAUSE_CONSECUTIVE);
	end(&t);
}

Test(breaker, one_success_ends_a_row_of_one)
{
	struct test t = begin(in_a_row(2));

	for (unsigned i = 0; i < 10; i++) {
		attempts(&t, 1, OUTCOME_FAILURE);
		attempts(&t, 1, OUTCOME_SUCCESS);
	}
	expect_state(&t, BREAKER_CLOSED);
	attempts(&t, 2, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	end(&t);
}

Test(breaker, without_any_rule_it_stays_closed)
{
	struct breaker_options options = in_a_row(0);
	struct test t = begin(options);

	attempts(&t, 1000, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
	options.min_requests = 0;
	t = begin(options);
	attempts(&t, 1000, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_CLOSED);
	end(&t);
}

Test(breaker, has_names_and_words)
{
	struct test t = begin(usual);

	cr_assert_str_eq(breaker_state_name(BREAKER_CLOSED), "closed");
	cr_assert_str_eq(breaker_state_name(BREAKER_OPEN), "open");
	cr_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
	cr_assert_eq(look(&t).cause, CAUSE_NONE);
	expect_cause(&t, "");
	breaker_free(NULL);
	end(&t);
}
