#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "base/text.h"

/*
 * Allocation that cannot fail: out of memory ends the process with one line.
 * What a peer sends is bounded by configuration long before that.
 */
void	*xmalloc(size_t);
void	*xcalloc(size_t n, size_t size);
void	*xrealloc(void *, size_t);
char	*xstrdup(const char *);
char	*xstrndup(const char *, size_t);
char	*xasprintf(const char *, ...) __attribute__((format(printf, 1, 2)));
char	*xvasprintf(const char *, va_list) __attribute__((format(printf, 1, 0)));

/*
 * An arena: many small allocations that die together.  All zero is a valid
 * empty arena.  arena_reset keeps the first chunk for the next user, so a
 * recycled arena allocates nothing.
 */
struct arena_chunk;
struct arena {
	struct arena_chunk	*first, *now;
	size_t			 bytes;		/* in chunks, all told */
};

void		 arena_reset(struct arena *);
void		 arena_fini(struct arena *);
void		*arena_alloc(struct arena *, size_t);	/* aligned, not zeroed */
void		*arena_zalloc(struct arena *, size_t);	/* zeroed */
char		*arena_strdup(struct arena *, const char *);
struct text	 arena_copy(struct arena *, struct text);	/* also NUL-ended */
struct text	 arena_printf(struct arena *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));	/* also NUL-ended */

#endif
