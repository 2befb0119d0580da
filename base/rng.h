#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* xoshiro256**: fast, seeded, not for secrets. */
struct rng {
	uint64_t	s[4];
};

void		rng_seed(struct rng *, uint64_t);
void		rng_seed_random(struct rng *);	/* from getrandom(2) */
uint64_t	rng_next(struct rng *);
uint64_t	rng_below(struct rng *, uint64_t n);	/* 0..n-1, n > 0, unbiased */
double		rng_unit(struct rng *);		/* [0, 1) */

#endif
