#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stdint.h>

/*
 * Whom we wait for must move bytes at `rate' a second, and has `slack' to
 * begin with: waiting uses it up, each byte gives 1/rate of a second back, and
 * there is never more than the whole.  So who stops is out `slack' after his
 * last byte at the latest, and who is too slow a little later: no trickle of
 * bytes, and none that were fast before, can put it off.  With no rate (0) any
 * byte gives back all.
 */
struct pace {
	uint64_t	due;		/* monotonic ns: out of time */
};

void	pace_begin(struct pace *, uint64_t slack_ns, uint64_t now);
void	pace_moved(struct pace *, uint64_t bytes, uint64_t rate,
	    uint64_t slack_ns, uint64_t now);

#endif
