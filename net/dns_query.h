#ifndef NET_DNS_QUERY_H
#define NET_DNS_QUERY_H

#include "net/dns_message.h"

struct dns_query;
struct resolver;

/*
 * One question to the DNS, over UDP and, where the answer does not fit, over
 * TCP.  The name is asked for as it is: no search list, no hosts file.
 */
enum dns_outcome {
	REPLY_FOUND,
	REPLY_NOTHING,		/* there is no such name, or no such record */
	REPLY_REFUSED,		/* a server said that it cannot tell */
	REPLY_SILENT,		/* none said anything */
	REPLY_INVALID		/* what it said makes no sense */
};

struct dns_reply {
	enum dns_outcome	 outcome;
	struct dns_message	*message;	/* of REPLY_FOUND */
	struct dns_records	 records;	/* of REPLY_FOUND; n > 0 */
	uint32_t		 nothing_ttl_s;	/* of REPLY_NOTHING; 0: none is said */
	const char		*error;		/* in words; NULL: REPLY_FOUND */
};

/*
 * The callback comes exactly once, never before this returns, unless the query
 * is cancelled; when it runs the query is gone already, and the reply is valid
 * until it returns.  The resolver's thread.
 */
struct dns_query *dns_query_start(struct resolver *, const char *name,
		    enum dns_type, void (*done)(void *arg, struct dns_reply *),
		    void *arg);
void		 dns_query_cancel(struct dns_query *);

#endif
