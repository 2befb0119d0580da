#ifndef DISCOVERY_OPTIONS_H
#define DISCOVERY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct cidr;

enum discover_on_empty { ON_EMPTY_KEEP, ON_EMPTY_APPLY };

enum discover_dns_type { DISCOVER_DNS_A, DISCOVER_DNS_AAAA, DISCOVER_DNS_SRV };

/* Its `dns' block, with what the top level's discovery.dns says. */
struct discover_dns {
	bool		 on;
	const char	*name;
	enum discover_dns_type type;
	unsigned	 port;			/* of A and AAAA */
	const char	*servers;		/* "127.0.0.1:53,[::1]:53"; NULL: the system's */
	uint64_t	 min_ttl_ns;
};

/* What to ask Consul for; texts that are NULL are not asked. */
struct consul_wish {
	const char	*service;
	const char	*tag, *datacenter, *near, *filter;
	bool		 passing;
};

/* The `discover' block of an upstream. */
struct discover_options {
	bool		 on;
	/* whom to ask: one of them is set */
	const char	*file;			/* path */
	struct consul_wish consul;		/* service */
	struct discover_dns dns;		/* on */
	enum discover_on_empty on_empty;
	unsigned	 max_loss_percent;	/* 0: off */
	uint64_t	 hold_ns;		/* 0: until confirmed */
	uint64_t	 drain_ns;
	struct cidr	*allow;
	unsigned	 nallow;
};

#endif
