#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "http/token.h"

struct conf;

/*
 * Which route takes a request?  Pure.  The most specific wins: host (exact, then the
 * longest wildcard, then any), then exact path, then the longest prefix, then
 * more conditions, then file order.
 */
struct route_table;

#define ROUTE_NO_LISTENER	UINT32_MAX

struct route_query {
	struct text	host;		/* lower case, no port; empty: unknown */
	struct text	path;		/* normalised */
	struct text	method_name;
	enum method	method;
	unsigned	listener;	/* index in the configuration */
					/* or ROUTE_NO_LISTENER: one that it has not */
};

struct route_answer {
	int		route;		/* index in the configuration, -1: none */
	bool		other_method;	/* none, but one matches but for its method */
};

struct route_table	*route_compile(const struct conf *);	/* borrows the conf */
void		 route_free(struct route_table *);
struct route_answer	 route_match(const struct route_table *,
			    const struct route_query *);
/*
 * The methods that would have matched, as an Allow field's value; cut to what
 * fits.  Its length.
 */
size_t		 route_allow(const struct route_table *,
		    const struct route_query *, char *to, size_t size);
/*
 * Which target of a weighted list takes this ticket; tickets are drawn one by one from
 * a counter, and each run of as many as the weights add up to is exact.
 */
struct conf_route;
unsigned	 route_target(const struct conf_route *, uint64_t ticket);
/* The i-th route in the order of matching, for GET /routes; -1 past the end. */
int		 route_in_order(const struct route_table *, unsigned i);

#endif
