#ifndef DISCOVERY_TRUST_H
#define DISCOVERY_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "discovery/found.h"
#include "discovery/options.h"

#define TRUST_SERVERS_MOST	4096	/* of one answer */

/* Why an address is not taken. */
enum refusal {
	REFUSED_NOT,
	REFUSED_UNIX, REFUSED_PORT, REFUSED_LOOPBACK, REFUSED_LINK_LOCAL,
	REFUSED_NO_HOST,	/* unspecified, multicast, reserved */
	REFUSED_OWN		/* one of our own listeners */
};

/*
 * Whether a discovered server may be there.  `own' are the addresses that we
 * listen on.  A network of `allow' lifts everything but REFUSED_UNIX and
 * REFUSED_PORT; one of our own only its very address there.
 */
enum refusal	 trust_refuses(const struct discover_options *,
		    const struct addr *, const struct addr *own, unsigned nown);
const char	*refusal_words(enum refusal);	/* "is a loopback address" */

enum trust_doubt { DOUBT_NONE, DOUBT_EMPTY, DOUBT_LOSS };

enum trust_verdict {
	TRUST_SAME,		/* says what is known */
	TRUST_APPLY,		/* `good' is the new one */
	TRUST_HOLD,		/* it is `held' now, and was not before */
	TRUST_HOLD_STILL	/* held before, in other words perhaps */
};

/*
 * How far one source is believed: the last good set, and a sudden one that is
 * held back until it is said again, time is over, or another one comes.  Pure:
 * time is an argument.
 */
struct trust {
	struct found_set *good;		/* NULL: none yet */
	struct found_set *held;		/* NULL: none */
	enum trust_doubt  doubt;	/* why it is held */
	uint64_t	  held_since;
};

void		 trust_fini(struct trust *);
/*
 * A good answer, whose set is taken.  `anew': somebody said it once more, which
 * is more than that we asked once more: it confirms what is held, if that is
 * the same.  The first set of all is believed at once.
 */
enum trust_verdict trust_hear(struct trust *, const struct discover_options *,
		    struct found_set *, bool anew, uint64_t now);
/* No good answer: what is held is not what the source says any more. */
void		 trust_fail(struct trust *);
/* Whether what was held is `good' now, because its time is over. */
bool		 trust_wait(struct trust *, const struct discover_options *,
		    uint64_t now);
/* How long from now until then; UINT64_MAX: nothing is waited for. */
uint64_t	 trust_left(const struct trust *,
		    const struct discover_options *, uint64_t now);

#endif
