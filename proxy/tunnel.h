#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct exchange;
struct head;

/*
 * What an exchange is after a 101, or after a 2xx to CONNECT: bytes both ways
 * until both sides have said their last, or nobody says anything for too long.
 */
struct tunnel {
	struct deadline	 silence;
	uint64_t	 silence_ns;
	bool		 websocket;	/* counted as one */
	bool		 over[2];	/* a side's stream is flushed */
};

enum tunnel_side { TUNNEL_DOWN, TUNNEL_UP };

/* The head that opens it goes to the client; the route is still there. */
void	tunnel_open(struct exchange *, const struct head *);
/* Bytes moved; nothing when it is no tunnel. */
void	tunnel_stirs(struct exchange *);
/* Nothing comes or goes on that side any more; with the other's, the end. */
void	tunnel_side_over(struct exchange *, enum tunnel_side);
/*
 * The client speaks on to a server that has gone after its last byte: once it
 * has all that the server said, cut it, as the server's own kernel would.
 */
void	tunnel_unheard(struct exchange *);
/* At the exchange's end; nothing when it was no tunnel. */
void	tunnel_close(struct exchange *);

#endif
