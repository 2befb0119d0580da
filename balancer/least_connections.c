/*
 * To the server with the fewest attempts in flight for its weight, counted
 * over all workers.  Those who tie take turns by weight, as in round robin, so
 * that an idle upstream is not one busy server and many bored ones.
 *
 * Up to 64 members all are compared.  Above that two are drawn, each as often
 * as its weight says, and the better one goes: nearly as even, and the cost
 * does not grow with the roster.
 */
#include <stdbool.h>

#include "balancer/balancer.h"
#include "balancer/roster.h"
#include "base/rng.h"

#define SCAN_MOST 64
#define DRAWS 32

struct load {
	uint64_t inflight, weight;
};

static int pick(struct balancer *, const struct choice *);
static int pick_least(struct balancer *, const struct choice *);
static int pick_of_two(const struct choice *);
static uint64_t least_loaded(const struct roster *, uint64_t among);
static int draw(const struct choice *, const struct turns *, int except);
static struct load load_of(const struct roster *, unsigned index);
static int load_compare(struct load, struct load);

const struct balancer_ops least_connections_ops = {
	.name = "least_connections",
	.pick = pick,
};

static int
pick(struct balancer *b, const struct choice *choice)
{
	if (choice->roster->n <= SCAN_MOST)
		return pick_least(b, choice);
	return pick_of_two(choice);
}

static int
pick_least(struct balancer *b, const struct choice *choice)
{
	const struct turns *turns = roster_turns(choice->roster, choice->may);
	struct serverset least = { .n = choice->roster->n };

	if (turns == NULL)
		return -1;
	least.u.word = least_loaded(
	    choice->roster, choice->may->u.word & turns->who.u.word);
	if ((least.u.word & (least.u.word - 1)) == 0)
		return __builtin_ctzll(least.u.word);
	return round_robin_turn(b, choice->roster, &least);
}

/*
 * Those of `among', which is not empty, that no other of them is below.  Each
 * lane is read once: the counts move while we look.
 */
static uint64_t
least_loaded(const struct roster *roster, uint64_t among)
{
	struct load best = { 0 }, load;
	uint64_t least = 0;
	int order;

	for (; among != 0; among &= among - 1) {
		load = load_of(roster, (unsigned)__builtin_ctzll(among));
		order = least == 0 ? -1 : load_compare(load, best);
		if (order < 0) {
			best = load;
			least = 0;
		}
		if (order <= 0)
			least |= among & -among;
	}
	return least;
}

static int
pick_of_two(const struct choice *choice)
{
	const struct turns *turns = roster_turns(choice->roster, choice->may);
	int a, b;

	if (turns == NULL)
		return -1;
	a = draw(choice, turns, -1);
	b = draw(choice, turns, a);
	if (b != -1 &&
	    load_compare(load_of(choice->roster, (unsigned)b),
		load_of(choice->roster, (unsigned)a)) < 0)
		return b;
	return a;
}

/* Anyone of those who may but `except'; -1 when there is none. */
static int
draw(const struct choice *choice, const struct turns *turns, int except)
{
	int index;

	for (unsigned i = 0; i < DRAWS; i++) {
		index = (int)turns->order[rng_below(choice->rng, turns->n)];
		if (index != except &&
		    serverset_test(choice->may, (unsigned)index))
			return index;
	}
	return roster_share(
	    choice->roster, turns, choice->may, except, rng_next(choice->rng));
}

static struct load
load_of(const struct roster *roster, unsigned index)
{
	return (struct load){ *roster->lanes[index],
		roster->members[index].weight };
}

/* By in flight per weight: below 0 when a has less than b, 0 when they tie. */
static int
load_compare(struct load a, struct load b)
{
	uint64_t left = a.inflight * b.weight, right = b.inflight * a.weight;

	return (left > right) - (left < right);
}
