/*
 * What the kernel says of this very process.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats/process.h"
#include "stats/view.h"
#include "tests/lib/descriptors.h"

#define MANY (64u << 20)

Test(process, memory_grows_with_what_is_touched)
{
	struct view_process before, after;
	char *p;

	process_read(&before);
	p = malloc(MANY);
	cr_assert_not_null(p);
	memset(p, 1, MANY / 2);
	process_read(&after);
	cr_assert_geq(after.virtual_bytes, before.virtual_bytes + MANY);
	cr_assert_geq(
	    after.resident_bytes, before.resident_bytes + MANY / 2 - (1 << 20));
	cr_assert_leq(after.resident_bytes, before.resident_bytes + MANY);
	free(p);
}

/* Those below 200, by another way. */
static unsigned
descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 200; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			n++;
	return n;
}

Test(process, descriptors_are_counted_without_its_own)
{
	struct view_process before, after;
	int fd;

	descriptors_end_at(200);
	process_read(&before);
	cr_assert_eq(before.open_fds, descriptors());
	fd = dup(0);
	cr_assert_neq(fd, -1);
	process_read(&after);
	cr_assert_eq(after.open_fds, before.open_fds + 1);
	cr_assert_eq(after.max_fds, 200);
	(void)close(fd);
}

Test(process, what_cannot_be_read_is_zero)
{
	struct view_process p;

	descriptors_end_at(0);
	process_read(&p);
	descriptors_again();
	cr_assert_eq(p.open_fds, 0);
	cr_assert_eq(p.virtual_bytes, 0);
	cr_assert_eq(p.resident_bytes, 0);
}

Test(process, processor_time_grows)
{
	struct view_process before, after;
	volatile unsigned n = 0;

	process_read(&before);
	do {
		for (unsigned i = 0; i < 1000000; i++)
			n += i;
		process_read(&after);
	} while (after.cpu_seconds <= before.cpu_seconds);
	cr_assert_lt(after.cpu_seconds, 60, "counted to %u", n);
}
