/*
 * Ways to cut bytes into reads; see cuts.h.  Each follows from its number and
 * its seed alone, and where one read ends from where it begins, so that what
 * was found is found again.
 */
#include "tests/unit/http/cuts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "tests/fuzz/lib/cut.h"

static void first_seed(struct cuts *);

struct cuts
cuts_whole(size_t n)
{
	return (
	    struct cuts){ .n = n, .step = n > CUTS_EACH ? n / CUTS_PLACES : 1 };
}

bool
cuts_next_way(struct cuts *c)
{
	switch (c->way) {
	case CUTS_WHOLE:
		c->way = CUTS_IN_TWO;
		break;
	case CUTS_IN_TWO:
		break;
	case CUTS_STEADY:
		first_seed(c);
		return true;
	case CUTS_RANDOM:
		return c->seed++ < c->last_seed;
	}
	c->at += c->step;
	if (c->at >= c->n)
		c->way = CUTS_STEADY;
	return true;
}

size_t
cuts_end(const struct cuts *c, size_t from)
{
	struct rng rng;

	assert(from < c->n);
	switch (c->way) {
	case CUTS_IN_TWO:
		return from < c->at ? c->at : c->n;
	case CUTS_STEADY:
		return c->n - from > c->step ? from + c->step : c->n;
	case CUTS_RANDOM:
		rng_seed(&rng, hash_mix(c->seed) + from);
		return cut_next(&rng, from, c->n);
	default:
		return c->n;
	}
}

const char *
cuts_words(const struct cuts *c)
{
	static char words[64];

	switch (c->way) {
	case CUTS_WHOLE:
		return "whole";
	case CUTS_IN_TWO:
		snprintf(words, sizeof(words), "cut at %zu", c->at);
		break;
	case CUTS_STEADY:
		snprintf(words, sizeof(words), "%zu by %zu", c->step, c->step);
		break;
	case CUTS_RANDOM:
		snprintf(words, sizeof(words), "SPLIT_SEED=%llu",
		    (unsigned long long)c->seed);
		break;
	}
	return words;
}

static void
first_seed(struct cuts *c)
{
	const char *said = getenv("SPLIT_SEED");

	c->way = CUTS_RANDOM;
	c->seed = said != NULL ? strtoull(said, NULL, 0) : 1;
	c->last_seed = said != NULL ? c->seed : CUTS_SEEDS;
}
