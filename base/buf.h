#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/text.h"

/*
 * The house's one container of bytes: a chain of spans over counted 16 KiB
 * blocks.  Blocks come from a free list of the calling thread (thread-local,
 * LIFO, capped) and never cross threads.  All zero is a valid empty buf; an
 * empty buf holds no block.  Bytes are moved between bufs by reference, and
 * copied only when they are few: what is held costs no more than twice its
 * bytes, and a block.
 *
 * A span's bytes are immutable once appended: sharing them is safe.  Only the
 * last span of a buf, when it alone refers to its block, grows.
 */
#define BLOCK_BYTES	16384		/* a pooled block with its header */

struct block;
struct span;

struct buf {
	struct span	*first, *last;
	size_t		 n;		/* bytes in all spans */
};

/* Room for at least `least' (<= BUF_ROOM) contiguous bytes at the end. */
#define BUF_ROOM	(BLOCK_BYTES - 64)
char	*buf_reserve(struct buf *, size_t least, size_t *room);
void	 buf_commit(struct buf *, size_t n);	/* n of the reserved bytes are filled */
void	 buf_release(struct buf *);		/* after a reserve with nothing to commit: an empty buf gives its block back */

void	 buf_append(struct buf *, const void *, size_t);	/* copies */
void	 buf_append_text(struct buf *, struct text);
/* Move the first n bytes (n <= from->n) to the end of `to'; small pieces are copied behind what is there. */
void	 buf_move(struct buf *to, struct buf *from, size_t n);
/*
 * Append a copy of the first n bytes.  Were their blocks shared, neither buf
 * could fill them up, and a peer could make each byte cost a block.
 */
void	 buf_copy(struct buf *to, const struct buf *from, size_t n);
void	 buf_drop(struct buf *, size_t n);	/* forget the first n bytes */
void	 buf_clear(struct buf *);
/* The first run of contiguous bytes; n = 0 when empty. */
struct text buf_front(const struct buf *);
/*
 * Make the first n bytes contiguous and return them.  Cheap when they are; else they
 * are copied once into one block, of more than BLOCK_BYTES when n needs it;
 * `room' asks for that many bytes after them in the same block.
 */
char	*buf_join(struct buf *, size_t n, size_t room);
/* Fill at most `most' iovecs from the front; their count. */
int	 buf_iov(const struct buf *, struct iovec *, int most);

/*
 * Hold the block under the first byte of a non-empty buf: texts that point
 * into it stay good until block_unref.  The caller's thread only.
 */
struct block	*buf_hold(const struct buf *);
void		 block_unref(struct block *);

/* For metrics and caps: what this thread's blocks hold. */
struct block_count {
	size_t	live_bytes;	/* in use by bufs */
	size_t	free_bytes;	/* in the free list */
};
struct block_count	block_count(void);
/* Free what nobody needed since the last call.  false: nothing is left. */
bool	block_pool_shed(void);
void	block_pool_fini(void);		/* at a thread's end: free its free list */

#endif
