/* net/conn over loopback TCP, with a scripted transport where it matters. */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/conn.h"

#include "base/addr.h"
#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/drive.h"

static struct loop *loop;
static struct conn c;
static int peer = -1, listener = -1;
static struct addr at;

/* What the owner heard. */
static unsigned readables, writables, failures, expiries;
static int failure;
static bool was_stalled;
static void (*on_writable_do)(void);
static bool reads_all; /* readable() reads to the end into `in' */
static struct buf in;
static bool at_end;

static void
on_readable(struct conn *conn)
{
	ssize_t n;

	cr_assert_eq(conn, &c);
	readables++;
	if (!reads_all)
		return;
	while ((n = conn_read(conn, &in, BUF_ROOM)) > 0)
		;
	at_end = n == 0;
}

static void
on_writable(struct conn *conn)
{
	cr_assert_eq(conn, &c);
	writables++;
	if (on_writable_do != NULL)
		on_writable_do();
}

static void
on_failed(struct conn *conn, int error)
{
	cr_assert_eq(conn, &c);
	failures++;
	failure = error;
}

static void
on_expired(struct conn *conn, bool stalled)
{
	cr_assert_eq(conn, &c);
	expiries++;
	was_stalled = stalled;
}

static const struct conn_ops ops = {
	.readable = on_readable,
	.writable = on_writable,
	.failed = on_failed,
	.expired = on_expired,
};

static void
set_up(void)
{
	loop = loop_new();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	at = (struct addr){ .len = sizeof(at.u.in),
		.u.in = { .sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	cr_assert_eq(bind(listener, &at.u.sa, at.len), 0);
	cr_assert_eq(getsockname(listener, &at.u.sa, &at.len), 0);
	c.fd = -1;
}

static void
tear_down(void)
{
	conn_close(&c);
	buf_clear(&in);
	cr_assert_eq(block_count().live_bytes, 0, "blocks leak");
	block_pool_fini();
	if (peer != -1)
		close(peer);
	if (listener != -1)
		close(listener);
	loop_free(loop);
}

TestSuite(conn, .init = set_up, .fini = tear_down, .timeout = 60);

/* Let what is ready happen. */
static void
settle(void)
{
	for (int i = 0; i < 4; i++)
		drive_once(loop);
}

/* An open conn, as an accepted one, with its peer. */
static void
open_conn(void)
{
	int fd;

	cr_assert_eq(listen(listener, 1), 0);
	peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(peer, &at.u.sa, at.len), 0);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_neq(fd, -1);
	cr_assert_eq(conn_open(&c, loop, fd, &ops, &c), 0);
	settle();
}

static void
say(const char *bytes)
{
	struct pollfd p = { c.fd, POLLIN, 0 };

	cr_assert_eq(
	    send(peer, bytes, strlen(bytes), 0), (ssize_t)strlen(bytes));
	cr_assert_eq(poll(&p, 1, 10000), 1);
}

/* ---- connecting ----------------------------------------------------------- */

Test(conn, connects_and_says_so_once)
{
	int one = 0;
	socklen_t n = sizeof(one);

	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	cr_assert_eq(c.state, CONN_CONNECTING);
	cr_assert(!c.can_write);
	cr_assert(DRIVE_UNTIL(loop, writables == 1));
	cr_assert_eq(c.state, CONN_OPEN);
	cr_assert(c.can_write);
	drive(loop, 5);
	cr_assert_eq(writables, 1);
	cr_assert_eq(readables + failures + expiries, 0);
	cr_assert_eq(getsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, &n), 0);
	cr_assert_neq(one, 0);
}

Test(conn, bytes_that_wait_for_the_connection_go_out_with_it)
{
	char bytes[8];

	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	buf_append(&c.out, "hello", 5);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert_eq(c.sent, 0, "not before");
	cr_assert(DRIVE_UNTIL(loop, c.sent == 5));
	peer = accept(listener, NULL, NULL);
	cr_assert_eq(recv(peer, bytes, sizeof(bytes), 0), 5);
}

Test(conn, a_refused_connect_is_told_with_its_reason)
{
	if (conn_connect(&c, loop, &at, &ops, &c) == -1)
		failure = errno;
	else
		cr_assert(DRIVE_UNTIL(loop, failures == 1));
	cr_assert_eq(failure, ECONNREFUSED);
	cr_assert_eq(writables + readables, 0);
}

Test(conn, a_connect_that_hangs_ends_by_its_deadline)
{
	int full[8];

	cr_assert_eq(listen(listener, 0), 0);
	for (unsigned i = 0; i < 8; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(full[i], &at.u.sa, at.len);
	}
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	conn_deadline(&c, 30 * CLOCK_MS);
	cr_assert(DRIVE_UNTIL(loop, expiries == 1));
	cr_assert_eq(c.state, CONN_CONNECTING);
	cr_assert(!was_stalled);
	cr_assert_eq(writables + failures, 0);
	for (unsigned i = 0; i < 8; i++)
		close(full[i]);
}

Test(conn, a_deadline_of_nothing_is_none)
{
	open_conn();
	conn_deadline(&c, 10 * CLOCK_MS);
	conn_deadline(&c, 0);
	drive(loop, 30);
	cr_assert_eq(expiries, 0);
}

Test(conn, what_cannot_even_begin_is_told_at_once)
{
	struct addr none = { .len = sizeof(none.u.un),
		.u.un = { AF_UNIX, "/nowhere/at/all" } };
	struct rlimit limit, saved;

	cr_assert_eq(conn_connect(&c, loop, &none, &ops, &c), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(c.fd, -1);
	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), -1);
	cr_assert_eq(errno, EMFILE);
	setrlimit(RLIMIT_NOFILE, &saved);
}

/* ---- reading ------------------------------------------------------------- */

Test(conn, bytes_wake_their_reader_once_for_each_edge)
{
	open_conn();
	say("hello");
	cr_assert(DRIVE_UNTIL(loop, readables == 1));
	cr_assert(c.can_read);
	settle();
	cr_assert_eq(readables, 1);
	reads_all = true;
	say("!");
	cr_assert(DRIVE_UNTIL(loop, in.n == 6));
	cr_assert(!c.can_read && !at_end);
	cr_assert_eq(failures + writables, 0);
}

Test(conn, a_paused_reader_is_woken_when_it_resumes)
{
	open_conn();
	conn_pause(&c);
	say("hello");
	settle();
	cr_assert_eq(readables, 0);
	cr_assert(c.can_read);
	conn_resume(&c);
	cr_assert_eq(readables, 0, "not within the call");
	settle();
	cr_assert_eq(readables, 1);
}

Test(conn, a_reader_that_resumes_to_nothing_is_not_woken)
{
	open_conn();
	conn_pause(&c);
	conn_resume(&c);
	settle();
	cr_assert_eq(readables, 0);
	say("x");
	cr_assert(DRIVE_UNTIL(loop, readables == 1));
}

Test(conn, a_read_takes_no_more_than_is_wanted)
{
	open_conn();
	say("hello");
	settle();
	cr_assert_eq(conn_read(&c, &in, 2), 2);
	cr_assert_eq(in.n, 2);
	cr_assert(!c.was_short);
	cr_assert_eq(conn_read(&c, &in, 3), 3);
	cr_assert(!c.was_short, "who knows");
	conn_drained(&c);
	cr_assert(c.can_read);
	cr_assert_eq(conn_read(&c, &in, 3), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert(!c.can_read);
	cr_assert_eq(in.n, 5);
}

Test(conn, a_single_byte_is_read)
{
	open_conn();
	say("x");
	settle();
	cr_assert_eq(conn_read(&c, &in, 6), 1);
	cr_assert_eq(in.n, 1);
}

Test(conn, a_short_read_has_drained_the_socket)
{
	open_conn();
	say("hello");
	settle();
	cr_assert_eq(conn_read(&c, &in, 6), 5);
	cr_assert(c.was_short && c.can_read);
	conn_drained(&c);
	cr_assert(!c.can_read);
	reads_all = true;
	say("more");
	cr_assert(DRIVE_UNTIL(loop, in.n == 9));
}

Test(conn, a_short_read_before_the_peers_end_has_not)
{
	open_conn();
	conn_pause(&c);
	say("hello");
	shutdown(peer, SHUT_WR);
	cr_assert(DRIVE_UNTIL(loop, c.hangup));
	cr_assert_eq(conn_read(&c, &in, 6), 5);
	conn_drained(&c);
	cr_assert(c.can_read, "the end is still to be read");
	cr_assert_eq(conn_read(&c, &in, 6), 0);
}

Test(conn, nothing_read_holds_no_block)
{
	open_conn();
	cr_assert_eq(conn_read(&c, &in, 6), -1);
	cr_assert_eq(block_count().live_bytes, 0);
	shutdown(peer, SHUT_WR);
	cr_assert(DRIVE_UNTIL(loop, readables > 0));
	cr_assert_eq(conn_read(&c, &in, 6), 0);
	cr_assert_eq(block_count().live_bytes, 0);
}

static ssize_t
broken_read(struct conn *conn, void *to, size_t n)
{
	(void)conn;
	(void)to;
	(void)n;
	errno = ECONNRESET;
	return -1;
}

static const struct transport transport_broken = {
	.read = broken_read,
};

static void
reset_by_peer(void)
{
	struct linger now = { 1, 0 };
	struct pollfd p = { c.fd, 0, 0 };

	setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(peer);
	peer = -1;
	cr_assert_eq(poll(&p, 1, 10000), 1);
}

Test(conn, a_reset_is_one_and_a_fin_is_none)
{
	open_conn();
	cr_assert(!conn_is_reset(&c));
	shutdown(peer, SHUT_WR);
	cr_assert(DRIVE_UNTIL(loop, readables > 0));
	cr_assert(!conn_is_reset(&c));
	reset_by_peer();
	cr_assert(conn_is_reset(&c));
	cr_assert(DRIVE_UNTIL(loop, readables > 1));
}

Test(conn, after_an_error_there_is_still_something_to_read)
{
	open_conn();
	c.transport = &transport_broken;
	c.can_read = true;
	cr_assert_eq(conn_read(&c, &in, 6), -1);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert(c.can_read);
}

/* ---- writing ------------------------------------------------------------- */

#define MUCH (8u << 20)

static void
fill(size_t n)
{
	char bytes[1000];

	memset(bytes, 'x', sizeof(bytes));
	for (; n >= sizeof(bytes); n -= sizeof(bytes))
		buf_append(&c.out, bytes, sizeof(bytes));
	buf_append(&c.out, bytes, n);
}

static size_t
drain(void)
{
	static char bytes[1 << 16];
	size_t n = 0;
	ssize_t got;

	while ((got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	if (got == 0)
		at_end = true;
	return n;
}

Test(conn, what_the_kernel_refuses_goes_when_there_is_room)
{
	size_t got = 0;

	open_conn();
	fill(MUCH);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert(!c.can_write);
	cr_assert_gt(c.out.n, 0);
	cr_assert_eq(c.sent + c.out.n, MUCH);
	cr_assert_gt(c.sent, 16 * BLOCK_BYTES, "more than one call sends");
	settle();
	cr_assert_eq(writables, 0);
	cr_assert(DRIVE_UNTIL(loop, (got += drain()) == MUCH));
	cr_assert_geq(writables, 1, "each time some went");
	cr_assert_eq(c.sent, MUCH);
	cr_assert_eq(c.out.n, 0);
	drive(loop, 5);
	cr_assert(c.can_write);
}

Test(conn, our_end_is_shut_behind_the_last_byte)
{
	size_t got = 0;

	open_conn();
	fill(MUCH);
	cr_assert_eq(conn_flush(&c), 0);
	conn_shut(&c);
	cr_assert(c.shut);
	cr_assert(DRIVE_UNTIL(loop, (got += drain(), at_end)));
	cr_assert_eq(got, MUCH);
	cr_assert(!c.shut);
}

Test(conn, our_end_is_shut_at_once_when_nothing_waits)
{
	open_conn();
	conn_shut(&c);
	cr_assert(!c.shut);
	cr_assert(WAIT_FOR(10000, (drain(), at_end)));
	say("the other half is open");
	reads_all = true;
	cr_assert(DRIVE_UNTIL(loop, in.n == 22));
}

static bool
peer_sees(int error)
{
	char byte;
	ssize_t n;

	cr_assert(WAIT_FOR(10000,
	    (n = recv(peer, &byte, 1, MSG_DONTWAIT)) == 0 || errno != EAGAIN));
	return error == 0 ? n == 0 : n == -1 && errno == error;
}

Test(conn, a_close_is_a_fin)
{
	open_conn();
	conn_close(&c);
	cr_assert_eq(c.fd, -1);
	cr_assert(peer_sees(0));
}

Test(conn, an_abort_is_a_reset)
{
	open_conn();
	conn_abort(&c);
	cr_assert_eq(c.fd, -1);
	cr_assert(peer_sees(ECONNRESET));
	conn_abort(&c); /* no harm */
	conn_close(&c);
}

Test(conn, a_closed_conn_is_heard_of_no_more)
{
	open_conn();
	fill(MUCH);
	conn_flush(&c);
	conn_deadline(&c, 1 * CLOCK_MS);
	conn_pause(&c);
	say("x");
	settle();
	conn_resume(&c);
	conn_close(&c);
	cr_assert_eq(c.out.n, 0);
	cr_assert(!c.again.listed);
	cr_assert_null(c.deadline.list);
	drive(loop, 10);
	cr_assert_eq(readables + writables + failures + expiries, 0);
}

static void
close_it(void)
{
	conn_close(&c);
}

Test(conn, an_owner_may_close_it_from_what_it_hears)
{
	on_writable_do = close_it;
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	c.can_read = true; /* that is not heard any more */
	cr_assert(DRIVE_UNTIL(loop, writables == 1));
	cr_assert_eq(readables, 0);
}

Test(conn, an_owner_may_close_it_as_its_bytes_go)
{
	open_conn();
	fill(MUCH);
	conn_flush(&c);
	c.can_read = true; /* that is not heard any more */
	on_writable_do = close_it;
	cr_assert(DRIVE_UNTIL(loop, (drain(), writables == 1)));
	cr_assert_eq(readables, 0);
}

Test(conn, a_wire_that_breaks_under_blocked_bytes_is_told)
{
	open_conn();
	conn_pause(&c);
	fill(MUCH);
	conn_flush(&c);
	reset_by_peer();
	cr_assert(DRIVE_UNTIL(loop, failures == 1));
	cr_assert(failure == ECONNRESET || failure == EPIPE);
	cr_assert_eq(writables, 0);
}

Test(conn, a_wire_that_breaks_is_told_by_the_flush)
{
	open_conn();
	reset_by_peer();
	conn_is_reset(&c); /* takes the socket's error */
	fill(1);
	cr_assert_eq(conn_flush(&c), -1);
	cr_assert_eq(errno, EPIPE);
}

/* ---- transports with more to them ------------------------------------------ */

static int shake_errno; /* 0: done */
static unsigned shakes, freed;
static bool is_pending;
static int shut_errno;
static unsigned shuts;

static ssize_t
script_read(struct conn *conn, void *to, size_t n)
{
	return transport_plain.read(conn, to, n);
}

static ssize_t
script_writev(struct conn *conn, const struct iovec *iov, int niov)
{
	return transport_plain.writev(conn, iov, niov);
}

static int
script_shake(struct conn *conn)
{
	(void)conn;
	shakes++;
	errno = shake_errno;
	return shake_errno == 0 ? 0 : -1;
}

static int
script_shut(struct conn *conn)
{
	(void)conn;
	shuts++;
	errno = shut_errno;
	return shut_errno == 0 ? 0 : -1;
}

static bool
script_pending(const struct conn *conn)
{
	(void)conn;
	return is_pending;
}

static void
script_free(struct conn *conn)
{
	cr_assert_neq(conn->fd, -1, "before the socket");
	freed++;
}

static const struct transport script = {
	.read = script_read,
	.writev = script_writev,
	.shake = script_shake,
	.shut = script_shut,
	.pending = script_pending,
	.free = script_free,
};

Test(conn, an_accepted_conn_shakes_before_it_is_open)
{
	open_conn();
	conn_secure(&c, &script, &script_read);
	cr_assert_eq(c.state, CONN_SHAKING);
	cr_assert_eq(c.session, &script_read);
	shake_errno = EAGAIN;
	say("x");
	cr_assert(DRIVE_UNTIL(loop, shakes == 1));
	cr_assert_eq(c.state, CONN_SHAKING);
	cr_assert_eq(readables + writables, 0);
	shake_errno = 0;
	c.can_write = c.can_read = false;
	say("y");
	cr_assert(DRIVE_UNTIL(loop, writables == 1));
	cr_assert_eq(c.state, CONN_OPEN);
	cr_assert_eq(readables, 1, "what came with it is read");
	cr_assert(c.can_write && c.can_read);
	settle();
	cr_assert_eq(shakes, 2);
}

Test(conn, what_came_with_the_handshake_is_read_without_an_edge)
{
	open_conn();
	conn_secure(&c, &script, NULL);
	c.can_read = c.can_write = false;
	loop_again(loop, &c.again);
	settle();
	cr_assert_eq(writables, 1);
	cr_assert_eq(readables, 1);
	cr_assert(c.can_read && c.can_write);
}

Test(conn, a_connected_conn_shakes_before_it_is_open)
{
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	conn_secure(&c, &script, NULL);
	cr_assert_eq(c.state, CONN_CONNECTING);
	shake_errno = EAGAIN;
	cr_assert(DRIVE_UNTIL(loop, c.state == CONN_SHAKING));
	cr_assert_eq(shakes, 1);
	cr_assert_eq(writables, 0);
	shake_errno = 0;
	peer = accept(listener, NULL, NULL);
	say("x");
	cr_assert(DRIVE_UNTIL(loop, writables == 1));
	cr_assert_eq(c.state, CONN_OPEN);
}

Test(conn, a_handshake_that_fails_is_told)
{
	open_conn();
	conn_secure(&c, &script, NULL);
	shake_errno = EPROTO;
	say("x");
	cr_assert(DRIVE_UNTIL(loop, failures == 1));
	cr_assert_eq(failure, EPROTO);
	cr_assert_eq(readables + writables, 0);
}

Test(conn, a_session_is_freed_with_its_conn)
{
	open_conn();
	conn_secure(&c, &script, NULL);
	conn_close(&c);
	conn_close(&c);
	cr_assert_eq(freed, 1);
}

Test(conn, bytes_that_wait_in_the_transport_are_not_forgotten)
{
	open_conn();
	c.transport = &script;
	conn_pause(&c);
	say("hello");
	settle();
	is_pending = true;
	cr_assert_eq(conn_read(&c, &in, 6), 5);
	cr_assert(!c.was_short);
	conn_drained(&c);
	cr_assert(c.can_read);
	cr_assert_eq(conn_read(&c, &in, 6), -1);
	cr_assert(!c.can_read);
	conn_resume(&c);
	settle();
	cr_assert_eq(readables, 1);
	is_pending = false;
	cr_assert_eq(conn_read(&c, &in, 6), -1);
	conn_resume(&c);
	settle();
	cr_assert_eq(readables, 1);
}

Test(conn, a_flush_leaves_our_end_open)
{
	open_conn();
	c.transport = &script;
	fill(1);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert_eq(c.out.n, 0);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert_eq(shuts, 0);
}

Test(conn, a_shut_that_found_no_room_is_tried_again)
{
	open_conn();
	c.transport = &script;
	shut_errno = EAGAIN;
	conn_shut(&c);
	cr_assert(c.shut);
	cr_assert_eq(shuts, 1);
	shut_errno = 0;
	c.can_write = true;
	loop_again(loop, &c.again);
	settle();
	cr_assert_eq(shuts, 2);
	cr_assert(!c.shut);
	cr_assert_eq(writables, 0);
}

Test(conn, a_shut_that_fails_is_over)
{
	open_conn();
	c.transport = &script;
	shut_errno = EPIPE;
	conn_shut(&c);
	cr_assert(!c.shut);
}
