#ifndef NET_PIPE_H
#define NET_PIPE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A pipe that bytes cross from one socket to another, never leaving the kernel.
 * Pipes come from a small pool of the calling thread, and only empty ones go
 * back to it.
 */
struct pipe {
	int		 in, out;
	size_t		 n;		/* bytes in it */
	struct pipe	*next;		/* in the pool */
};

#define PIPE_BYTES	(256 * 1024)	/* as much as it takes at once */

/* NULL: so many are in use, or descriptors are short.  Then bytes are copied. */
struct pipe	*pipe_take(void);
/* Back to the pool, or closed with what is in it. */
void		 pipe_give(struct pipe *);
/* Into an empty one, from a socket.  As read(2). */
ssize_t		 pipe_fill(struct pipe *, int from, size_t most);
/* Out of one that is not empty, to a socket.  As write(2), SIGPIPE and all. */
ssize_t		 pipe_drain(struct pipe *, int to);
/* At a thread's end: close what is in the pool. */
void		 pipe_pool_fini(void);

#endif
