/* net/listen: how much an acceptor takes, and when. */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/descriptors.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/listening.h"
#include "tests/unit/net/looped.h"

TestSuite(acceptor, .init = loop_up, .fini = loop_down, .timeout = 60);

static unsigned accepted;
static int accepted_fd;
static struct addr accepted_from;

static void
on_accept(void *arg, int fd, const struct addr *peer)
{
	cr_assert_eq(arg, &accepted);
	accepted++;
	accepted_from = *peer;
	if (accepted_fd > 0)
		close(accepted_fd);
	accepted_fd = fd;
}

static struct acceptor *
accept_on(int fd)
{
	return acceptor_new(loop, fd, on_accept, &accepted);
}

/* One on a port of its own. */
static struct acceptor *
open_acceptor(void)
{
	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	return accept_on(fds[0]);
}

Test(acceptor, an_acceptor_hands_over_who_comes)
{
	struct acceptor *a = open_acceptor();
	struct addr own = { .len = sizeof(own.u) };
	int one;

	one = client(&real);
	cr_assert(DRIVE_UNTIL(loop, accepted == 1));
	cr_assert_eq(getsockname(one, &own.u.sa, &own.len), 0);
	cr_assert(addr_equal(&own, &accepted_from));
	for (unsigned i = 2; i < 100; i++)
		close(client(&real));
	cr_assert(DRIVE_UNTIL(loop, accepted == 99));
	acceptor_free(a);
	cr_assert_eq(client(&real), -1, "it owned the socket");
	close(one);
}

Test(acceptor, nothing_small_waits_on_what_it_hands_over)
{
	struct acceptor *a = open_acceptor();
	int one = client(&real), no_delay = 0;
	socklen_t n = sizeof(no_delay);

	cr_assert(DRIVE_UNTIL(loop, accepted == 1));
	cr_assert_eq(
	    getsockopt(accepted_fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &n),
	    0);
	cr_assert(no_delay);
	acceptor_free(a);
	close(one);
}

Test(acceptor, an_acceptor_takes_what_is_queued_before_it_goes)
{
	struct acceptor *a = open_acceptor();
	int one;

	one = client(&real);
	acceptor_free(a);
	cr_assert_eq(accepted, 1);
	close(one);
}

Test(acceptor, a_paused_acceptor_accepts_nothing_until_its_time)
{
	struct acceptor *a = open_acceptor();
	int one;

	acceptor_pause(a, 3600 * CLOCK_S);
	one = client(&real);
	drive(loop, 20);
	cr_assert_eq(accepted, 0);
	acceptor_pause(a, 0);
	cr_assert(DRIVE_UNTIL(loop, accepted == 1));
	acceptor_pause(a, 10 * CLOCK_MS);
	close(one);
	one = client(&real);
	cr_assert(DRIVE_UNTIL(loop, accepted == 2), "it goes on by itself");
	acceptor_pause(a, 10 * CLOCK_MS);
	acceptor_free(a);
	close(one);
	drive(loop, 20);
}

Test(acceptor, out_of_descriptors_it_pauses_and_goes_on)
{
	struct acceptor *a = open_acceptor();
	int one;

	one = client(&real);
	descriptors_end_at(descriptors_next());
	drive(loop, 20);
	cr_assert_eq(accepted, 0);
	descriptors_again();
	cr_assert(DRIVE_UNTIL(loop, accepted == 1), "it goes on by itself");
	acceptor_free(a);
	close(one);
}

Test(acceptor, the_others_of_a_group_get_what_one_leaves)
{
	struct acceptor *a, *b;

	cr_assert_eq(prepare("127.0.0.1:0", 2), 0);
	a = accept_on(fds[0]);
	b = accept_on(fds[1]);
	listen_leave(fds[0]);
	for (unsigned i = 1; i <= 32; i++) {
		int one = client(&real);

		cr_assert_neq(one, -1);
		cr_assert(DRIVE_UNTIL(loop, accepted == i));
		close(one);
	}
	cr_assert_eq(option(fds[0], SO_ACCEPTCONN), 0);
	acceptor_listen(a);
	cr_assert_eq(option(fds[0], SO_ACCEPTCONN), 1);
	listen_leave(fds[1]);
	for (unsigned i = 33; i <= 40; i++) {
		int one = client(&real);

		cr_assert(DRIVE_UNTIL(loop, accepted == i));
		close(one);
	}
	acceptor_free(a);
	acceptor_free(b);
}

Test(acceptor, one_that_left_does_not_spin)
{
	struct acceptor *a = open_acceptor();
	uint64_t turns;

	listen_leave(fds[0]);
	drive(loop, 5);
	turns = loop_turns(loop);
	drive(loop, 30);
	cr_assert_leq(loop_turns(loop) - turns, 5);
	acceptor_free(a);
}

/* ---- many at once ------------------------------------------------------------ */

#define AT_ONCE 64 /* of one pass */
#define CROWD (AT_ONCE + 36)

static struct acceptor *acceptor;
static int crowd[CROWD];

/* A crowd has connected before the acceptor looks for the first time. */
static void
crowd_up(void)
{
	loop_up();
	acceptor = open_acceptor();
	for (unsigned i = 0; i < CROWD; i++)
		cr_assert_neq(crowd[i] = client(&real), -1);
}

static void
crowd_down(void)
{
	for (unsigned i = 0; i < CROWD; i++)
		close(crowd[i]);
	loop_down();
}

TestSuite(acceptor_crowd, .init = crowd_up, .fini = crowd_down, .timeout = 60);

Test(acceptor_crowd, a_crowd_leaves_the_others_of_the_loop_their_turn)
{
	drive_once(loop);
	cr_assert_eq(accepted, AT_ONCE);
	drive_once(loop);
	cr_assert_eq(accepted, CROWD);
	acceptor_free(acceptor);
}

Test(acceptor_crowd, a_whole_crowd_is_taken_before_it_goes)
{
	acceptor_free(acceptor);
	cr_assert_eq(accepted, CROWD);
}
