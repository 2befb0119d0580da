#ifndef DISCOVERY_OPTIONS_H
#define DISCOVERY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct cidr;

enum discover_on_empty { ON_EMPTY_KEEP, ON_EMPTY_APPLY };

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
	enum discover_on_empty on_empty;
	unsigned	 max_loss_percent;	/* 0: off */
	uint64_t	 hold_ns;		/* 0: until confirmed */
	uint64_t	 drain_ns;
	struct cidr	*allow;
	unsigned	 nallow;
};

#endif
