/*
 * The flusher: a thread that owns one file and writes what producers leave in
 * their rings.  A ring is a power of two of bytes between two positions that
 * only ever grow: the producer alone moves `head', the flusher alone `tail'.
 *
 * Bytes that the kernel does not take stay in their ring and are tried again at
 * the next turn, the same ring first, so a line that was cut by a full disk is
 * completed once there is room.  Only when the file is replaced in between does
 * the rest of such a line go: the new file starts clean.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/writer.h"

#define RING_BYTES (256u * 1024)
#define RING_WAKE (RING_BYTES / 2)
#define TURN_MS 100
#define OUTPUT_FLAGS (O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define LAST_WORDS_S 1 /* what may still be flushed at the end */

struct ring {
	struct ring *next;
	struct writer *writer;
	_Alignas(64) _Atomic size_t head; /* moved by the producer */
	_Atomic uint64_t dropped; /* counted by the producer; any thread */
	_Alignas(64) _Atomic size_t tail; /* moved by the flusher */
	char bytes[RING_BYTES];
};

struct writer {
	pthread_t thread;
	_Atomic(struct ring *) rings; /* any thread; only ever grows */
	atomic_bool reopen, stop; /* any thread */
	_Atomic uint64_t cut; /* lines given up at a reopen */
	int wake; /* eventfd */
	/* the flusher's */
	char *path;
	int fd;
	struct ring *torn; /* its line is partly in the file */
	bool failing; /* the last write failed, and we said so */
	bool blocked; /* the last write would have waited */
	bool is_socket;
};

static void *writer_main(void *);
static void writer_wake(struct writer *);

static bool
is_stdout(const char *path)
{
	return strcmp(path, "stdout") == 0;
}

/*
 * Descriptor 1 shares its flags with whoever gave it to us, so a pipe or a
 * terminal is opened anew to be written without waiting.  A file must not be:
 * its position would part from the one that stderr may share with it.
 */
static int
stdout_open(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDOUT_FILENO, &st) == -1)
		return -1;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/1", OUTPUT_FLAGS);
	if (fd == -1)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	return fd;
}

static int
output_open(const char *path)
{
	if (is_stdout(path))
		return stdout_open();
	return open(path, OUTPUT_FLAGS | O_APPEND | O_CREAT | O_NOFOLLOW, 0640);
}

static ssize_t
output_write(const struct writer *w, struct text t)
{
	if (w->is_socket)
		return send(w->fd, t.p, t.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(w->fd, t.p, t.n);
}

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Signals are the control thread's business, SIGPIPE nobody's. */
static int
thread_start(struct writer *w)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct writer *
writer_new(const char *path)
{
	struct writer *w;
	int error;

	assert(path != NULL);
	w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(path);
	w->wake = -1;
	w->fd = output_open(path);
	if (w->fd == -1)
		goto failed;
	w->is_socket = is_socket(w->fd);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake == -1)
		goto failed;
	errno = thread_start(w);
	if (errno == 0)
		return w;
failed:
	error = errno;
	if (w->wake != -1)
		close(w->wake);
	if (w->fd != -1)
		close(w->fd);
	free(w->path);
	free(w);
	errno = error;
	return NULL;
}

/*
 * The flusher ends within a second, unless it hangs in a write to a descriptor
 * that could not be opened anew: then it is left behind with all that it
 * owns, since the process is about to end.
 */
void
writer_free(struct writer *w)
{
	struct timespec until;
	struct ring *r, *next;

	atomic_store(&w->stop, true);
	writer_wake(w);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2 * LAST_WORDS_S;
	if (pthread_timedjoin_np(w->thread, NULL, &until) != 0)
		return;
	for (r = atomic_load(&w->rings); r != NULL; r = next) {
		next = r->next;
		free(r);
	}
	close(w->wake);
	close(w->fd);
	free(w->path);
	free(w);
}

void
writer_reopen(struct writer *w)
{
	atomic_store(&w->reopen, true);
	writer_wake(w);
}

struct ring *
writer_ring(struct writer *w)
{
	struct ring *r = aligned_alloc(_Alignof(struct ring), sizeof(*r));

	if (r == NULL)
		abort();
	r->writer = w;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	atomic_init(&r->dropped, 0);
	r->next = atomic_load(&w->rings);
	while (!atomic_compare_exchange_weak(&w->rings, &r->next, r))
		continue;
	return r;
}

uint64_t
writer_dropped(const struct writer *w)
{
	uint64_t sum = atomic_load_explicit(&w->cut, memory_order_relaxed);

	for (const struct ring *r = atomic_load(&w->rings); r != NULL;
	     r = r->next)
		sum += atomic_load_explicit(&r->dropped, memory_order_relaxed);
	return sum;
}

static void
writer_wake(struct writer *w)
{
	(void)eventfd_write(w->wake, 1);
}

bool
ring_put(struct ring *r, const char *line, size_t n)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t used = head - tail, at = head % RING_BYTES;
	size_t first = RING_BYTES - at;

	if (n > RING_BYTES - used) {
		atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
		return false;
	}
	if (first > n)
		first = n;
	memcpy(r->bytes + at, line, first);
	memcpy(r->bytes, line + first, n - first);
	atomic_store_explicit(&r->head, head + n, memory_order_release);
	if (used < RING_WAKE && used + n >= RING_WAKE)
		writer_wake(r->writer);
	return true;
}

/* ---- on the flusher's thread --------------------------------------------- */

/* The bytes that wait, up to the ring's edge. */
static struct text
ring_front(const struct ring *r)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t at = tail % RING_BYTES;

	return text_first(
	    (struct text){ r->bytes + at, RING_BYTES - at }, head - tail);
}

static void
ring_drop(struct ring *r, size_t n)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + n, memory_order_release);
}

/* One line when writing begins to fail, one when it works again. */
static void
writer_tell(struct writer *w, int error)
{
	if (w->failing == (error != 0))
		return;
	w->failing = error != 0;
	if (error != 0)
		log_error("access log %s: %s; lines that find their buffer "
			  "full are dropped until it can be written again",
		    w->path, strerror(error));
	else
		log_info("access log %s: is written again", w->path);
}

/* Write out one ring; false when the output takes no more now. */
static bool
ring_flush(struct writer *w, struct ring *r)
{
	struct text t;
	ssize_t n;

	while ((t = ring_front(r)).n > 0) {
		n = output_write(w, t);
		if (n == -1 && errno == EINTR)
			continue;
		w->blocked = n == -1 && errno == EAGAIN;
		if (w->blocked)
			return false;
		writer_tell(w, n == -1 ? errno : 0);
		if (n == -1)
			return false;
		w->torn = t.p[n - 1] == '\n' ? NULL : r;
		ring_drop(r, (size_t)n);
	}
	return true;
}

/*
 * Write out all rings: first the one whose line is torn, to mend it.  Lines go
 * in whole, so an emptied ring is at a line's end.
 */
static bool
writer_flush(struct writer *w)
{
	if (w->torn != NULL && !ring_flush(w, w->torn))
		return false;
	for (struct ring *r = atomic_load(&w->rings); r != NULL; r = r->next)
		if (!ring_flush(w, r))
			return false;
	return true;
}

/* The start of this line is in a file that we leave: drop its rest. */
static void
writer_forget_torn(struct writer *w)
{
	struct ring *r = w->torn;
	bool ended = false;

	if (r == NULL)
		return;
	while (!ended) {
		struct text t = ring_front(r);
		ptrdiff_t end = text_find(t, '\n');

		ended = end != -1;
		ring_drop(r, ended ? (size_t)end + 1 : t.n);
	}
	w->torn = NULL;
	atomic_fetch_add_explicit(&w->cut, 1, memory_order_relaxed);
}

/* What was logged before the request to reopen still goes to the old file. */
static void
output_reopen(struct writer *w)
{
	int fd;

	if (is_stdout(w->path))
		return;
	fd = output_open(w->path);
	if (fd == -1) {
		log_error("access log %s: cannot be opened anew: %s; the old "
			  "file stays in use",
		    w->path, strerror(errno));
		return;
	}
	writer_forget_torn(w);
	close(w->fd);
	w->fd = fd;
	log_info("access log %s: opened anew", w->path);
}

/* A turn: wait for the bell, for room where there was none, or for the time. */
static void
writer_turn(struct writer *w)
{
	struct pollfd fds[] = {
		{ .fd = w->wake, .events = POLLIN },
		{ .fd = w->fd, .events = POLLOUT },
	};
	eventfd_t rings;

	(void)poll(fds, w->blocked ? 2 : 1, TURN_MS);
	(void)eventfd_read(w->wake, &rings);
	(void)writer_flush(w);
	if (atomic_exchange(&w->reopen, false))
		output_reopen(w);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	struct timespec pause = { .tv_nsec = 10 * (long)CLOCK_MS };
	uint64_t until;

	pthread_setname_np(pthread_self(), "flusher");
	while (!atomic_load(&w->stop))
		writer_turn(w);
	until = clock_now() + LAST_WORDS_S * CLOCK_S;
	while (!writer_flush(w) && clock_now() < until)
		nanosleep(&pause, NULL);
	return NULL;
}
