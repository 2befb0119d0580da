#ifndef PROXY_PORT_H
#define PROXY_PORT_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "http/h1.h"

struct acceptor;
struct conf_listener;
struct door;
struct gate;
struct snap_listener;
struct snapshot;
struct sources;
struct stats_listener;
struct tls_context;
struct worker;

/*
 * A worker's end of a listener.  Connections hold it, never the snapshot's
 * listener, so it outlives reloads: settings are taken over in place, and one
 * that is gone from the configuration lives until its last connection ends.
 */
struct port {
	LIST_ENTRY(port)	 entry;
	struct worker		*worker;
	char			*name;
	unsigned		 index;		/* in the current snapshot */
	bool			 gone;		/* not in the current snapshot */
	bool			 left;		/* gone, and its own reference given up */
	bool			 is_admin, redirect_https, has_tls;
	struct h1_settings	 h1;
	uint64_t		 handshake_ns, keepalive_ns;
	uint64_t		 body_size;
	unsigned		 max_connections, per_ip;
	unsigned		 requests_per_connection;
	struct cidr		*trusted;
	unsigned		 ntrusted;
	struct tls_context	*context;
	char			*context_key;	/* the options it was made from */
	struct gate		*gate;
	struct sources		*sources;	/* the gate's, as this snapshot found it */
	struct stats_listener	*stats;
	LIST_HEAD(, opening)	 openings;	/* doors it accepts on */
	unsigned		 refs;		/* clients, and 1 while not left */
};

/* Bring the worker's ports in line with its current snapshot. */
void	ports_adopt(struct worker *);
/* Accept no more: what is queued is still taken. */
void	ports_close(struct worker *);
/* This worker's sockets were shut while it stood still: listen again. */
void	ports_listen(struct worker *);
/* At the end of the worker: those that no buried client holds are freed. */
void	ports_free(struct worker *);
void	port_unref(struct port *);
/* The one that accepts at the door of this key; NULL: none yet, or any more. */
struct port	*port_at(struct worker *, const char *door);
bool	port_trusts(const struct port *, const struct addr *peer);

#endif
