#ifndef DISCOVERY_CONSUL_ANSWER_H
#define DISCOVERY_CONSUL_ANSWER_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/mem.h"

#define CONSUL_WEIGHT_MOST	256
#define CONSUL_WHY_MOST		256

/* An instance of a service, as far as it can be sent to. */
struct consul_server {
	struct addr	 addr;
	unsigned	 weight;	/* 0..CONSUL_WEIGHT_MOST; 0: drains */
};

/* What an answer to /v1/health/service/NAME says.  Pure. */
struct consul_answer {
	struct consul_server *v;	/* in its order */
	unsigned	 n;
	unsigned	 left_out;	/* instances without ip:port ... */
	char		 why[CONSUL_WHY_MOST]; /* ... of which the first, or why
					   there is no answer at all */
	struct arena	 arena;
};

/*
 * Read the body, an array of entries {Node, Service, Checks}.  False, with
 * `why', when that is not what it is or when there are more than `most': such
 * an answer counts for nothing.  The address is the service's, else the
 * node's; the weight that of the worst of its checks, all of them in
 * proportion if one exceeds the most there can be.  To be freed either way.
 */
bool	consul_answer_read(struct consul_answer *, struct text body,
	    unsigned most);
void	consul_answer_fini(struct consul_answer *);

#endif
