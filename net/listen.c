/*
 * Listening sockets: made by the control thread in the prepare step of a start
 * or reload, accepted on by the workers.  SO_REUSEPORT would let a second
 * instance bind the same port in silence, so a trial bind without it comes
 * first (DESIGN 8.9).
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/listen.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/descriptors.h"
#include "net/loop.h"

#define BACKLOG 4096
#define ACCEPT_MOST 64 /* per pass, so that one port starves nobody */
#define PAUSE_NS (1 * CLOCK_S) /* after listen_leave */
#define SHORT_NS (100 * CLOCK_MS) /* while there are no descriptors */

struct acceptor {
	struct event ev;
	struct loop *loop;
	struct deadline pause;
	int fd;
	enum descriptor_use use;
	bool is_short; /* it waits for some */
	struct addr at; /* where it listens */
	void (*on_accept)(void *, int, const struct addr *);
	void *arg;
};

static int bind_tcp(const struct endpoint *, int *, unsigned, struct addr *,
    struct listen_error *);
static int bind_group(struct addr *, bool any, int *, unsigned);
static int bind_unix(const struct endpoint *, int *, unsigned, struct addr *,
    struct listen_error *);
static int bind_one(const struct addr *, bool any, bool reuseport);
static int trial_bind(const struct addr *, bool any);
static struct addr address_of(const struct endpoint *);
static bool unix_is_stale(const struct addr *);
static void refuse(struct listen_error *, const struct addr *, int);
static void on_ready(evutil_socket_t, short, void *);
static bool take_some(struct acceptor *);
static void wait_for_descriptors(struct acceptor *);
static void pause_over(struct deadline *, bool);

int
listen_prepare(const struct endpoint *at, int *fds, unsigned n,
    struct addr *real, struct listen_error *error)
{
	for (unsigned i = 0; i < n; i++)
		fds[i] = -1;
	if (!at->is_any && addr_is_unix(&at->addr))
		return bind_unix(at, fds, n, real, error);
	return bind_tcp(at, fds, n, real, error);
}

int
listen_again(const struct endpoint *at, int *fds, unsigned n, struct addr *real,
    struct listen_error *error)
{
	if (addr_is_unix(real)) {
		unlink(real->u.un.sun_path);
		return listen_prepare(at, fds, n, real, error);
	}
	if (bind_group(real, at->is_any, fds, n) == 0)
		return 0;
	refuse(error, real, errno);
	return -1;
}

void
listen_discard(int *fds, unsigned n, const struct addr *real)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] != -1)
			close(fds[i]);
		fds[i] = -1;
	}
	if (addr_is_unix(real))
		unlink(real->u.un.sun_path);
}

void
listen_leave(int fd)
{
	shutdown(fd, SHUT_RDWR);
}

struct acceptor *
acceptor_new(struct loop *loop, int fd,
    void (*on_accept)(void *, int, const struct addr *), void *arg)
{
	struct acceptor *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->fd = fd;
	a->at.len = sizeof(a->at.u);
	getsockname(fd, &a->at.u.sa, &a->at.len);
	a->on_accept = on_accept;
	a->arg = arg;
	a->pause.fire = pause_over;
	event_assign(
	    &a->ev, loop_base(loop), fd, EV_READ | EV_PERSIST, on_ready, a);
	event_add(&a->ev, NULL);
	return a;
}

void
acceptor_for_admin(struct acceptor *a)
{
	a->use = FOR_ADMIN;
}

void
acceptor_listen(struct acceptor *a)
{
	/* A port that the kernel chose is lost to a socket that left. */
	(void)bind(a->fd, &a->at.u.sa, a->at.len);
	if (listen(a->fd, BACKLOG) == 0)
		acceptor_pause(a, 0);
}

void
acceptor_free(struct acceptor *a)
{
	for (int i = 0; i < BACKLOG / ACCEPT_MOST && take_some(a); i++)
		continue;
	deadline_clear(&a->pause);
	event_del(&a->ev);
	close(a->fd);
	free(a);
}

void
acceptor_pause(struct acceptor *a, uint64_t for_ns)
{
	deadline_set(a->loop, &a->pause, for_ns);
	if (for_ns == 0)
		event_add(&a->ev, NULL);
	else
		event_del(&a->ev);
}

static int
bind_tcp(const struct endpoint *at, int *fds, unsigned n, struct addr *real,
    struct listen_error *error)
{
	struct addr wanted = address_of(at);

	*real = wanted;
	if (trial_bind(&wanted, at->is_any) == -1) {
		if (errno != EAFNOSUPPORT || !at->is_any)
			goto fail;
		addr_from_ip(TEXT("0.0.0.0"), at->port, &wanted);
		*real = wanted;
		if (trial_bind(&wanted, false) == -1)
			goto fail;
	}
	if (bind_group(real, at->is_any, fds, n) == 0)
		return 0;

fail:
	refuse(error, &wanted, errno);
	return -1;
}

/* All or none; port 0 becomes what the first one was given. */
static int
bind_group(struct addr *real, bool any, int *fds, unsigned n)
{
	int saved;

	for (unsigned i = 0; i < n; i++)
		fds[i] = -1;
	for (unsigned i = 0; i < n; i++) {
		fds[i] = bind_one(real, any, true);
		if (fds[i] == -1 || listen(fds[i], BACKLOG) == -1)
			goto fail;
		real->len = sizeof(real->u);
		if (getsockname(fds[i], &real->u.sa, &real->len) == -1)
			goto fail;
	}
	return 0;

fail:
	saved = errno;
	listen_discard(fds, n, real);
	errno = saved;
	return -1;
}

/* The path belongs to whoever answers on it; one nobody answers on is ours. */
static int
bind_unix(const struct endpoint *at, int *fds, unsigned n, struct addr *real,
    struct listen_error *error)
{
	int fd;

	*real = at->addr;
	if (unix_is_stale(real))
		unlink(real->u.un.sun_path);
	fd = bind_one(real, false, false);
	if (fd == -1 || listen(fd, BACKLOG) == -1) {
		refuse(error, real, errno);
		if (fd != -1)
			close(fd);
		return -1;
	}
	fds[0] = fd;
	for (unsigned i = 1; i < n; i++) {
		fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fds[i] == -1) {
			refuse(error, real, errno);
			listen_discard(fds, n, real);
			return -1;
		}
	}
	return 0;
}

static int
bind_one(const struct addr *at, bool any, bool reuseport)
{
	int family = at->u.sa.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, only6 = !any, saved;

	if (fd == -1)
		return -1;
	if (family != AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		/* Its connections inherit it. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (family == AF_INET6)
		setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6));
	if (reuseport &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == -1)
		goto fail;
	if (bind(fd, &at->u.sa, at->len) == -1)
		goto fail;
	return fd;

fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
trial_bind(const struct addr *at, bool any)
{
	int fd;

	fd = bind_one(at, any, false);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

static struct addr
address_of(const struct endpoint *at)
{
	struct addr any;

	if (!at->is_any)
		return at->addr;
	addr_from_ip(TEXT("::"), at->port, &any);
	return any;
}

/* A file that is no socket refuses too, and is somebody's. */
static bool
unix_is_stale(const struct addr *at)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(at->u.un.sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	stale = connect(fd, &at->u.sa, at->len) == -1 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static void
refuse(struct listen_error *error, const struct addr *at, int why)
{
	char name[ADDR_TEXT_MAX];
	int pid = 0;

	addr_print(at, name);
	if (why == EADDRINUSE)
		pid = listen_holder(at);
	if (pid != 0)
		snprintf(error->text, sizeof(error->text),
		    "cannot listen on %s: in use by process %d", name, pid);
	else if (why == EACCES)
		snprintf(error->text, sizeof(error->text),
		    "cannot listen on %s: permission denied; a port below 1024 "
		    "needs CAP_NET_BIND_SERVICE",
		    name);
	else
		snprintf(error->text, sizeof(error->text),
		    "cannot listen on %s: %s", name, strerror(why));
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;

	(void)fd;
	(void)what;
	loop_now(a->loop);
	take_some(a);
}

/* False when there was no more to take. */
static bool
take_some(struct acceptor *a)
{
	for (int i = 0; i < ACCEPT_MOST; i++) {
		struct addr peer = { .len = sizeof(peer.u) };
		int fd = accept4(
		    a->fd, &peer.u.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				wait_for_descriptors(a);
			/* Shut by listen_leave: there will be word. */
			if (errno == EINVAL)
				acceptor_pause(a, PAUSE_NS);
			if (errno != ECONNABORTED && errno != EINTR)
				return false;
			continue;
		}
		a->on_accept(a->arg, fd, &peer);
		if (descriptors_short(fd, a->use)) {
			wait_for_descriptors(a);
			return false;
		}
	}
	return true;
}

/* What waits in the backlog is accepted when there is room for it. */
static void
wait_for_descriptors(struct acceptor *a)
{
	descriptors_tell(true);
	a->is_short = true;
	acceptor_pause(a, SHORT_NS);
}

static void
pause_over(struct deadline *d, bool stalled)
{
	struct acceptor *a = CONTAINER_OF(d, struct acceptor, pause);

	(void)stalled;
	if (a->is_short && !descriptors_left(a->fd, a->use)) {
		acceptor_pause(a, SHORT_NS);
		return;
	}
	if (a->is_short)
		descriptors_tell(false);
	a->is_short = false;
	event_add(&a->ev, NULL);
}
