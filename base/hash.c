/*
 * Hashes for our own names and keys: XXH3, seeded by the caller.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"

#define FOLD_BYTES 256 /* folded at a time */

uint64_t
hash_text(struct text t, uint64_t seed)
{
	return XXH3_64bits_withSeed(t.n == 0 ? "" : t.p, t.n, seed);
}

/*
 * Longer names are hashed piece by piece, each piece's hash being the next
 * one's seed.
 */
uint64_t
hash_text_fold(struct text t, uint64_t seed)
{
	char piece[FOLD_BYTES];

	for (;;) {
		struct text part = text_first(t, sizeof(piece));

		for (size_t i = 0; i < part.n; i++)
			piece[i] = part.p[i];
		text_fold(piece, part.n);
		seed = XXH3_64bits_withSeed(piece, part.n, seed);
		if (part.n == t.n)
			return seed;
		t = text_from(t, part.n);
	}
}

/* MurmurHash3's finaliser: every bit of x reaches every bit of the result. */
uint64_t
hash_mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
	return x ^ x >> 33;
}
