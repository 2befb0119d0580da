/* net/listen: how much an acceptor takes, and when. */
#include <criterion/criterion.h>

#include <sys/resource.h>
#include <sys/socket.h>

#include <unistd.h>

#include "net/listen.h"

#include "net/loop.h"
#include "tests/lib/drive.h"

#define AT_ONCE 64 /* of one pass */
#define CROWD (AT_ONCE + 36)

static struct loop *loop;
static struct acceptor *acceptor;
static struct addr real;
static int crowd[CROWD];
static unsigned accepted;

static void
on_accept(void *arg, int fd, const struct addr *peer)
{
	cr_assert_eq(arg, &accepted);
	cr_assert_eq(peer->u.sa.sa_family, AF_INET);
	accepted++;
	close(fd);
}

/* A crowd has connected before the acceptor looks for the first time. */
static void
set_up(void)
{
	struct listen_error error;
	struct endpoint at;
	const char *why;
	int fd;

	cr_assert_eq(endpoint_parse(TEXT("127.0.0.1:0"), &at, &why), 0);
	cr_assert_eq(listen_prepare(&at, &fd, 1, &real, &error), 0);
	loop = loop_new();
	acceptor = acceptor_new(loop, fd, on_accept, &accepted);
	for (unsigned i = 0; i < CROWD; i++) {
		crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert_eq(connect(crowd[i], &real.u.sa, real.len), 0);
	}
}

static void
tear_down(void)
{
	for (unsigned i = 0; i < CROWD; i++)
		close(crowd[i]);
	loop_free(loop);
}

TestSuite(acceptor, .init = set_up, .fini = tear_down, .timeout = 60);

Test(acceptor, a_crowd_leaves_the_others_of_the_loop_their_turn)
{
	drive_once(loop);
	cr_assert_eq(accepted, AT_ONCE);
	drive_once(loop);
	cr_assert_eq(accepted, CROWD);
	acceptor_free(acceptor);
}

Test(acceptor, a_whole_crowd_is_taken_before_it_goes)
{
	acceptor_free(acceptor);
	cr_assert_eq(accepted, CROWD);
}
