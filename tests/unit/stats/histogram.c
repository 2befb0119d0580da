/*
 * Durations in two significant digits: where the buckets lie, what they add up
 * to, and how near a quantile comes.
 */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/rng.h"
#include "stats/histogram.h"

#define LAST (HISTOGRAM_BUCKETS - 1)

Test(histogram, bound_is_the_largest_value_of_its_bucket)
{
	uint64_t bound, before = 0;

	for (unsigned i = 1; i < LAST; i++) {
		bound = histogram_bound(i);
		cr_assert_gt(bound, before);
		cr_assert_eq(histogram_bucket(bound), i, "%u", i);
		cr_assert_eq(histogram_bucket(bound + 1), i + 1, "%u", i);
		before = bound;
	}
}

Test(histogram, ends_lie_where_the_header_says)
{
	cr_assert_eq(histogram_bucket(0), 0);
	cr_assert_eq(histogram_bound(0), 0);
	cr_assert_eq(histogram_bucket(1), 1);
	cr_assert_eq(histogram_bound(1), CLOCK_US);
	cr_assert_eq(histogram_bound(100), 100 * CLOCK_US);
	cr_assert_eq(histogram_bound(101), 110 * CLOCK_US);
	cr_assert_eq(histogram_bound(190), CLOCK_MS);
	cr_assert_eq(histogram_bound(191), 1100 * CLOCK_US);
	cr_assert_eq(histogram_bound(LAST - 1), 100 * CLOCK_S);
	cr_assert_eq(histogram_bucket(100 * CLOCK_S + 1), LAST);
	cr_assert_eq(histogram_bucket(UINT64_MAX), LAST);
	cr_assert_eq(histogram_bound(LAST), UINT64_MAX);
}

Test(histogram, buckets_are_at_most_a_tenth_wide)
{
	uint64_t low, high;

	for (unsigned i = 101; i < LAST; i++) {
		low = histogram_bound(i - 1);
		high = histogram_bound(i);
		cr_assert_leq((high - low) * 10, low, "%u", i);
	}
}

Test(histogram, every_bound_of_prometheus_is_one_of_ours)
{
	static const double seconds[HISTOGRAM_LES] = { .001, .0025, .005, .01,
		.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60 };
	uint64_t le;

	for (unsigned i = 0; i < HISTOGRAM_LES; i++) {
		le = histogram_le_ns[i];
		cr_assert_float_eq((double)le / CLOCK_S, seconds[i], 1e-12);
		cr_assert_eq(histogram_bound(histogram_bucket(le)), le);
	}
}

Test(histogram, counts_up_to_a_bound_include_the_bound)
{
	static struct histogram h;
	static struct histogram_sum sum;

	histogram_note(&h, 5 * CLOCK_MS - 1);
	histogram_note(&h, 5 * CLOCK_MS);
	histogram_note(&h, 5 * CLOCK_MS + 1);
	histogram_sum_add(&sum, &h);
	cr_assert_eq(histogram_sum_upto(&sum, 4900 * CLOCK_US), 0);
	cr_assert_eq(histogram_sum_upto(&sum, 5 * CLOCK_MS), 2);
	cr_assert_eq(histogram_sum_upto(&sum, 60 * CLOCK_S), 3);
}

Test(histogram, counts_up_to_any_bound_include_no_time_at_all)
{
	static struct histogram h;
	static struct histogram_sum sum;

	histogram_note(&h, 0);
	histogram_sum_add(&sum, &h);
	cr_assert_eq(histogram_sum_upto(&sum, 0), 1);
	cr_assert_eq(histogram_sum_upto(&sum, CLOCK_MS), 1);
}

Test(histogram, sums_add_over_several)
{
	static struct histogram a, b;
	static struct histogram_sum sum;

	histogram_note(&a, 7);
	histogram_note(&a, 3 * CLOCK_S);
	histogram_note(&b, 3 * CLOCK_S);
	histogram_sum_add(&sum, &a);
	histogram_sum_add(&sum, &b);
	cr_assert_eq(sum.total, 3);
	cr_assert_eq(sum.sum_ns, 6 * CLOCK_S + 7);
	cr_assert_eq(sum.count[histogram_bucket(3 * CLOCK_S)], 2);
}

Test(histogram, quantile_of_nothing_is_zero)
{
	static const struct histogram_sum none;

	cr_assert_eq(histogram_sum_quantile(&none, 0.99), 0);
}

Test(histogram, quantile_steps_at_exact_shares)
{
	static struct histogram h;
	static struct histogram_sum sum;

	for (uint64_t i = 1; i <= 100; i++)
		histogram_note(&h, i * CLOCK_US);
	histogram_sum_add(&sum, &h);
	cr_assert_eq(histogram_sum_quantile(&sum, 0), CLOCK_US);
	cr_assert_eq(histogram_sum_quantile(&sum, 0.5), 50 * CLOCK_US);
	cr_assert_eq(histogram_sum_quantile(&sum, 0.501), 51 * CLOCK_US);
	cr_assert_eq(histogram_sum_quantile(&sum, 0.99), 99 * CLOCK_US);
	cr_assert_eq(histogram_sum_quantile(&sum, 1), 100 * CLOCK_US);
}

Test(histogram, quantile_above_the_last_bound_is_the_last_bound)
{
	static struct histogram h;
	static struct histogram_sum sum;

	histogram_note(&h, 400 * CLOCK_S);
	histogram_sum_add(&sum, &h);
	cr_assert_eq(histogram_sum_quantile(&sum, 0.5), 100 * CLOCK_S);
}

static int
order(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

Test(histogram, quantile_is_at_most_a_tenth_above_the_true_one)
{
	static const double shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999 };
	static uint64_t v[10000];
	static struct histogram h;
	static struct histogram_sum sum;
	struct rng rng;
	uint64_t truth, told;

	rng_seed(&rng, 11);
	for (unsigned i = 0; i < 10000; i++) {
		v[i] = 1000 + rng_below(&rng, 1ull << rng_below(&rng, 36));
		histogram_note(&h, v[i]);
	}
	histogram_sum_add(&sum, &h);
	qsort(v, 10000, sizeof(*v), order);
	for (unsigned i = 0; i < 5; i++) {
		truth = v[(unsigned)(shares[i] * 10000) - 1];
		told = histogram_sum_quantile(&sum, shares[i]);
		cr_assert_geq(told, truth, "p%g", shares[i]);
		cr_assert_leq(
		    told - truth, truth / 10 + CLOCK_US, "p%g", shares[i]);
	}
}
