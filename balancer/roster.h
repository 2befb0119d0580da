#ifndef BALANCER_ROSTER_H
#define BALANCER_ROSTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "balancer/serverset.h"

struct addr;
struct server;

#define ROSTER_WEIGHT_MAX	256

struct member {
	struct server	*server;
	unsigned	 weight;	/* 0..ROSTER_WEIGHT_MAX; 0: drains */
	bool		 backup;
};

/*
 * The order in which the members of one tier take their turns: smooth weighted
 * round robin, prebuilt for one whole cycle.  Weights 5, 1, 1 give aabacaa.
 * Members of weight 0 have no turn.
 */
struct turns {
	uint32_t	*order;		/* member indexes; n of them */
	uint32_t	 n;
};

/*
 * Who the servers of an upstream are, with weights: immutable once made, part
 * of one or more snapshots.  Any thread may read.
 */
struct roster {
	atomic_uint	 refs;
	unsigned	 n;
	struct member	*members;	/* in the order given; server references held */
	atomic_uint	**lanes;	/* of each member's server, packed for scans */
	uint64_t	*hashes;	/* of each member's address */
	struct turns	 primary, backup;
	struct serverset primaries;	/* those with a turn in `primary' */
};

/*
 * Copies the members and takes a reference on each server.  n may be 0.  The
 * caller's is the first reference.
 */
struct roster	*roster_new(const struct member *, unsigned n);
struct roster	*roster_ref(struct roster *);	/* any thread */
/* The last one frees it and gives its servers back.  Any thread; NULL is fine. */
void		 roster_unref(struct roster *);
/*
 * The server of that address, borrowed, or NULL: a new snapshot takes it over
 * with its verdict, counters and what is in flight.
 */
struct server	*roster_find(const struct roster *, const struct addr *);

/*
 * The turns that a choice among `may' is made by: the primaries' if any of them
 * may, else the backups'.
 */
const struct turns *roster_turns(const struct roster *,
		    const struct serverset *may);
/*
 * The member into whose part of the whole weight of `may' the ticket falls,
 * not counting `except' (-1: none); -1 when there is none.  With consecutive
 * tickets the shares are exact.  Looks at each member: for when turns fail.
 */
int		 roster_share(const struct roster *, const struct serverset *may,
		    int except, uint64_t ticket);

#endif
