/*
 * Signals as events: nothing of ours ever runs in a signal handler.
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include <sys/signalfd.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/signals.h"

#include "base/mem.h"
#include "net/loop.h"

struct signals {
	struct event ev;
	struct loop *loop;
	int fd;
	void (*on_signal)(void *, int);
	void *arg;
};

static sigset_t set_of(const int *signos, unsigned n);
static void on_ready(evutil_socket_t, short, void *);

void
signals_block(const int *signos, unsigned n)
{
	sigset_t set = set_of(signos, n);

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

struct signals *
signals_new(struct loop *loop, const int *signos, unsigned n,
    void (*on_signal)(void *, int), void *arg)
{
	struct signals *s = xcalloc(1, sizeof(*s));
	sigset_t set = set_of(signos, n);

	s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->fd == -1) {
		free(s);
		return NULL;
	}
	s->loop = loop;
	s->on_signal = on_signal;
	s->arg = arg;
	event_assign(
	    &s->ev, loop_base(loop), s->fd, EV_READ | EV_PERSIST, on_ready, s);
	event_add(&s->ev, NULL);
	return s;
}

void
signals_free(struct signals *s)
{
	event_del(&s->ev);
	close(s->fd);
	free(s);
}

static sigset_t
set_of(const int *signos, unsigned n)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < n; i++)
		sigaddset(&set, signos[i]);
	return set;
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct signals *s = arg;
	struct signalfd_siginfo info;

	(void)what;
	loop_now(s->loop);
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->on_signal(s->arg, (int)info.ssi_signo);
}
