#ifndef PROXY_CONSUL_H
#define PROXY_CONSUL_H

#include "discovery/consul.h"
#include "net/fetch.h"

struct addr;
struct conf_consul;
struct control;
struct watch;

/*
 * Consul's agent as the configuration names it, for all discoveries; its texts
 * are those of the plan that serves.  Control thread.
 */
struct consul_link {
	struct consul_agent	 agent;		/* nobody yet: n is 0 */
	struct consul_rules	 rules;
	struct fetch_tls	 tls;
	char			*name;		/* as it stands in a URL */
	struct addr		*addrs;
	char			*problem;
	struct watch		*watch;		/* NULL: it is an address */
};

struct consul_link *consul_link_new(void);
/*
 * From now on this one; the plan of before is still there.  One that did not
 * change keeps what it resolved to.
 */
void		 consul_link_adopt(struct control *,
		    const struct conf_consul *);
/* No discovery asks any more.  NULL is fine. */
void		 consul_link_free(struct consul_link *);

#endif
