/*
 * Lanes in chunks of 64 that never move: a worker may count on a lane while
 * the control thread adds a chunk.  A chunk's word `taken' says which lanes
 * have an owner; one thread takes, any thread gives back.
 */
#include <assert.h>
#include <stdbool.h>

#include "balancer/board.h"
#include "balancer/line.h"

#define CHUNK_LANES 64

struct chunk {
	alignas(64) atomic_uint lanes[CHUNK_LANES];
	_Atomic uint64_t taken; /* any thread */
	struct chunk *_Atomic next; /* set once, by the taker */
};

struct board {
	alignas(64) atomic_uint refs; /* any thread */
	alignas(64) _Atomic uint64_t epoch; /* any thread */
	struct chunk first;
};

static bool chunk_holds(const struct chunk *, const atomic_uint *);
static struct chunk *chunk_after(struct chunk *);

struct board *
board_new(void)
{
	struct board *board = line_alloc(sizeof(*board));

	atomic_init(&board->refs, 1);
	return board;
}

struct board *
board_ref(struct board *board)
{
	atomic_fetch_add_explicit(&board->refs, 1, memory_order_relaxed);
	return board;
}

void
board_unref(struct board *board)
{
	struct chunk *chunk, *next;

	if (atomic_fetch_sub(&board->refs, 1) != 1)
		return;
	for (chunk = board->first.next; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(board);
}

atomic_uint *
board_take(struct board *board)
{
	struct chunk *chunk = &board->first;
	unsigned lane;

	while (chunk->taken == UINT64_MAX)
		chunk = chunk_after(chunk);
	lane = (unsigned)__builtin_ctzll(~chunk->taken);
	atomic_fetch_or(&chunk->taken, UINT64_C(1) << lane);
	assert(chunk->lanes[lane] == 0);
	return &chunk->lanes[lane];
}

void
board_give(struct board *board, atomic_uint *lane)
{
	struct chunk *chunk = &board->first;

	assert(*lane == 0);
	while (!chunk_holds(chunk, lane))
		chunk = chunk->next;
	atomic_fetch_and(
	    &chunk->taken, ~(UINT64_C(1) << (lane - chunk->lanes)));
}

uint64_t
board_epoch(const struct board *board)
{
	return board->epoch;
}

void
board_epoch_move(struct board *board)
{
	atomic_fetch_add(&board->epoch, 1);
}

static struct chunk *
chunk_after(struct chunk *chunk)
{
	if (chunk->next == NULL)
		chunk->next = line_alloc(sizeof(*chunk));
	return chunk->next;
}

static bool
chunk_holds(const struct chunk *chunk, const atomic_uint *lane)
{
	return lane >= chunk->lanes && lane < chunk->lanes + CHUNK_LANES;
}
