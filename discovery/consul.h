#ifndef DISCOVERY_CONSUL_H
#define DISCOVERY_CONSUL_H

#include "base/addr.h"
#include "discovery/consul_query.h"

struct consul_answer;
struct consul_source;
struct fetcher;
struct fetch_tls;
struct loop;

#define CONSUL_BYTES_MOST	(4u << 20)	/* of an answer */
#define CONSUL_SERVERS_MOST	4096

/*
 * Where to ask, and as whom; borrowed for as long as it is asked.  Who changes
 * it moves `version', so that those who ask can tell.
 */
struct consul_agent {
	const struct addr *to;		/* the next one after a failure */
	unsigned	 n;
	const char	*problem;	/* n == 0: why; NULL: not known yet */
	unsigned	 version;
	const char	*host;		/* Host field; NULL: the address */
	const char	*token;		/* NULL: none */
	const struct fetch_tls *tls;	/* NULL: plain */
};

enum consul_failure {
	CONSUL_UNREACHABLE,	/* no whole answer came */
	CONSUL_DENIED,		/* it is not for our token to know */
	CONSUL_STATUS,		/* another status than 200 */
	CONSUL_TOO_LARGE,
	CONSUL_INVALID
};

/* Either may free the source, or change what was borrowed. */
struct consul_ops {
	/* Borrowed during the call. */
	void		(*answer)(void *arg, const struct consul_answer *);
	/* None; asked again soon.  `what' is a sentence's end. */
	void		(*failure)(void *arg, enum consul_failure,
			    const char *what);
};

/*
 * The servers of one service, asked for over and over: one query is under way
 * or its time has not come.  Begins in the loop's next pass.  The loop's
 * thread; all but the loop and the fetcher is borrowed until it is freed.
 */
struct consul_source *consul_source_new(struct loop *, struct fetcher *,
		    const struct consul_agent *, const struct consul_wish *,
		    const struct consul_rules *, const struct consul_ops *,
		    void *arg);
/* Ask anew, at once. */
void		 consul_source_again(struct consul_source *);
void		 consul_source_free(struct consul_source *);

#endif
