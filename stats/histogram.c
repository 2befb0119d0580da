/*
 * How long things took, kept in two significant decimal digits: exact enough
 * for a p99, and cheap to sum over workers.  Decimal steps and not binary
 * ones, because then Prometheus' buckets (2.5 ms, 50 ms, ...) fall on ours and
 * need no counting of their own.  Pure: values in, numbers out; the owner's
 * thread writes and any thread reads.
 */
#include <assert.h>

#include "stats/histogram.h"

#define UNIT_NS 1000ull /* the finest step */
#define LINEAR 100 /* buckets 0..100 hold 0..100 units */
#define PER_DECADE 90 /* 11..100, in steps of the decade */
#define DECADES 6 /* up to 10^8 units: 100 s */

static_assert(LINEAR + DECADES * PER_DECADE + 2 == HISTOGRAM_BUCKETS,
    "the last bucket is for what is above the last decade");

const uint64_t histogram_le_ns[HISTOGRAM_LES] = { 1000000, 2500000, 5000000,
	10000000, 25000000, 50000000, 100000000, 250000000, 500000000,
	1000000000, 2500000000, 5000000000, 10000000000, 30000000000,
	60000000000 };

static uint64_t ceil_div(uint64_t, uint64_t);

void
histogram_note(struct histogram *h, uint64_t ns)
{
	counter_add(&h->sum_ns, ns);
	counter_add(&h->count[histogram_bucket(ns)], 1);
}

unsigned
histogram_bucket(uint64_t ns)
{
	uint64_t units = ceil_div(ns, UNIT_NS), step = 10, top = 1000;
	unsigned decade;

	if (units <= LINEAR)
		return (unsigned)units;
	for (decade = 0; decade < DECADES; decade++) {
		if (units <= top)
			return LINEAR + decade * PER_DECADE +
			    (unsigned)ceil_div(units, step) - 10;
		step *= 10;
		top *= 10;
	}
	return HISTOGRAM_BUCKETS - 1;
}

uint64_t
histogram_bound(unsigned bucket)
{
	uint64_t step = 10 * UNIT_NS;
	unsigned place;

	assert(bucket < HISTOGRAM_BUCKETS);
	if (bucket <= LINEAR)
		return bucket * UNIT_NS;
	if (bucket == HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	place = bucket - LINEAR - 1;
	for (; place >= PER_DECADE; place -= PER_DECADE)
		step *= 10;
	return (place + 11) * step;
}

void
histogram_sum_add(struct histogram_sum *to, const struct histogram *h)
{
	uint64_t n;
	unsigned i;

	to->sum_ns += counter_get(&h->sum_ns);
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n = counter_get(&h->count[i]);
		to->count[i] += n;
		to->total += n;
	}
}

uint64_t
histogram_sum_upto(const struct histogram_sum *s, uint64_t ns)
{
	unsigned i, last = histogram_bucket(ns);
	uint64_t n = 0;

	for (i = 0; i <= last; i++)
		n += s->count[i];
	return n;
}

uint64_t
histogram_sum_quantile(const struct histogram_sum *s, double share)
{
	double wanted = share * (double)s->total;
	uint64_t n = 0;
	unsigned i;

	assert(share >= 0 && share <= 1);
	if (s->total == 0)
		return 0;
	for (i = 0; i < HISTOGRAM_BUCKETS - 2; i++) {
		n += s->count[i];
		if (n > 0 && (double)n >= wanted)
			break;
	}
	return histogram_bound(i);
}

static uint64_t
ceil_div(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}
