#ifndef PROXY_GROUP_H
#define PROXY_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "health/verdict.h"
#include "limit/breaker.h"

struct balancer;
struct board;
struct breaker;
struct conf_upstream;
struct control;
struct discovery;
struct group;
struct probe;
struct roster;
struct server;
struct source;

LIST_HEAD(being_list, being);

/* One server with what control knows of it. */
struct being {
	LIST_ENTRY(being) shelf;	/* in one of its group's, by address */
	struct server	*server;	/* a reference */
	struct source	*source;	/* NULL: it left */
	struct verdict	 verdict;
	struct probe	*probe;		/* NULL: none */
	struct group	*group;
	unsigned	 slot;
	unsigned	 member;	/* its index in the group's roster */
	bool		 kept;		/* still a member; used while rebuilding */
	/* the last probe */
	bool		 checked, check_ok;
	uint64_t	 check_ns;
	char		 check_detail[96];
	/* of one that left */
	uint64_t	 left_at;
	uint64_t	 cut_at;	/* UINT64_MAX: never, or done */
};

#define GROUP_SHELVES	64	/* a power of two */

/*
 * An upstream as it lives on the control thread, kept under its name across
 * snapshots: members, probes, verdicts, and what its workers share.
 */
struct group {
	LIST_ENTRY(group)	 entry;
	struct control		*control;
	char			*name;
	unsigned		 slot;
	const struct conf_upstream *conf;	/* NULL: not configured now */
	struct board		*board;
	struct balancer		*balancers[2];	/* by policy, made when needed */
	struct breaker		*breaker;
	struct breaker_look	 logged;	/* what the log knows of it */
	struct source		**sources;
	unsigned		 nsources;
	struct being		**beings;
	unsigned		 nbeings;
	struct being		**departed;	/* remembered, the oldest first */
	unsigned		 ndeparted;
	struct discovery	*discovery;	/* NULL: `servers' says it */
	bool			 adopting;	/* it is rebuilt at the end */
	struct being_list	 shelves[GROUP_SHELVES];	/* of both */
	struct roster		*roster;
	bool			 unresolved;
	unsigned		 refs;		/* snapshots that use it */
};

/* Take over what the configuration says now; makes the group if need be. */
struct group	*group_adopt(struct control *, const struct conf_upstream *);
/* What its sources are or resolve to is another set now: it is published. */
void		 group_sources_changed(struct group *);
/* The one of that name, or NULL. */
struct group	*group_find(struct control *, const char *name);
/* No configuration names it any more: it goes with its last snapshot. */
void		 group_leave(struct group *);
void		 group_unref(struct group *);
/* Whether discovery and each probe have answered at least once. */
bool		 group_is_probed(const struct group *);
/* End what has had its time at those that left, and forget the oldest. */
void		 group_watch_departed(struct group *, uint64_t now);
/* Log a change of the breaker's state, if there was one. */
void		 group_watch_breaker(struct group *, uint64_t now);

#endif
