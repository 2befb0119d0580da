#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/mem.h"
#include "base/text.h"

/*
 * Hints for words that nothing goes by: "did you mean 'health_check'?", or
 * where the word belongs, or NULL when nothing is near.  PURE; the hint lives
 * in the arena.
 */

/* For an unknown key in the block or record of that path. */
const char	*suggest_key(struct arena *, const char *path, struct text key);
/* For a value that is none of "a|b|c"; without a near one it lists all. */
const char	*suggest_word(struct arena *, const char *words,
		    struct text word);

/* The nearest of the words offered so far. */
struct nearest {
	struct text	 to;
	struct text	 found;		/* empty: none near enough */
	unsigned	 distance;
};
void		 nearest_offer(struct nearest *, struct text candidate);

#endif
