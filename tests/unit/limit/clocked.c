/* A breaker under a clock of its own, and what is claimed of it. */
#include "tests/unit/limit/clocked.h"

#include <criterion/criterion.h>

const struct breaker_options usual = {
	.on = true,
	.failure_percent = 50,
	.min_requests = 20,
	.window_ns = 10 * S,
	.open_for_ns = 5 * S,
	.max_open_for_ns = 60 * S,
	.half_open_requests = 3,
};

struct test
begin(struct breaker_options options)
{
	return (struct test){ .b = breaker_new(&options), .now = START };
}

struct breaker_options
in_a_row(unsigned failures)
{
	struct breaker_options options = usual;

	options.failure_percent = 0;
	options.consecutive_failures = failures;
	return options;
}

bool
admit(struct test *t, struct breaker_ticket *ticket)
{
	return breaker_admit(t->b, t->now, 2 * S, ticket, &t->retry) ==
	    BREAKER_PASS;
}

void
result(struct test *t, struct breaker_ticket ticket, enum breaker_outcome how)
{
	breaker_result(t->b, ticket, how, t->now);
}

void
attempts(struct test *t, unsigned count, enum breaker_outcome how)
{
	struct breaker_ticket ticket;

	while (count-- > 0) {
		cr_assert(admit(t, &ticket));
		result(t, ticket, how);
	}
}

void
expect_state(struct test *t, enum breaker_state want)
{
	enum breaker_state state = breaker_state(t->b, t->now);

	cr_assert_eq(state, want, "%s at %llu ms, not %s",
	    breaker_state_name(state), (t->now - START) / MS,
	    breaker_state_name(want));
}

struct breaker_look
look(struct test *t)
{
	struct breaker_look seen;

	breaker_look(t->b, t->now, &seen);
	return seen;
}

void
expect_reject(struct test *t, uint64_t retry)
{
	struct breaker_ticket ticket;

	cr_assert_not(admit(t, &ticket));
	cr_assert_eq(t->retry, retry, "retry after %llu ms", t->retry / MS);
}

void
expect_cause(struct test *t, const char *want)
{
	struct breaker_look seen = look(t);
	char text[80];

	breaker_cause_print(&seen, text, sizeof(text));
	cr_assert_str_eq(text, want);
}

struct test
begin_open(struct breaker_options options)
{
	struct test t = begin(options);

	attempts(&t, options.min_requests, OUTCOME_FAILURE);
	expect_state(&t, BREAKER_OPEN);
	return t;
}

void
end(struct test *t)
{
	breaker_free(t->b);
}

uint64_t
reopen(struct test *t)
{
	struct breaker_ticket ticket;

	t->now += look(t).left_ns;
	cr_assert(admit(t, &ticket));
	result(t, ticket, OUTCOME_FAILURE);
	return look(t).left_ns;
}
