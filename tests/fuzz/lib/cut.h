#ifndef TESTS_FUZZ_CUT_H
#define TESTS_FUZZ_CUT_H

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"

/*
 * Reads as a network would cut them.  They follow from the input alone, so
 * that a finding repeats, and inputs stay what they look like.
 */
static inline void
cut_seed(struct rng *rng, struct text in)
{
	rng_seed(rng, hash_text(in, 0));
}

/* Where a read that begins at `from' ends: one byte on, a few, or far. */
static inline size_t
cut_next(struct rng *rng, size_t from, size_t end)
{
	static const size_t most[] = { 1, 3, 16, 4096 };
	size_t n = 1 + rng_below(rng, most[rng_below(rng, 4)]);

	return n < end - from ? from + n : end;
}

/* The first n bytes in memory that is exactly as long: reading on is seen. */
static inline char *
cut_copy(struct text in, size_t n)
{
	char *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		abort();
	if (n > 0)
		memcpy(p, in.p, n);
	return p;
}

#endif
