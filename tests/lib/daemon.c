/*
 * The program under test as a child process.  Its files live in one directory
 * per test that an atexit handler removes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/bytes.h"
#include "tests/lib/child.h"
#include "tests/lib/daemon.h"
#include "tests/lib/wait.h"

enum { START_MS = 10000, LOG_MS = 10000, STOP_MS = 30000, PATHS = 16 };

static char *directories[PATHS];

static void remove_directories(void);
static int remove_entry(const char *, const struct stat *, int, struct FTW *);
static char *format(const char *, va_list);
static struct daemon *
spawn(char *directory, const char *const env[], const char *yaml);
static void become(const struct daemon *, char *const argv[],
    const char *const env[]) __attribute__((noreturn));
static void write_file(const char *path, const char *text);
static bool log_holds(struct daemon *, size_t from, const char *text);
static void must_be_ready(struct daemon *);
static void must_be_clean(struct daemon *);
static bool alive(struct daemon *);

char *
daemon_directory(void)
{
	const char *parent =
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char *path = keep_printf("%s/fairlead-test.XXXXXX", parent);
	unsigned i;

	cr_assert_not_null(mkdtemp(path), "mkdtemp: %s", strerror(errno));
	for (i = 0; i < PATHS && directories[i] != NULL; i++)
		;
	cr_assert_lt(i, PATHS);
	if (i == 0)
		atexit(remove_directories);
	directories[i] = path;
	return path;
}

struct daemon *
daemon_start(const char *yaml, ...)
{
	struct daemon *d;
	va_list ap;

	va_start(ap, yaml);
	d = spawn(daemon_directory(), NULL, format(yaml, ap));
	va_end(ap);
	must_be_ready(d);
	return d;
}

struct daemon *
daemon_start_in(char *directory, const char *const env[], const char *yaml, ...)
{
	struct daemon *d;
	va_list ap;

	va_start(ap, yaml);
	d = spawn(directory, env, format(yaml, ap));
	va_end(ap);
	must_be_ready(d);
	return d;
}

struct daemon *
daemon_try(char *directory, const char *const env[], const char *yaml, ...)
{
	struct daemon *d;
	va_list ap;

	va_start(ap, yaml);
	d = spawn(directory, env, format(yaml, ap));
	va_end(ap);
	return d;
}

/* The line is `listening on 127.0.0.1:43123 (http)', whatever is around it. */
int
daemon_port(struct daemon *d, const char *listener)
{
	char *name = keep_printf(" (%s)", listener), *log, *at;

	cr_assert(daemon_says(d, 0, name), "%s does not listen: %s", listener,
	    daemon_log(d));
	log = daemon_log(d);
	for (at = log; (at = strstr(at, "listening on ")) != NULL; at++) {
		char *end = at + strcspn(at, "\n");
		char *found = strstr(at, name);

		if (found == NULL || found > end)
			continue;
		*found = '\0';
		at = strrchr(at, ':');
		return at == NULL ? 0 : (int)strtol(at + 1, NULL, 10);
	}
	cr_assert_fail("no port of %s in: %s", listener, daemon_log(d));
	return -1;
}

bool
daemon_says(struct daemon *d, size_t from, const char *text)
{
	bool said = false;

	(void)WAIT_FOR(LOG_MS, (said = log_holds(d, from, text)) || !alive(d));
	return said || log_holds(d, from, text);
}

char *
daemon_log(struct daemon *d)
{
	return keep_file(d->log);
}

size_t
daemon_log_size(struct daemon *d)
{
	struct stat st;

	cr_assert_eq(stat(d->log, &st), 0);
	return (size_t)st.st_size;
}

void
daemon_write_config(struct daemon *d, const char *yaml, ...)
{
	va_list ap;

	va_start(ap, yaml);
	write_file(d->config, format(yaml, ap));
	va_end(ap);
}

void
daemon_signal(struct daemon *d, int signal)
{
	cr_assert_gt(d->pid, 0, "it has ended");
	cr_assert_eq(kill(d->pid, signal), 0);
}

void
daemon_reload(struct daemon *d, const char *yaml, ...)
{
	size_t from = daemon_log_size(d);
	va_list ap;

	va_start(ap, yaml);
	write_file(d->config, format(yaml, ap));
	va_end(ap);
	daemon_signal(d, SIGHUP);
	cr_assert(daemon_says(d, from, "reloaded "), "not reloaded: %s",
	    daemon_log(d) + from);
}

char *
daemon_reload_refused(struct daemon *d, const char *yaml, ...)
{
	size_t from = daemon_log_size(d);
	va_list ap;

	va_start(ap, yaml);
	write_file(d->config, format(yaml, ap));
	va_end(ap);
	daemon_signal(d, SIGHUP);
	cr_assert(
	    daemon_says(d, from, "The running configuration was not changed."),
	    "not refused: %s", daemon_log(d) + from);
	return daemon_log(d) + from;
}

int
daemon_wait(struct daemon *d, int ms)
{
	cr_assert(
	    WAIT_FOR(ms, !alive(d)), "it does not end: %s", daemon_log(d));
	return d->exit_status;
}

void
daemon_stop(struct daemon *d)
{
	int status;

	daemon_signal(d, SIGTERM);
	status = daemon_wait(d, STOP_MS);
	must_be_clean(d);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "wait status %#x: %s", (unsigned)status, daemon_log(d));
}

bool
daemon_is_sanitized(void)
{
	const char *san = getenv("FAIRLEAD_SAN");

	return san != NULL && *san != '\0';
}

long
daemon_rss(const struct daemon *d)
{
	char *status = keep_file(keep_printf("/proc/%d/status", d->pid));
	const char *at = strstr(status, "VmRSS:");

	cr_assert_not_null(at);
	return strtol(at + 6, NULL, 10);
}

static void
remove_directories(void)
{
	unsigned i;

	for (i = 0; i < PATHS && directories[i] != NULL; i++)
		nftw(directories[i], remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static char *
format(const char *fmt, va_list ap)
{
	char *text, *copy;
	int n = vasprintf(&text, fmt, ap);

	cr_assert_geq(n, 0);
	copy = keep_text(text, (size_t)n);
	free(text);
	return copy;
}

static struct daemon *
spawn(char *directory, const char *const env[], const char *yaml)
{
	static unsigned number;
	const char *program = getenv("FAIRLEAD_BIN");
	struct daemon *d = keep(sizeof *d);
	char *config = keep_printf("%s/fairlead.yaml", directory);
	char *argv[] = { keep_printf(
			     "%s", program != NULL ? program : "./fairlead"),
		keep_printf("-c"), config, NULL };

	d->directory = directory;
	d->config = config;
	d->log = keep_printf("%s/log.%u", directory, number);
	d->out = keep_printf("%s/out.%u", directory, number++);
	write_file(d->config, yaml);
	write_file(d->log, "");
	d->pid = fork();
	cr_assert_neq(d->pid, -1, "fork: %s", strerror(errno));
	if (d->pid == 0)
		become(d, argv, env);
	return d;
}

static void
become(const struct daemon *d, char *const argv[], const char *const env[])
{
	const char *san = getenv("FAIRLEAD_SAN");

	/* TSan cannot place its shadow where the kernel randomises widely. */
	if (san != NULL && strcmp(san, "thread") == 0)
		personality(ADDR_NO_RANDOMIZE);
	for (; env != NULL && env[0] != NULL; env += 2)
		setenv(env[0], env[1], 1);
	child_become(argv, d->out, d->log);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	fputs(text, f);
	cr_assert_eq(fclose(f), 0);
}

static bool
log_holds(struct daemon *d, size_t from, const char *text)
{
	char *log = daemon_log(d);
	bool holds = strlen(log) >= from && strstr(log + from, text) != NULL;

	keep_no_more(log);
	return holds;
}

static void
must_be_ready(struct daemon *d)
{
	cr_assert(
	    daemon_says(d, 0, "listening on "), "no start: %s", daemon_log(d));
	cr_assert(alive(d), "it ended at once: %s", daemon_log(d));
}

static void
must_be_clean(struct daemon *d)
{
	static const char *const reports[] = { "Sanitizer",
		"runtime error:", "detected memory leaks", "data race" };
	char *log = daemon_log(d);
	size_t i;

	for (i = 0; i < sizeof reports / sizeof *reports; i++)
		cr_assert_null(strstr(log, reports[i]), "%s", log);
}

static bool
alive(struct daemon *d)
{
	if (d->pid != 0 && waitpid(d->pid, &d->exit_status, WNOHANG) == d->pid)
		d->pid = 0;
	return d->pid != 0;
}
