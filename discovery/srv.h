#ifndef DISCOVERY_SRV_H
#define DISCOVERY_SRV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/map.h"
#include "discovery/found.h"

struct dns_reply;

/* One SRV record, but for those whose target is the root: these are none. */
struct srv_record {
	uint16_t	 priority, weight, port;
	struct srv_host	*host;
};

/* A target, once for all the records that name it. */
struct srv_host {
	char		*name;
	struct addr	*addrs;		/* ports 0 */
	unsigned	 naddrs;
	bool		 told;		/* by the SRV records' own answer */
};

/* An answer to SRV and what is learnt of its targets since.  Pure. */
struct srv {
	struct srv_record *v;
	unsigned	 n;
	struct srv_host	*hosts;
	unsigned	 nhosts;
	struct map	 by_name;	/* to hosts */
	uint32_t	 ttl_s;		/* the least */
};

/* Takes the addresses of targets that came along.  Of a reply that found. */
struct srv	*srv_new(const struct dns_reply *);
void		 srv_free(struct srv *);	/* NULL is fine */
/* Addresses of a target, of a reply that found A or AAAA. */
void		 srv_learn(struct srv *, struct srv_host *,
		    const struct dns_reply *);
/* Its addresses of that family are those it had before; that may be NULL. */
void		 srv_keep(struct srv_host *, const struct srv *before,
		    sa_family_t);
/*
 * The servers: those of the lowest priority, and all others as backups.  Weights
 * are what they are between those who share a tier, brought to 0..256; a 0 beside
 * others is the least share there is, and among its like an equal one (RFC 2782).
 * To be freed by the caller; the places live as long as the srv.  Never more than
 * one above TRUST_SERVERS_MOST.
 */
struct found	*srv_found(const struct srv *, unsigned *n);

#endif
