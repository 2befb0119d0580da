/*
 * The process itself: one, in the foreground, with as many workers as asked
 * for, that notices when one of them stands still.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

#ifdef SYS_epoll_wait
#define EPOLL_WAIT SYS_epoll_wait
#else
#define EPOLL_WAIT SYS_epoll_pwait
#endif

TestSuite(process, .timeout = 120);

static struct daemon *
serve(int workers)
{
	return daemon_start(
	    "workers: %d\n"
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ path: \"/*\", respond: { status: 204 } }]\n",
	    workers);
}

/* Its threads of that name's beginning; the last one's id. */
static unsigned
threads(struct daemon *d, const char *name, pid_t *last)
{
	char *path = keep_printf("/proc/%d/task", d->pid);
	DIR *tasks = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	cr_assert_not_null(tasks);
	while ((e = readdir(tasks)) != NULL) {
		if (strncmp(
			keep_file(keep_printf("%s/%s/comm", path, e->d_name)),
			name, strlen(name)) != 0)
			continue;
		*last = (pid_t)strtol(e->d_name, NULL, 10);
		n++;
	}
	closedir(tasks);
	return n;
}

static void
must_answer(struct daemon *d)
{
	cr_assert_eq(get(daemon_port(d, "http"), "/", "")->status, 204);
}

Test(process, there_are_as_many_workers_as_asked_for)
{
	struct daemon *d = serve(3);
	pid_t last;

	cr_assert(WAIT_FOR(5000, threads(d, "worker", &last) == 3));
	cr_assert_eq(
	    json_array_size(json_object_get(daemon_stats(d), "workers")), 3);
	daemon_stop(d);
}

Test(process, descriptors_are_raised_to_the_hard_limit)
{
	struct daemon *d = serve(1);
	char *limits = keep_file(keep_printf("/proc/%d/limits", d->pid));
	char *line = strstr(limits, "Max open files"), *hard;
	unsigned long soft;

	cr_assert_not_null(line);
	soft = strtoul(line + strlen("Max open files"), &hard, 10);
	cr_assert_eq(soft, strtoul(hard, NULL, 10));
	daemon_stop(d);
}

Test(process, usr2_and_pipe_change_nothing)
{
	struct daemon *d = serve(1);

	daemon_signal(d, SIGUSR2);
	cr_assert(daemon_says(d, 0, "SIGUSR2"));
	daemon_signal(d, SIGPIPE);
	must_answer(d);
	daemon_stop(d);
}

static bool
is_waiting(struct daemon *d, pid_t thread)
{
	char *call =
	    keep_file(keep_printf("/proc/%d/task/%d/syscall", d->pid, thread));
	long number = strtol(call, NULL, 10);

	return number == SYS_epoll_pwait || number == EPOLL_WAIT;
}

/* Hold it while it is at work, not while it waits for work. */
static void
hold_at_work(struct daemon *d, pid_t thread)
{
	unsigned i;

	for (i = 0; i < 1000; i++) {
		cr_assert_eq(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
		cr_assert_eq(waitpid(thread, NULL, __WALL), thread);
		if (!is_waiting(d, thread))
			return;
		cr_assert_eq(ptrace(PTRACE_CONT, thread, NULL, NULL), 0);
		wait_breathe();
	}
	cr_assert_fail("it never works");
}

/* Where it is held it may have a lock that the others need to tell of it. */
static bool
is_named(struct daemon *d, pid_t worker)
{
	unsigned i;

	for (i = 0; i < 5; i++) {
		hold_at_work(d, worker);
		if (WAIT_FOR(
			15000, strstr(daemon_log(d), "has not turned") != NULL))
			return true;
		cr_assert_eq(ptrace(PTRACE_CONT, worker, NULL, NULL), 0);
	}
	return false;
}

/*
 * A debugger's hold on one thread is the only way to stop it alone; where the
 * kernel forbids that there is nothing to see.
 */
Test(process, a_worker_that_stands_still_is_named_and_relieved)
{
	struct daemon *d = serve(2);
	struct load *l;
	pid_t worker;
	unsigned i;

	cr_assert(WAIT_FOR(5000, threads(d, "worker", &worker) == 2));
	if (ptrace(PTRACE_SEIZE, worker, NULL, NULL) == -1)
		cr_skip_test("no ptrace here");
	l = load_start(&(struct load_plan){ .port = daemon_port(d, "http"),
	    .connections = 16,
	    .opaque = true });
	cr_assert(is_named(d, worker), "%s", daemon_log(d));
	for (i = 0; i < 20; i++)
		must_answer(d);
	cr_assert_eq(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
	(void)load_stop(l);
	daemon_stop(d);
}
