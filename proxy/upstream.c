/*
 * A worker's view of an upstream: the mask of who may serve, cached until the
 * board's epoch moves, and a pool for each member.
 */
#include <stdlib.h>

#include "proxy/upstream.h"

#include "balancer/balancer.h"
#include "balancer/roster.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"

void
upstream_init(
    struct upstream *u, struct worker *w, const struct snap_upstream *snap)
{
	unsigned n = snap->roster->n;

	u->snap = snap;
	u->stats = stats_upstream(w->stats, snap->slot);
	mask_init(&u->mask, snap->roster, snap->board);
	u->pools = xcalloc(n == 0 ? 1 : n, sizeof(struct pool *));
	for (unsigned i = 0; i < n; i++) {
		u->pools[i] = pool_get(
		    w, snap->roster->members[i].server, snap->server_slots[i]);
		u->pools[i]->max_idle = snap->conf->pool_max_idle;
		u->pools[i]->idle_ns = snap->conf->pool_idle_ns;
	}
}

void
upstream_fini(struct upstream *u)
{
	for (unsigned i = 0; i < u->snap->roster->n; i++)
		pool_unref_lease(u->pools[i]);
	free(u->pools);
	mask_fini(&u->mask);
}

int
upstream_pick(
    struct upstream *u, struct worker *w, const struct serverset *tried)
{
	uint64_t now = loop_now(w->loop), valid_until;
	struct choice choice = {
		.roster = u->snap->roster,
		.now = now,
		.rng = loop_rng(w->loop),
	};
	struct serverset may;
	int index;

	if (tried == NULL) {
		choice.may = mask_at(&u->mask, now);
		return balancer_pick(u->snap->balancer, &choice);
	}
	serverset_init(&may, u->snap->roster->n);
	verdict_mask(u->snap->roster, tried, now, &may, &valid_until);
	choice.may = &may;
	index = balancer_pick(u->snap->balancer, &choice);
	serverset_fini(&may);
	return index;
}
