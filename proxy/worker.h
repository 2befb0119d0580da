#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/mailbox.h"
#include "base/spares.h"

struct addr;
struct client;
struct control;
struct exchange;
struct lease;
struct loop;
struct pool;
struct port;
struct ring;
struct server;
struct snapshot;
struct stats;
struct tls_tickets;

TAILQ_HEAD(client_list, client);
TAILQ_HEAD(exchange_list, exchange);
LIST_HEAD(pool_list, pool);
LIST_HEAD(port_list, port);

/*
 * One thread: a loop with its listening sockets, connections, pools and
 * exchanges.  Everything here is that thread's own unless it says otherwise.
 * The control thread has one too, whose only listener is admin's.
 */
struct worker {
	unsigned		 id;		/* 0.., control's is nworkers */
	bool			 is_control;
	pthread_t		 thread;
	struct loop		*loop;
	struct control		*control;
	struct stats		*stats;
	struct ring		*ring;		/* access log; NULL: off */
	struct tls_tickets	*tickets;
	struct lease		*lease;		/* the current one */
	struct port_list	 ports;
	struct client_list	 clients;
	struct exchange_list	 exchanges;
	struct pool_list	 pools;
	struct pool_list	*shelves;	/* the same, by server: pool.c */
	struct spares		 spares;	/* exchanges for reuse */
	struct timer		*shed;		/* of what is kept for reuse */
	bool			 sheds;		/* it is set */
	size_t			 most_spare;	/* bytes of blocks, since memory was given back */
	uint64_t		 next_id;	/* of exchanges; id 0 is none */
	bool			 draining;
	bool			 drained_told;
	char			 date[32];	/* Date field, for this second */
	uint64_t		 date_second;
	/* accepted connections now; any thread, relaxed */
	atomic_uint		 connections;
	/* does not turn: nothing is handed to it; control writes, any reads */
	atomic_bool		 stuck;
	/* the watchdog's letter: under way from asked_at on */
	struct mail		 ping;
	atomic_bool		 pinged;	/* control sets, the worker clears */
	uint64_t		 asked_at;	/* control's */
	bool			 ended;		/* control's: its thread is gone */
	/* the exchange and route under the hand, for the watchdog; any thread */
	_Atomic uint64_t	 at_exchange;
};

/* On the control thread.  NULL with errno. */
struct worker	*worker_new(struct control *, unsigned id, bool is_control);
int		 worker_start(struct worker *);	/* its thread; -1 with errno */
void		 worker_free(struct worker *);	/* its thread has ended */

/* Control: make this the worker's snapshot between two of its passes. */
void		 worker_adopt(struct worker *, struct snapshot *);
/*
 * Control: what still goes on at these servers has had its time.  The letter
 * keeps them.
 */
void		 worker_cut(struct worker *, struct server *const *, unsigned n);
/* Control: no new connections; close what idles, finish what runs. */
void		 worker_drain(struct worker *);
/* Control: since when (monotonic ns) an answer is due; 0: it just gave one. */
uint64_t	 worker_ping(struct worker *, uint64_t now);
/* Control: it turns again after doors_shut. */
void		 worker_listen(struct worker *);
/* Control: end everything now and let the thread return. */
void		 worker_stop(struct worker *);

/* End everything this worker has, on its own thread. */
void		 worker_end(struct worker *);

/*
 * A connection was accepted on a port, at the door of that key: serve it, or
 * hand it to who has fewest.
 */
void		 worker_accept(struct port *, const char *door, int fd,
		    const struct addr *peer);
/* A client or exchange is gone: tell control when that was the last. */
void		 worker_check_drained(struct worker *);
/* The Date field's value now. */
const char	*worker_date(struct worker *);
/* There are things kept for reuse again: see to those that nobody needs. */
void		 worker_shed_later(struct worker *);

#endif
