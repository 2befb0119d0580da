/*
 * Sockets and timeouts of a foreign library on our loop.  The library names
 * its descriptors one by one and changes its mind often; there are few at a
 * time, so they stand in a plain list.  Level-triggered: a library reads as
 * much as it likes.  Loop thread only.
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include <stdlib.h>
#include <sys/queue.h>

#include "net/guest.h"

#include "base/mem.h"
#include "net/loop.h"
#include "net/timer.h"

struct socket {
	LIST_ENTRY(socket) link;
	struct event ev;
	struct guest *guest;
};

struct guest {
	struct loop *loop;
	const struct guest_ops *ops;
	void *arg;
	struct timer *timer;
	LIST_HEAD(, socket) sockets;
};

static struct socket *socket_find(struct guest *, int);
static struct socket *socket_new(struct guest *);
static void socket_free(struct socket *);
static void on_ready(evutil_socket_t, short, void *);

struct guest *
guest_new(struct loop *loop, const struct guest_ops *ops, void *arg)
{
	struct guest *g = xcalloc(1, sizeof(*g));

	g->loop = loop;
	g->ops = ops;
	g->arg = arg;
	g->timer = timer_new(loop, ops->timeout, arg);
	return g;
}

void
guest_want(struct guest *g, int fd, bool read, bool write)
{
	struct socket *s = socket_find(g, fd);
	int what = (read ? EV_READ : 0) | (write ? EV_WRITE : 0);

	if (what == 0) {
		if (s != NULL)
			socket_free(s);
		return;
	}
	if (s == NULL)
		s = socket_new(g);
	else
		event_del(&s->ev);
	event_assign(&s->ev, loop_base(g->loop), fd, (short)(what | EV_PERSIST),
	    on_ready, s);
	event_add(&s->ev, NULL);
}

void
guest_wake(struct guest *g, uint64_t after_ns)
{
	timer_set(g->timer, after_ns);
}

void
guest_sleep(struct guest *g)
{
	timer_clear(g->timer);
}

void
guest_free(struct guest *g)
{
	struct socket *s;

	while ((s = LIST_FIRST(&g->sockets)) != NULL)
		socket_free(s);
	timer_free(g->timer);
	free(g);
}

static struct socket *
socket_find(struct guest *g, int fd)
{
	struct socket *s;

	LIST_FOREACH (s, &g->sockets, link) {
		if (event_get_fd(&s->ev) == fd)
			return s;
	}
	return NULL;
}

static struct socket *
socket_new(struct guest *g)
{
	struct socket *s = xcalloc(1, sizeof(*s));

	s->guest = g;
	LIST_INSERT_HEAD(&g->sockets, s, link);
	return s;
}

static void
socket_free(struct socket *s)
{
	event_del(&s->ev);
	LIST_REMOVE(s, link);
	free(s);
}

/* The guest may forget the socket meanwhile: touch nothing of it afterwards. */
static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct socket *s = arg;
	struct guest *g = s->guest;

	g->ops->ready(
	    g->arg, fd, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}
