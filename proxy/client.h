#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "net/conn.h"

struct port;

/*
 * A connection from a client: handshake, then messages, idle in between.  One
 * that idles is this and no more, beside its TLS session, so that every byte
 * counts: there are at most 320 of them.
 */
struct client {
	struct conn		 conn;
	union {
		TAILQ_ENTRY(client)	 entry;
		struct grave		 grave;	/* when it is in no list */
	};
	struct port		*port;
	unsigned		 requests;
	bool			 trusted;
	bool			 secure;
	bool			 counted;	/* as a source at the port's gate */
	uint8_t			 ip[16];	/* as addr_bytes */
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
