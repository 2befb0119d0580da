/* net/conn with a transport that is a script: more than bytes to and fro. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/connected.h"

TestSuite(conn_transport, .init = connected_up, .fini = connected_down,
    .timeout = 60);

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

Test(conn_transport, an_accepted_conn_shakes_before_it_is_open)
{
	open_conn();
	conn_secure(&c, &script, &script_read);
	cr_assert_eq(c.state, CONN_SHAKING);
	cr_assert_eq(c.session, &script_read);
	shake_errno = EAGAIN;
	say("x");
	cr_assert(DRIVE_UNTIL(loop, shakes == 1));
	cr_assert_eq(c.state, CONN_SHAKING);
	cr_assert_eq(owner.readables + owner.writables, 0);
	shake_errno = 0;
	c.can_write = c.can_read = false;
	say("y");
	cr_assert(DRIVE_UNTIL(loop, owner.writables == 1));
	cr_assert_eq(c.state, CONN_OPEN);
	cr_assert_eq(owner.readables, 1, "what came with it is read");
	cr_assert(c.can_write && c.can_read);
	settle();
	cr_assert_eq(shakes, 2);
}

Test(conn_transport, what_came_with_the_handshake_is_read_without_an_edge)
{
	open_conn();
	conn_secure(&c, &script, NULL);
	c.can_read = c.can_write = false;
	loop_again(loop, &c.again);
	settle();
	cr_assert_eq(owner.writables, 1);
	cr_assert_eq(owner.readables, 1);
	cr_assert(c.can_read && c.can_write);
}

Test(conn_transport, a_connected_conn_shakes_before_it_is_open)
{
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	conn_secure(&c, &script, NULL);
	cr_assert_eq(c.state, CONN_CONNECTING);
	shake_errno = EAGAIN;
	cr_assert(DRIVE_UNTIL(loop, c.state == CONN_SHAKING));
	cr_assert_eq(shakes, 1);
	cr_assert_eq(owner.writables, 0);
	shake_errno = 0;
	peer = accept(listener, NULL, NULL);
	say("x");
	cr_assert(DRIVE_UNTIL(loop, owner.writables == 1));
	cr_assert_eq(c.state, CONN_OPEN);
}

Test(conn_transport, a_handshake_that_fails_is_told)
{
	open_conn();
	conn_secure(&c, &script, NULL);
	shake_errno = EPROTO;
	say("x");
	cr_assert(DRIVE_UNTIL(loop, owner.failures == 1));
	cr_assert_eq(owner.failure, EPROTO);
	cr_assert_eq(owner.readables + owner.writables, 0);
}

Test(conn_transport, a_session_is_freed_with_its_conn)
{
	open_conn();
	conn_secure(&c, &script, NULL);
	conn_close(&c);
	conn_close(&c);
	cr_assert_eq(freed, 1);
}

Test(conn_transport, bytes_that_wait_in_the_transport_are_not_forgotten)
{
	open_conn();
	c.transport = &script;
	conn_pause(&c);
	say("hello");
	settle();
	is_pending = true;
	cr_assert_eq(conn_read(&c, &owner.in, 6), 5);
	cr_assert(!c.was_short);
	conn_drained(&c);
	cr_assert(c.can_read);
	cr_assert_eq(conn_read(&c, &owner.in, 6), -1);
	cr_assert(!c.can_read);
	conn_resume(&c);
	settle();
	cr_assert_eq(owner.readables, 1);
	is_pending = false;
	cr_assert_eq(conn_read(&c, &owner.in, 6), -1);
	conn_resume(&c);
	settle();
	cr_assert_eq(owner.readables, 1);
}

/* A transport may have to send before it can read on. */
Test(conn_transport, bytes_that_waited_for_room_are_read_when_there_is_some)
{
	static char bytes[1 << 16];

	open_conn();
	c.transport = &script;
	fill(8u << 20);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert(!c.can_write);
	cr_assert_eq(conn_read(&c, &owner.in, 1), -1);
	settle();
	owner.readables = 0;
	is_pending = true;
	cr_assert(DRIVE_UNTIL(loop,
	    (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT),
		owner.writables > 0)));
	cr_assert_geq(owner.readables, 1);
	is_pending = false;
}

Test(conn_transport, a_flush_leaves_our_end_open)
{
	open_conn();
	c.transport = &script;
	fill(1);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert_eq(c.out.n, 0);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert_eq(shuts, 0);
}

Test(conn_transport, a_shut_that_found_no_room_is_tried_again)
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
	cr_assert_eq(owner.writables, 0);
}

Test(conn_transport, a_shut_that_fails_is_over)
{
	open_conn();
	c.transport = &script;
	shut_errno = EPIPE;
	conn_shut(&c);
	cr_assert(!c.shut);
}
