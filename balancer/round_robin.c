/*
 * Smooth weighted round robin, exact over all workers: each draws the next
 * ticket of the roster's prebuilt turns.  A ticket of a server that may not
 * serve is thrown away: walking on from there to the next that may would give
 * the neighbour of a server that is out two shares.
 *
 * When turns of those who may are rarer than one in DRAWS, drawing costs more
 * than it is worth; then a second cursor deals out their shares directly, as
 * exact, but in runs instead of smoothly.
 */
#include "balancer/balancer.h"
#include "balancer/roster.h"

#define DRAWS 128

static int pick(struct balancer *, const struct choice *);
static uint64_t draw(_Atomic uint64_t *cursor);

const struct balancer_ops round_robin_ops = {
	.name = "round_robin",
	.pick = pick,
};

int
round_robin_turn(struct balancer *b, const struct roster *roster,
    const struct serverset *may)
{
	const struct turns *turns = roster_turns(roster, may);
	uint32_t index;

	if (turns == NULL)
		return -1;
	for (unsigned i = 0; i < DRAWS; i++) {
		index = turns->order[draw(&b->cursor) % turns->n];
		if (serverset_test(may, index))
			return (int)index;
	}
	return roster_share(roster, turns, may, -1, draw(&b->spare));
}

static int
pick(struct balancer *b, const struct choice *choice)
{
	return round_robin_turn(b, choice->roster, choice->may);
}

static uint64_t
draw(_Atomic uint64_t *cursor)
{
	return atomic_fetch_add_explicit(cursor, 1, memory_order_relaxed);
}
