/*
 * Where the counters live.  A slot's block is made by the thread that counts,
 * when it first meets the slot, and stays where it is until the end: neither a
 * worker nor a reader ever sees one move.  A reader on another thread finds it
 * through two pointers that are stored with release and read with acquire.
 * Names are control's alone; see struct stats_names.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/stats.h"

const char *const stats_reject_word[REJECT_COUNT] = {
#define REJECT(name, word) word,
#include "stats/labels.def"
#undef REJECT
};
const char *const stats_protocol_word[PROTOCOL_COUNT] = {
#define PROTOCOL(name, word) word,
#include "stats/labels.def"
#undef PROTOCOL
};
const char *const stats_shake_word[SHAKE_COUNT] = {
#define SHAKE(name, word) word,
#include "stats/labels.def"
#undef SHAKE
};

/* A name and its slot, for the life of the process. */
struct stats_name {
	struct stats_name *next;
	unsigned slot;
	char text[];
};

static const size_t block_bytes[STATS_KINDS] = {
	[STATS_ROUTES] = sizeof(struct stats_route),
	[STATS_UPSTREAMS] = sizeof(struct stats_upstream),
	[STATS_SERVERS] = sizeof(struct stats_server),
	[STATS_LISTENERS] = sizeof(struct stats_listener),
};

static unsigned slot_give(struct stats_names *, enum stats_kind, struct text);
static void *block_of(struct stats *, enum stats_kind, unsigned);
static void chunk_free(struct stats_chunk *, enum stats_kind);
static void route_fini(struct stats_route *);
static struct stats_codes *
codes_of(struct stats_route *, enum method, unsigned);
static unsigned known_status(unsigned);

unsigned
stats_slot(struct stats_names *names, enum stats_kind kind, const char *name)
{
	struct text key = text_of(name);
	struct stats_name *known = map_get(&names->by_name[kind], key);

	if (known != NULL)
		return known->slot;
	if (names->used[kind] == STATS_SLOTS - 1)
		return STATS_SLOT_NONE;
	return slot_give(names, kind, key);
}

void
stats_names_fini(struct stats_names *names)
{
	struct stats_name *n;
	unsigned kind;

	for (kind = 0; kind < STATS_KINDS; kind++) {
		map_fini(&names->by_name[kind]);
		while ((n = names->first[kind]) != NULL) {
			names->first[kind] = n->next;
			free(n);
		}
	}
	memset(names, 0, sizeof(*names));
}

enum stats_shake
stats_shake_find(const char *version)
{
	unsigned i;

	for (i = 0; i < SHAKE_COUNT - 1; i++)
		if (strcmp(stats_shake_word[i], version) == 0)
			break;
	return i;
}

struct stats *
stats_new(void)
{
	return xcalloc(1, sizeof(struct stats));
}

struct stats_route *
stats_route(struct stats *s, unsigned slot)
{
	return block_of(s, STATS_ROUTES, slot);
}

struct stats_upstream *
stats_upstream(struct stats *s, unsigned slot)
{
	return block_of(s, STATS_UPSTREAMS, slot);
}

struct stats_server *
stats_server(struct stats *s, unsigned slot)
{
	return block_of(s, STATS_SERVERS, slot);
}

struct stats_listener *
stats_listener(struct stats *s, unsigned slot)
{
	return block_of(s, STATS_LISTENERS, slot);
}

const void *
stats_block(const struct stats *s, enum stats_kind kind, unsigned slot)
{
	const struct stats_chunk *chunk;

	assert(slot < STATS_SLOTS);
	chunk = atomic_load_explicit(
	    &s->chunks[kind][slot / STATS_CHUNK], memory_order_acquire);
	if (chunk == NULL)
		return NULL;
	return atomic_load_explicit(
	    &chunk->block[slot % STATS_CHUNK], memory_order_acquire);
}

bool
stats_codes_add(
    const struct stats_route *r, enum method method, uint64_t to[STATUS_COUNT])
{
	const struct stats_codes *codes;
	unsigned hundred, i;
	bool met = false;

	for (hundred = 0; hundred < CODE_CLASSES; hundred++) {
		codes = atomic_load_explicit(
		    &r->codes[method][hundred], memory_order_acquire);
		if (codes == NULL)
			continue;
		met = true;
		for (i = 0; i < 100; i++)
			to[hundred * 100 + i] += counter_get(&codes->count[i]);
	}
	return met;
}

void
stats_request_end(struct stats_route *r, const struct stats_request *q)
{
	unsigned status = known_status(q->status);
	struct stats_codes *codes = codes_of(r, q->method, status / 100);

	counter_add(&codes->count[status % 100], 1);
	counter_add(&r->requests, 1);
	counter_take(&r->in_flight, 1);
	counter_add(&r->request_bytes, q->request_bytes);
	counter_add(&r->response_bytes, q->response_bytes);
	if (q->reason != END_NONE)
		counter_add(&r->failures[q->reason], 1);
	histogram_note(&r->duration, q->duration_ns);
}

void
stats_free(struct stats *s)
{
	struct stats_chunk *chunk;
	unsigned kind, i;

	if (s == NULL)
		return;
	for (kind = 0; kind < STATS_KINDS; kind++)
		for (i = 0; i < STATS_SLOTS / STATS_CHUNK; i++) {
			chunk = atomic_load(&s->chunks[kind][i]);
			if (chunk != NULL)
				chunk_free(chunk, kind);
		}
	free(s);
}

static unsigned
slot_give(struct stats_names *names, enum stats_kind kind, struct text key)
{
	struct stats_name *n = xmalloc(sizeof(*n) + key.n);

	memcpy(n->text, key.p, key.n);
	n->slot = ++names->used[kind];
	n->next = names->first[kind];
	names->first[kind] = n;
	map_set(&names->by_name[kind], (struct text){ n->text, key.n }, n);
	return n->slot;
}

static void *
block_of(struct stats *s, enum stats_kind kind, unsigned slot)
{
	_Atomic(struct stats_chunk *) *at;
	struct stats_chunk *chunk;
	void *block;

	assert(slot < STATS_SLOTS);
	at = &s->chunks[kind][slot / STATS_CHUNK];
	chunk = atomic_load_explicit(at, memory_order_relaxed);
	if (chunk == NULL) {
		chunk = xcalloc(1, sizeof(*chunk));
		atomic_store_explicit(at, chunk, memory_order_release);
	}
	block = atomic_load_explicit(
	    &chunk->block[slot % STATS_CHUNK], memory_order_relaxed);
	if (block == NULL) {
		block = xcalloc(1, block_bytes[kind]);
		atomic_store_explicit(&chunk->block[slot % STATS_CHUNK], block,
		    memory_order_release);
	}
	return block;
}

static void
chunk_free(struct stats_chunk *chunk, enum stats_kind kind)
{
	void *block;
	unsigned i;

	for (i = 0; i < STATS_CHUNK; i++) {
		block = atomic_load(&chunk->block[i]);
		if (kind == STATS_ROUTES && block != NULL)
			route_fini(block);
		free(block);
	}
	free(chunk);
}

static void
route_fini(struct stats_route *r)
{
	unsigned method, hundred;

	for (method = 0; method < METHOD_COUNT; method++)
		for (hundred = 0; hundred < CODE_CLASSES; hundred++)
			free(atomic_load(&r->codes[method][hundred]));
}

static struct stats_codes *
codes_of(struct stats_route *r, enum method method, unsigned hundred)
{
	_Atomic(struct stats_codes *) *at = &r->codes[method][hundred];
	struct stats_codes *codes;

	codes = atomic_load_explicit(at, memory_order_relaxed);
	if (codes == NULL) {
		codes = xcalloc(1, sizeof(*codes));
		atomic_store_explicit(at, codes, memory_order_release);
	}
	return codes;
}

/* What a server makes up must not grow the set of labels. */
static unsigned
known_status(unsigned status)
{
	return status >= 100 && status < STATUS_COUNT ? status : 0;
}
