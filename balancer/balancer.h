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
	const struct roster	*roster;	/* who is there */
	const struct serverset	*may;		/* and eligible */
	uint64_t		 now;		/* monotonic ns */
	struct rng		*rng;		/* the worker's own */
};

struct balancer;

/* One policy: pure, given its balancer's state.  The seam for more of them. */
struct balancer_ops {
	const char	*name;		/* the word in YAML and /stats */
	int		(*pick)(struct balancer *, const struct choice *);
};
extern const struct balancer_ops round_robin_ops, least_connections_ops;

/* The next turn among `may', for policies to break ties with; -1: nobody. */
int	round_robin_turn(struct balancer *, const struct roster *,
	    const struct serverset *may);

/*
 * How one upstream chooses: shared by all workers, kept across snapshots by
 * the upstream's name while its policy stays.  Only atomics change.
 */
struct balancer {
	const struct balancer_ops *ops;
	enum balance_policy	 policy;
	/* Any thread, relaxed. */
	alignas(64) _Atomic uint64_t cursor;	/* the next turn's ticket */
	_Atomic uint64_t	 spare;	/* and where turns are too rare */
};

/* Control thread.  When it is freed no worker uses it; NULL is fine. */
struct balancer	*balancer_new(enum balance_policy);
void		 balancer_free(struct balancer *);
/*
 * The index in the roster of the member for this attempt, always one of `may'
 * with weight; a backup only if no primary may; -1 when there is none.  The
 * caller then calls server_enter; the counts are exact over all workers, the
 * choice may be one behind.  Any worker; takes no lock, allocates nothing.
 */
int		 balancer_pick(struct balancer *, const struct choice *);
const char	*balancer_policy_name(enum balance_policy);

#endif
