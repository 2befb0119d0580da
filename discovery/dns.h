#ifndef DISCOVERY_DNS_H
#define DISCOVERY_DNS_H

#include <stdbool.h>

struct discover_dns;
struct loop;
struct provider;
struct resolver;

/*
 * A name in the DNS as a provider: asked for again and again by its time to
 * live.  `system' is borrowed, and asked if the options, which are copied, name
 * no servers.
 */
struct provider	*discovery_dns_new(struct loop *, struct resolver *system,
		    const struct discover_dns *);
/* It asks for that already. */
bool		 discovery_dns_fits(struct provider *,
		    const struct discover_dns *);

#endif
