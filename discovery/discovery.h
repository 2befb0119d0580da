#ifndef DISCOVERY_DISCOVERY_H
#define DISCOVERY_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "discovery/options.h"
#include "discovery/trust.h"

struct discovery;
struct loop;
struct provider;
struct timer;

/*
 * Who the servers of an upstream are, as a provider says and as far as it is
 * believed.  All of it belongs to the loop's thread.
 *
 *	provider (a file, Consul): asks, reads, and calls
 *	    discovery_answer, discovery_fail or discovery_same
 *	discovery: leaves out what is refused, judges by trust, waits for what
 *	    is held back, counts, logs
 *	on_members: the owner reads trust.good and makes a roster of it
 */
enum discovery_error {
#define DISCOVERY_ERROR(name, word) DISCOVERY_##name,
#include "discovery/errors.def"
#undef DISCOVERY_ERROR
	DISCOVERY_ERRORS
};

struct provider_ops {
	const char	*name;		/* "file": the label in metrics and logs */
	/* Begin to answer; may do so before it returns.  Once. */
	void		(*start)(struct provider *, struct discovery *);
	/*
	 * Answer once more, from what is known (discovery_repeat) or by asking;
	 * not anew.  Only after the start; may answer before it returns.
	 */
	void		(*again)(struct provider *);
	/* No answer comes any more. */
	void		(*free)(struct provider *);
};

/* The first member of what a provider keeps. */
struct provider {
	const struct provider_ops *ops;
};

struct discovery {
	struct loop		*loop;
	struct provider		*provider;
	char			*upstream;	/* whose servers they are */
	const struct discover_options *options;	/* the current plan's */
	void			(*on_members)(void *arg);
	void			*arg;
	/* what we listen on ourselves: not to be sent to */
	const struct addr	*own;
	unsigned		 nown;
	struct trust		 trust;
	struct timer		*timer;		/* for what is held back */
	/* for /stats and metrics */
	uint64_t		 last_success;	/* wall ns; 0: never */
	uint64_t		 updates;	/* sets believed */
	uint64_t		 errors[DISCOVERY_ERRORS];
	char			*error;		/* of the last answer; NULL: none */
	char			*refused;	/* the last that was left out; or NULL */
};

/*
 * Takes the provider, copies the name, borrows the rest; `own' may be set
 * before the start.  on_members comes whenever trust.good is another set, also
 * from discovery_start.
 */
struct discovery *discovery_new(struct loop *, const char *upstream,
		    struct provider *, const struct discover_options *,
		    void (*on_members)(void *arg), void *arg);
void		 discovery_start(struct discovery *);
void		 discovery_free(struct discovery *);	/* NULL is fine */
/*
 * Another configuration, of the same provider, says now how far to trust; what
 * the provider knows is judged again by it.
 */
void		 discovery_configure(struct discovery *,
		    const struct discover_options *);
/* What is held back and why, in words; false: nothing is. */
bool		 discovery_doubt(const struct discovery *, char *to,
		    size_t size);

/*
 * ---- for providers ----
 *
 * A good answer, borrowed; n may be 0.  `anew': see trust_hear.
 */
void		 discovery_answer(struct discovery *, const struct found *,
		    unsigned n, bool anew);
/* The last answer, a good one, once more, since it may be judged otherwise. */
void		 discovery_repeat(struct discovery *, const struct found *,
		    unsigned n);
/* There was none; the last good one is kept.  `what' is a sentence. */
void		 discovery_fail(struct discovery *, enum discovery_error,
		    const char *what, ...)
		    __attribute__((format(printf, 3, 4)));
/* Looked again, and it is as it was the last time, good or bad. */
void		 discovery_same(struct discovery *);

#endif
