/* Pipes in memory: how bytes cross from socket to socket; see kernel.h. */
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "tests/fuzz/lib/kernel.h"

#define PIPES 128
#define PIPE_ROOM 40000 /* less than a body that is passed on */

int __wrap_pipe2(int[2], int);
ssize_t __real_splice(int, off_t *, int, off_t *, size_t, unsigned);
ssize_t __wrap_splice(int, off_t *, int, off_t *, size_t, unsigned);

static struct tube {
	unsigned ends; /* not closed */
	size_t n;
	char bytes[PIPE_ROOM];
} tubes[PIPES];

static struct tube *
tube_of(int fd)
{
	return &tubes[fd - KERNEL_FIRST_PIPE];
}

unsigned
kernel_pipes(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PIPES; i++)
		n += tubes[i].ends > 0;
	return n;
}

int
kernel_close_pipe(int fd)
{
	assert(tube_of(fd)->ends > 0);
	tube_of(fd)->ends--;
	return 0;
}

int
__wrap_pipe2(int ends[2], int flags)
{
	int i = 0;

	(void)flags;
	while (i < PIPES && tubes[i].ends > 0)
		i++;
	if (i == PIPES) {
		errno = EMFILE;
		return -1;
	}
	tubes[i].ends = 2;
	tubes[i].n = 0;
	ends[0] = ends[1] = KERNEL_FIRST_PIPE + i;
	return 0;
}

static ssize_t
fill(struct tube *t, int from, size_t n)
{
	ssize_t got;

	assert(t->n == 0);
	got = recv(from, t->bytes, n < PIPE_ROOM ? n : PIPE_ROOM, 0);
	t->n = got > 0 ? (size_t)got : 0;
	return got;
}

static ssize_t
drain(struct tube *t, int to, size_t n)
{
	ssize_t sent;

	assert(n <= t->n);
	sent = send(to, t->bytes, n, 0);
	if (sent > 0) {
		t->n -= (size_t)sent;
		memmove(t->bytes, t->bytes + sent, t->n);
	}
	return sent;
}

ssize_t
__wrap_splice(
    int from, off_t *from_at, int to, off_t *to_at, size_t n, unsigned flags)
{
	assert(from_at == NULL && to_at == NULL);
	if (to >= KERNEL_FIRST_PIPE)
		return fill(tube_of(to), from, n);
	if (from >= KERNEL_FIRST_PIPE)
		return drain(tube_of(from), to, n);
	return __real_splice(from, from_at, to, to_at, n, flags);
}
