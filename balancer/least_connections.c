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

static int pick(struct balancer *, const struct choice *);
static int pick_least(struct balancer *, const struct choice *);
static int pick_of_two(const struct choice *);
static uint64_t least_loaded(const struct roster *, uint64_t among);
static int draw(const struct choice *, const struct turns *, int except);
static int compare_load(const struct roster *, unsigned a, unsigned b);

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

/* Those of `among', which is not empty, that no other of them is below. */
static uint64_t
least_loaded(const struct roster *roster, uint64_t among)
{
	unsigned best = (unsigned)__builtin_ctzll(among), index;
	uint64_t least = 0;
	int order;

	for (; among != 0; among &= among - 1) {
		index = (unsigned)__builtin_ctzll(among);
		order = compare_load(roster, index, best);
		if (order < 0) {
			best = index;
			least = 0;
		}
		if (order <= 0)
			least |= UINT64_C(1) << index;
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
	    compare_load(choice->roster, (unsigned)b, (unsigned)a) < 0)
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

/* In flight per weight: below 0 when a has less than b, 0 when they tie. */
static int
compare_load(const struct roster *roster, unsigned a, unsigned b)
{
	uint64_t load_a = *roster->lanes[a], load_b = *roster->lanes[b];

	load_a *= roster->members[b].weight;
	load_b *= roster->members[a].weight;
	return (load_a > load_b) - (load_a < load_b);
}
