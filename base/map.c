/*
 * Text to pointer.  Open addressing, linear probing, at most three quarters
 * full, only ever growing: maps here are built once and read often.  The seed
 * is the process's own, so nobody outside can choose names that collide.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"

#define MAP_LEAST 8

struct map_slot {
	struct text key;
	uint64_t hash; /* 0: empty */
	void *value;
};

static void map_grow(struct map *);

/* The process's seed, never 0: the first thread to ask draws it for all. */
static uint64_t
map_seed(void)
{
	static _Atomic uint64_t seed; /* any thread */
	uint64_t now = atomic_load(&seed), drawn;
	struct rng rng;

	if (now != 0)
		return now;
	rng_seed_random(&rng);
	drawn = rng_next(&rng) | 1;
	return atomic_compare_exchange_strong(&seed, &now, drawn) ? drawn : now;
}

static uint64_t
map_hash(struct text key)
{
	uint64_t hash = hash_text(key, map_seed());

	return hash == 0 ? 1 : hash;
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct map_slot *
map_slot(const struct map *m, struct text key, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *slot = &m->slots[i];

		if (slot->hash == 0 ||
		    (slot->hash == hash && text_equal(slot->key, key)))
			return slot;
	}
}

void *
map_get(const struct map *m, struct text key)
{
	return m->n == 0 ? NULL : map_slot(m, key, map_hash(key))->value;
}

void
map_set(struct map *m, struct text key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_slot *slot;

	if (m->n >= m->cap / 4 * 3)
		map_grow(m);
	slot = map_slot(m, key, hash);
	if (slot->hash == 0)
		m->n++;
	*slot = (struct map_slot){ key, hash, value };
}

void
map_fini(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

static void
map_grow(struct map *m)
{
	struct map bigger = { .n = m->n };

	bigger.cap = m->cap == 0 ? MAP_LEAST : m->cap * 2;
	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < m->cap; i++) {
		const struct map_slot *slot = &m->slots[i];

		if (slot->hash != 0)
			*map_slot(&bigger, slot->key, slot->hash) = *slot;
	}
	free(m->slots);
	*m = bigger;
}
