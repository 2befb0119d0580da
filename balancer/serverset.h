#ifndef BALANCER_SERVERSET_H
#define BALANCER_SERVERSET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A set of members of one roster, by their index.  Up to 64 members it is one
 * word and allocates nothing; a copy by `=' is not a copy above that, so pass
 * pointers.  Belongs to one thread, or is not changed.
 */
struct serverset {
	unsigned	 n;		/* size of the roster */
	union {
		uint64_t	 word;	/* n <= 64 */
		uint64_t	*words;
	} u;
};

/* Empty, for a roster of n members.  After fini it is one of nobody. */
void		serverset_init(struct serverset *, unsigned n);
void		serverset_fini(struct serverset *);
void		serverset_empty(struct serverset *);
void		serverset_set(struct serverset *, unsigned index);
void		serverset_clear(struct serverset *, unsigned index);
bool		serverset_is_empty(const struct serverset *);
unsigned	serverset_count(const struct serverset *);
/* *to = all of `a' that is not in `b'; the three are of one size. */
void		serverset_and_not(struct serverset *to,
		    const struct serverset *a, const struct serverset *b);
/* Whether they have a member in common. */
bool		serverset_meet(const struct serverset *,
		    const struct serverset *);

static inline bool
serverset_test(const struct serverset *set, unsigned index)
{
	const uint64_t *words = set->n <= 64 ? &set->u.word : set->u.words;

	return words[index / 64] >> index % 64 & 1;
}

#endif
