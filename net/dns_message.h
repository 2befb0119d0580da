#ifndef NET_DNS_MESSAGE_H
#define NET_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mem.h"

#define DNS_RECORDS_MOST	4096	/* of one message */
#define DNS_NAME_MOST		1024	/* of a name in print */

enum dns_type {
	DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_AAAA = 28, DNS_SRV = 33
};

/* Names are in lower case and without the dot at their end; "" is the root. */
struct dns_record {
	const char	*name;
	enum dns_type	 type;		/* A, CNAME, AAAA or SRV */
	bool		 additional;	/* not of the answer itself */
	uint32_t	 ttl_s;
	struct addr	 addr;		/* of A and AAAA; its port is 0 */
	const char	*target;	/* of CNAME and SRV */
	uint16_t	 priority, weight, port;	/* of SRV */
};

/* What of a DNS server's answer can matter here.  Pure. */
struct dns_message {
	struct arena		 arena;
	struct dns_record	*v;
	unsigned		 n;
	uint32_t		 nothing_ttl_s;	/* by its SOA; 0: none is said */
};

/* All records of one name and type, aliases followed. */
struct dns_records {
	const struct dns_record	**v;
	unsigned		 n;
	uint32_t		 ttl_s;		/* the least, aliases' too */
};

/*
 * False, and why in words: it is no message, or more of one than is taken.  To
 * be freed in any case.  Records of other types and classes are left out.
 */
bool		 dns_message_read(struct dns_message *, const uint8_t *, size_t n,
		    const char **why);
void		 dns_message_fini(struct dns_message *);
/* Out of the answer; the pointers live as long as the message. */
void		 dns_message_find(struct dns_message *, const char *name,
		    enum dns_type, struct dns_records *);

#endif
