/*
 * Running out of descriptors, and having them again.
 */
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/lib/descriptors.h"

static struct rlimit usual;

void
descriptors_end_at(int end)
{
	struct rlimit fewer;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	fewer = (struct rlimit){ (rlim_t)end, usual.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &fewer), 0);
}

void
descriptors_again(void)
{
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

int
descriptors_next(void)
{
	int fd = dup(STDIN_FILENO);

	cr_assert_neq(fd, -1);
	close(fd);
	return fd;
}
