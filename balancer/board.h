#ifndef BALANCER_BOARD_H
#define BALANCER_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * What the servers of one upstream share, kept across snapshots by the
 * upstream's name: a packed lane for each server's count of attempts in
 * flight, so that a scan reads few cache lines, and the epoch of their health.
 *
 * A lane belongs to one server as long as that lives, whatever snapshots come
 * and go, and is given to another only when the last reference to its server
 * is dropped: counts carry over a reload and never mix.
 */
struct board;

/* Control thread.  The caller's is the first reference. */
struct board	*board_new(void);
struct board	*board_ref(struct board *);	/* any thread */
void		 board_unref(struct board *);	/* any thread; the last frees */

/* A lane that reads 0 and nobody else holds.  One thread at a time. */
atomic_uint	*board_take(struct board *);
/* Back, when nothing is in flight on it.  Any thread. */
void		 board_give(struct board *, atomic_uint *lane);

/*
 * The epoch moves whenever something changed that decides who may serve.  Read
 * it before computing anything from the servers' health; while it stays, the
 * result stays (but for time).  Any thread.
 */
uint64_t	 board_epoch(const struct board *);
void		 board_epoch_move(struct board *);

#endif
