#ifndef PROXY_ATTEMPT_H
#define PROXY_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "balancer/serverset.h"
#include "http/end.h"
#include "http/h1.h"
#include "limit/breaker.h"
#include "proxy/access.h"

struct exchange;
struct head;
struct link;
struct server;
struct stats_server;
struct stats_upstream;
struct upstream;

#define ATTEMPTS_LOGGED	8

/* The tries of one exchange: the one under way, and what became of the others. */
struct attempt {
	struct upstream		*upstream;	/* NULL: none was chosen yet */
	struct server		*server;	/* the lease's, or a reference once detached */
	bool			 detached;
	struct stats_upstream	*stats;		/* of the upstream */
	struct stats_server	*server_stats;
	int			 index;		/* in the roster */
	struct link		*opening;	/* while it connects */
	bool			 resent;	/* a lost request was sent once more */
	bool			 fresh;		/* only on a new connection */
	bool			 in_flight;
	bool			 judged;	/* the breaker has heard */
	struct breaker_ticket	 ticket;
	uint64_t		 retry_after_ns;	/* for the reply; 0: a second */
	uint64_t		 began, connect_began;
	uint64_t		 connect_ns;	/* ACCESS_UNKNOWN: no connect */
	uint64_t		 connect_timeout_ns;
	struct h1_settings	 h1;
	struct serverset	 tried;
	bool			 any_tried;	/* `tried' is initialised */
	int			 lost;		/* the one of them that lost the
						 * request and may be asked again;
						 * -1: nobody */
	enum end		 last;		/* why the one before failed */
	unsigned		 nlog;
	struct access_attempt	 log[ATTEMPTS_LOGGED];	/* not cleared: the last */
};

/* Begin: choose the route's upstream, then a server, then connect. */
void	attempt_start(struct exchange *);
/* The response head is there: judge it. */
void	attempt_answered(struct exchange *, unsigned status);
/*
 * The attempt failed before the response began.  Tries again where that is
 * right, else fails the exchange.
 */
void	attempt_failed(struct exchange *, enum end);
/* The attempt is over: `why' NONE when the response came whole. */
void	attempt_over(struct exchange *, enum end why);
void	attempt_fini(struct exchange *);
/* The lease goes: keep the server, copy the names. */
void	attempt_detach(struct exchange *);
/* Of the attempt under way or the last one; NULL: none. */
const char	*attempt_server_name(const struct exchange *);

#endif
