#ifndef TLS_LINE_H
#define TLS_LINE_H

#include <stdbool.h>

struct bio_st;

/* A session's socket, and what the last read(2) on it said. */
struct tls_end {
	int	 fd;
	int	 flags;		/* of send(2) */
	bool	 filled;	/* it took all the room there was */
	bool	 over;		/* the peer has sent its FIN */
};

/*
 * The BIO that all sessions of one context read and write through, by reference
 * count: an idle session has none of its own.  It keeps nothing from one call
 * to the next but whose turn it is, so it has to be told that before each call
 * into OpenSSL.  For the thread of those sessions alone.  NULL: no memory.
 */
struct bio_st	*tls_line_new(void);
/* The end must live while it is its turn and something calls. */
void		 tls_line_turn(struct bio_st *, struct tls_end *);

#endif
