#ifndef DISCOVERY_FOUND_H
#define DISCOVERY_FOUND_H

#include <stdbool.h>

#include "base/addr.h"

/* A server as a source of discovery names it. */
struct found {
	struct addr	 addr;
	unsigned	 weight;	/* 0..256 */
	bool		 backup;
	const char	*name;		/* NULL: its address */
	const char	*place;		/* "orders.yaml:3:5", for the log; or NULL */
};

/*
 * Servers found, one for each address and in the order of their addresses, so
 * that equal sets look equal in whatever order they were told.  Immutable.
 */
struct found_set {
	unsigned	 n;
	struct found	 v[];
};

/*
 * Copies all but the places; of several with one address or one name the first
 * counts.  n may be 0.
 */
struct found_set *found_set_new(const struct found *, unsigned n);
void		 found_set_free(struct found_set *);	/* NULL is fine */
/* The same servers, each with the same weight, tier and name. */
bool		 found_set_equal(const struct found_set *,
		    const struct found_set *);
/* How many addresses of the first the second has not.  Either may be NULL. */
unsigned	 found_set_missing(const struct found_set *,
		    const struct found_set *);

#endif
