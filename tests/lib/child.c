/*
 * How a test's child becomes another program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/lib/child.h"

static void redirect(const char *path, int fd);

void
child_become(char *const argv[], const char *out, const char *err)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	redirect("/dev/null", STDIN_FILENO);
	redirect(out, STDOUT_FILENO);
	redirect(err, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void
redirect(const char *path, int fd)
{
	int opened;

	if (path == NULL)
		return;
	opened = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	if (opened == -1 || dup2(opened, fd) == -1)
		_exit(126);
	close(opened);
}
