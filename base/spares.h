#ifndef BASE_SPARES_H
#define BASE_SPARES_H

#include <stddef.h>

/*
 * What is kept for reuse: a stack of things with a struct spare in them.  It
 * remembers how few it has had, so that what nobody needed for a while can go.
 * All zero is a valid empty one.
 */
struct spare {
	struct spare	*next;
};

struct spares {
	struct spare	*first;
	size_t		 n;
	size_t		 unneeded;	/* the fewest since spares_shed's NULL */
};

static inline void
spares_give(struct spares *s, struct spare *one)
{
	one->next = s->first;
	s->first = one;
	s->n++;
}

/* NULL: there is none. */
static inline struct spare *
spares_take(struct spares *s)
{
	struct spare *one = s->first;

	if (one == NULL)
		return NULL;
	s->first = one->next;
	if (--s->n < s->unneeded)
		s->unneeded = s->n;
	return one;
}

/* One, for the caller to free, that nobody needed since this last said NULL. */
static inline struct spare *
spares_shed(struct spares *s)
{
	if (s->unneeded == 0) {
		s->unneeded = s->n;
		return NULL;
	}
	s->unneeded--;
	return spares_take(s);
}

#endif
