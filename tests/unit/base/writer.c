/* base/writer: whole lines in files, whoever writes them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/poison.h"
#include "tests/lib/descriptors.h"
#include "tests/lib/team.h"
#include "tests/unit/base/writing.h"

TestSuite(writer, .init = writing_up, .fini = writing_down, .timeout = 60);

Test(writer, writes_what_was_put_in_order)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);

	cr_assert(put(r, "one\n"));
	cr_assert(put(r, "two\n"));
	UNTIL(size_of(path) == 8);
	cr_assert(put(r, "three\n"));
	writer_free(w);
	cr_assert_str_eq(content(path), "one\ntwo\nthree\n");
}

Test(writer, a_line_may_be_empty)
{
	struct writer *w = writer_new(path);

	put(writer_ring(w), "\n");
	writer_free(w);
	cr_assert_str_eq(content(path), "\n");
}

Test(writer, appends_to_a_file_that_is_there)
{
	struct writer *w = writer_new(path);

	put(writer_ring(w), "one\n");
	writer_free(w);
	w = writer_new(path);
	put(writer_ring(w), "two\n");
	writer_free(w);
	cr_assert_str_eq(content(path), "one\ntwo\n");
}

Test(writer, the_file_is_for_owner_and_group)
{
	struct stat st;

	umask(0);
	writer_free(writer_new(path));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0640);
}

Test(writer, says_why_it_cannot_open)
{
	errno = 0;
	cr_assert_null(writer_new("/nonexistent/log"));
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(symlink("/tmp/elsewhere", path), 0);
	cr_assert_null(writer_new(path));
	cr_assert_eq(errno, ELOOP);
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_null(writer_new(path), "nobody reads this fifo");
	cr_assert_eq(errno, ENXIO);
}

/* No thread without address space, no eventfd without a descriptor. */
Test(writer, leaves_nothing_open_when_it_cannot_start)
{
	int next = descriptors_next();
	struct rlimit usual, least;

	descriptors_end_at(next + 1);
	cr_assert_null(writer_new(path));
	cr_assert_eq(errno, EMFILE);
	descriptors_again();
	cr_assert_eq(descriptors_next(), next);
	if (POOL_MALLOC)
		return; /* ASan does not live without address space */
	getrlimit(RLIMIT_AS, &usual);
	least = (struct rlimit){ 1, usual.rlim_max };
	setrlimit(RLIMIT_AS, &least);
	cr_assert_null(writer_new(path));
	cr_assert_eq(errno, EAGAIN);
	setrlimit(RLIMIT_AS, &usual);
	cr_assert_eq(descriptors_next(), next);
}

Test(writer, free_does_not_wait_when_all_is_written)
{
	uint64_t fastest = UINT64_MAX, began, took;

	for (unsigned i = 0; i < 5; i++) {
		struct writer *w = writer_new(path);

		put(writer_ring(w), "line\n");
		began = clock_now();
		writer_free(w);
		took = clock_now() - began;
		fastest = took < fastest ? took : fastest;
	}
	cr_assert_lt(fastest, 500 * CLOCK_MS);
}

struct producer {
	struct ring *ring;
	int id;
};

static void *
produce(void *arg)
{
	struct producer *p = arg;
	char line[64];

	for (int i = 0; i < 20000; i++) {
		int n = snprintf(line, sizeof(line), "%d %d %.*s\n", p->id, i,
		    i % 30, "..............................");

		while (!ring_put(p->ring, line, (size_t)n))
			poll(NULL, 0, 1);
	}
	return NULL;
}

Test(writer, lines_of_four_threads_stay_whole)
{
	struct writer *w = writer_new(path);
	struct producer producers[4];
	int next[4] = { 0 }, id, i, at;
	char *line, *rest = NULL;

	for (int t = 0; t < 4; t++)
		producers[t] = (struct producer){ writer_ring(w), t };
	team_wait(team_start(4, produce, producers, sizeof(*producers)));
	writer_free(w);
	line = strtok_r(content(path), "\n", &rest);
	for (; line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		cr_assert_eq(sscanf(line, "%d %d %n", &id, &i, &at), 2);
		cr_assert_eq(i, next[id]++);
		cr_assert_eq((int)strlen(line + at), i % 30);
	}
	for (int t = 0; t < 4; t++)
		cr_assert_eq(next[t], 20000);
}

Test(writer, reopen_leaves_the_renamed_file_and_starts_another)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);

	put(r, "old\n");
	UNTIL(size_of(path) == 4);
	cr_assert_eq(rename(path, other), 0);
	put(r, "still old\n");
	UNTIL(size_of(other) == 14);
	writer_reopen(w);
	UNTIL(size_of(path) == 0);
	put(r, "new\n");
	writer_free(w);
	cr_assert_str_eq(content(other), "old\nstill old\n");
	cr_assert_str_eq(content(path), "new\n");
}

Test(writer, reopen_that_fails_keeps_the_old_file)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);

	rename(path, other);
	cr_assert_eq(mkdir(path, 0700), 0);
	writer_reopen(w);
	put(r, "one\n");
	UNTIL(size_of(other) == 4);
	poll(NULL, 0, 0);
	put(r, "two\n");
	writer_free(w);
	rmdir(path);
	cr_assert_str_eq(content(other), "one\ntwo\n");
}

Test(writer, a_line_larger_than_a_ring_is_dropped)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);
	static char line[256 * 1024 + 1];

	memset(line, 'x', sizeof(line));
	cr_assert_not(ring_put(r, line, sizeof(line)));
	cr_assert_eq(writer_dropped(w), 1);
	line[256 * 1024 - 1] = '\n';
	cr_assert(ring_put(r, line, 256 * 1024));
	writer_free(w);
	cr_assert_eq(size_of(path), 256 * 1024);
}

/* How often the flusher was rung for: in the place of the C library's. */
static atomic_uint bells;

int
eventfd_write(int fd, eventfd_t value)
{
	bells++;
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

/* Else each line would cost a system call, and a turn of the flusher. */
Test(writer, few_bytes_wait_for_the_flusher_s_next_turn)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);

	for (off_t i = 1; i <= 10; i++) {
		put(r, "x\n");
		UNTIL(size_of(path) == 2 * i);
	}
	cr_assert_eq(bells, 0);
	writer_free(w);
}

/* Half a ring wakes the flusher; it does not wait for its next turn. */
Test(writer, half_a_ring_wakes_the_flusher)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);
	static char line[128 * 1024];
	uint64_t fastest = UINT64_MAX;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (off_t i = 1; i <= 10; i++) {
		uint64_t began = clock_now(), took;

		ring_put(r, line, sizeof(line));
		cr_assert_geq(bells, 1);
		UNTIL(size_of(path) == i * (off_t)sizeof(line));
		took = clock_now() - began;
		fastest = took < fastest ? took : fastest;
	}
	cr_assert_lt(fastest, 60 * CLOCK_MS);
	writer_free(w);
}
