#ifndef LIMIT_WINDOW_H
#define LIMIT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Outcomes of the last while, counted in buckets that roll: the sum covers the
 * bucket of now and those before it, so between nine tenths of the window and
 * all of it.  Shared by all workers, one compare-and-swap for each outcome.
 * All zero is a valid empty window.
 */
#define WINDOW_BUCKETS	10

struct window {
	_Atomic uint64_t	 buckets[WINDOW_BUCKETS]; /* any thread */
};

struct window_sum {
	unsigned	total, failed;
};

/*
 * One more outcome at `now', in buckets of width_ns.  One that comes later
 * than its bucket was taken for a newer time is dropped.
 */
void	window_add(struct window *, uint64_t width_ns, uint64_t now,
	    bool failed);
struct window_sum window_sum(const struct window *, uint64_t width_ns,
	    uint64_t now);
void	window_clear(struct window *);

#endif
