#ifndef DISCOVERY_CONSUL_QUERY_H
#define DISCOVERY_CONSUL_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "discovery/options.h"

struct arena;
struct rng;

/* How to ask. */
struct consul_rules {
	uint64_t	 wait_ns;	/* of a blocking query */
	bool		 stale;		/* any server may answer, not the leader only */
	unsigned	 burst;		/* answers that may follow at once ... */
	uint64_t	 refill_ns;	/* ... and how soon there may be one more */
	uint64_t	 backoff_least_ns, backoff_most_ns;
};

/* 5 min, stale; 5, 1 s; 250 ms to 1 s. */
extern const struct consul_rules consul_rules_usual;

/*
 * Where a loop of blocking queries is, by Consul's rules for clients.  Pure:
 * time and chance are arguments.  All zero is a loop that has not begun.
 */
struct consul_query {
	uint64_t	 index;		/* to wait beyond; 0: answer at once */
	uint64_t	 ask_at;	/* not earlier */
	uint64_t	 spent;		/* until then answers are paid for */
	unsigned	 failures;	/* in a row */
};

/* An X-Consul-Index as it came; false for none that is. */
bool		 consul_index_read(struct text field, uint64_t *index);
/*
 * A whole good answer came; a return is no promise of a change.  Moves index,
 * to 0 if it went backwards, and ask_at, which is now unless answers come
 * faster than the rules let them.
 */
void		 consul_query_heard(struct consul_query *,
		    const struct consul_rules *, uint64_t index, uint64_t now);
/*
 * None came, or no good one.  Begins anew, since who answers next may be
 * another server with lower indexes, which would let us wait; after a while
 * that doubles, less up to half of it by chance.
 */
void		 consul_query_failed(struct consul_query *,
		    const struct consul_rules *, struct rng *, uint64_t now);
/* How long the query that is due may take: longer than Consul's own jitter. */
uint64_t	 consul_query_patience(const struct consul_query *,
		    const struct consul_rules *);
/* Its path with parameters, NUL-ended. */
struct text	 consul_query_path(const struct consul_query *,
		    const struct consul_rules *, const struct consul_wish *,
		    struct arena *);

#endif
