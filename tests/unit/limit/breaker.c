#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "limit/breaker.h"

#define S CLOCK_S
#define MS CLOCK_MS

/* Times are far from 0, as those of a monotonic clock. */
#define START (1000 * S)

static const struct breaker_options usual = {
	.on = true,
	.failure_percent = 50,
	.min_requests = 20,
	.window_ns = 10 * S,
	.open_for_ns = 5 * S,
	.max_open_for_ns = 60 * S,
	.half_open_requests = 3,
};

/* A breaker under a clock of its own. */
struct test {
	struct breaker *b;
	uint64_t now, retry;
};

static struct test
begin(struct breaker_options options)
{
	return (struct test){ .b = breaker_new(&options), .now = START };
}

static struct breaker_options
in_a_row(unsigned failures)
{
	struct breaker_options options = usual;

	options.failure_percent = 0;
	options.consecutive_failures = failures;
	return options;
}

static bool
admit(struct test *t, struct breaker_ticket *ticket)
{
	return breaker_admit(t->b, t->now, 2 * S, ticket, &t->retry) ==
	    BREAKER_PASS;
}

static void
result(struct test *t, struct breaker_ticket ticket, enum breaker_outcome how)
{
	breaker_result(t->b, ticket, how, t->now);
}

/* So many attempts, each with its result at once. */
static void
attempts(struct test *t, unsigned count, enum breaker_outcome how)
{
	struct breaker_ticket ticket;

	while (count-- > 0) {
		cr_assert(admit(t, &ticket));
		result(t, ticket, how);
	}
}

static void
expect_state(struct test *t, enum breaker_state want)
{
	enum breaker_state state = breaker_state(t->b, t->now);

	cr_assert_eq(state, want, "%s at %llu ms, not %s",
	    breaker_state_name(state), (t->now - START) / MS,
	    breaker_state_name(want));
}

static struct breaker_look
look(struct test *t)
{
	struct breaker_look seen;

	breaker_look(t->b, t->now, &seen);
	return seen;
}

static void
expect_reject(struct test *t, uint64_t retry)
{
	struct breaker_ticket ticket;

	cr_assert_not(admit(t, &ticket));
	cr_assert_eq(t->retry, retry, "retry after %llu ms", t->retry / MS);
}

static void
expect_cause(struct test *t, const char *want)
{
	struct breaker_look seen = look(t);
	char text[80];

	breaker_cause_print(&seen, text, sizeof(text));
	cr_assert_str_eq(text, want);
}

/* Open since now. */
static struct test
begin_open(struct breaker_options options)
{
	struct test t = begin(options);

	attempts(&t, options.min_requests, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	return t;
}

static void
end(struct test *t)
{
	breaker_free(t->b);
}

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

Test(breaker, open_rejects_until_its_time_is_over)
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

Test(breaker, half_open_admits_so_many_trials_and_closes_when_all_succeed)
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

Test(breaker, any_failed_trial_opens_it_again)
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

Test(breaker, a_trial_handed_back_makes_room_for_another)
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

Test(breaker, trials_that_hang_expire_and_count_as_failed)
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

Test(breaker, lost_trials_open_it_from_their_deadline_on)
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

Test(breaker, a_trial_has_as_long_as_its_attempt_may_take)
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

Test(breaker, the_half_open_window_ends_with_the_last_deadline)
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

Test(breaker, a_rejected_caller_waits_no_longer_than_an_open_time)
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

Test(breaker, trials_that_came_back_well_do_not_expire)
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

Test(breaker, a_result_past_the_deadline_is_a_lost_trial)
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

Test(breaker, late_results_of_an_earlier_state_are_dropped)
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

/* Half open it, fail, and say for how long it is open now. */
static uint64_t
reopen(struct test *t)
{
	struct breaker_ticket ticket;

	t->now += look(t).left_ns;
	cr_assert(admit(t, &ticket));
	result(t, ticket, OUTCOME_FAILURE);
	return look(t).left_ns;
}

Test(breaker, open_time_doubles_up_to_its_cap_and_starts_over_after_closing)
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

Test(breaker, open_time_may_reach_its_cap_exactly)
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

Test(breaker, counts_start_over_after_closing)
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

Test(breaker, new_options_take_effect_and_keep_the_state)
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

Test(breaker, new_options_keep_the_counts)
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

Test(breaker, another_window_starts_empty)
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

Test(breaker, fewer_trials_may_be_enough_already)
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
Test(breaker, a_trial_that_is_out_when_it_closes_never_counts)
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

Test(breaker, turned_off_it_closes_and_turned_on_it_starts_closed)
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

Test(breaker, a_result_that_comes_when_it_is_off_changes_nothing)
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

Test(breaker, takes_as_many_trials_as_options_allow)
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

/*
 * Takes a trial and hands it back, over and over; the first of them ends half
 * of its as the crowd's do.
 */
static void *
juggler(void *arg)
{
	struct crowd *crowd = arg;
	struct breaker_ticket ticket;
	unsigned me = atomic_fetch_add(&crowd->arrived, 1);
	uint64_t retry;

	while (crowd->arrived < 4)
		sched_yield();
	for (unsigned i = 0; i < 4000; i++)
		if (breaker_admit(crowd->b, crowd->now, S, &ticket, &retry) ==
		    BREAKER_PASS)
			breaker_result(crowd->b, ticket,
			    me == 0 && i > 2000 ? crowd->how : OUTCOME_NEITHER,
			    crowd->now);
	return NULL;
}

static void
run_four(struct crowd *crowd, void *(*what)(void *))
{
	pthread_t threads[4];

	crowd->passed = crowd->arrived = 0;
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, what, crowd);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void
run_crowd(struct crowd *crowd)
{
	run_four(crowd, worker);
}

Test(breaker, exactly_so_many_trials_pass_over_four_threads)
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

Test(breaker, trips_and_reopens_once_whoever_sees_it_first)
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

Test(breaker, handed_back_trials_are_counted_exactly_over_four_threads)
{
	for (unsigned round = 0; round < 20; round++) {
		struct test t = begin_open(usual);
		struct crowd crowd = { .b = t.b, .how = OUTCOME_NEITHER };
		struct breaker_ticket trials[3];

		crowd.now = t.now += 5 * S;
		run_four(&crowd, juggler);
		for (unsigned i = 0; i < 3; i++)
			cr_assert(admit(&t, &trials[i]), "room for three");
		expect_reject(&t, 5 * S);
		end(&t);
	}
}

Test(breaker, a_failed_trial_is_not_lost_among_others)
{
	struct breaker_options options = usual;

	options.half_open_requests = 4;
	for (unsigned round = 0; round < 40; round++) {
		struct test t = begin_open(options);
		struct crowd crowd = { .b = t.b, .how = OUTCOME_FAILURE };

		crowd.now = t.now += 5 * S;
		run_four(&crowd, juggler);
		expect_state(&t, BREAKER_OPEN);
		cr_assert_eq(look(&t).to[BREAKER_OPEN], 2);
		end(&t);
	}
}
