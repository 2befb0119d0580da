#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "net/conn.h"

struct exchange;
struct lease;
struct port;
struct worker;

#define CLIENT_IP_MAX	48	/* any IP address in text; "unix" */

/* A connection from a client: handshake, then messages, idle in between. */
struct client {
	struct conn		 conn;
	TAILQ_ENTRY(client)	 entry;
	struct worker		*worker;
	struct port		*port;
	struct lease		*shaking;	/* its store is in use */
	uint64_t		 shake_began;
	struct exchange		*exchange;	/* under way, or NULL */
	uint64_t		 source;	/* counted at the port's gate */
	unsigned		 requests;
	bool			 trusted;
	bool			 secure;
	char			 ip[CLIENT_IP_MAX];
	uint8_t			 ip_n;
	struct grave		 grave;
};

/*
 * Serve an accepted socket that came in as that source; owns the descriptor
 * from now on.
 */
void	client_new(struct port *, int fd, const struct addr *peer,
	    uint64_t source);
/* Close if it idles; else it closes after its exchange. */
void	client_close_soon(struct client *);
/* End at once, with whatever it was doing. */
void	client_end(struct client *);

#endif
