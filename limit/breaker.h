#ifndef LIMIT_BREAKER_H
#define LIMIT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "limit/options.h"

/*
 * The circuit breaker of one upstream: shared by all workers, kept across
 * snapshots by the upstream's name.  Lock-free; `now' is monotonic ns.
 *
 * closed: all pass.  Trips on the failure rate over a rolling window once that
 * holds min_requests, or on so many failures in a row.
 * open: all are rejected for open_for, doubled at each reopening in a row up to
 * max_open_for.  Then the next admit makes it half open.
 * half open: at most half_open_requests trials pass, over all workers; when so
 * many succeeded it closes, when one fails it opens again.  A trial that did
 * not come back within its deadline is a failure.
 */
struct breaker;

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
#define BREAKER_STATES	3

enum breaker_say { BREAKER_PASS, BREAKER_REJECT };

enum breaker_outcome {
	OUTCOME_SUCCESS,
	OUTCOME_FAILURE,
	OUTCOME_NEITHER		/* the client's or our own doing: no trial */
};

/* Why it opened last. */
enum breaker_cause {
	CAUSE_NONE,		/* never did */
	CAUSE_RATE,		/* `failed' of `total' in the window */
	CAUSE_CONSECUTIVE,	/* `failed' in a row */
	CAUSE_TRIAL_FAILED,	/* after `total' trials were admitted */
	CAUSE_TRIAL_LOST	/* `failed' of `total' did not come back */
};

/* What an admitted attempt keeps until its result. */
struct breaker_ticket {
	uint32_t	generation;
	bool		counted;	/* false: no result is wanted */
};

/* All there is to know for metrics, /stats and the log. */
struct breaker_look {
	bool			on;
	enum breaker_state	state;	/* as breaker_state */
	uint64_t		to[BREAKER_STATES];	/* transitions made */
	uint64_t		rejected;
	enum breaker_cause	cause;
	unsigned		failed, total;	/* for the cause */
	uint64_t		left_ns;	/* open: to the first trial */
};

/* Control thread.  Closed at first.  Copies the options. */
struct breaker	*breaker_new(const struct breaker_options *);
void		 breaker_free(struct breaker *);	/* NULL is fine */
/*
 * Other options from now on (call it when they are published, not while they
 * may still be refused).  State and counts stay, but another window starts
 * empty and a breaker turned off is closed.  The same options: nothing happens.
 * Control thread, with workers at work.
 */
void		 breaker_configure(struct breaker *,
		    const struct breaker_options *);

/*
 * May one more attempt go to the upstream?  PASS fills the ticket, which must
 * come back by breaker_result once, at the response head or earlier end.
 * REJECT says in how long to come again, at least 1.
 *
 * A trial must come back within the greater of open_for and trial_ns (the
 * longest that this attempt may take to its response head); the half-open
 * window ends at the latest of its trials' deadlines.  Any worker; no lock.
 */
enum breaker_say breaker_admit(struct breaker *, uint64_t now,
		    uint64_t trial_ns, struct breaker_ticket *,
		    uint64_t *retry_after_ns);
/* How it went; dropped when it is of an earlier state.  Any worker; no lock. */
void		 breaker_result(struct breaker *, struct breaker_ticket,
		    enum breaker_outcome, uint64_t now);

/*
 * The state that an attempt would find now: half open also when open_for is
 * over and nobody came yet, open also when trials are overdue and nobody
 * noticed.  The counts in a look move when an attempt makes the step.  Any
 * thread.
 */
enum breaker_state breaker_state(const struct breaker *, uint64_t now);
void		 breaker_look(const struct breaker *, uint64_t now,
		    struct breaker_look *);
const char	*breaker_state_name(enum breaker_state);
/* "12 of 20 requests failed", for a look whose cause is not CAUSE_NONE. */
void		 breaker_cause_print(const struct breaker_look *, char *to,
		    unsigned size);

#endif
