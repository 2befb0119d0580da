/*
 * A roster is built once, off the request path, so that a pick has nothing to
 * compute: references, packed lanes, hashed addresses, the turns of both tiers.
 *
 * The turns are nginx's smooth weighted round robin: at each step every member
 * gains its weight, the one that has most goes and pays the whole weight.
 * Members of one weight go in their order, over and over, so it is enough to
 * compare one head for each weight: a step costs the number of different
 * weights, not of members.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/mem.h"

/* The members of one weight; ids[at] is the next of them to go. */
struct peers {
	const uint32_t *ids;
	uint32_t n, at;
	int64_t weight, gained; /* of each; of the next to go */
};

/* All peers of one tier, by ascending weight. */
struct field {
	struct peers peers[ROSTER_WEIGHT_MAX];
	unsigned n;
	int64_t weight; /* of all together */
	uint32_t *ids; /* all of them, by peers */
	uint32_t nids;
};

static unsigned weight_in(const struct roster *, const struct turns *,
    const struct serverset *may, int except, unsigned index);
static void turns_init(struct turns *, const struct roster *, bool backup);
static void turns_fini(struct turns *);
static void
field_init(struct field *, const struct roster *, const struct serverset *who);
static void field_add(struct field *, const struct roster *,
    const struct serverset *who, unsigned weight);
static void field_reduce(struct field *);
static uint32_t field_next(struct field *);
static bool peers_precede(const struct peers *, const struct peers *);
static int64_t common_divisor(int64_t, int64_t);

struct roster *
roster_new(const struct member *members, unsigned n)
{
	struct roster *roster = xcalloc(1, sizeof(*roster));

	atomic_init(&roster->refs, 1);
	roster->n = n;
	roster->members = xcalloc(n, sizeof(*roster->members));
	roster->lanes = xcalloc(n, sizeof(*roster->lanes));
	roster->hashes = xcalloc(n, sizeof(*roster->hashes));
	for (unsigned i = 0; i < n; i++) {
		assert(members[i].weight <= ROSTER_WEIGHT_MAX);
		roster->members[i] = members[i];
		server_ref(members[i].server);
		roster->lanes[i] = members[i].server->lane;
		roster->hashes[i] = addr_hash(&members[i].server->addr);
	}
	turns_init(&roster->primary, roster, false);
	turns_init(&roster->backup, roster, true);
	return roster;
}

struct roster *
roster_ref(struct roster *roster)
{
	atomic_fetch_add_explicit(&roster->refs, 1, memory_order_relaxed);
	return roster;
}

void
roster_unref(struct roster *roster)
{
	if (roster == NULL || atomic_fetch_sub(&roster->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < roster->n; i++)
		server_unref(roster->members[i].server);
	turns_fini(&roster->primary);
	turns_fini(&roster->backup);
	free(roster->members);
	free(roster->lanes);
	free(roster->hashes);
	free(roster);
}

struct server *
roster_find(const struct roster *roster, const struct addr *addr)
{
	uint64_t hash = addr_hash(addr);

	for (unsigned i = 0; i < roster->n; i++)
		if (roster->hashes[i] == hash &&
		    addr_equal(&roster->members[i].server->addr, addr))
			return roster->members[i].server;
	return NULL;
}

const struct turns *
roster_turns(const struct roster *roster, const struct serverset *may)
{
	if (serverset_meet(&roster->primary.who, may))
		return &roster->primary;
	if (serverset_meet(&roster->backup.who, may))
		return &roster->backup;
	return NULL;
}

int
roster_share(const struct roster *roster, const struct turns *turns,
    const struct serverset *may, int except, uint64_t ticket)
{
	uint64_t all = 0;
	unsigned weight;

	for (unsigned i = 0; i < roster->n; i++)
		all += weight_in(roster, turns, may, except, i);
	if (all == 0)
		return -1;
	ticket %= all;
	for (unsigned i = 0;; i++) {
		weight = weight_in(roster, turns, may, except, i);
		if (ticket < weight)
			return (int)i;
		ticket -= weight;
	}
}

/* What the member weighs in this choice: 0 when it is out of it. */
static unsigned
weight_in(const struct roster *roster, const struct turns *turns,
    const struct serverset *may, int except, unsigned index)
{
	if ((int)index == except || !serverset_test(&turns->who, index) ||
	    !serverset_test(may, index))
		return 0;
	return roster->members[index].weight;
}

static void
turns_init(struct turns *turns, const struct roster *roster, bool backup)
{
	struct field field = { 0 };

	serverset_init(&turns->who, roster->n);
	for (unsigned i = 0; i < roster->n; i++)
		if (roster->members[i].backup == backup &&
		    roster->members[i].weight != 0)
			serverset_set(&turns->who, i);

	field_init(&field, roster, &turns->who);
	turns->n = (uint32_t)field.weight;
	turns->order = xcalloc(turns->n, sizeof(*turns->order));
	for (uint32_t i = 0; i < turns->n; i++)
		turns->order[i] = field_next(&field);
	free(field.ids);
}

static void
turns_fini(struct turns *turns)
{
	serverset_fini(&turns->who);
	free(turns->order);
}

static void
field_init(struct field *field, const struct roster *roster,
    const struct serverset *who)
{
	field->ids = xcalloc(roster->n, sizeof(*field->ids));
	for (unsigned weight = 1; weight <= ROSTER_WEIGHT_MAX; weight++)
		field_add(field, roster, who, weight);
	field_reduce(field);
}

/* The members of that weight, if any, as the next peers. */
static void
field_add(struct field *field, const struct roster *roster,
    const struct serverset *who, unsigned weight)
{
	struct peers *peers = &field->peers[field->n];
	uint32_t *ids = field->ids + field->nids;

	*peers = (struct peers){ .ids = ids, .weight = weight };
	for (unsigned i = 0; i < roster->n; i++)
		if (serverset_test(who, i) &&
		    roster->members[i].weight == weight)
			ids[peers->n++] = i;
	field->nids += peers->n;
	if (peers->n != 0)
		field->n++;
}

/* Weights 200 and 100 are 2 and 1: the shortest cycle with these shares. */
static void
field_reduce(struct field *field)
{
	int64_t divisor = 0;

	for (unsigned i = 0; i < field->n; i++)
		divisor = common_divisor(field->peers[i].weight, divisor);
	for (unsigned i = 0; i < field->n; i++) {
		field->peers[i].weight /= divisor;
		field->weight += field->peers[i].weight * field->peers[i].n;
	}
}

/* One step: who has gained most goes. */
static uint32_t
field_next(struct field *field)
{
	struct peers *best = field->peers, *peers;
	uint32_t id;

	assert(field->n > 0);
	for (unsigned i = 0; i < field->n; i++) {
		peers = &field->peers[i];
		peers->gained += peers->weight;
		if (peers_precede(peers, best))
			best = peers;
	}
	id = best->ids[best->at];
	if (++best->at == best->n) {
		best->at = 0;
		best->gained -= field->weight;
	}
	return id;
}

/* The first in the roster goes first of those who have gained the same. */
static bool
peers_precede(const struct peers *a, const struct peers *b)
{
	return a->gained > b->gained ||
	    (a->gained == b->gained && a->ids[a->at] < b->ids[b->at]);
}

static int64_t
common_divisor(int64_t a, int64_t b)
{
	return b == 0 ? a : common_divisor(b, a % b);
}
