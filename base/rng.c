/*
 * xoshiro256** (Blackman and Vigna), seeded through splitmix64 so that seeds
 * 1 and 2 have nothing in common.  Every choice that policy makes by chance
 * comes from one of these, handed in by the caller: a seed replays a run.
 */
#include <assert.h>
#include <stddef.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/rng.h"

static uint64_t
splitmix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

void
rng_seed_random(struct rng *r)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = clock_now() ^ clock_wall() << 20;
	rng_seed(r, seed);
}

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/*
 * The first 2^64 mod n values are drawn again: what is left is a multiple of n.
 */
uint64_t
rng_below(struct rng *r, uint64_t n)
{
	uint64_t least, x;

	assert(n > 0);
	least = -n % n;
	do
		x = rng_next(r);
	while (x < least);
	return x % n;
}

double
rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}
