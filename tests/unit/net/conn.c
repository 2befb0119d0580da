/* net/conn over loopback TCP: connecting and reading. */
#include <criterion/criterion.h>

#include <sys/ioctl.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/descriptors.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/connected.h"

TestSuite(conn, .init = connected_up, .fini = connected_down, .timeout = 60);

/* ---- connecting ----------------------------------------------------------- */

Test(conn, connects_and_says_so_once)
{
	int one = 0;
	socklen_t n = sizeof(one);

	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	cr_assert_eq(c.state, CONN_CONNECTING);
	cr_assert(!c.can_write);
	cr_assert(DRIVE_UNTIL(loop, owner.writables == 1));
	cr_assert_eq(c.state, CONN_OPEN);
	cr_assert(c.can_write);
	drive(loop, 5);
	cr_assert_eq(owner.writables, 1);
	cr_assert_eq(owner.readables + owner.failures + owner.expiries, 0);
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
		owner.failure = errno;
	else
		cr_assert(DRIVE_UNTIL(loop, owner.failures == 1));
	cr_assert_eq(owner.failure, ECONNREFUSED);
	cr_assert_eq(owner.writables + owner.readables, 0);
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
	cr_assert(DRIVE_UNTIL(loop, owner.expiries == 1));
	cr_assert_eq(c.state, CONN_CONNECTING);
	cr_assert(!owner.was_stalled);
	cr_assert_eq(owner.writables + owner.failures, 0);
	for (unsigned i = 0; i < 8; i++)
		close(full[i]);
}

Test(conn, a_deadline_of_nothing_is_none)
{
	open_conn();
	conn_deadline(&c, 10 * CLOCK_MS);
	conn_deadline(&c, 0);
	drive(loop, 30);
	cr_assert_eq(owner.expiries, 0);
}

Test(conn, what_cannot_even_begin_is_told_at_once)
{
	struct addr none = { .len = sizeof(none.u.un),
		.u.un = { AF_UNIX, "/nowhere/at/all" } };

	cr_assert_eq(conn_connect(&c, loop, &none, &ops, &c), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(c.fd, -1);
	descriptors_end_at(0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), -1);
	cr_assert_eq(errno, EMFILE);
	descriptors_again();
}

/* ---- reading ------------------------------------------------------------- */

Test(conn, bytes_wake_their_reader_once_for_each_edge)
{
	open_conn();
	say("hello");
	cr_assert(DRIVE_UNTIL(loop, owner.readables == 1));
	cr_assert(c.can_read);
	settle();
	cr_assert_eq(owner.readables, 1);
	owner.reads_all = true;
	say("!");
	cr_assert(DRIVE_UNTIL(loop, owner.in.n == 6));
	cr_assert(!c.can_read && !owner.at_end);
	cr_assert_eq(owner.failures + owner.writables, 0);
}

Test(conn, a_paused_reader_is_woken_when_it_resumes)
{
	open_conn();
	conn_pause(&c);
	say("hello");
	settle();
	cr_assert_eq(owner.readables, 0);
	cr_assert(c.can_read);
	conn_resume(&c);
	cr_assert_eq(owner.readables, 0, "not within the call");
	settle();
	cr_assert_eq(owner.readables, 1);
}

Test(conn, a_reader_that_resumes_to_nothing_is_not_woken)
{
	open_conn();
	conn_pause(&c);
	conn_resume(&c);
	settle();
	cr_assert_eq(owner.readables, 0);
	say("x");
	cr_assert(DRIVE_UNTIL(loop, owner.readables == 1));
}

Test(conn, a_read_takes_no_more_than_is_wanted)
{
	open_conn();
	say("hello");
	settle();
	cr_assert_eq(conn_read(&c, &owner.in, 2), 2);
	cr_assert_eq(owner.in.n, 2);
	cr_assert(!c.was_short);
	cr_assert_eq(conn_read(&c, &owner.in, 3), 3);
	cr_assert(!c.was_short, "who knows");
	conn_drained(&c);
	cr_assert(c.can_read);
	cr_assert_eq(conn_read(&c, &owner.in, 3), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert(!c.can_read);
	cr_assert_eq(owner.in.n, 5);
}

Test(conn, a_single_byte_is_read)
{
	open_conn();
	say("x");
	settle();
	cr_assert_eq(conn_read(&c, &owner.in, 6), 1);
	cr_assert_eq(owner.in.n, 1);
}

Test(conn, a_short_read_has_drained_the_socket)
{
	open_conn();
	say("hello");
	settle();
	cr_assert_eq(conn_read(&c, &owner.in, 6), 5);
	cr_assert(c.was_short && c.can_read);
	conn_drained(&c);
	cr_assert(!c.can_read);
	owner.reads_all = true;
	say("more");
	cr_assert(DRIVE_UNTIL(loop, owner.in.n == 9));
}

Test(conn, a_short_read_before_the_peers_end_has_not)
{
	open_conn();
	conn_pause(&c);
	say("hello");
	shutdown(peer, SHUT_WR);
	cr_assert(DRIVE_UNTIL(loop, c.hangup));
	cr_assert_eq(conn_read(&c, &owner.in, 6), 5);
	conn_drained(&c);
	cr_assert(c.can_read, "the end is still to be read");
	cr_assert_eq(conn_read(&c, &owner.in, 6), 0);
}

Test(conn, nothing_read_holds_no_block)
{
	open_conn();
	cr_assert_eq(conn_read(&c, &owner.in, 6), -1);
	cr_assert_eq(block_count().live_bytes, 0);
	shutdown(peer, SHUT_WR);
	cr_assert(DRIVE_UNTIL(loop, owner.readables > 0));
	cr_assert_eq(conn_read(&c, &owner.in, 6), 0);
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

Test(conn, a_reset_is_one_and_a_fin_is_none)
{
	open_conn();
	cr_assert(!conn_is_reset(&c));
	shutdown(peer, SHUT_WR);
	cr_assert(DRIVE_UNTIL(loop, owner.readables > 0));
	cr_assert(!conn_is_reset(&c));
	reset_by_peer();
	cr_assert(conn_is_reset(&c));
	cr_assert(DRIVE_UNTIL(loop, owner.readables > 1));
}

Test(conn, after_an_error_there_is_still_something_to_read)
{
	open_conn();
	c.transport = &transport_broken;
	c.can_read = true;
	cr_assert_eq(conn_read(&c, &owner.in, 6), -1);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert(c.can_read);
}

/* As long as reads are full, and nobody keeps what was read before. */
Test(conn, a_large_body_is_read_two_blocks_at_a_time)
{
	static char bytes[2 * BUF_ROOM + 3];
	struct buf in = { 0 };
	int there = 0;

	open_conn();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	cr_assert_eq(send(peer, bytes, sizeof(bytes), 0), sizeof(bytes));
	cr_assert(WAIT_FOR(10000,
	    ioctl(c.fd, FIONREAD, &there) == 0 && there == sizeof(bytes)));
	cr_assert_eq(conn_read(&c, &in, 2 * BUF_ROOM), 2 * BUF_ROOM);
	cr_assert(!c.was_short);
	cr_assert_eq(in.n, 2 * BUF_ROOM);
	cr_assert_eq(memcmp(buf_join(&in, in.n, 0), bytes, 2 * BUF_ROOM), 0);
	buf_clear(&in);
	cr_assert_eq(conn_read(&c, &in, 2 * BUF_ROOM), 3);
	cr_assert(c.was_short);
	buf_clear(&in);
	cr_assert_eq(conn_read(&c, &in, 2 * BUF_ROOM), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert(!c.can_read);
	cr_assert_eq(in.n, 0);
}
