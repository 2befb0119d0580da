#include <criterion/criterion.h>
#include <string.h>

#include "limit/window.h"
#include "tests/lib/team.h"

#define WIDTH 100

static void
expect_sum(
    const struct window *window, uint64_t now, unsigned failed, unsigned total)
{
	struct window_sum sum = window_sum(window, WIDTH, now);

	cr_assert_eq(sum.total, total, "total %u at %lu", sum.total, now);
	cr_assert_eq(sum.failed, failed, "failed %u at %lu", sum.failed, now);
}

Test(window, starts_empty)
{
	struct window window = { 0 };

	expect_sum(&window, 0, 0, 0);
	expect_sum(&window, 123456789, 0, 0);
}

Test(window, sums_what_failed_and_all)
{
	struct window window = { 0 };

	window_add(&window, WIDTH, 1000, true);
	window_add(&window, WIDTH, 1001, false);
	window_add(&window, WIDTH, 1350, false);
	expect_sum(&window, 1350, 1, 3);
}

Test(window, forgets_a_bucket_when_its_time_is_over)
{
	struct window window = { 0 };

	window_add(&window, WIDTH, 1099, true);
	window_add(&window, WIDTH, 1100, false);
	expect_sum(&window, 1999, 1, 2);
	expect_sum(&window, 2000, 0, 1);
	expect_sum(&window, 2099, 0, 1);
	expect_sum(&window, 2100, 0, 0);
}

Test(window, takes_a_bucket_anew_after_a_whole_turn)
{
	struct window window = { 0 };

	window_add(&window, WIDTH, 1050, true);
	window_add(&window, WIDTH, 1050, true);
	window_add(&window, WIDTH, 2050, false);
	expect_sum(&window, 2050, 0, 1);
}

Test(window, drops_an_outcome_that_is_a_whole_turn_late)
{
	struct window window = { 0 };

	window_add(&window, WIDTH, 2050, false);
	window_add(&window, WIDTH, 1050, true);
	expect_sum(&window, 2050, 0, 1);
}

Test(window, counts_what_a_thread_ahead_has_seen)
{
	struct window window = { 0 };

	window_add(&window, WIDTH, 1100, true);
	window_add(&window, WIDTH, 1999, true);
	expect_sum(&window, 1099, 2, 2);
	expect_sum(&window, 999, 1, 1);
}

Test(window, clear_empties_it)
{
	struct window window = { 0 };

	for (unsigned i = 0; i < WINDOW_BUCKETS; i++)
		window_add(&window, WIDTH, 1000 + i * WIDTH, true);
	expect_sum(&window, 1999, 10, 10);
	window_clear(&window);
	for (uint64_t now = 0; now < 3000; now += WIDTH)
		expect_sum(&window, now, 0, 0);
}

/* Epochs have 24 bits, and what is ahead by less than half of them is newer. */
Test(window, takes_a_bucket_anew_after_months_of_rest)
{
	struct window window = { 0 };
	uint64_t now = 1050;

	for (unsigned i = 0; i < 3; i++) {
		window_add(&window, WIDTH, now, true);
		expect_sum(&window, now, 1, 1);
		now += ((1 << 23) - 8) * (uint64_t)WIDTH;
	}
}

Test(window, a_full_bucket_keeps_the_rate)
{
	struct window window = { 0 };
	struct window_sum sum;

	for (unsigned i = 0; i < (1u << 20) - 1; i++)
		window_add(&window, WIDTH, 1000, i % 4 == 0);
	expect_sum(&window, 1000, 1u << 18, (1u << 20) - 1);
	window_add(&window, WIDTH, 1000, true);
	expect_sum(&window, 1000, (1u << 17) + 1, 1u << 19);
	for (unsigned i = 0; i < 3u << 20; i++)
		window_add(&window, WIDTH, 1000, i % 4 == 0);
	sum = window_sum(&window, WIDTH, 1000);
	cr_assert_geq(sum.total, 1u << 19);
	cr_assert_lt(sum.total, 1u << 20);
	cr_assert_eq((sum.failed * 1000ul + sum.total / 2) / sum.total, 250);
}

Test(window, works_across_the_wrap_of_its_epochs)
{
	struct window window = { 0 };
	uint64_t wrap = (UINT64_C(1) << 24) * WIDTH;

	window_add(&window, WIDTH, wrap - 1, true);
	window_add(&window, WIDTH, wrap, false);
	expect_sum(&window, wrap - 1, 1, 2);
	expect_sum(&window, wrap, 1, 2);
	expect_sum(&window, wrap + 8 * WIDTH, 1, 2);
	expect_sum(&window, wrap + 9 * WIDTH, 0, 1);
	window_add(&window, WIDTH, wrap + 9 * WIDTH, true);
	expect_sum(&window, wrap + 9 * WIDTH, 1, 2);
}

Test(window, looks_at_its_own_buckets_only)
{
	struct {
		struct window window;
		uint64_t after[WINDOW_BUCKETS];
	} side = { 0 };
	struct window full = { 0 };

	for (unsigned i = 0; i < WINDOW_BUCKETS; i++)
		window_add(&full, WIDTH, 1000 + i * WIDTH, true);
	memcpy(side.after, &full, sizeof(side.after));
	expect_sum(&side.window, 1999, 0, 0);
	window_clear(&side.window);
	cr_assert_eq(memcmp(side.after, &full, sizeof(side.after)), 0);
}

static void *
adder(void *arg)
{
	for (unsigned i = 0; i < 5000; i++)
		window_add(arg, WIDTH, 1000 + i % 900, i % 5 == 0);
	return NULL;
}

Test(window, loses_nothing_between_threads)
{
	struct window window = { 0 };

	team_wait(team_start(4, adder, &window, 0));
	expect_sum(&window, 1899, 4000, 20000);
}
