/*
 * Real servers as child processes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/bytes.h"
#include "tests/lib/child.h"
#include "tests/lib/client.h"
#include "tests/lib/peer.h"
#include "tests/lib/wait.h"

enum { START_MS = 30000, ARGUMENTS = 16 };

static bool is_up(struct peer *);
static void replace(struct bytes *, const char *name, const char *value);

int
port_hold(int *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	socklen_t n = sizeof in;

	cr_assert_neq(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	cr_assert_eq(bind(fd, (struct sockaddr *)&in, n), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

struct peer *
peer_new(const char *name, char *directory)
{
	struct peer *p = keep(sizeof *p);

	p->name = name;
	p->directory = directory;
	p->out = keep_printf("%s/%s.out", directory, name);
	p->log = keep_printf("%s/%s.log", directory, name);
	p->holder = port_hold(&p->port);
	return p;
}

void
peer_run(struct peer *p, const char *program, ...)
{
	char *argv[ARGUMENTS + 1] = { keep_printf("%s", program) };
	unsigned n = 0;
	va_list ap;

	va_start(ap, program);
	while (argv[n] != NULL) {
		cr_assert_lt(n, ARGUMENTS);
		argv[++n] = va_arg(ap, char *);
	}
	va_end(ap);
	p->pid = fork();
	cr_assert_neq(p->pid, -1, "fork: %s", strerror(errno));
	if (p->pid == 0)
		child_become(argv, p->out, p->log);
	cr_assert(WAIT_FOR(START_MS, is_up(p)), "%s does not start: %s",
	    p->name, keep_file(p->log));
}

char *
peer_file(struct peer *p, const char *path, ...)
{
	const char *root = getenv("FAIRLEAD_ROOT"), *name;
	const char *base = strrchr(path, '/');
	char *from = keep_printf("%s/%s", root == NULL ? "." : root, path);
	char *to = keep_printf("%s/%s", p->directory, base + 1);
	struct bytes text = { 0 };
	va_list ap;
	FILE *f;

	bytes_printf(&text, "%s", keep_file(from));
	cr_assert_gt(text.n, 0, "no %s", from);
	va_start(ap, path);
	while ((name = va_arg(ap, const char *)) != NULL)
		replace(&text, name, va_arg(ap, const char *));
	va_end(ap);
	f = fopen(to, "we");
	cr_assert_not_null(f, "%s: %s", to, strerror(errno));
	fputs(text.p, f);
	cr_assert_eq(fclose(f), 0);
	return to;
}

void
peer_stop(struct peer *p)
{
	cr_assert_eq(kill(p->pid, SIGKILL), 0);
	cr_assert_eq(waitpid(p->pid, NULL, 0), p->pid);
	close(p->holder);
}

static bool
is_up(struct peer *p)
{
	struct client c = { .fd = -1 };
	bool connected;

	cr_assert_eq(waitpid(p->pid, NULL, WNOHANG), 0, "%s ended: %s", p->name,
	    keep_file(p->log));
	connected = client_connect(&c, p->port);
	client_close(&c);
	return connected;
}

static void
replace(struct bytes *text, const char *name, const char *value)
{
	struct bytes done = { 0 };
	char *at, *rest = text->p;

	for (; (at = strstr(rest, name)) != NULL; rest = at + strlen(name)) {
		bytes_add(&done, rest, (size_t)(at - rest));
		bytes_printf(&done, "%s", value);
	}
	bytes_printf(&done, "%s", rest);
	bytes_free(text);
	*text = done;
}
