#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stdint.h>

/*
 * Whom we wait for must move bytes at `rate' a second, and has `slack' to
 * begin with: waiting uses it up, each byte gives 1/rate of a second back, and
 * there is never more than the whole.  So who stops is out `slack' after his
 * last byte at the latest, and who is too slow a little later: no trickle of
 * bytes, and none that were fast before, can put it off.  With no rate (0) any
 * byte gives back all.  While we do not wait it rests, and goes on from there.
 */
struct pace {
	uint64_t	due;		/* while it goes, monotonic ns: out of time */
	uint64_t	left;		/* while it rests */
};

/* It rests. */
void	pace_begin(struct pace *, uint64_t slack_ns);
void	pace_go(struct pace *, uint64_t now);
void	pace_rest(struct pace *, uint64_t now);
/* While it goes. */
void	pace_moved(struct pace *, uint64_t bytes, uint64_t rate,
	    uint64_t slack_ns, uint64_t now);

#endif
