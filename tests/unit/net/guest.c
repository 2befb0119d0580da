/* net/guest with a pair of sockets as the foreign library. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <unistd.h>

#include "net/guest.h"

#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/drive.h"

struct seen {
	unsigned reads, writes, timeouts;
	int fd;
	bool forget; /* the socket, in ready() */
};

static struct loop *loop;
static struct guest *guest;
static struct seen seen;
static int pair[2];

static void
on_ready(void *arg, int fd, bool can_read, bool can_write)
{
	struct seen *s = arg;

	s->fd = fd;
	s->reads += can_read;
	s->writes += can_write;
	if (s->forget)
		guest_want(guest, fd, false, false);
}

static void
on_timeout(void *arg)
{
	struct seen *s = arg;

	s->timeouts++;
}

static const struct guest_ops ops = {
	.ready = on_ready,
	.timeout = on_timeout,
};

static void
set_up(void)
{
	seen = (struct seen){ .fd = -1 };
	loop = loop_new();
	guest = guest_new(loop, &ops, &seen);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void
tear_down(void)
{
	guest_free(guest);
	close(pair[0]);
	close(pair[1]);
	loop_free(loop);
}

TestSuite(guest, .init = set_up, .fini = tear_down, .timeout = 60);

Test(guest, hears_of_what_it_wants_and_of_nothing_else)
{
	guest_want(guest, pair[0], true, false);
	drive(loop, 20);
	cr_assert_eq(seen.reads + seen.writes, 0);
	cr_assert_eq(write(pair[1], "x", 1), 1);
	cr_assert(DRIVE_UNTIL(loop, seen.reads > 0));
	cr_assert_eq(seen.fd, pair[0]);
	cr_assert_eq(seen.writes, 0);
	cr_assert(DRIVE_UNTIL(loop, seen.reads > 5), "until it was read");
	guest_want(guest, pair[0], false, true);
	seen.reads = 0;
	cr_assert(DRIVE_UNTIL(loop, seen.writes > 0));
	cr_assert_eq(seen.reads, 0);
	guest_want(guest, pair[0], true, true);
	cr_assert(DRIVE_UNTIL(loop, seen.reads > 0));
}

Test(guest, hears_no_more_of_a_forgotten_socket)
{
	guest_want(guest, pair[1], false, false);
	guest_want(guest, pair[0], false, true);
	seen.forget = true;
	cr_assert(DRIVE_UNTIL(loop, seen.writes > 0));
	drive(loop, 20);
	cr_assert_eq(seen.writes, 1);
}

Test(guest, several_sockets_are_told_apart)
{
	guest_want(guest, pair[0], true, false);
	guest_want(guest, pair[1], true, false);
	cr_assert_eq(write(pair[0], "x", 1), 1);
	cr_assert(DRIVE_UNTIL(loop, seen.reads > 0));
	cr_assert_eq(seen.fd, pair[1]);
	guest_want(guest, pair[1], false, false);
	cr_assert_eq(write(pair[1], "x", 1), 1);
	cr_assert(DRIVE_UNTIL(loop, seen.fd == pair[0]));
}

Test(guest, is_woken_when_it_asked_and_not_when_it_sleeps)
{
	guest_wake(guest, 3600 * CLOCK_S);
	guest_wake(guest, 1 * CLOCK_MS);
	cr_assert(DRIVE_UNTIL(loop, seen.timeouts == 1));
	drive(loop, 20);
	cr_assert_eq(seen.timeouts, 1);
	guest_wake(guest, 1 * CLOCK_MS);
	guest_sleep(guest);
	drive(loop, 20);
	cr_assert_eq(seen.timeouts, 1);
}
