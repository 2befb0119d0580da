/*
 * A bit for each member of a roster.  Up to 64 of them, which is nearly every
 * upstream there is, the set is one word in place; above that it owns an array.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/serverset.h"
#include "base/mem.h"

static unsigned count_words(const struct serverset *);
static uint64_t *words_of(struct serverset *);
static const uint64_t *words_in(const struct serverset *);

void
serverset_init(struct serverset *set, unsigned n)
{
	memset(set, 0, sizeof(*set));
	set->n = n;
	if (n > 64)
		set->u.words = xcalloc(count_words(set), sizeof(uint64_t));
}

void
serverset_fini(struct serverset *set)
{
	if (set->n > 64)
		free(set->u.words);
	memset(set, 0, sizeof(*set));
}

void
serverset_empty(struct serverset *set)
{
	memset(words_of(set), 0, count_words(set) * sizeof(uint64_t));
}

void
serverset_set(struct serverset *set, unsigned index)
{
	assert(index < set->n);
	words_of(set)[index / 64] |= UINT64_C(1) << index % 64;
}

void
serverset_clear(struct serverset *set, unsigned index)
{
	assert(index < set->n);
	words_of(set)[index / 64] &= ~(UINT64_C(1) << index % 64);
}

bool
serverset_is_empty(const struct serverset *set)
{
	for (unsigned i = 0; i < count_words(set); i++)
		if (words_in(set)[i] != 0)
			return false;
	return true;
}

unsigned
serverset_count(const struct serverset *set)
{
	unsigned count = 0;

	for (unsigned i = 0; i < count_words(set); i++)
		count += (unsigned)__builtin_popcountll(words_in(set)[i]);
	return count;
}

void
serverset_and_not(
    struct serverset *to, const struct serverset *a, const struct serverset *b)
{
	assert(to->n == a->n && a->n == b->n);
	for (unsigned i = 0; i < count_words(to); i++)
		words_of(to)[i] = words_in(a)[i] & ~words_in(b)[i];
}

bool
serverset_meet(const struct serverset *a, const struct serverset *b)
{
	assert(a->n == b->n);
	for (unsigned i = 0; i < count_words(a); i++)
		if ((words_in(a)[i] & words_in(b)[i]) != 0)
			return true;
	return false;
}

/* At least 1, so that a set for nobody is an ordinary empty one. */
static unsigned
count_words(const struct serverset *set)
{
	return set->n <= 64 ? 1 : (set->n + 63) / 64;
}

static uint64_t *
words_of(struct serverset *set)
{
	return set->n <= 64 ? &set->u.word : set->u.words;
}

static const uint64_t *
words_in(const struct serverset *set)
{
	return set->n <= 64 ? &set->u.word : set->u.words;
}
