/* base/rng: the published sequence, bounds, spread. */
#include <criterion/criterion.h>

#include "base/rng.h"

/* Computed with the authors' C code from the state 1, 2, 3, 4. */
Test(rng, gives_the_published_sequence)
{
	struct rng r = { { 1, 2, 3, 4 } };
	static const uint64_t want[] = { 11520, 0, 1509978240,
		1215971899390074240, 1216172134540287360, 607988272756665600,
		16172922978634559625u, 8476171486693032832,
		10595114339597558777u, 2904607092377533576 };

	for (int i = 0; i < 10; i++)
		cr_assert_eq(rng_next(&r), want[i], "%d", i);
}

Test(rng, seeds_through_splitmix64)
{
	struct rng r;

	rng_seed(&r, 1234567);
	cr_assert_eq(r.s[0], 6457827717110365317u);
	cr_assert_eq(r.s[1], 3203168211198807973u);
	cr_assert_eq(r.s[2], 9817491932198370423u);
	cr_assert_eq(r.s[3], 4593380528125082431u);
}

Test(rng, one_seed_one_sequence)
{
	struct rng a, b, c;
	int same = 0;

	rng_seed(&a, 5);
	rng_seed(&b, 5);
	rng_seed(&c, 6);
	for (int i = 0; i < 100; i++) {
		uint64_t x = rng_next(&a);

		cr_assert_eq(x, rng_next(&b));
		same += x == rng_next(&c);
	}
	cr_assert_eq(same, 0);
}

Test(rng, random_seeds_differ)
{
	struct rng a, b;

	rng_seed_random(&a);
	rng_seed_random(&b);
	cr_assert_neq(rng_next(&a), rng_next(&b));
}

Test(rng, below_stays_below_and_reaches_all)
{
	struct rng r;
	unsigned seen[7] = { 0 };

	rng_seed(&r, 1);
	for (int i = 0; i < 70000; i++) {
		uint64_t x = rng_below(&r, 7);

		cr_assert_lt(x, 7);
		seen[x]++;
	}
	for (int i = 0; i < 7; i++)
		cr_assert(
		    seen[i] > 9500 && seen[i] < 10500, "%d: %u", i, seen[i]);
	cr_assert_eq(rng_below(&r, 1), 0);
}

/* Modulo alone would give the lower half two draws in three. */
Test(rng, below_is_unbiased)
{
	const uint64_t n = UINT64_MAX / 3 * 2;
	struct rng r;
	int low = 0;

	rng_seed(&r, 2);
	for (int i = 0; i < 30000; i++)
		low += rng_below(&r, n) < n / 2;
	cr_assert(low > 14500 && low < 15500, "%d", low);
}

Test(rng, unit_is_spread_over_0_to_1)
{
	struct rng r;
	unsigned tenth[10] = { 0 };

	rng_seed(&r, 3);
	for (int i = 0; i < 100000; i++) {
		double x = rng_unit(&r);

		cr_assert(x >= 0 && x < 1);
		tenth[(int)(x * 10)]++;
	}
	for (int i = 0; i < 10; i++)
		cr_assert(tenth[i] > 9500 && tenth[i] < 10500);
}
