#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/conn.h"

struct server;
struct stats_server;
struct worker;

#define POOL_SHELVES	1024	/* of a worker: a power of two */

TAILQ_HEAD(link_list, link);

/*
 * One worker's connections to one server: idle ones to take, newest first,
 * since that one's caches are warm and the oldest may age out.  Kept while a
 * lease names the server or a connection is in use.
 */
struct pool {
	LIST_ENTRY(pool)	 entry;		/* in the worker's */
	LIST_ENTRY(pool)	 shelf;		/* of those, in one by server */
	struct worker		*worker;
	struct server		*server;	/* a reference */
	unsigned		 slot;
	struct stats_server	*stats;		/* NULL: see pool_stats */
	struct link_list	 idle;
	unsigned		 nidle, max_idle;
	uint64_t		 idle_ns;
	unsigned		 refs;		/* leases and links in use */
	unsigned		 leases;	/* of refs, leases: 0 means retired */
};

/* A connection to a server. */
struct link {
	struct conn		 conn;
	TAILQ_ENTRY(link)	 entry;		/* in idle */
	struct pool		*pool;
	bool			 reused;
	uint64_t		 since;		/* idle: since then */
	/* who waits for the connect; NULL: nobody */
	void			(*connected)(void *, int error, bool timed_out,
				    bool stalled);
	void			*arg;
	struct grave		 grave;
};

/* The worker's pool of that server, made if need be; a reference for a lease. */
struct pool	*pool_get(struct worker *, struct server *, unsigned slot);
void		 pool_unref_lease(struct pool *);
/* Counters of its server, made when they are first needed. */
struct stats_server	*pool_stats(struct pool *);
/*
 * An idle connection, ready for a request, or NULL.  `warm': only one that was
 * in use a second ago, so that its server has hardly tired of it.
 */
struct link	*pool_take(struct pool *, bool warm);
/*
 * Begin a connection; `connected' is called with the outcome in a later turn.
 * NULL with errno when not even that was possible.
 */
struct link	*pool_connect(struct pool *, uint64_t timeout_ns,
		    void (*connected)(void *, int error, bool timed_out,
		    bool stalled), void *arg);
/* Nobody waits any more. */
void		 link_cancel(struct link *);
/*
 * After use: back into the pool when `keep', else closed.  It leaves the pool a
 * second before the server, which said kept_s (0: nothing), closes it.
 */
void		 link_give(struct link *, bool keep, unsigned kept_s);
/* Close all idle ones of servers that are members no more. */
void		 pools_close_left(struct worker *);
/* Close all idle ones. */
void		 pool_close_idle(struct pool *);

#endif
