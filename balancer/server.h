#ifndef BALANCER_SERVER_H
#define BALANCER_SERVER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"

struct board;

#define SERVER_CLASSES	5	/* requests[0] is 1xx .. requests[4] is 5xx */
#define SERVER_REASONS	64	/* failures by the caller's own enum */
#define SERVER_WHY_MAX	128

/* What the probes say of a server. */
enum server_verdict {
	SERVER_UNKNOWN,		/* not probed yet: may serve */
	SERVER_WAITING,		/* unknown, and serves only if no other may */
	SERVER_UP,
	SERVER_DOWN
};

/*
 * One address of one upstream, shared by all workers and by all the snapshots
 * that name it: its identity is (upstream, address, name).  Weight and backup belong
 * to the roster, since they may differ between snapshots.
 */
struct server {
	/* Hot: read by each pick.  Any thread. */
	alignas(64) atomic_uint	 refs;
	atomic_uint		 verdict;	/* enum; control writes */
	atomic_bool		 left;		/* no member any more; control writes */
	_Atomic uint64_t	 suspect_until;	/* monotonic; 0: is not */
	atomic_uint		 suspect_failures;	/* connects in a row */
	atomic_uint		*lane;		/* on the board: in flight */
	struct board		*board;

	/* Cold: written once. */
	alignas(64) char	*name;		/* as the operator knows it */
	char			*upstream;
	struct addr		 addr;

	/* Counters: any thread, relaxed. */
	alignas(64) _Atomic uint64_t requests[SERVER_CLASSES];
	_Atomic uint64_t	 failures[SERVER_REASONS];
	_Atomic uint64_t	 connections_opened;
	_Atomic uint64_t	 probes_ok, probes_failed;
	_Atomic uint64_t	 went_up, went_down;
	_Atomic uint64_t	 changed_at;	/* wall ns; 0: never */

	/* Control thread only, so that it needs no lock: /stats runs there. */
	char			 why[SERVER_WHY_MAX];	/* of the verdict */
};

/*
 * A new server with a lane of its own on the upstream's board (which it keeps
 * alive), unknown to the probes.  Copies both strings.  Control thread.  The
 * caller's is the first reference.
 */
struct server	*server_new(struct board *, const char *upstream,
		    const char *name, const struct addr *);
struct server	*server_ref(struct server *);	/* any thread */
/* The last one frees it, with its lane; nothing is in flight.  Any thread. */
void		 server_unref(struct server *);
/* Control thread.  Cut to what fits. */
void		 server_set_why(struct server *, const char *);

/*
 * An attempt begins at, or leaves, this server; it holds a reference in
 * between.  Exact over all workers.  Any thread.
 */
static inline void
server_enter(struct server *srv)
{
	atomic_fetch_add_explicit(srv->lane, 1, memory_order_relaxed);
}

static inline void
server_leave(struct server *srv)
{
	atomic_fetch_sub_explicit(srv->lane, 1, memory_order_relaxed);
}

static inline unsigned
server_inflight(const struct server *srv)
{
	return atomic_load_explicit(srv->lane, memory_order_relaxed);
}

/* Add one to a counter of a server.  Any thread. */
static inline void
server_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
