#ifndef HEALTH_VERDICT_H
#define HEALTH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "balancer/serverset.h"

struct board;
struct probe_options;
struct roster;
struct server;

/*
 * What the probes of one server add up to.  The verdict itself is in the
 * server, where all workers see it; this is the counting towards the next one.
 * Control thread.
 */
struct verdict {
	struct server	*server;	/* borrowed */
	unsigned	 against;	/* results in a row against it */
};

/*
 * Go on from what the server's verdict is, so that a verdict outlives a change
 * of the probe's options.
 */
void	verdict_init(struct verdict *, struct server *);
/*
 * One probe's result; `detail' says what it met.  The first one decides alone;
 * later it takes healthy_threshold or unhealthy_threshold results in a row to
 * turn.  True when the server went up or down by it: then transitions, time,
 * why and epoch have moved and a log line is due.
 */
bool	verdict_probe(struct verdict *, const struct probe_options *, bool ok,
	    const char *detail, uint64_t wall_now);
/* A change is in the air: probe faster. */
bool	verdict_is_turning(const struct verdict *);
/*
 * For a server that joins an upstream which serves already and has probes: it
 * waits for its first success while others may serve.  Only before it is
 * published.
 */
void	verdict_await(struct server *);
/* The upstream has no probes any more: nothing is known. */
void	verdict_forget(struct server *);

/*
 * The server is no member any more, or is one again.  Rosters that still have
 * it choose it only if nobody else may serve; its verdict stays.
 */
void	verdict_leave(struct server *);
void	verdict_return(struct server *);

/*
 * A connect to the server failed by the server's doing: it is suspect for 1 s,
 * doubled at each failure after that time is over, up to 30 s.  Those that fail
 * while it is suspect change nothing, so that a burst counts as one.  True when
 * it became suspect by this one.  Any worker.
 */
bool	verdict_connect_failed(struct server *, uint64_t now);
/* One succeeded: no longer suspect.  True when it had been.  Any worker. */
bool	verdict_connected(struct server *);

/*
 * Who of the roster may serve, leaving out `tried' (NULL: nobody was): the
 * first of these groups that is not empty.  Down servers and weight 0 never.
 *	primaries that are well
 *	backups that are well
 *	primaries that are suspect or wait for their first probe
 *	backups that are so
 *	those that left
 * *valid_until is when a suspect's time is over next (UINT64_MAX: never): the
 * result holds until then or until the board's epoch moves.  `may' is
 * initialised for the roster.  Any thread.
 */
void	verdict_mask(const struct roster *, const struct serverset *tried,
	    uint64_t now, struct serverset *may, uint64_t *valid_until);

/*
 * A worker's own copy of the mask with nobody tried, computed again only when
 * it may have changed.  Belongs to one worker and one lease.
 */
struct mask {
	const struct roster	*roster;	/* borrowed, as the board */
	const struct board	*board;
	struct serverset	 may;
	uint64_t		 epoch, valid_until;
};
void	mask_init(struct mask *, const struct roster *, const struct board *);
void	mask_fini(struct mask *);
/* Borrowed, true until the next call. */
const struct serverset *mask_at(struct mask *, uint64_t now);

/* One server in a word, for /stats and metrics. */
enum verdict_state {
	VERDICT_HEALTHY, VERDICT_UNHEALTHY, VERDICT_UNKNOWN, VERDICT_SUSPECT,
	VERDICT_DRAINING
};
/* Draining before unhealthy before suspect before unknown. */
enum verdict_state verdict_state(const struct server *, unsigned weight,
	    uint64_t now);
const char	*verdict_state_name(enum verdict_state);
/* Why it is so, in words; empty: nothing to say.  Control thread. */
void	verdict_why(const struct server *, enum verdict_state, char *to,
	    size_t size);

#endif
