#ifndef PROXY_SOURCE_H
#define PROXY_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct conf_server;
struct found;
struct group;
struct map;
struct watch;

/*
 * One entry of `servers', an address or a name and what it resolves to; or a
 * server that was discovered, which is an address.
 */
struct source {
	struct group	*group;
	char		*text;		/* as configured or found: its identity */
	uint16_t	 port;
	struct watch	*watch;		/* of a name; NULL: an address */
	struct addr	*addrs;
	unsigned	 naddrs;
	char		*error;		/* of the last look-up; NULL: none */
	bool		 kept;		/* used while adopting */
	/* as the current configuration or answer says */
	char		*name;		/* of the server at an address */
	unsigned	 weight;
	bool		 backup;
};

/*
 * As the configuration or an answer says now: one of the known, which are found
 * by their texts and keep what they resolved to, or a new one.
 */
struct source	*source_of_conf(struct group *, const struct map *known,
		    const struct conf_server *);
struct source	*source_of_found(struct group *, const struct map *known,
		    const struct found *);
void		 source_free(struct source *);

#endif
