#ifndef DISCOVERY_CONSUL_PROVIDER_H
#define DISCOVERY_CONSUL_PROVIDER_H

#include "discovery/consul.h"

struct provider;

/*
 * A service of Consul's as a provider.  The wish is copied; agent and rules
 * are borrowed until it is freed, and may change when the agent says so.
 */
struct provider	*discovery_consul_new(struct loop *, struct fetcher *,
		    const struct consul_agent *, const struct consul_wish *,
		    const struct consul_rules *);
/* Whether this is what it asks for; of another kind of provider never. */
bool		 discovery_consul_fits(const struct provider *,
		    const struct consul_wish *);

#endif
