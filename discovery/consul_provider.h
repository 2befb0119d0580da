#ifndef DISCOVERY_CONSUL_PROVIDER_H
#define DISCOVERY_CONSUL_PROVIDER_H

#include "discovery/consul.h"

/*
 * A service of Consul's as a provider.  All but the loop and the fetcher is
 * borrowed until it is freed.
 */
struct provider	*discovery_consul_new(struct loop *, struct fetcher *,
		    const struct consul_agent *, const struct consul_wish *,
		    const struct consul_rules *);

#endif
