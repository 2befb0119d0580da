/*
 * The scripted server's loop: listening, accepting, timers, and what the test
 * asks of it.  One lock covers everything; the thread holds it except while
 * it waits, so the test sees no half-done step.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/origin_conn.h"
#include "tests/lib/wait.h"

enum { BACKLOG = 1024, SEEN_MS = 5000 };

static int listen_tcp(struct origin *);
static int bind_tcp(const struct origin_options *, int port);
static int listen_unix(const char *path);
static void *origin_run(void *);
static int prepare(struct origin *);
static void wake_due(struct origin *);
static void accept_all(struct origin *);
static void conn_new(struct origin *, int fd);
static void conn_watch(struct origin_conn *);
static void conn_close(struct origin_conn *, bool reset);
static void close_idle(struct origin *, bool reset);
static void sweep(struct origin *);
static void wake(struct origin *);

struct origin *
origin_start(const struct origin_options *options)
{
	struct origin *o = keep(sizeof *o);
	struct epoll_event ev = { .events = EPOLLIN };

	o->options = *options;
	if (o->options.name == NULL)
		o->options.name = "origin";
	TAILQ_INIT(&o->conns);
	TAILQ_INIT(&o->buried);
	pthread_mutex_init(&o->lock, NULL);
	o->listener = options->unix_path != NULL
	    ? listen_unix(options->unix_path)
	    : listen_tcp(o);
	if (o->listener == -1)
		return NULL;
	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	o->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ev.data.ptr = &o->listener;
	epoll_ctl(o->epoll, EPOLL_CTL_ADD, o->listener, &ev);
	ev.data.ptr = &o->wakeup;
	epoll_ctl(o->epoll, EPOLL_CTL_ADD, o->wakeup, &ev);
	if (pthread_create(&o->thread, NULL, origin_run, o) != 0)
		abort();
	return o;
}

struct origin *
origin_new(const char *name)
{
	struct origin *o =
	    origin_start(&(struct origin_options){ .name = name });

	if (o == NULL)
		abort();
	return o;
}

int
origin_port(const struct origin *o)
{
	return o->port;
}

void
origin_reply(struct origin *o, struct reply reply)
{
	unsigned i;

	pthread_mutex_lock(&o->lock);
	for (i = 0; i < o->nreplies; i++)
		if (reply.path == NULL ? o->replies[i].path == NULL
				       : o->replies[i].path != NULL &&
			    strcmp(reply.path, o->replies[i].path) == 0)
			break;
	assert(i < ORIGIN_REPLIES);
	o->replies[i] = reply;
	if (i == o->nreplies)
		o->nreplies++;
	pthread_mutex_unlock(&o->lock);
}

/*
 * Shut down rather than close the listener: the port stays ours, so that no
 * test beside this one is given it before the server comes back.
 */
void
origin_kill(struct origin *o)
{
	struct origin_conn *c;

	pthread_mutex_lock(&o->lock);
	o->dead = true;
	epoll_ctl(o->epoll, EPOLL_CTL_DEL, o->listener, NULL);
	shutdown(o->listener, SHUT_RD);
	while ((c = TAILQ_FIRST(&o->conns)) != NULL)
		conn_close(c, true);
	pthread_mutex_unlock(&o->lock);
	wake(o);
}

void
origin_revive(struct origin *o)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &o->listener };

	pthread_mutex_lock(&o->lock);
	o->dead = false;
	if (listen(o->listener, BACKLOG) == -1)
		abort();
	epoll_ctl(o->epoll, EPOLL_CTL_ADD, o->listener, &ev);
	pthread_mutex_unlock(&o->lock);
}

void
origin_close_idle(struct origin *o)
{
	close_idle(o, false);
}

void
origin_reset_idle(struct origin *o)
{
	close_idle(o, true);
}

#define LOCKED(o, expression) \
	__extension__({ \
		pthread_mutex_lock(&(o)->lock); \
		__typeof__(expression) value_ = (expression); \
		pthread_mutex_unlock(&(o)->lock); \
		value_; \
	})

unsigned
origin_requests(struct origin *o)
{
	return LOCKED(o, o->requests);
}

unsigned
origin_accepted(struct origin *o)
{
	return LOCKED(o, o->accepted);
}

unsigned
origin_open(struct origin *o)
{
	return LOCKED(o, o->open);
}

unsigned
origin_peak(struct origin *o)
{
	return LOCKED(o, o->peak);
}

uint64_t
origin_bytes(struct origin *o)
{
	return LOCKED(o, o->bytes);
}

unsigned
origin_count(struct origin *o, const char *path)
{
	unsigned i, n = 0;

	pthread_mutex_lock(&o->lock);
	for (i = 0; i < o->nseen; i++)
		n += strcmp(o->seen[i]->path, path) == 0;
	pthread_mutex_unlock(&o->lock);
	return n;
}

struct seen *
origin_seen(struct origin *o, unsigned i)
{
	struct seen *copy = keep(sizeof *copy);

	if (!WAIT_FOR(SEEN_MS, LOCKED(o, i < o->nseen)))
		return NULL;
	pthread_mutex_lock(&o->lock);
	*copy = *o->seen[i];
	copy->head = (struct bytes){ 0 };
	copy->body = (struct bytes){ 0 };
	bytes_add(&copy->head, o->seen[i]->head.p, o->seen[i]->head.n);
	bytes_add(&copy->body, o->seen[i]->body.p, o->seen[i]->body.n);
	pthread_mutex_unlock(&o->lock);
	return copy;
}

char *
origin_field(const struct bytes *head, const char *name, unsigned nth)
{
	size_t n;
	const char *value = origin_field_at(head, name, nth, &n);

	return value == NULL ? NULL : keep_text(value, n);
}

static int
listen_tcp(struct origin *o)
{
	int fd, temporary, wanted = o->options.port;
	struct sockaddr_storage ss;
	socklen_t n;

	/*
	 * A port that was asked for stays with the socket over shutdown; one
	 * that the kernel chose does not.  So choose first, then ask.
	 */
	do {
		o->port = wanted;
		if (wanted == 0) {
			n = sizeof ss;
			temporary = bind_tcp(&o->options, 0);
			if (temporary == -1)
				return -1;
			getsockname(temporary, (struct sockaddr *)&ss, &n);
			o->port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
			close(temporary);
		}
		fd = bind_tcp(&o->options, o->port);
	} while (fd == -1 && wanted == 0 && errno == EADDRINUSE);
	if (fd != -1 && listen(fd, BACKLOG) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
bind_tcp(const struct origin_options *options, int port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr =
		    htonl(options->any ? INADDR_ANY : INADDR_LOOPBACK) };
	int fd, on = 1, r;

	fd = socket(options->ipv6 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	r = options->ipv6 ? bind(fd, (struct sockaddr *)&in6, sizeof in6)
			  : bind(fd, (struct sockaddr *)&in, sizeof in);
	if (r == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&un, sizeof un) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *
origin_run(void *arg)
{
	struct origin *o = arg;
	struct epoll_event ready[64];
	uint64_t rung;
	int i, n, wait;

	for (;;) {
		wait = LOCKED(o, prepare(o));
		n = epoll_wait(o->epoll, ready, 64, wait);
		pthread_mutex_lock(&o->lock);
		for (i = 0; i < n; i++) {
			if (ready[i].data.ptr == &o->listener)
				accept_all(o);
			else if (ready[i].data.ptr == &o->wakeup)
				(void)!read(o->wakeup, &rung, sizeof rung);
			else if (((struct origin_conn *)ready[i].data.ptr)
				     ->fd != -1)
				origin_conn_go(ready[i].data.ptr,
				    ready[i].events != EPOLLOUT);
		}
		wake_due(o);
		sweep(o);
		pthread_mutex_unlock(&o->lock);
	}
	return NULL;
}

/* Between two rounds: no event is held.  How long the next may wait. */
static int
prepare(struct origin *o)
{
	struct origin_conn *c;
	int64_t first = 0;

	while ((c = TAILQ_FIRST(&o->buried)) != NULL) {
		TAILQ_REMOVE(&o->buried, c, entry);
		keep_no_more(c);
	}
	TAILQ_FOREACH (c, &o->conns, entry)
		if (c->wake != 0 && (first == 0 || c->wake < first))
			first = c->wake;
	return first == 0 ? -1 : wait_left(first);
}

static void
wake_due(struct origin *o)
{
	struct origin_conn *c;
	int64_t now = wait_now();

	TAILQ_FOREACH (c, &o->conns, entry)
		if (c->wake != 0 && c->wake <= now) {
			c->wake = 0;
			origin_conn_go(c, false);
		}
}

static void
accept_all(struct origin *o)
{
	int fd;

	while (!o->dead &&
	    (fd = accept4(
		 o->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1)
		conn_new(o, fd);
}

static void
conn_new(struct origin *o, int fd)
{
	struct origin_conn *c = keep(sizeof *c);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP,
		.data.ptr = c };
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->origin = o;
	c->fd = fd;
	c->number = ++o->accepted;
	o->open++;
	c->interest = ev.events;
	TAILQ_INSERT_TAIL(&o->conns, c, entry);
	epoll_ctl(o->epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* What the phase waits for; a socket that nobody reads must not spin. */
static void
conn_watch(struct origin_conn *c)
{
	struct epoll_event ev = { .events = EPOLLRDHUP, .data.ptr = c };

	if (c->phase == PHASE_HEAD || (!c->reply.unread && !c->body_done))
		ev.events |= EPOLLIN;
	if (c->out_done < c->out.n)
		ev.events |= EPOLLOUT;
	if (ev.events == c->interest)
		return;
	c->interest = ev.events;
	epoll_ctl(c->origin->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

/*
 * Bury rather than free: the loop may hold an event of this connection that
 * it has not looked at yet.  And take it out of epoll by name: a child that is
 * being made holds the socket, too, and closing ours alone would not.
 */
static void
conn_close(struct origin_conn *c, bool reset)
{
	struct origin *o = c->origin;
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	epoll_ctl(o->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->fd = -1;
	o->open--;
	origin_conn_idle(c);
	TAILQ_REMOVE(&o->conns, c, entry);
	bytes_free(&c->in);
	bytes_free(&c->out);
	if (c->digest != NULL)
		(void)digest_end(c->digest);
	c->digest = NULL;
	TAILQ_INSERT_TAIL(&o->buried, c, entry);
}

static void
close_idle(struct origin *o, bool reset)
{
	struct origin_conn *c, *next;

	pthread_mutex_lock(&o->lock);
	for (c = TAILQ_FIRST(&o->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->phase == PHASE_HEAD && c->in.n == 0)
			conn_close(c, reset);
	}
	pthread_mutex_unlock(&o->lock);
	wake(o);
}

/* Close those that are over and watch the others for what they wait for. */
static void
sweep(struct origin *o)
{
	struct origin_conn *c, *next;

	for (c = TAILQ_FIRST(&o->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->phase == PHASE_OVER)
			conn_close(c, c->reset);
		else
			conn_watch(c);
	}
}

static void
wake(struct origin *o)
{
	uint64_t one = 1;

	(void)!write(o->wakeup, &one, sizeof one);
}
