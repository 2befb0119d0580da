/* A codec on a real conn with a scripted kernel. */
#include "tests/unit/http/h1_wire.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/h1_private.h"
#include "net/loop.h"
#include "tests/lib/drive.h"
#include "tests/unit/http/cuts.h"
#include "tests/unit/http/h1_heard.h"

static void on_idle(struct conn *);
static void on_nothing_to_do(struct conn *);
static void on_failed(struct conn *, int);
static void on_expired(struct conn *, bool);
static ssize_t scripted_read(struct conn *, void *, size_t);
static ssize_t scripted_writev(struct conn *, const struct iovec *, int);
static int scripted_shut(struct conn *);
static bool scripted_pending(const struct conn *);

static struct wire *wire; /* of this test's process */

static const struct conn_ops idle_ops = {
	.readable = on_idle,
	.writable = on_nothing_to_do,
	.failed = on_failed,
	.expired = on_expired,
};

static const struct transport scripted = {
	.read = scripted_read,
	.writev = scripted_writev,
	.shut = scripted_shut,
	.pending = scripted_pending,
};

/* ---- the idle conn ------------------------------------------------------ */

static bool serving;

void
wire_idle(struct wire *w)
{
	w->conn.ops = &idle_ops;
	w->conn.owner = w;
}

/* As a pool does: what is there to read was not asked for. */
static void
look_at_idle(struct conn *c)
{
	struct buf bytes = { 0 };

	if (conn_read(c, &bytes, 1) == -1 && errno == EAGAIN)
		return;
	buf_clear(&bytes);
	conn_close(c);
	hear(c->owner, "done close;");
}

static void
on_idle(struct conn *c)
{
	struct wire *w = c->owner;

	if (serving)
		h1_serve(c, &w->settings, false, &heard_server, w);
	else if (w->full)
		look_at_idle(c);
	else {
		hear(w, "unasked;");
		c->can_read = false;
	}
}

static void
on_nothing_to_do(struct conn *c)
{
	(void)c;
}

static void
on_failed(struct conn *c, int error)
{
	hear(c->owner, "idle failed %d;", error);
}

static void
on_expired(struct conn *c, bool stalled)
{
	(void)stalled;
	hear(c->owner, "idle expired;");
}

/* ---- the kernel --------------------------------------------------------- */

/* A record is read in as many pieces as its reader wants, and no two at once. */
static ssize_t
read_record(struct conn *c, void *to, size_t n)
{
	ssize_t got;

	if (wire->got == wire->records->n)
		return transport_plain.read(c, to, n);
	if (wire->got == wire->record)
		wire->record = cuts_end(wire->records, wire->got);
	if (n > wire->record - wire->got)
		n = wire->record - wire->got;
	got = transport_plain.read(c, to, n);
	if (got > 0)
		wire->got += (size_t)got;
	return got;
}

static ssize_t
scripted_read(struct conn *c, void *to, size_t n)
{
	wire->reads++;
	if (wire->records != NULL)
		return read_record(c, to, n);
	if (!wire->flood)
		return transport_plain.read(c, to, n);
	memset(to, 'x', n);
	wire->flooded += n;
	return (ssize_t)n;
}

static ssize_t
scripted_writev(struct conn *c, const struct iovec *iov, int niov)
{
	struct iovec some[64];
	size_t n = 0;
	ssize_t sent;
	int i;

	if (wire->write_error != 0) {
		errno = wire->write_error;
		return -1;
	}
	for (i = 0; i < niov && n < wire->takes; i++) {
		some[i] = iov[i];
		if (some[i].iov_len > wire->takes - n)
			some[i].iov_len = wire->takes - n;
		n += some[i].iov_len;
	}
	if (n == 0) {
		errno = EAGAIN;
		return -1;
	}
	sent = transport_plain.writev(c, some, i);
	if (sent > 0 && wire->takes != SIZE_MAX)
		wire->takes -= (size_t)sent;
	if (wire->sends++ == 0 && sent > 0)
		wire->first_send = (size_t)sent;
	return sent;
}

static int
scripted_shut(struct conn *c)
{
	return transport_plain.shut(c);
}

static bool
scripted_pending(const struct conn *c)
{
	int n = 0;

	return wire->records != NULL && ioctl(c->fd, FIONREAD, &n) == 0 &&
	    n > 0;
}

/* ---- life --------------------------------------------------------------- */

static void
tcp_pair(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(l, (struct sockaddr *)&at, n), 0);
	cr_assert_eq(listen(l, 1), 0);
	cr_assert_eq(getsockname(l, (struct sockaddr *)&at, &n), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(fds[1], (struct sockaddr *)&at, n), 0);
	fds[0] = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_neq(fds[0], -1);
	close(l);
}

static void
begin(struct wire *w, struct loop *loop, bool tcp)
{
	int fds[2];

	*w = (struct wire){
		.settings = {
			.limits = { 4096, 1024, 20 },
			.head_ns = WIRE_HEAD_NS,
			.idle_ns = WIRE_IDLE_NS,
		},
		.loop = loop,
		.takes = SIZE_MAX,
	};
	wire = w;
	serving = false;
	if (tcp)
		tcp_pair(fds);
	else
		cr_assert_eq(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
		    0);
	w->fd = fds[1];
	cr_assert_eq(conn_open(&w->conn, loop, fds[0], &idle_ops, w), 0);
	w->conn.transport = &scripted;
}

static void
end(struct wire *w)
{
	w->react = NULL;
	h1_drop(&w->conn);
	conn_close(&w->conn);
	if (w->fd != -1)
		close(w->fd);
	wire_turn(w);
	h1_pool_fini();
	cr_assert_eq(block_count().live_bytes, 0, "blocks leak");
	block_pool_fini();
}

void
wire_open(struct wire *w, bool tcp)
{
	begin(w, loop_new(), tcp);
}

void
wire_renew(struct wire *w)
{
	end(w);
	begin(w, w->loop, false);
}

void
wire_close(struct wire *w)
{
	end(w);
	loop_free(w->loop);
}

void
wire_serve(struct wire *w)
{
	(void)w;
	serving = true;
}

void
wire_ask(struct wire *w, bool reused)
{
	w->stream = h1_ask(&w->conn, &w->settings, reused, &heard_client, w);
	w->stream->sink = &heard_sink;
	w->stream->arg = w;
}

/* ---- time --------------------------------------------------------------- */

void
wire_turn(struct wire *w)
{
	drive_once(w->loop);
}

/* Grows with all that a turn may do. */
static uint64_t
doings(const struct wire *w)
{
	return w->n + w->reads + w->sends + w->conn.sent;
}

/* What one turn makes ready, the next one does: so two must be quiet. */
void
wire_settle(struct wire *w)
{
	unsigned quiet = 0;

	while (quiet < 2) {
		uint64_t before = doings(w);

		wire_turn(w);
		quiet = doings(w) == before ? quiet + 1 : 0;
	}
}

enum wire_wait
wire_waits(struct wire *w)
{
	uint64_t now = clock_now();

	if (w->conn.fd == -1 || w->conn.deadline.list == NULL)
		return WAITS_NOT;
	return w->conn.deadline.at - now > WIRE_IDLE_NS ? WAITS_FOR_HEAD
							: WAITS_IDLE;
}

const struct buf *
wire_bytes(struct wire *w)
{
	return &((struct h1 *)w->conn.owner)->bytes;
}

static struct pace *
pace_of(struct wire *w)
{
	struct h1 *h = w->conn.owner;

	return h->wait == WAIT_TAKE ? &h->take_pace : &h->body_pace;
}

uint64_t
wire_due(struct wire *w)
{
	return pace_of(w)->due;
}

void
wire_wasted(struct wire *w, uint64_t ns)
{
	pace_of(w)->due -= ns;
}

void
wire_expire(struct wire *w, bool stalled)
{
	cr_assert_not_null(w->conn.deadline.list, "no deadline is set");
	deadline_clear(&w->conn.deadline);
	pace_of(w)->due = 0;
	w->conn.deadline.fire(&w->conn.deadline, stalled);
	wire_settle(w);
}

/* ---- the test's end ----------------------------------------------------- */

void
wire_say_n(struct wire *w, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t sent = send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent == -1)
			cr_assert_eq(errno, EAGAIN);
		else {
			p += sent;
			n -= (size_t)sent;
		}
		wire_settle(w);
	}
}

void
wire_say(struct wire *w, const char *bytes)
{
	wire_say_n(w, bytes, strlen(bytes));
}

const char *
wire_read(struct wire *w)
{
	size_t n = 0;
	ssize_t got;

	while ((got = recv(w->fd, w->bytes + n, sizeof(w->bytes) - 1 - n,
		    MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	w->bytes[n] = '\0';
	w->eof = w->eof || got == 0;
	w->reset = w->reset || (got == -1 && errno == ECONNRESET);
	return w->bytes;
}

void
wire_fin(struct wire *w)
{
	cr_assert_eq(shutdown(w->fd, SHUT_WR), 0);
	wire_settle(w);
}

void
wire_rst_unheard(struct wire *w)
{
	struct linger now = { 1, 0 };
	struct pollfd p = { w->conn.fd, 0, 0 };

	cr_assert_eq(
	    setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(w->fd);
	w->fd = -1;
	cr_assert_eq(poll(&p, 1, 10000), 1); /* it has come */
}

void
wire_rst(struct wire *w)
{
	wire_rst_unheard(w);
	wire_settle(w);
}

void
wire_unblock(struct wire *w, size_t n)
{
	w->takes = n;
	w->conn.can_write = true;
	loop_again(w->loop, &w->conn.again);
	wire_settle(w);
}

const char *
wire_words(struct wire *w)
{
	static char words[sizeof(w->heard)];

	memcpy(words, w->heard, w->n);
	words[w->n] = '\0';
	w->n = 0;
	w->in_body = false;
	return words;
}

bool
wire_heard_until(struct wire *w, const char *words)
{
	size_t n = strlen(words);
	bool heard =
	    DRIVE_UNTIL(w->loop, w->n == n && memcmp(w->heard, words, n) == 0);

	wire_words(w);
	return heard;
}

bool
wire_ends(struct wire *w)
{
	return WAIT_FOR(10000, (wire_read(w), w->eof || w->reset));
}

bool
wire_is_reset(struct wire *w)
{
	return wire_ends(w) && w->reset && !w->eof;
}

/* ---- what is said ------------------------------------------------------- */

struct head
wire_response(unsigned status, enum framing framing, uint64_t length)
{
	return (struct head){ .status = status,
		.reason = TEXT("R"),
		.version = HTTP_1_1,
		.framing = framing,
		.length = length,
		.keep_alive = true };
}

struct head
wire_request(enum method method, enum framing framing, uint64_t length)
{
	return (struct head){ .method = method,
		.method_name = text_of(method_label(method)),
		.path = TEXT("/p"),
		.authority = TEXT("h"),
		.version = HTTP_1_1,
		.framing = framing,
		.length = length };
}

void
wire_put_head(struct wire *w, struct head head, bool last)
{
	w->stream->ops->head(w->stream, &head, last);
}

void
wire_put(struct wire *w, const char *body, bool last)
{
	struct buf b = { 0 };

	buf_append(&b, body, strlen(body));
	w->stream->ops->body(w->stream, &b, last);
	cr_assert_eq(b.n, 0, "the codec takes all bytes");
}

void
wire_put_n(struct wire *w, size_t n, bool last)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_append(&b, "y", 1);
	w->stream->ops->body(w->stream, &b, last);
}

void
wire_put_tail(struct wire *w, const char *name, const char *value)
{
	struct field f = { text_of(name), text_of(value), TOKEN_OTHER, false };
	struct fields trailers = { &f, 1, 1, 1u << TOKEN_OTHER };

	w->stream->ops->tail(w->stream, &trailers);
}

void
wire_took(struct wire *w, size_t n)
{
	w->stream->ops->took(w->stream, n);
}
