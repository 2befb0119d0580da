#ifndef PROXY_LEASE_H
#define PROXY_LEASE_H

#include <stdbool.h>

#include "base/mailbox.h"

struct snapshot;
struct stats_route;
struct upstream;
struct worker;

/*
 * A worker's hold on a snapshot, with its own view of it.  Counted plainly:
 * the current lease, each exchange and each handshake use it once.  At zero it
 * goes home by mail and control may free the snapshot.
 */
struct lease {
	struct mail		 home;		/* first */
	struct worker		*worker;
	struct snapshot		*snapshot;
	unsigned		 uses;
	struct upstream		*upstreams;	/* views, by index */
	struct stats_route	**routes;	/* by index; see lease_route */
	struct stats_route	*no_route;	/* of requests that match none */
	struct stats_route	*admin;		/* not shown */
};

struct lease	*lease_new(struct worker *, struct snapshot *);
struct lease	*lease_take(struct lease *);
void		 lease_give(struct lease *);
/*
 * This worker's counters of a route.  They are looked for when first asked for:
 * a new snapshot of ten thousand routes must not keep the worker busy.
 */
struct stats_route	*lease_route(struct lease *, unsigned index);

#endif
