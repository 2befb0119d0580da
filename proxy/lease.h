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
	struct stats_route	**routes;	/* this worker's counters, by index */
	struct stats_route	*no_route;	/* of requests that match none */
	struct stats_route	*admin;		/* not shown */
};

struct lease	*lease_new(struct worker *, struct snapshot *);
struct lease	*lease_take(struct lease *);
void		 lease_give(struct lease *);

#endif
