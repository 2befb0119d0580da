/*
 * A transport connection on a loop.  One raw event per socket, edge-triggered
 * for reading and writing together, added once: no epoll_ctl ever again, also
 * not while the connection idles in a pool (PERFORMANCE 3 measured why).  What
 * the edges said is remembered in can_read and can_write; whoever stops before
 * EAGAIN is woken by the loop's ready list, not by the kernel.
 */
#include <event2/event.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "net/conn.h"

#include "base/addr.h"
#include "base/container.h"
#include "net/descriptors.h"
#include "net/pipe.h"

#define IOV_MOST 16
#define READ_BLOCKS 2 /* a window */

static int conn_watch(struct conn *);
static void conn_event(evutil_socket_t, short, void *);
static void conn_turn(struct conn *);
static void conn_again(struct again *);
static void conn_expired(struct deadline *, bool);
static void finish_connect(struct conn *);
static void finish_shake(struct conn *);
static int socket_error(int);
static ssize_t read_blocks(struct conn *, struct buf *);
static bool flush_blocked(struct conn *);
static ssize_t send_some(struct conn *);
static ssize_t send_piped(struct conn *, struct pipe *);
static struct pipe *pipe_of(const struct conn *);
static void unpipe(struct conn *);
static void socket_options(int, int);
static bool has_pending(const struct conn *);

static ssize_t plain_read(struct conn *, void *, size_t);
static ssize_t plain_writev(struct conn *, const struct iovec *, int);
static int plain_shut(struct conn *);

const struct transport transport_plain = {
	.read = plain_read,
	.writev = plain_writev,
	.shut = plain_shut,
};

int
conn_open(struct conn *c, struct loop *loop, int fd, const struct conn_ops *ops,
    void *owner)
{
	*c = (struct conn){
		.loop = loop,
		.transport = &transport_plain,
		.ops = ops,
		.owner = owner,
		.fd = fd,
		.state = CONN_OPEN,
		.can_write = true,
		.again.run = conn_again,
		.deadline.fire = conn_expired,
	};
	return conn_watch(c);
}

int
conn_connect(struct conn *c, struct loop *loop, const struct addr *to,
    const struct conn_ops *ops, void *owner)
{
	int family = to->u.sa.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd == -1)
		return -1;
	if (descriptors_short(fd, FOR_SERVERS)) {
		errno = EMFILE;
		goto fail;
	}
	socket_options(fd, family);
	if (connect(fd, &to->u.sa, to->len) == -1 && errno != EINPROGRESS)
		goto fail;
	if (conn_open(c, loop, fd, ops, owner) == -1)
		goto fail;
	c->state = CONN_CONNECTING;
	c->can_write = false;
	return 0;

fail:
	saved = errno;
	close(fd);
	c->fd = -1;
	errno = saved;
	return -1;
}

void
conn_secure(struct conn *c, const struct transport *transport, void *session)
{
	c->transport = transport;
	c->session = session;
	if (c->state == CONN_OPEN)
		c->state = CONN_SHAKING;
}

void
conn_close(struct conn *c)
{
	if (c->fd == -1)
		return;
	conn_forget(c);
	if (c->transport->free != NULL)
		c->transport->free(c);
	event_del(&c->ev);
	close(c->fd);
	c->fd = -1;
	deadline_clear(&c->deadline);
	loop_again_cancel(c->loop, &c->again);
}

void
conn_abort(struct conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->fd == -1)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_close(c);
}

ssize_t
conn_read(struct conn *c, struct buf *in, size_t want)
{
	size_t room;
	char *to;
	ssize_t n;

	if (want >= READ_BLOCKS * BUF_ROOM && !c->was_short && !c->was_cut &&
	    in->n == 0 && c->transport == &transport_plain)
		return read_blocks(c, in);
	to = buf_reserve(in, 1, &room);

	if (room > want)
		room = want;
	n = c->transport->read(c, to, room);
	if (n == 0 && c->was_cut) {
		n = -1;
		errno = ECONNRESET;
	}
	if (n > 0) {
		buf_commit(in, (size_t)n);
		c->was_short = (size_t)n < room && !has_pending(c);
		return n;
	}
	buf_release(in);
	if (n == -1 && errno == EAGAIN)
		c->can_read = false;
	return n;
}

void
conn_drained(struct conn *c)
{
	if (c->was_short && !c->hangup)
		c->can_read = false;
}

/*
 * What is read after it is read anew: nobody knows whether it left anything.  A
 * wire's error is told once, and reading is to tell it: EINVAL is none.
 */
size_t
conn_splice(struct conn *to, struct conn *from, size_t most)
{
	struct pipe *p;
	ssize_t n;

	if (to->transport != &transport_plain ||
	    from->transport != &transport_plain || conn_unsent(to) > 0)
		return 0;
	p = pipe_take();
	if (p == NULL)
		return 0;
	n = pipe_fill(p, from->fd, most);
	if (n <= 0) {
		from->was_cut |= n == -1 && errno != EAGAIN && errno != EINVAL;
		pipe_give(p);
		return 0;
	}
	to->session = p;
	from->was_short = false;
	return (size_t)n;
}

size_t
conn_unsent(const struct conn *c)
{
	const struct pipe *p = pipe_of(c);

	return p == NULL ? c->out.n : p->n + c->out.n;
}

void
conn_forget(struct conn *c)
{
	if (pipe_of(c) != NULL)
		unpipe(c);
	buf_clear(&c->out);
}

int
conn_flush(struct conn *c)
{
	while (conn_unsent(c) > 0 && c->can_write) {
		ssize_t n = send_some(c);

		if (n == -1 && errno == EAGAIN) {
			c->can_write = false;
			return 0;
		}
		if (n == -1) {
			c->was_cut |= errno == ECONNRESET;
			return -1;
		}
		c->sent += (uint64_t)n;
	}
	if (conn_unsent(c) == 0 && c->shut) {
		c->shut = c->transport->shut(c) == -1 && errno == EAGAIN;
		c->ended = !c->shut;
	}
	return 0;
}

uint64_t
conn_taken(const struct conn *c)
{
	int held;

	if (ioctl(c->fd, SIOCOUTQ, &held) == -1 || held < 0)
		held = 0;
	return (uint64_t)held < c->sent ? c->sent - (uint64_t)held : 0;
}

bool
conn_is_reset(struct conn *c)
{
	int error = socket_error(c->fd);

	c->was_cut |= error == ECONNRESET;
	return error != 0 || c->was_cut;
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
}

void
conn_resume(struct conn *c)
{
	c->paused = false;
	if (c->can_read || has_pending(c))
		loop_again(c->loop, &c->again);
}

int
conn_shut(struct conn *c)
{
	c->shut = !c->ended;
	return conn_flush(c);
}

int
conn_send_flags(const struct conn *c)
{
	return c->shut ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
}

void
conn_deadline(struct conn *c, uint64_t after_ns)
{
	deadline_set(c->loop, &c->deadline, after_ns);
}

static int
conn_watch(struct conn *c)
{
	event_assign(&c->ev, loop_base(c->loop), c->fd,
	    EV_ET | EV_PERSIST | EV_READ | EV_WRITE | EV_CLOSED, conn_event, c);
	return event_add(&c->ev, NULL);
}

static void
conn_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	loop_now(c->loop);
	if (what & (EV_READ | EV_CLOSED))
		c->can_read = true;
	if (what & EV_CLOSED)
		c->hangup = true;
	if (what & EV_WRITE)
		c->can_write = true;
	conn_turn(c);
}

/* Go on with whatever is possible now; any callback may close the conn. */
static void
conn_turn(struct conn *c)
{
	if (c->state == CONN_CONNECTING && (c->can_write || c->can_read))
		finish_connect(c);
	if (c->fd != -1 && c->state == CONN_SHAKING)
		finish_shake(c);
	if (c->fd == -1 || c->state != CONN_OPEN)
		return;
	if ((conn_unsent(c) > 0 || c->shut) && c->can_write &&
	    flush_blocked(c)) {
		if (has_pending(c))
			c->can_read = true;
		c->ops->writable(c);
	}
	if (c->fd != -1 && c->can_read && !c->paused)
		c->ops->readable(c);
}

static void
conn_again(struct again *a)
{
	struct conn *c = CONTAINER_OF(a, struct conn, again);

	if (has_pending(c))
		c->can_read = true;
	conn_turn(c);
}

static void
conn_expired(struct deadline *d, bool stalled)
{
	struct conn *c = CONTAINER_OF(d, struct conn, deadline);

	c->ops->expired(c, stalled);
}

static void
finish_connect(struct conn *c)
{
	int error = socket_error(c->fd);

	if (error != 0) {
		c->ops->failed(c, error);
		return;
	}
	c->can_write = true;
	if (c->transport->shake != NULL) {
		c->state = CONN_SHAKING;
		return;
	}
	c->state = CONN_OPEN;
	c->ops->writable(c);
}

static void
finish_shake(struct conn *c)
{
	if (c->transport->shake(c) == 0) {
		c->state = CONN_OPEN;
		c->can_read = c->can_write = true;
		c->ops->writable(c);
	} else if (errno != EAGAIN)
		c->ops->failed(c, errno);
}

static int
socket_error(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		return errno;
	return error;
}

/* Where reads fill a block, more blocks are read at once. */
static ssize_t
read_blocks(struct conn *c, struct buf *in)
{
	struct buf parts[READ_BLOCKS] = { 0 };
	struct iovec iov[READ_BLOCKS];
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = READ_BLOCKS };
	size_t left;
	ssize_t n;

	for (unsigned i = 0; i < READ_BLOCKS; i++)
		iov[i].iov_base = buf_reserve(&parts[i], 1, &iov[i].iov_len);
	n = recvmsg(c->fd, &m, 0);
	left = n > 0 ? (size_t)n : 0;
	for (unsigned i = 0; i < READ_BLOCKS; i++) {
		size_t part = left < iov[i].iov_len ? left : iov[i].iov_len;

		buf_commit(&parts[i], part);
		buf_move(in, &parts[i], part);
		buf_release(&parts[i]);
		left -= part;
	}
	if (n > 0)
		c->was_short = (size_t)n < READ_BLOCKS * BUF_ROOM;
	else if (n == -1 && errno == EAGAIN)
		c->can_read = false;
	return n;
}

/* True when the kernel took some of what was blocked. */
static bool
flush_blocked(struct conn *c)
{
	uint64_t before = c->sent;

	if (conn_flush(c) == -1) {
		c->ops->failed(c, errno);
		return false;
	}
	return c->sent > before;
}

static ssize_t
send_some(struct conn *c)
{
	struct iovec iov[IOV_MOST];
	struct pipe *p = pipe_of(c);
	ssize_t n;

	if (p != NULL)
		return send_piped(c, p);
	n = c->transport->writev(c, iov, buf_iov(&c->out, iov, IOV_MOST));
	if (n > 0)
		buf_drop(&c->out, (size_t)n);
	return n;
}

static ssize_t
send_piped(struct conn *c, struct pipe *p)
{
	ssize_t n = pipe_drain(p, c->fd);

	if (p->n == 0)
		unpipe(c);
	return n;
}

static struct pipe *
pipe_of(const struct conn *c)
{
	return c->transport == &transport_plain ? c->session : NULL;
}

static void
unpipe(struct conn *c)
{
	pipe_give(c->session);
	c->session = NULL;
}

static void
socket_options(int fd, int family)
{
	int one = 1;

	if (family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static bool
has_pending(const struct conn *c)
{
	return c->transport->pending != NULL && c->transport->pending(c);
}

static ssize_t
plain_read(struct conn *c, void *to, size_t n)
{
	return recv(c->fd, to, n, 0);
}

/* One piece is the common case, and send(2) the cheaper call for it. */
static ssize_t
plain_writev(struct conn *c, const struct iovec *iov, int niov)
{
	int flags = conn_send_flags(c);
	struct msghdr m;

	if (niov == 1)
		return send(c->fd, iov->iov_base, iov->iov_len, flags);
	m = (struct msghdr){
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)niov,
	};
	return sendmsg(c->fd, &m, flags);
}

static int
plain_shut(struct conn *c)
{
	return shutdown(c->fd, SHUT_WR);
}
