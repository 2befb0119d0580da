/*
 * A histogram of equal slices within each power of two.
 */
#include "tests/bench/lib/latency.h"

enum { SLICE_BITS = 6 };

static unsigned slice_of(uint64_t ns);
static uint64_t middle_of(unsigned slice);

void
latency_add(struct latency *l, int64_t ns)
{
	uint64_t t = ns > 0 ? (uint64_t)ns : 0;

	l->n++;
	l->counts[slice_of(t)]++;
	if (t > l->worst_ns)
		l->worst_ns = t;
}

double
latency_us(const struct latency *l, double share)
{
	uint64_t wanted = (uint64_t)((double)l->n * share), so_far = 0;
	unsigned i;

	for (i = 0; i < LATENCY_POWERS * LATENCY_SLICES; i++) {
		so_far += l->counts[i];
		if (so_far > wanted || (so_far == l->n && l->n > 0))
			return (double)middle_of(i) / 1000;
	}
	return 0;
}

/* The first 64 slices are single nanoseconds. */
static unsigned
slice_of(uint64_t ns)
{
	unsigned power, slice;

	if (ns < LATENCY_SLICES)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - SLICE_BITS;
	slice = (power << SLICE_BITS) + (unsigned)(ns >> power);
	return slice < LATENCY_POWERS * LATENCY_SLICES
	    ? slice
	    : LATENCY_POWERS * LATENCY_SLICES - 1;
}

static uint64_t
middle_of(unsigned slice)
{
	unsigned power = slice >> SLICE_BITS;
	uint64_t in = slice & (LATENCY_SLICES - 1);

	if (power == 0)
		return in;
	power--;
	return ((in + LATENCY_SLICES) << power) + ((1ull << power) / 2);
}
