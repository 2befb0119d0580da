/* net/conn over loopback TCP: writing, and how it ends. */
#include <criterion/criterion.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>

#include "base/clock.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/connected.h"

TestSuite(
    conn_write, .init = connected_up, .fini = connected_down, .timeout = 60);

#define MUCH (8u << 20)

static size_t
drain(void)
{
	static char bytes[1 << 16];
	size_t n = 0;
	ssize_t got;

	while ((got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	if (got == 0)
		owner.at_end = true;
	return n;
}

Test(conn_write, what_the_kernel_refuses_goes_when_there_is_room)
{
	size_t got = 0;

	open_conn();
	fill(MUCH);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert(!c.can_write, "asked again until it refuses");
	cr_assert_gt(c.out.n, 0);
	cr_assert_eq(c.sent + c.out.n, MUCH);
	settle();
	cr_assert_eq(owner.writables, 0);
	cr_assert(DRIVE_UNTIL(loop, (got += drain()) == MUCH));
	cr_assert_geq(owner.writables, 1, "each time some went");
	cr_assert_eq(c.sent, MUCH);
	cr_assert_eq(c.out.n, 0);
	drive(loop, 5);
	cr_assert(c.can_write);
}

Test(conn_write, our_end_is_shut_behind_the_last_byte)
{
	size_t got = 0;

	open_conn();
	fill(MUCH);
	cr_assert_eq(conn_flush(&c), 0);
	conn_shut(&c);
	cr_assert(c.shut);
	cr_assert(DRIVE_UNTIL(loop, (got += drain(), owner.at_end)));
	cr_assert_eq(got, MUCH);
	cr_assert(!c.shut);
}

static unsigned
packets_to_peer(void)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof(info);

	cr_assert_eq(getsockopt(peer, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
	return info.tcpi_segs_in;
}

Test(conn_write, our_end_goes_with_the_last_bytes)
{
	unsigned before;

	open_conn();
	before = packets_to_peer();
	fill(2000);
	cr_assert_eq(conn_shut(&c), 0);
	cr_assert(WAIT_FOR(10000, (drain(), owner.at_end)));
	cr_assert_eq(packets_to_peer(), before + 1);
}

Test(conn_write, our_end_is_sent_once)
{
	unsigned before;

	open_conn();
	cr_assert_eq(conn_shut(&c), 0);
	cr_assert(WAIT_FOR(10000, (drain(), owner.at_end)));
	before = packets_to_peer();
	cr_assert_eq(conn_shut(&c), 0);
	cr_assert(!c.shut);
	cr_assert_eq(packets_to_peer(), before);
}

Test(conn_write, our_end_is_shut_at_once_when_nothing_waits)
{
	open_conn();
	conn_shut(&c);
	cr_assert(!c.shut);
	cr_assert(WAIT_FOR(10000, (drain(), owner.at_end)));
	say("the other half is open");
	owner.reads_all = true;
	cr_assert(DRIVE_UNTIL(loop, owner.in.n == 22));
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

Test(conn_write, a_close_is_a_fin)
{
	open_conn();
	conn_close(&c);
	cr_assert_eq(c.fd, -1);
	cr_assert(peer_sees(0));
}

Test(conn_write, an_abort_is_a_reset)
{
	open_conn();
	conn_abort(&c);
	cr_assert_eq(c.fd, -1);
	cr_assert(peer_sees(ECONNRESET));
	conn_abort(&c); /* no harm */
	conn_close(&c);
}

Test(conn_write, a_closed_conn_is_heard_of_no_more)
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
	cr_assert(!again_is_listed(&c.again));
	cr_assert_null(c.deadline.list);
	drive(loop, 10);
	cr_assert_eq(
	    owner.readables + owner.writables + owner.failures + owner.expiries,
	    0);
}

static void
close_it(void)
{
	conn_close(&c);
}

Test(conn_write, an_owner_may_close_it_from_what_it_hears)
{
	owner.on_writable_do = close_it;
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(conn_connect(&c, loop, &at, &ops, &c), 0);
	c.can_read = true; /* that is not heard any more */
	cr_assert(DRIVE_UNTIL(loop, owner.writables == 1));
	cr_assert_eq(owner.readables, 0);
}

Test(conn_write, an_owner_may_close_it_as_its_bytes_go)
{
	open_conn();
	fill(MUCH);
	conn_flush(&c);
	c.can_read = true; /* that is not heard any more */
	owner.on_writable_do = close_it;
	cr_assert(DRIVE_UNTIL(loop, (drain(), owner.writables == 1)));
	cr_assert_eq(owner.readables, 0);
}

Test(conn_write, a_wire_that_breaks_under_blocked_bytes_is_told)
{
	open_conn();
	conn_pause(&c);
	fill(MUCH);
	conn_flush(&c);
	reset_by_peer();
	cr_assert(DRIVE_UNTIL(loop, owner.failures == 1));
	cr_assert(owner.failure == ECONNRESET || owner.failure == EPIPE);
	cr_assert_eq(owner.writables, 0);
}

Test(conn_write, a_reset_that_it_heard_of_is_left_for_reading_too)
{
	open_conn();
	reset_by_peer();
	fill(1);
	cr_assert_eq(conn_flush(&c), -1);
	cr_assert_eq(errno, ECONNRESET);
	conn_forget(&c);
	cr_assert_eq(conn_read(&c, &owner.in, 6), -1);
	cr_assert_eq(errno, ECONNRESET);
}

Test(conn_write, a_wire_that_breaks_is_told_by_the_flush)
{
	open_conn();
	reset_by_peer();
	conn_is_reset(&c); /* takes the socket's error */
	fill(1);
	cr_assert_eq(conn_flush(&c), -1);
	cr_assert_eq(errno, EPIPE);
}
