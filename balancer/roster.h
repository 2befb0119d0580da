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
	struct serverset who;		/* has turns at all */
	uint32_t	*order;		/* member indexes */
	uint32_t	 n;		/* of them; 0: nobody */
};

/*
 * Who the servers of an upstream are, with weights: immutable once made, part
 * of one or more snapshots.  Any thread may read.
 */
struct roster {
	atomic_uint	 refs;
	unsigned	 n;
	struct member	*members;	/* as given; each holds its server */
	atomic_uint	**lanes;	/* their servers', packed for scans */
	uint64_t	*hashes;	/* of their addresses */
	struct turns	 primary, backup;
};

/*
 * Copies the members and takes a reference on each server.  n may be 0.  The
 * caller's is the first reference.
 */
struct roster	*roster_new(const struct member *, unsigned n);
struct roster	*roster_ref(struct roster *);	/* any thread */
/* The last one frees it and gives its servers back.  NULL is fine. */
void		 roster_unref(struct roster *);
/*
 * The server of that address, borrowed, or NULL: a new snapshot takes it over
 * with its verdict, counters and what is in flight.
 */
struct server	*roster_find(const struct roster *, const struct addr *);

/*
 * The turns by which a choice among `may' is made: the primaries' if any of
 * them may, else the backups'; NULL when nobody of `may' has weight.
 */
const struct turns *roster_turns(const struct roster *,
		    const struct serverset *may);
/*
 * The member of `may' with turns into whose part of their whole weight the
 * ticket falls, not counting `except' (-1: nobody); -1 when there is none.
 * With consecutive tickets the shares are exact.  Looks at each member: for
 * when turns are too rare.
 */
int		 roster_share(const struct roster *, const struct turns *,
		    const struct serverset *may, int except, uint64_t ticket);

#endif
