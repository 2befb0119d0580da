/*
 * The chunked coding, byte by byte through one small machine (RFC 9112 7.1).
 * Framing is a few bytes a chunk, so that plain steps are fast enough, and a
 * cut at any byte needs no memory of the bytes before.  Extensions are read by
 * their grammar, counted and forgotten: where a line ends must be the same for
 * everyone (CVE-2023-39326; the line terminators of 2025).
 */
#include "http/chunk.h"

#include <assert.h>
#include <stdbool.h>

#include "http/octet.h"

#define DIGITS_MOST 16

enum state {
	SIZE, /* its first digit must come */
	SIZE_MORE, /* digits, an extension, or the end of the line */
	BEFORE_EXT, /* white space, then ';' */
	BEFORE_NAME, /* after ';' */
	NAME,
	AFTER_NAME, /* white space, then '=' or ';' */
	BEFORE_VALUE, /* after '=' */
	VALUE,
	QUOTED,
	QUOTED_PAIR, /* after '\' */
	AFTER_QUOTED, /* after the closing quote */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	OVER, /* after the last chunk's line */
	BAD
};

static enum state step(struct chunk *, char);
static enum state add_digit(struct chunk *, char);
static enum state in_extension(struct chunk *, char);
static enum state after_part(char, enum state space);
static bool count_extension(struct chunk *);
static bool is_space(char);

void
chunk_init(struct chunk *chunk)
{
	*chunk = (struct chunk){ .state = SIZE };
}

enum chunk_say
chunk_next(
    struct chunk *chunk, const char *p, size_t n, size_t *skip, size_t *data)
{
	size_t i = 0;

	assert(chunk->state != OVER && chunk->state != BAD);
	*data = 0;
	while (i < n && chunk->state != DATA && chunk->state < OVER)
		chunk->state = (uint8_t)step(chunk, p[i++]);
	*skip = i;
	if (chunk->state == BAD)
		return CHUNK_BAD;
	if (chunk->state == OVER)
		return CHUNK_TRAILERS;
	if (i == n)
		return CHUNK_MORE;
	*data = n - i < chunk->left ? n - i : (size_t)chunk->left;
	chunk->left -= *data;
	if (chunk->left == 0)
		chunk->state = DATA_CR;
	return CHUNK_DATA;
}

static enum state
step(struct chunk *chunk, char c)
{
	switch (chunk->state) {
	case SIZE:
		return add_digit(chunk, c);
	case SIZE_MORE:
		if (octet_hex(c) != -1)
			return add_digit(chunk, c);
		return in_extension(chunk, c);
	case SIZE_LF:
		if (c != '\n')
			return BAD;
		return chunk->left > 0 ? DATA : OVER;
	case DATA_CR:
		return c == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		chunk->digits = 0;
		chunk->ext = 0;
		return c == '\n' ? SIZE : BAD;
	default:
		return in_extension(chunk, c);
	}
}

/* A chunk has at most 2^63-1 bytes, and says so in at most 16 digits. */
static enum state
add_digit(struct chunk *chunk, char c)
{
	int digit = octet_hex(c);

	if (digit == -1 || chunk->digits == DIGITS_MOST ||
	    chunk->left > INT64_MAX >> 4)
		return BAD;
	chunk->left = chunk->left << 4 | (unsigned)digit;
	chunk->digits++;
	return SIZE_MORE;
}

/*
 * *( BWS ";" BWS name [ BWS "=" BWS value ] ), where a value is a token or a
 * quoted string.  A CR ends it where a part may end, and nowhere else.
 */
static enum state
in_extension(struct chunk *chunk, char c)
{
	enum state state = chunk->state;

	if (c != '\r' && !count_extension(chunk))
		return BAD;
	switch (state) {
	case BEFORE_EXT:
		return is_space(c) ? state : c == ';' ? BEFORE_NAME : BAD;
	case BEFORE_NAME:
		if (is_space(c))
			return state;
		return octet_is(c, OCTET_TOKEN) ? NAME : BAD;
	case NAME:
		if (octet_is(c, OCTET_TOKEN))
			return state;
		return c == '=' ? BEFORE_VALUE : after_part(c, AFTER_NAME);
	case AFTER_NAME:
		if (is_space(c))
			return state;
		return c == '=' ? BEFORE_VALUE : c == ';' ? BEFORE_NAME : BAD;
	case BEFORE_VALUE:
		if (is_space(c))
			return state;
		if (c == '"')
			return QUOTED;
		return octet_is(c, OCTET_TOKEN) ? VALUE : BAD;
	case VALUE:
		if (octet_is(c, OCTET_TOKEN))
			return state;
		return after_part(c, BEFORE_EXT);
	case QUOTED:
		if (c == '"')
			return AFTER_QUOTED;
		if (c == '\\')
			return QUOTED_PAIR;
		return octet_is(c, OCTET_VALUE) ? state : BAD;
	case QUOTED_PAIR:
		return octet_is(c, OCTET_VALUE) ? QUOTED : BAD;
	default:
		return after_part(c, BEFORE_EXT);
	}
}

/* After a size, name or value; white space must lead on to something. */
static enum state
after_part(char c, enum state space)
{
	if (c == '\r')
		return SIZE_LF;
	if (c == ';')
		return BEFORE_NAME;
	return is_space(c) ? space : BAD;
}

static bool
count_extension(struct chunk *chunk)
{
	return ++chunk->ext <= CHUNK_EXT_BYTES &&
	    ++chunk->ext_total <= CHUNK_EXT_TOTAL;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}
