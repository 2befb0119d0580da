#ifndef PROXY_SNAPSHOT_H
#define PROXY_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "http/h1.h"

struct balancer;
struct board;
struct breaker;
struct control;
struct gate;
struct group;
struct roster;
struct ring;
struct route_table;
struct tls_store;

/*
 * A plan: what one reading of the configuration decided by itself, without
 * anything live.  Made in the builder thread, then immutable; several
 * snapshots share it (a change in DNS makes a snapshot, not a plan).
 * References are counted by control alone.
 */
struct plan {
	unsigned		 refs;		/* control */
	struct conf		*conf;
	struct route_table	*routes;
	struct tls_store	**stores;	/* by listener; NULL: plain */
	struct conf_listener	 admin;		/* built in but for its address */
};

/* NULL when there is any error; they are in `errors' with their places. */
struct plan	*plan_load(const char *path, const struct plan *old,
		    struct conf_errors *errors);
void		 plan_unref(struct plan *);

/*
 * One address's listening sockets, one for each worker.  A worker takes its
 * descriptor when it first sees the door in a snapshot.
 */
struct door {
	unsigned	 refs;		/* control: snapshots that have it */
	char		*key;		/* what it is found again by */
	struct addr	 real;
	int		*fds;		/* by worker; -1: taken */
	int		*sockets;	/* the same, kept: to shut a stuck worker's */
	unsigned	 n;
	bool		 announced;
	bool		 left;		/* not in the newest snapshot: given up */
};

struct snap_listener {
	const struct conf_listener *conf;
	unsigned	 slot;
	struct gate	*gate;
	struct door	**doors;	/* by address */
	unsigned	 ndoors;
	const struct tls_store *store;
	bool		 is_admin;
};

struct snap_upstream {
	const struct conf_upstream *conf;
	unsigned	 slot;
	struct roster	*roster;	/* a reference */
	unsigned	*server_slots;	/* by member */
	bool		 unresolved;	/* it has names, and none has an address */
	struct group	*group;		/* control's; a reference */
	/* live, kept by control under the upstream's name */
	struct board	*board;
	struct balancer	*balancer;
	struct breaker	*breaker;
};

struct snap_route {
	const struct conf_route *conf;
	unsigned	 slot;
	_Atomic uint64_t ticket;	/* of a weighted list; any worker */
};

/*
 * All that configuration and discovery decided: immutable but for the atomics
 * said to be so.  Made and freed by control; workers hold it by a lease.
 */
struct snapshot {
	uint64_t	 generation;	/* of the configuration: DNS moves nothing */
	struct plan	*plan;
	struct snap_listener *listeners;
	unsigned	 nlisteners;	/* the configuration's, then admin's */
	struct snap_upstream *upstreams;
	struct snap_route *routes;
	struct ring	**rings;	/* access log, by worker; NULL: off */
	struct h1_limits response_limits;
	unsigned	 admin_slot;	/* of admin's requests, as a route */
	unsigned	 leases;	/* control: workers that hold it */
	bool		 replaced;	/* control: another one serves */
};

/* Control: from the plan, its groups and doors as they are now. */
struct snapshot	*snapshot_new(struct control *, struct plan *);
void		 snapshot_free(struct control *, struct snapshot *);

#endif
