#ifndef NET_GUEST_H
#define NET_GUEST_H

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct loop;

/*
 * A library that opens sockets of its own and says what it waits for (c-ares,
 * libcurl), as a guest of our loop.  Loop thread only.
 */
struct guest_ops {
	void	(*ready)(void *arg, int fd, bool can_read, bool can_write);
	void	(*timeout)(void *arg);
};

struct guest	*guest_new(struct loop *, const struct guest_ops *, void *arg);
/* Watch the socket for these; for neither: forget it, before it is closed. */
void		 guest_want(struct guest *, int fd, bool read, bool write);
/* One timeout() after that time, instead of one asked for earlier. */
void		 guest_wake(struct guest *, uint64_t after_ns);
void		 guest_sleep(struct guest *);	/* no timeout */
/* Not from ready() or timeout().  Closes no socket. */
void		 guest_free(struct guest *);

#endif
