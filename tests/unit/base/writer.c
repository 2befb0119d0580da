/* base/writer: whole lines, in files and pipes that fail and come back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/poison.h"
#include "base/writer.h"

static char dir[] = "/tmp/fairlead-writer.XXXXXX";
static char path[64], other[64];

static void
make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(other, sizeof(other), "%s/log.1", dir);
	log_setup(LOG_ERROR, LOG_TEXT);
	fclose(stderr);
	close(STDERR_FILENO);
	open("/dev/null", O_WRONLY);
}

static void
remove_dir(void)
{
	unlink(path);
	unlink(other);
	rmdir(dir);
}

TestSuite(writer, .init = make_dir, .fini = remove_dir, .timeout = 60);

static bool
put(struct ring *r, const char *line)
{
	return ring_put(r, line, strlen(line));
}

static char *
content(const char *of)
{
	static char bytes[4000000];
	FILE *f = fopen(of, "r");
	size_t n;

	cr_assert_not_null(f, "%s", of);
	n = fread(bytes, 1, sizeof(bytes) - 1, f);
	fclose(f);
	bytes[n] = '\0';
	return bytes;
}

/* Wait for a condition, at most 20 s. */
#define UNTIL(condition) \
	do { \
		uint64_t until_ = clock_now() + 20 * CLOCK_S; \
		while (!(condition)) { \
			cr_assert_lt(clock_now(), until_, #condition); \
			poll(NULL, 0, 2); \
		} \
	} while (0)

static off_t
size_of(const char *of)
{
	struct stat st;

	return stat(of, &st) == -1 ? -1 : st.st_size;
}

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

/* The descriptor that the next one to be opened gets. */
static int
next_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* No thread without address space, no eventfd without a descriptor. */
Test(writer, leaves_nothing_open_when_it_cannot_start)
{
	int next = next_descriptor();
	struct rlimit usual, least;

	getrlimit(RLIMIT_NOFILE, &usual);
	least = (struct rlimit){ (rlim_t)next + 1, usual.rlim_max };
	setrlimit(RLIMIT_NOFILE, &least);
	cr_assert_null(writer_new(path));
	cr_assert_eq(errno, EMFILE);
	setrlimit(RLIMIT_NOFILE, &usual);
	cr_assert_eq(next_descriptor(), next);
	if (POOL_MALLOC)
		return; /* ASan does not live without address space */
	getrlimit(RLIMIT_AS, &usual);
	least = (struct rlimit){ 1, usual.rlim_max };
	setrlimit(RLIMIT_AS, &least);
	cr_assert_null(writer_new(path));
	cr_assert_eq(errno, EAGAIN);
	setrlimit(RLIMIT_AS, &usual);
	cr_assert_eq(next_descriptor(), next);
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

Test(writer, stdout_is_descriptor_1)
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

static unsigned
fill(struct ring *r)
{
	char line[101];
	unsigned n = 0;

	memset(line, 'x', sizeof(line));
	line[99] = '\n';
	while (ring_put(r, line, 100))
		n++;
	return n;
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

Test(writer, stdout_may_be_a_pipe_or_a_socket_and_keeps_its_flags)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	write_to_stdout(ends[1], ends[0], "through a pipe\n");
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	write_to_stdout(ends[1], ends[0], "through a socket\n");
}

Test(writer, a_full_socket_holds_up_the_flusher_alone)
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
	pthread_t threads[4];
	int next[4] = { 0 }, id, i, at;
	char *line, *rest = NULL;

	for (int t = 0; t < 4; t++) {
		producers[t] = (struct producer){ writer_ring(w), t };
		pthread_create(&threads[t], NULL, produce, &producers[t]);
	}
	for (int t = 0; t < 4; t++)
		pthread_join(threads[t], NULL);
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

Test(writer, a_full_pipe_costs_lines_but_nobody_waits)
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

Test(writer, drops_are_counted_line_by_line_over_all_rings)
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

Test(writer, free_does_not_wait_for_a_blocked_pipe)
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
Test(writer, what_waits_at_the_end_is_written_if_it_is_read)
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

Test(writer, a_reader_that_went_away_kills_nobody)
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

Test(writer, a_line_cut_by_a_full_disk_is_completed)
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

Test(writer, a_new_file_starts_clean_after_a_cut_line)
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
