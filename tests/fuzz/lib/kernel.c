/* Sockets, readiness and time in memory; see kernel.h. */
#include "tests/fuzz/lib/kernel.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mailbox.h"

#define FIRST_FD 100000
#define TIMERS 64
#define PASS_NS (50 * CLOCK_US) /* one pass of the loop */
#define PASSES 20000 /* without an end: the program spins */

/* The program's calls come here, ours go to the real ones. */
#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(int, socket, int, int, int);
WRAP(int, connect, int, const struct sockaddr *, socklen_t);
WRAP(int, close, int);
WRAP(int, shutdown, int, int);
WRAP(int, setsockopt, int, int, int, const void *, socklen_t);
WRAP(int, getsockopt, int, int, int, void *, socklen_t *);
WRAP(ssize_t, recv, int, void *, size_t, int);
WRAP(ssize_t, recvmsg, int, struct msghdr *, int);
WRAP(ssize_t, send, int, const void *, size_t, int);
WRAP(ssize_t, sendmsg, int, const struct msghdr *, int);
WRAP(int, event_add, struct event *, const struct timeval *);
WRAP(int, event_del, struct event *);
WRAP(int, event_base_loop, struct event_base *, int);
WRAP(void, mailbox_post, struct mailbox *, struct mail *);
WRAP(uint64_t, clock_now, void);
WRAP(uint64_t, clock_wall, void);

struct timer {
	struct event *event;
	uint64_t due;
};

static const struct kernel_ops *ops;
static struct sock socks[KERNEL_SOCKETS];
static unsigned nsocks;
static struct timer timers[TIMERS];
static uint64_t now = 1000 * CLOCK_S;
static enum kernel_connect connects;
static struct event *mail; /* the loop's */
static bool has_mail, last_first;
static unsigned passes;
static void (*on_idle)(void *);
static void *on_idle_arg;

/* ---- the harness's side -------------------------------------------------- */

void
kernel_start(const struct kernel_ops *peers)
{
	ops = peers;
	connects = CONNECT_WELL;
	last_first = false;
	nsocks = 0;
}

void
kernel_finish(void)
{
	for (unsigned i = 0; i < nsocks; i++)
		free(socks[i].in);
	nsocks = 0;
}

static struct sock *
sock_new(void)
{
	struct sock *s = &socks[nsocks++];

	*s = (struct sock){ .is_open = true, .room = KERNEL_NO_LIMIT };
	return s;
}

bool
kernel_hears(const struct sock *s)
{
	return s->is_open && !s->in_fin && !s->in_rst && !s->connecting;
}

int
kernel_fd(const struct sock *s)
{
	return FIRST_FD + (int)(s - socks);
}

struct sock *
kernel_sock(int fd)
{
	if (fd < FIRST_FD || fd >= KERNEL_FIRST_PIPE)
		return NULL;
	return &socks[fd - FIRST_FD];
}

int
kernel_accepted(void *peer)
{
	struct sock *s;

	if (nsocks == KERNEL_SOCKETS)
		return -1;
	s = sock_new();
	s->accepted = true;
	s->peer = peer;
	return kernel_fd(s);
}

void
kernel_receive(struct sock *s, const char *p, size_t n)
{
	if (!kernel_hears(s))
		return;
	if (s->in_n + n > s->in_cap) {
		s->in_cap = 2 * (s->in_n + n);
		s->in = realloc(s->in, s->in_cap);
		assert(s->in != NULL);
	}
	memcpy(s->in + s->in_n, p, n);
	s->in_n += n;
	s->edge = true;
}

void
kernel_fin(struct sock *s)
{
	if (s->connecting)
		return;
	s->in_fin = true;
	s->edge = true;
}

void
kernel_reset(struct sock *s)
{
	s->refused = s->connecting;
	s->connecting = false;
	s->in_rst = true;
	s->error = s->refused ? ECONNREFUSED : ECONNRESET;
	s->edge = true;
}

void
kernel_room(struct sock *s, size_t room)
{
	s->edge = s->edge || room > s->room;
	s->room = room;
}

void
kernel_connects(enum kernel_connect how)
{
	connects = how;
}

void
kernel_turn_order(void)
{
	last_first = !last_first;
}

void
kernel_connected(void)
{
	for (unsigned i = 0; i < nsocks; i++) {
		socks[i].edge = socks[i].edge || socks[i].connecting;
		socks[i].connecting = false;
	}
}

unsigned
kernel_open(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nsocks; i++)
		n += socks[i].is_open;
	return n;
}

void
kernel_idle(void (*idle)(void *), void *arg)
{
	on_idle = idle;
	on_idle_arg = arg;
}

static struct timer *
next_timer(void)
{
	struct timer *next = NULL;

	for (unsigned i = 0; i < TIMERS; i++)
		if (timers[i].event != NULL &&
		    (next == NULL || timers[i].due < next->due))
			next = &timers[i];
	return next;
}

bool
kernel_next_timer(uint64_t late_ns)
{
	const struct timer *next = next_timer();

	if (next == NULL)
		return false;
	if (next->due + late_ns > now)
		now = next->due + late_ns;
	return true;
}

void
kernel_sleep(uint64_t ns)
{
	now += ns;
}

/* ---- time ---------------------------------------------------------------- */

uint64_t
__wrap_clock_now(void)
{
	return now;
}

uint64_t
__wrap_clock_wall(void)
{
	return 1700000000 * CLOCK_S + now;
}

/* ---- events -------------------------------------------------------------- */

static void
add_timer(struct event *event, const struct timeval *after)
{
	unsigned i;

	__wrap_event_del(event);
	for (i = 0; timers[i].event != NULL; i++)
		assert(i + 1 < TIMERS);
	timers[i].event = event;
	timers[i].due = now + (uint64_t)after->tv_sec * CLOCK_S +
	    (uint64_t)after->tv_usec * CLOCK_US;
}

int
__wrap_event_add(struct event *event, const struct timeval *after)
{
	struct sock *s = kernel_sock(event->ev_fd);

	if (s != NULL) {
		s->event = event;
		s->edge = !s->connecting;
	} else if (event->ev_fd == -1)
		add_timer(event, after);
	else
		mail = event;
	return 0;
}

int
__wrap_event_del(struct event *event)
{
	struct sock *s = kernel_sock(event->ev_fd);

	if (s != NULL)
		s->event = NULL;
	for (unsigned i = 0; i < TIMERS; i++)
		if (timers[i].event == event)
			timers[i].event = NULL;
	if (mail == event)
		mail = NULL;
	return 0;
}

void
__wrap_mailbox_post(struct mailbox *box, struct mail *letter)
{
	__real_mailbox_post(box, letter);
	has_mail = true;
}

static void
run(struct event *event, short what)
{
	event_get_callback(event)(
	    event->ev_fd, what, event_get_callback_arg(event));
}

/* An edge makes epoll report all that holds. */
static short
holds(const struct sock *s)
{
	bool ended = s->in_fin || s->in_rst;
	short what = 0;

	if (s->in_at < s->in_n || ended)
		what |= EV_READ;
	if (ended)
		what |= EV_CLOSED;
	if (s->room > 0 || s->in_rst)
		what |= EV_WRITE;
	return what;
}

static bool
run_edges(void)
{
	unsigned n = nsocks;
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		struct sock *s = &socks[last_first ? n - 1 - i : i];

		if (!s->edge || s->event == NULL || s->connecting)
			continue;
		s->edge = false;
		any = true;
		run(s->event, holds(s));
	}
	return any;
}

/* One that is set for this very moment as it runs has its turn in the next pass. */
static bool
run_timers(void)
{
	struct timer *timer = next_timer();
	bool any = false;

	while (timer != NULL && timer->due < now) {
		struct event *event = timer->event;

		timer->event = NULL;
		any = true;
		run(event, EV_TIMEOUT);
		timer = next_timer();
	}
	return any;
}

int
__wrap_event_base_loop(struct event_base *base, int flags)
{
	bool any = has_mail;

	(void)base;
	assert(++passes < PASSES);
	now += PASS_NS;
	if (has_mail) {
		has_mail = false;
		run(mail, EV_READ);
	}
	any = run_edges() || any;
	any = run_timers() || any;
	if (!any && (flags & EVLOOP_NONBLOCK) == 0) {
		passes = 0;
		on_idle(on_idle_arg);
	}
	return 0;
}

/* ---- sockets ------------------------------------------------------------- */

int
__wrap_socket(int family, int type, int protocol)
{
	(void)family;
	(void)type;
	(void)protocol;
	if (nsocks == KERNEL_SOCKETS) {
		errno = EMFILE;
		return -1;
	}
	return kernel_fd(sock_new());
}

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t n)
{
	struct sock *s = kernel_sock(fd);

	(void)to;
	(void)n;
	if (connects == CONNECT_LOCAL) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	s->connecting = connects == CONNECT_HANGS;
	s->edge = true;
	if (connects == CONNECT_REFUSED) {
		s->refused = s->in_rst = true;
		s->error = ECONNREFUSED;
	}
	ops->opened(s);
	errno = EINPROGRESS;
	return -1;
}

static void
tell_end(struct sock *s, bool reset)
{
	if (s->peer != NULL && !s->out_fin)
		ops->ended(s, reset);
	s->out_fin = true;
}

int
__wrap_close(int fd)
{
	struct sock *s = kernel_sock(fd);

	if (fd >= KERNEL_FIRST_PIPE)
		return kernel_close_pipe(fd);
	if (s == NULL)
		return __real_close(fd);
	assert(s->is_open && s->event == NULL);
	tell_end(s, s->lingers_not);
	s->is_open = false;
	return 0;
}

int
__wrap_shutdown(int fd, int how)
{
	struct sock *s = kernel_sock(fd);

	if (s == NULL)
		return __real_shutdown(fd, how);
	assert(s->is_open && how == SHUT_WR);
	if (s->in_rst) {
		errno = ENOTCONN;
		return -1;
	}
	tell_end(s, false);
	return 0;
}

int
__wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t n)
{
	struct sock *s = kernel_sock(fd);

	if (s == NULL)
		return __real_setsockopt(fd, level, option, value, n);
	assert(s->is_open);
	if (level == SOL_SOCKET && option == SO_LINGER)
		s->lingers_not = true;
	return 0;
}

int
__wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *n)
{
	struct sock *s = kernel_sock(fd);

	if (s == NULL)
		return __real_getsockopt(fd, level, option, value, n);
	assert(s->is_open && level == SOL_SOCKET && option == SO_ERROR);
	memcpy(value, &s->error, sizeof(s->error));
	s->error = 0;
	return 0;
}

ssize_t
__wrap_recv(int fd, void *to, size_t n, int flags)
{
	struct sock *s = kernel_sock(fd);
	size_t there;

	if (s == NULL)
		return __real_recv(fd, to, n, flags);
	assert(s->is_open && !s->connecting);
	there = s->in_n - s->in_at;
	if (there == 0 && s->in_rst && s->error != 0) {
		errno = s->error;
		s->error = 0;
		return -1;
	}
	if (there == 0 && (s->in_fin || s->in_rst))
		return 0;
	if (there == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = n < there ? n : there;
	memcpy(to, s->in + s->in_at, n);
	if ((flags & MSG_PEEK) == 0)
		s->in_at += n;
	return (ssize_t)n;
}

/* One piece after the other, each filled before the next. */
ssize_t
__wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t n = 0, part = 0;

	if (kernel_sock(fd) == NULL)
		return __real_recvmsg(fd, m, flags);
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		const struct sock *s = kernel_sock(fd);

		if (n > 0 && s->in_at == s->in_n)
			break;
		part = __wrap_recv(
		    fd, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len, flags);
		if (part <= 0)
			return part;
		n += part;
	}
	return n;
}

ssize_t
__wrap_send(int fd, const void *p, size_t n, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (kernel_sock(fd) == NULL)
		return __real_send(fd, p, n, flags);
	return __wrap_sendmsg(fd, &m, flags);
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct sock *s = kernel_sock(fd);
	size_t sent = 0;

	if (s == NULL)
		return __real_sendmsg(fd, m, flags);
	assert(s->is_open && !s->connecting && !s->out_fin);
	if (s->in_rst) {
		errno = s->error != 0 ? s->error : EPIPE;
		s->error = 0;
		return -1;
	}
	if (s->room == 0) {
		errno = EAGAIN;
		return -1;
	}
	for (size_t i = 0; i < m->msg_iovlen && s->room > 0; i++) {
		size_t n = m->msg_iov[i].iov_len;

		n = n < s->room ? n : s->room;
		ops->sent(s, m->msg_iov[i].iov_base, n);
		s->room -= s->room == KERNEL_NO_LIMIT ? 0 : n;
		sent += n;
	}
	return (ssize_t)sent;
}
