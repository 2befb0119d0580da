/*
 * A thread's pipes.  One has bytes only from the moment it is filled until the
 * other socket has taken all of them, mostly within one call of the owner: so
 * everybody uses the same one in turns, and its slots are warm.  It stays with
 * a connection only when that does not take all.  What slow ones can hold that
 * way is bounded by the number of pipes; who finds none left has its bytes
 * copied, and held to a window.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/pipe.h"

#include "base/mem.h"
#include "net/descriptors.h"

#define LIVE_MOST 64 /* pipes of a thread: 16 MiB */
#define FREE_MOST 8 /* kept empty for reuse */

static struct pipe *pipe_make(void);
static void pipe_close(struct pipe *);

/* This thread's. */
static _Thread_local struct {
	struct pipe *first;
	unsigned nfree, nlive;
} pool;

struct pipe *
pipe_take(void)
{
	struct pipe *p = pool.first;

	if (p == NULL)
		return pool.nlive < LIVE_MOST ? pipe_make() : NULL;
	pool.first = p->next;
	pool.nfree--;
	return p;
}

void
pipe_give(struct pipe *p)
{
	if (p->n > 0 || pool.nfree == FREE_MOST) {
		pipe_close(p);
		return;
	}
	p->next = pool.first;
	pool.first = p;
	pool.nfree++;
}

ssize_t
pipe_fill(struct pipe *p, int from, size_t most)
{
	ssize_t n = splice(from, NULL, p->in, NULL,
	    most < PIPE_BYTES ? most : PIPE_BYTES,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		p->n = (size_t)n;
	return n;
}

ssize_t
pipe_drain(struct pipe *p, int to)
{
	ssize_t n = splice(
	    p->out, NULL, to, NULL, p->n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		p->n -= (size_t)n;
	return n;
}

void
pipe_pool_fini(void)
{
	while (pool.first != NULL) {
		struct pipe *next = pool.first->next;

		pipe_close(pool.first);
		pool.first = next;
	}
	pool.nfree = 0;
}

/* Never one of the descriptors that are kept for others. */
static struct pipe *
pipe_make(void)
{
	struct pipe *p;
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1)
		return NULL;
	if (descriptors_short(ends[0], FOR_CLIENTS) ||
	    descriptors_short(ends[1], FOR_CLIENTS)) {
		close(ends[0]);
		close(ends[1]);
		return NULL;
	}
	/* Where that is not allowed it takes less at once. */
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	p = xmalloc(sizeof(*p));
	*p = (struct pipe){ .out = ends[0], .in = ends[1] };
	pool.nlive++;
	return p;
}

static void
pipe_close(struct pipe *p)
{
	close(p->in);
	close(p->out);
	free(p);
	pool.nlive--;
}
