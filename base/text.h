#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes: not owned, not NUL-terminated, may be empty. */
struct text {
	const char	*p;
	size_t		 n;
};

#define TEXT(literal)	((struct text){ (literal), sizeof(literal) - 1 })
#define TEXT_NONE	((struct text){ NULL, 0 })
#define TEXT_ARG(t)	(int)(t).n, (t).p		/* for "%.*s" */

struct text	text_of(const char *);			/* NULL gives TEXT_NONE */
bool		text_equal(struct text, struct text);
bool		text_equal_fold(struct text, struct text);	/* ASCII case */
bool		text_starts(struct text, struct text prefix);
bool		text_ends_fold(struct text, struct text suffix);
struct text	text_trim(struct text);			/* SP and HTAB, both ends */
struct text	text_from(struct text, size_t start);	/* the rest from start */
struct text	text_first(struct text, size_t n);	/* at most n bytes */
/* Offset of the byte, or -1. */
ptrdiff_t	text_find(struct text, char);
ptrdiff_t	text_find_last(struct text, char);
/*
 * Take the part before the separator off the front of *rest; the part is
 * trimmed.  False when *rest is used up: n separators part a text into n + 1
 * pieces, TEXT_NONE into none.
 */
bool		text_split(struct text *rest, char separator, struct text *part);
/* One part of a comma-separated list is just this, in any case; never an empty one. */
bool		text_lists(struct text list, struct text part);
/*
 * Strict 1*DIGIT / 1*HEXDIG: no sign, no space, no overflow past `most';
 * false leaves *value alone.
 */
bool		text_to_u64(struct text, uint64_t most, uint64_t *value);
bool		text_to_hex(struct text, uint64_t most, uint64_t *value);
/* Decimal digits of the value into `to' (20 bytes needed at most); their count. */
size_t		text_put_u64(char *to, uint64_t value);
size_t		text_put_hex(char *to, uint64_t value);	/* lower case, 16 at most */
void		text_put_hex16(char *to, uint64_t value);	/* all sixteen digits */
/*
 * Bytes of the UTF-8 character at the front, or 0 when there is none: an
 * overlong form, a surrogate, what is past U+10FFFF or cut short is none.
 */
size_t		text_utf8(struct text);
/* A byte that goes on with a UTF-8 character: it begins none. */
static inline bool
text_utf8_goes_on(char c)
{
	return (c & 0xc0) == 0x80;
}
/* Lower-case ASCII in place. */
void		text_fold(char *, size_t);
/* Damerau-Levenshtein distance, for "did you mean"; at most `most' + 1. */
unsigned	text_distance(struct text, struct text, unsigned most);

#endif
