#ifndef STATS_COUNTER_H
#define STATS_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * A number with one writing thread and any number of reading ones: plain loads
 * and stores in machine code, never torn.  As it wraps, a gauge is a counter
 * that is also taken from.
 */
struct counter {
	_Atomic uint64_t	v;	/* one writer, any reader; relaxed */
};

static inline uint64_t
counter_get(const struct counter *c)
{
	return atomic_load_explicit(&c->v, memory_order_relaxed);
}

/* The writer only. */
static inline void
counter_add(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->v, counter_get(c) + n, memory_order_relaxed);
}

/* The writer only. */
static inline void
counter_take(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->v, counter_get(c) - n, memory_order_relaxed);
}

#endif
