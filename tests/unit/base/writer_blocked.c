/* base/writer: outputs that take nothing for a while, fail and come back. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/base/writing.h"

TestSuite(
    writer_blocked, .init = writing_up, .fini = writing_down, .timeout = 60);

Test(writer_blocked, stdout_is_descriptor_1)
{
	struct writer *w;
	int saved = dup(STDOUT_FILENO);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	dup2(fd, STDOUT_FILENO);
	close(fd);
	w = writer_new("stdout");
	put(writer_ring(w), "one\n");
	writer_reopen(w);
	writer_free(w);
	cr_assert_eq(write(STDOUT_FILENO, "mine\n", 5), 5, "1 stays open");
	dup2(saved, STDOUT_FILENO);
	cr_assert_str_eq(content(path), "one\nmine\n");
}

/* Run a writer on that descriptor as stdout until `line' can be read. */
static void
write_to_stdout(int out, int in, const char *line)
{
	int saved = dup(STDOUT_FILENO);
	struct pollfd p = { .fd = in, .events = POLLIN };
	struct writer *w;
	char got[100];

	dup2(out, STDOUT_FILENO);
	w = writer_new("stdout");
	put(writer_ring(w), line);
	cr_assert_eq(poll(&p, 1, 20000), 1);
	cr_assert_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
	writer_free(w);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	cr_assert_eq(read(in, got, sizeof(got)), (ssize_t)strlen(line));
	cr_assert_eq(memcmp(got, line, strlen(line)), 0);
	close(in);
	close(out);
}

Test(writer_blocked, stdout_may_be_a_pipe_or_a_socket_and_keeps_its_flags)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	write_to_stdout(ends[1], ends[0], "through a pipe\n");
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	write_to_stdout(ends[1], ends[0], "through a socket\n");
}

Test(writer_blocked, a_full_socket_holds_up_the_flusher_alone)
{
	int ends[2], saved = dup(STDOUT_FILENO);
	struct writer *w;
	uint64_t began;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	dup2(ends[1], STDOUT_FILENO);
	w = writer_new("stdout");
	for (struct ring *r = writer_ring(w); fill(r) > 0;)
		poll(NULL, 0, 150);
	began = clock_now();
	writer_free(w);
	cr_assert_lt(clock_now() - began, 5 * CLOCK_S);
	dup2(saved, STDOUT_FILENO);
	close(ends[0]);
	close(ends[1]);
}

/* A fifo that nobody empties: read end, non-blocking, smallest size. */
static int
blocked_fifo(void)
{
	int fd;

	cr_assert_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	fcntl(fd, F_SETPIPE_SZ, 4096);
	return fd;
}

static size_t
drain(int fd, char *to, size_t most)
{
	size_t n = 0;
	ssize_t got;

	while (n < most && (got = read(fd, to + n, most - n)) > 0)
		n += (size_t)got;
	return n;
}

static void
check_lines(const char *p, size_t n, size_t length)
{
	cr_assert_eq(n % length, 0);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(p[i], i % length == length - 1 ? '\n' : 'x');
}

Test(writer_blocked, a_full_pipe_costs_lines_but_nobody_waits)
{
	static char got[1000000];
	int fd = blocked_fifo();
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);
	unsigned accepted = 0, more;
	size_t n = 0;

	cr_assert_eq(writer_dropped(w), 0);
	do {
		more = fill(r);
		accepted += more;
		poll(NULL, 0, 200);
	} while (more > 0);
	cr_assert_geq(accepted, 256 * 1024 / 100);
	cr_assert_geq(writer_dropped(w), 1);
	UNTIL((n += drain(fd, got + n, sizeof(got) - n)) == accepted * 100);
	check_lines(got, n, 100);
	cr_assert(put(r, "clean\n"));
	writer_free(w);
	n = drain(fd, got, sizeof(got));
	cr_assert_eq(n, 6);
	cr_assert_eq(memcmp(got, "clean\n", 6), 0);
	close(fd);
}

Test(writer_blocked, drops_are_counted_line_by_line_over_all_rings)
{
	int fd = blocked_fifo();
	struct writer *w = writer_new(path);
	struct ring *a = writer_ring(w), *b = writer_ring(w);
	uint64_t before;

	for (int i = 0; i < 3; i++) {
		fill(a);
		fill(b);
		poll(NULL, 0, 150);
	}
	while (fill(a) + fill(b) > 0)
		continue;
	before = writer_dropped(w);
	cr_assert_geq(before, 2);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(fill(a), 0);
	cr_assert_eq(fill(b), 0);
	cr_assert_eq(writer_dropped(w), before + 6);
	writer_free(w);
	close(fd);
}

Test(writer_blocked, free_does_not_wait_for_a_blocked_pipe)
{
	int fd = blocked_fifo();
	struct writer *w = writer_new(path);
	uint64_t began;

	fill(writer_ring(w));
	poll(NULL, 0, 200);
	began = clock_now();
	writer_free(w);
	cr_assert_lt(clock_now() - began, 5 * CLOCK_S);
	close(fd);
}

/* Reads all there is until nobody writes any more. */
static void *
read_on(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };
	static char got[100000];
	size_t n = 0;

	while (poll(&p, 1, 20000) == 1 && (p.revents & POLLIN) != 0)
		n += drain(p.fd, got + n, sizeof(got) - n);
	return (void *)n;
}

/* Four times what the pipe holds: the last words take several turns. */
Test(writer_blocked, what_waits_at_the_end_is_written_if_it_is_read)
{
	int fd = blocked_fifo();
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);
	static char line[16384];
	pthread_t reader;
	void *n;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	cr_assert(ring_put(r, line, sizeof(line)));
	poll(NULL, 0, 250); /* the pipe is full */
	pthread_create(&reader, NULL, read_on, &fd);
	writer_free(w);
	pthread_join(reader, &n);
	cr_assert_eq((size_t)n, sizeof(line));
	close(fd);
}

Test(writer_blocked, a_reader_that_went_away_kills_nobody)
{
	int fd = blocked_fifo();
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);
	char got[100];

	signal(SIGPIPE, SIG_DFL);
	close(fd);
	put(r, "lost?\n");
	poll(NULL, 0, 250);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	put(r, "heard\n");
	writer_free(w);
	cr_assert_eq(drain(fd, got, sizeof(got)), 12);
	close(fd);
}

/* RLIMIT_FSIZE plays the full disk: a write is cut, the next one fails. */
static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(writer_blocked, a_line_cut_by_a_full_disk_is_completed)
{
	struct writer *w = writer_new(path);
	struct ring *a = writer_ring(w), *b = writer_ring(w);

	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(6);
	put(a, "aaaa aaaa\n");
	UNTIL(size_of(path) == 6);
	put(b, "bbbb\n");
	poll(NULL, 0, 250);
	cr_assert_eq(size_of(path), 6);
	limit_file_size(RLIM_INFINITY);
	UNTIL(size_of(path) == 15);
	writer_free(w);
	cr_assert_str_eq(content(path), "aaaa aaaa\nbbbb\n");
}

Test(writer_blocked, a_new_file_starts_clean_after_a_cut_line)
{
	struct writer *w = writer_new(path);
	struct ring *r = writer_ring(w);

	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(6);
	put(r, "aaaa aaaa\nb\n");
	UNTIL(size_of(path) == 6);
	rename(path, other);
	cr_assert_eq(writer_dropped(w), 0);
	writer_reopen(w);
	UNTIL(size_of(path) == 2);
	cr_assert_eq(writer_dropped(w), 1, "the cut line");
	limit_file_size(RLIM_INFINITY);
	put(r, "c\n");
	writer_free(w);
	cr_assert_str_eq(content(path), "b\nc\n");
}
