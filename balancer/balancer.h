#ifndef BALANCER_BALANCER_H
#define BALANCER_BALANCER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "balancer/options.h"

struct rng;
struct roster;
struct serverset;

/* Everything a balancer may look at.  All borrowed for the call. */
struct choice {
	const struct roster	*roster;	/* who is there, with weights */
	const struct serverset	*may;	/* who is well, permitted and not yet tried */
	uint64_t		 now;	/* monotonic ns */
	struct rng		*rng;	/* the worker's own */
};

struct balancer;

/* One policy: pure, given its balancer's state. */
struct balancer_ops {
	const char	*name;		/* the word in YAML and /stats */
	int		(*pick)(struct balancer *, const struct choice *);
};
extern const struct balancer_ops round_robin_ops, least_connections_ops;

/*
 * How one upstream chooses: shared by all workers, kept across snapshots by
 * the upstream's name while its policy stays.  Only atomics change.
 */
struct balancer {
	const struct balancer_ops *ops;
	enum balance_policy	 policy;
	/* Whose turn it is; any thread, relaxed. */
	alignas(64) _Atomic uint64_t cursor;	/* the next ticket in the roster's turns */
	_Atomic uint64_t	 spare;	/* and where turns are too rare */
};

struct balancer	*balancer_new(enum balance_policy);	/* control thread */
void		 balancer_free(struct balancer *);	/* no worker uses it; NULL is fine */
/*
 * The index in the roster of the member for this attempt, always one of `may'
 * with weight; a backup only if no primary may; -1 when there is none.  The
 * caller then calls server_enter; the counts are exact over all workers, the
 * choice may be one behind.  Any worker; takes no lock, allocates nothing.
 */
int		 balancer_pick(struct balancer *, const struct choice *);
const char	*balancer_policy_name(enum balance_policy);	/* "round_robin" */

#endif
