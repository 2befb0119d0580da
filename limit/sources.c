/*
 * Connections by source.  A source is scrambled by a secret permutation; its
 * first bits name a bucket, which is one cache line of eight words, and the
 * rest of them, with a count beside, is a word.  Nothing is lost in this, so
 * that a word tells its source exactly, and to enter or leave is to change one
 * word: there is nothing to lock and nobody to wait for.
 *
 * Two workers may write one source into two words of its bucket.  That is
 * allowed: its count is the sum.  Each adds first and sums up then, so of all
 * that would exceed the limit together at least the last sees it.
 */
#include <arpa/inet.h>

#include "limit/sources.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "limit/options.h"

#define LINE 64 /* of the cache: a bucket */
#define WORDS 8
#define COUNT_BITS 16
#define COUNT_MASK ((1ull << COUNT_BITS) - 1)
#define BUCKET_BITS_MOST 24
#define V4_MARK (0xffffull << 32) /* no /64 in use is 0:ffff:... */

_Static_assert(PER_IP_MOST < COUNT_MASK, "a count must hold one too many");

struct bucket {
	_Atomic uint64_t words[WORDS]; /* any thread */
};

struct sources {
	unsigned bits; /* at least COUNT_BITS: these are not in the words */
	uint64_t seed;
	struct bucket *buckets;
	void *memory; /* under them; pages are there when first touched */
};

/* Where a source is counted, and as what. */
struct place {
	_Atomic uint64_t *words;
	uint64_t mark; /* the word without its count */
};

static struct place place_of(const struct sources *, uint64_t);
static bool add(const struct place *);
static bool add_to(const struct place *, bool fresh);
static bool take(const struct place *);
static unsigned sum(const struct place *);
static bool is_of(const struct place *, uint64_t);

struct sources *
sources_new(unsigned sources, uint64_t seed)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->seed = seed;
	s->bits = COUNT_BITS;
	while (s->bits < BUCKET_BITS_MOST && 1u << s->bits < sources)
		s->bits++;
	s->memory = calloc((1ull << s->bits) + 1, sizeof(struct bucket));
	if (s->memory == NULL) {
		free(s);
		return NULL;
	}
	s->buckets = (struct bucket *)(((uintptr_t)s->memory + LINE - 1) &
	    ~(uintptr_t)(LINE - 1));
	return s;
}

void
sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	free(s->memory);
	free(s);
}

uint64_t
source_of(const uint8_t ip[16])
{
	uint32_t part[4];
	uint64_t net;

	memcpy(part, ip, sizeof(part));
	net = (uint64_t)ntohl(part[0]) << 32 | ntohl(part[1]);
	if (net != 0)
		return net;
	if (part[2] == htonl(0xffff))
		return V4_MARK | ntohl(part[3]);
	return part[2] != 0 || part[3] != 0;
}

enum sources_say
sources_enter(struct sources *s, uint64_t source, unsigned most)
{
	struct place at = place_of(s, source);

	assert(source != 0 && most <= PER_IP_MOST);
	if (sum(&at) >= most)
		return SOURCES_OVER;
	if (!add(&at))
		return SOURCES_FULL;
	if (sum(&at) <= most)
		return SOURCES_IN;
	sources_leave(s, source);
	return SOURCES_OVER;
}

/* The sum never falls below who is in, so that there is one to take. */
void
sources_leave(struct sources *s, uint64_t source)
{
	struct place at = place_of(s, source);

	while (!take(&at))
		continue;
}

unsigned
sources_count(const struct sources *s, uint64_t source)
{
	struct place at = place_of(s, source);

	return sum(&at);
}

/* Both steps can be undone, so no two sources have bucket and mark in common. */
static struct place
place_of(const struct sources *s, uint64_t source)
{
	uint64_t name = hash_mix(hash_mix(source ^ s->seed) + s->seed);

	return (struct place){
		.words = s->buckets[name >> (64 - s->bits)].words,
		.mark = (name & UINT64_MAX >> s->bits) << COUNT_BITS,
	};
}

static bool
add(const struct place *at)
{
	return add_to(at, false) || add_to(at, true);
}

/* To a word that is the source's, or to one that is nobody's. */
static bool
add_to(const struct place *at, bool fresh)
{
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t word = atomic_load(&at->words[i]);

		while (fresh ? word == 0 : is_of(at, word)) {
			if (atomic_compare_exchange_weak(
				&at->words[i], &word, (at->mark | word) + 1))
				return true;
		}
	}
	return false;
}

static bool
take(const struct place *at)
{
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t word = atomic_load(&at->words[i]);

		while (is_of(at, word)) {
			uint64_t less = word - 1;

			if ((less & COUNT_MASK) == 0)
				less = 0;
			if (atomic_compare_exchange_weak(
				&at->words[i], &word, less))
				return true;
		}
	}
	return false;
}

static unsigned
sum(const struct place *at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t word = atomic_load(&at->words[i]);

		if (is_of(at, word))
			n += (unsigned)(word & COUNT_MASK);
	}
	return n;
}

static bool
is_of(const struct place *at, uint64_t word)
{
	return word != 0 && (word & ~COUNT_MASK) == at->mark;
}
