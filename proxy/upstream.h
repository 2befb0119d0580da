#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <stdint.h>

#include "health/verdict.h"

struct pool;
struct server;
struct snap_upstream;
struct stats_upstream;
struct worker;

/* A worker's view of an upstream in one lease: who may serve, and their pools. */
struct upstream {
	const struct snap_upstream *snap;
	struct mask		 mask;
	struct pool		**pools;	/* by member of the roster */
	struct stats_upstream	*stats;
};

void	upstream_init(struct upstream *, struct worker *,
	    const struct snap_upstream *);
void	upstream_fini(struct upstream *);
/*
 * Choose a server for this attempt: its index in the roster, or -1 when none
 * may serve.  Never one in `tried' (NULL: nobody was).
 */
int	upstream_pick(struct upstream *, struct worker *,
	    const struct serverset *tried);

#endif
