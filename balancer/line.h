#ifndef BALANCER_LINE_H
#define BALANCER_LINE_H

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/*
 * Zeroed memory for a type aligned to cache lines, so that what one thread
 * writes does not slow what another reads beside it.  Cannot fail.
 */
static inline void *
line_alloc(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) / 64 * 64);

	if (p == NULL)
		abort();
	return memset(p, 0, size);
}

#endif
