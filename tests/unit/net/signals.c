/* net/signals: signals sent to this very process. */
#include <criterion/criterion.h>

#include <signal.h>
#include <unistd.h>

#include "net/signals.h"

#include "net/loop.h"
#include "tests/lib/drive.h"

static struct loop *loop;
static struct signals *signals;
static unsigned heard[NSIG];

static void
on_signal(void *arg, int signo)
{
	cr_assert_eq(arg, heard);
	heard[signo]++;
}

static void
set_up(void)
{
	/* the third is not meant */
	static const int signos[] = { SIGHUP, SIGUSR1, SIGUSR2 };

	loop = loop_new();
	signals_block(signos, 2);
	signals = signals_new(loop, signos, 2, on_signal, heard);
	cr_assert_not_null(signals);
}

static void
tear_down(void)
{
	signals_free(signals);
	loop_free(loop);
}

TestSuite(signals, .init = set_up, .fini = tear_down, .timeout = 60);

Test(signals, each_is_told_by_its_number)
{
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGUSR1);
	cr_assert_eq(heard[SIGHUP] + heard[SIGUSR1], 0, "in the loop alone");
	cr_assert(DRIVE_UNTIL(loop, heard[SIGHUP] + heard[SIGUSR1] == 2));
	cr_assert_eq(heard[SIGHUP], 1);
	kill(getpid(), SIGHUP);
	cr_assert(DRIVE_UNTIL(loop, heard[SIGHUP] == 2));
	cr_assert_eq(heard[SIGUSR1], 1);
}

Test(signals, all_that_wait_are_told_in_one_pass)
{
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGUSR1);
	drive_once(loop);
	cr_assert_eq(heard[SIGHUP] + heard[SIGUSR1], 2);
}

Test(signals, blocked_for_another_reason_stay_with_that)
{
	sigset_t other;

	sigemptyset(&other);
	sigaddset(&other, SIGUSR2);
	sigprocmask(SIG_BLOCK, &other, NULL);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGHUP);
	cr_assert(DRIVE_UNTIL(loop, heard[SIGHUP] == 1));
	cr_assert_eq(heard[SIGUSR2], 0);
}

static int caught;

static void
catch_it(int signo)
{
	caught = signo;
}

Test(signals, others_go_their_usual_way)
{
	signal(SIGUSR2, catch_it);
	kill(getpid(), SIGUSR2);
	cr_assert_eq(caught, SIGUSR2);
	drive(loop, 5);
	cr_assert_eq(heard[SIGUSR2], 0);
}
