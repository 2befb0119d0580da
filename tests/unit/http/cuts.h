#ifndef TESTS_HTTP_CUTS_H
#define TESTS_HTTP_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The ways in which n bytes may come in reads, one after the other: whole, in
 * two at each place, byte by byte, and at random, by the seeds 1 to CUTS_SEEDS
 * or by that in the environment's SPLIT_SEED alone.  Of more than CUTS_EACH
 * bytes not each one is a place, nor a read: about CUTS_PLACES are.
 */
#define CUTS_EACH	4096
#define CUTS_PLACES	512
#define CUTS_SEEDS	8

struct cuts {
	size_t		 n, step;
	size_t		 at;		/* of two reads */
	enum { CUTS_WHOLE, CUTS_IN_TWO, CUTS_STEADY, CUTS_RANDOM } way;
	uint64_t	 seed, last_seed;
};

struct cuts	 cuts_whole(size_t n);
/* Go over to the next way; false: there is none. */
bool		 cuts_next_way(struct cuts *);
/* Where the read that begins at `from' < n ends. */
size_t		 cuts_end(const struct cuts *, size_t from);
/* In words, for who must repeat it; good until the next call. */
const char	*cuts_words(const struct cuts *);

#endif
