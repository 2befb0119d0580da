#ifndef TESTS_BENCH_LIB_LATENCY_H
#define TESTS_BENCH_LIB_LATENCY_H

#include <stdint.h>

/*
 * Durations counted by size, within 1.6 % of what they were, without a limit
 * to how many.
 */
enum { LATENCY_SLICES = 64, LATENCY_POWERS = 40 };

struct latency {
	uint64_t	 n;
	uint64_t	 worst_ns;
	uint64_t	 counts[LATENCY_POWERS * LATENCY_SLICES];
};

void	 latency_add(struct latency *, int64_t ns);
/* What that share of them (0.99) did not exceed; 0 when there are none. */
double	 latency_us(const struct latency *, double share);

#endif
