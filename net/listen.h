#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct loop;

/*
 * Listening sockets.  Control prepares them (so that a reload can fail before
 * anything changed), workers accept on them.  TCP: one SO_REUSEPORT socket per
 * worker, bound only after a trial bind without that option found nobody else
 * there; AF_UNIX: one socket, one descriptor each.
 */
struct endpoint;

/* What is wrong with binding, in words; holder's pid when /proc shows it. */
struct listen_error {
	char	text[ADDR_TEXT_MAX + 128];
};

/*
 * Bind and listen n sockets on the endpoint, filling fds and the real address
 * (port 0 is given one).  -1 with the reason; nothing stays bound then.
 */
int	listen_prepare(const struct endpoint *, int *fds, unsigned n,
	    struct addr *real, struct listen_error *);
/*
 * The same on an address whose earlier sockets, at `real', this process may
 * still be giving up: no trial, it would only find ourselves.
 */
int	listen_again(const struct endpoint *, int *fds, unsigned n,
	    struct addr *real, struct listen_error *);
/* Close them; the last holder of a unix socket removes its path. */
void	listen_discard(int *fds, unsigned n, const struct addr *real);

/*
 * Another thread's listening socket: it accepts nothing from now on, and the
 * others of its group get what comes.  acceptor_listen undoes it.
 */
void	listen_leave(int fd);

/* One worker's accepting end.  Owns the descriptor. */
struct acceptor;
struct acceptor	*acceptor_new(struct loop *, int fd,
		    void (*on_accept)(void *, int fd, const struct addr *peer),
		    void *arg);
/* What it accepts may take from the reserve of descriptors. */
void	acceptor_for_admin(struct acceptor *);
void	acceptor_listen(struct acceptor *);
/* Take what is queued, then close; on_accept is called meanwhile. */
void	acceptor_free(struct acceptor *);
/* Out of descriptors or at a cap: none is accepted for so long (ns); 0 resumes. */
void	acceptor_pause(struct acceptor *, uint64_t for_ns);

/* Pid of the process that holds a listening socket on the address, or 0. */
int	listen_holder(const struct addr *);

#endif
