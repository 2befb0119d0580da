#ifndef STATS_HISTOGRAM_H
#define STATS_HISTOGRAM_H

#include <stdint.h>

#include "stats/counter.h"

/*
 * How long things took: a log-linear histogram with two significant decimal
 * digits, so that every bound of Prometheus' buckets is also a bound of ours
 * and one array serves both.  Bucket i counts values in
 * (histogram_bound(i - 1), histogram_bound(i)]: by 1 us up to 100 us, then 90
 * steps per decade up to 100 s; the last bucket has all above.
 */
#define HISTOGRAM_BUCKETS	642

/* Written by one thread, read by any.  All zero is a valid empty one. */
struct histogram {
	struct counter	sum_ns;
	struct counter	count[HISTOGRAM_BUCKETS];
};

/* A reader's sum over several histograms; all zero is empty. */
struct histogram_sum {
	uint64_t	sum_ns, total;
	uint64_t	count[HISTOGRAM_BUCKETS];
};

/* The bounds of SURFACES' buckets, in ns, ascending. */
#define HISTOGRAM_LES	15
extern const uint64_t	histogram_le_ns[HISTOGRAM_LES];

/* The writer only; no allocation. */
void		histogram_note(struct histogram *, uint64_t ns);
/* The bucket of a value. */
unsigned	histogram_bucket(uint64_t ns);
/* The largest value of a bucket; UINT64_MAX for the last one. */
uint64_t	histogram_bound(unsigned bucket);

void		histogram_sum_add(struct histogram_sum *,
		    const struct histogram *);
/* How many were at most `ns', which is one of the bounds. */
uint64_t	histogram_sum_upto(const struct histogram_sum *, uint64_t ns);
/*
 * The value that a share 0..1 of all stayed at or under, as its bucket's bound
 * (at most 10 % above the true one); 0 when empty, 100 s for all above it.
 */
uint64_t	histogram_sum_quantile(const struct histogram_sum *,
		    double share);

#endif
