/*
 * A chain of spans over counted blocks: how bytes wait and travel in this
 * house.  A block that nobody refers to goes back to its thread's free list and
 * is the next one handed out, still warm in the cache.  A block has room for
 * the first span that looks at it, so that the common case (one read, one
 * message) allocates nothing but the block; further spans over the same block
 * have a free list of their own.
 *
 * Counts are plain integers: a block never crosses threads.  Under
 * AddressSanitizer both pools hand back to malloc, so that a use after the last
 * unref is seen.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/container.h"
#include "base/mem.h"
#include "base/poison.h"
#include "base/spares.h"

#define FREE_BLOCKS 256 /* kept for reuse by each thread: 4 MiB */
#define FREE_SPANS 1024
/*
 * Fewer bytes than these are copied behind others rather than linked: one piece
 * to send costs less than two (measured at 1 KiB: 5 % of a request's time), and
 * a linked piece keeps its whole block.  With this no more than twice as
 * much waits as there are bytes, also when a peer sends them one by one.
 */
#define LINK_LEAST (BUF_ROOM / 2)

struct span {
	union {
		struct span *next;
		struct spare spare;
	};
	struct block *block;
	char *p;
	size_t n;
};

struct block {
	unsigned refs; /* spans and holds */
	bool own_taken;
	size_t size; /* of bytes[] */
	struct spare spare;
	struct span own; /* the first span over it */
	char bytes[];
};
_Static_assert(offsetof(struct block, bytes) <= BLOCK_BYTES - BUF_ROOM,
    "BUF_ROOM promises more than a block holds");

/* This thread's. */
static _Thread_local struct pool {
	struct spares blocks, spans;
	size_t live_bytes;
} pool;

static size_t
block_bytes(const struct block *block)
{
	return block->size == BUF_ROOM ? BLOCK_BYTES
				       : sizeof(*block) + block->size;
}

static struct block *
block_new(size_t size)
{
	struct spare *spare = NULL;
	struct block *block;

	if (size <= BUF_ROOM) {
		size = BUF_ROOM;
		spare = spares_take(&pool.blocks);
	}
	if (spare != NULL)
		block = CONTAINER_OF(spare, struct block, spare);
	else {
		block = xmalloc(sizeof(*block) + size);
		block->size = size;
	}
	block->refs = 0;
	block->own_taken = false;
	pool.live_bytes += block_bytes(block);
	return block;
}

void
block_unref(struct block *block)
{
	assert(block->refs > 0);
	if (--block->refs > 0)
		return;
	pool.live_bytes -= block_bytes(block);
	if (POOL_MALLOC || block->size != BUF_ROOM ||
	    pool.blocks.n == FREE_BLOCKS)
		free(block);
	else
		spares_give(&pool.blocks, &block->spare);
}

static struct span *
span_new(struct block *block, char *p, size_t n)
{
	struct spare *spare;
	struct span *s;

	if (!block->own_taken) {
		s = &block->own;
		block->own_taken = true;
	} else if ((spare = spares_take(&pool.spans)) != NULL)
		s = CONTAINER_OF(spare, struct span, spare);
	else
		s = xmalloc(sizeof(*s));
	block->refs++;
	*s = (struct span){ .block = block, .p = p, .n = n };
	return s;
}

static void
span_free(struct span *s)
{
	struct block *block = s->block;

	if (s == &block->own)
		block->own_taken = false;
	else if (POOL_MALLOC || pool.spans.n == FREE_SPANS)
		free(s);
	else
		spares_give(&pool.spans, &s->spare);
	block_unref(block);
}

/* Bytes that may be written after the span's own. */
static size_t
span_room(const struct span *s)
{
	const struct block *block = s->block;

	if (block->refs > 1)
		return 0;
	return (size_t)(block->bytes + block->size - (s->p + s->n));
}

static void
buf_link(struct buf *b, struct span *s)
{
	buf_release(b);
	s->next = NULL;
	if (b->last == NULL)
		b->first = s;
	else
		b->last->next = s;
	b->last = s;
	b->n += s->n;
}

static struct span *
buf_unlink_first(struct buf *b)
{
	struct span *s = b->first;

	b->first = s->next;
	if (b->first == NULL)
		b->last = NULL;
	b->n -= s->n;
	return s;
}

char *
buf_reserve(struct buf *b, size_t least, size_t *room)
{
	struct block *block;

	assert(least <= BUF_ROOM);
	if (least == 0)
		least = 1;
	if (b->last == NULL || span_room(b->last) < least) {
		block = block_new(BUF_ROOM);
		buf_link(b, span_new(block, block->bytes, 0));
	}
	*room = span_room(b->last);
	return b->last->p + b->last->n;
}

void
buf_commit(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	assert(n <= span_room(b->last));
	b->last->n += n;
	b->n += n;
}

/* Only the last span can be empty, after a reserve. */
void
buf_release(struct buf *b)
{
	struct span *s = b->first, *empty = b->last;

	if (empty == NULL || empty->n > 0)
		return;
	if (s == empty)
		b->first = b->last = NULL;
	else {
		while (s->next != empty)
			s = s->next;
		s->next = NULL;
		b->last = s;
	}
	span_free(empty);
}

void
buf_append(struct buf *b, const void *bytes, size_t n)
{
	const char *from = bytes;

	while (n > 0) {
		size_t room;
		char *to = buf_reserve(b, 1, &room);

		if (room > n)
			room = n;
		memcpy(to, from, room);
		buf_commit(b, room);
		from += room;
		n -= room;
	}
}

void
buf_append_text(struct buf *b, struct text t)
{
	buf_append(b, t.p, t.n);
}

/* False: they are too many for that. */
static bool
append_few(struct buf *to, const char *p, size_t n)
{
	if (n >= LINK_LEAST || to->last == NULL)
		return false;
	buf_append(to, p, n);
	return true;
}

void
buf_move(struct buf *to, struct buf *from, size_t n)
{
	assert(to != from && n <= from->n);
	while (n > 0) {
		struct span *s = from->first;
		size_t part = s->n < n ? s->n : n;

		n -= part;
		if (append_few(to, s->p, part))
			buf_drop(from, part);
		else if (part == s->n)
			buf_link(to, buf_unlink_first(from));
		else {
			buf_link(to, span_new(s->block, s->p, part));
			buf_drop(from, part);
		}
	}
}

void
buf_copy(struct buf *to, const struct buf *from, size_t n)
{
	assert(to != from && n <= from->n);
	for (const struct span *s = from->first; n > 0; s = s->next) {
		size_t part = s->n < n ? s->n : n;

		buf_append(to, s->p, part);
		n -= part;
	}
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->n);
	while (n > 0 && n >= b->first->n) {
		n -= b->first->n;
		span_free(buf_unlink_first(b));
	}
	if (n > 0) {
		b->first->p += n;
		b->first->n -= n;
		b->n -= n;
	}
}

void
buf_clear(struct buf *b)
{
	while (b->first != NULL)
		span_free(buf_unlink_first(b));
}

struct text
buf_front(const struct buf *b)
{
	if (b->n == 0)
		return TEXT_NONE;
	return (struct text){ b->first->p, b->first->n };
}

static bool
span_fits(const struct span *s, size_t n, size_t room)
{
	if (s->n < n)
		return false;
	return room == 0 || span_room(s) + (s->n - n) >= room;
}

char *
buf_join(struct buf *b, size_t n, size_t room)
{
	struct block *block;
	struct span *s;
	size_t done = 0;

	assert(n > 0 && n <= b->n);
	if (span_fits(b->first, n, room))
		return b->first->p;
	block = block_new(n + room);
	while (done < n) {
		struct text front = text_first(buf_front(b), n - done);

		memcpy(block->bytes + done, front.p, front.n);
		done += front.n;
		buf_drop(b, front.n);
	}
	if (b->n == 0)
		buf_clear(b);
	s = span_new(block, block->bytes, n);
	s->next = b->first;
	b->first = s;
	if (b->last == NULL)
		b->last = s;
	b->n += n;
	return s->p;
}

int
buf_iov(const struct buf *b, struct iovec *iov, int most)
{
	int count = 0;

	for (const struct span *s = b->first;
	     s != NULL && s->n > 0 && count < most; s = s->next)
		iov[count++] = (struct iovec){ s->p, s->n };
	return count;
}

struct block *
buf_hold(const struct buf *b)
{
	assert(b->n > 0);
	b->first->block->refs++;
	return b->first->block;
}

struct block_count
block_count(void)
{
	return (
	    struct block_count){ pool.live_bytes, pool.blocks.n * BLOCK_BYTES };
}

bool
block_pool_shed(void)
{
	struct spare *s;

	while ((s = spares_shed(&pool.blocks)) != NULL)
		free(CONTAINER_OF(s, struct block, spare));
	while ((s = spares_shed(&pool.spans)) != NULL)
		free(CONTAINER_OF(s, struct span, spare));
	return pool.blocks.n + pool.spans.n > 0;
}

void
block_pool_fini(void)
{
	struct spare *s;

	while ((s = spares_take(&pool.blocks)) != NULL)
		free(CONTAINER_OF(s, struct block, spare));
	while ((s = spares_take(&pool.spans)) != NULL)
		free(CONTAINER_OF(s, struct span, spare));
}
