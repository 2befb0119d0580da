/*
 * Borrowed runs of bytes.  What comes off a wire or out of a file is looked at
 * through these: nothing here allocates, copies or needs a NUL, and numbers are
 * read strictly, so that two readers of one message cannot disagree.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/text.h"

static bool text_to_number(struct text, unsigned, uint64_t, uint64_t *);
static unsigned min3(unsigned, unsigned, unsigned);

#define DISTANCE_MAX 64 /* longer names are nobody's typing slip */

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

struct text
text_of(const char *s)
{
	return s == NULL ? TEXT_NONE : (struct text){ s, strlen(s) };
}

bool
text_equal(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
text_equal_fold(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return false;
	return true;
}

bool
text_starts(struct text t, struct text prefix)
{
	return t.n >= prefix.n && text_equal(text_first(t, prefix.n), prefix);
}

bool
text_ends_fold(struct text t, struct text suffix)
{
	return t.n >= suffix.n &&
	    text_equal_fold(text_from(t, t.n - suffix.n), suffix);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text
text_trim(struct text t)
{
	while (t.n > 0 && is_blank(t.p[0]))
		t = text_from(t, 1);
	while (t.n > 0 && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

struct text
text_from(struct text t, size_t start)
{
	if (start > t.n)
		start = t.n;
	return start == 0 ? t : (struct text){ t.p + start, t.n - start };
}

struct text
text_first(struct text t, size_t n)
{
	if (n < t.n)
		t.n = n;
	return t;
}

ptrdiff_t
text_find(struct text t, char c)
{
	const char *at = t.n == 0 ? NULL : memchr(t.p, c, t.n);

	return at == NULL ? -1 : at - t.p;
}

ptrdiff_t
text_find_last(struct text t, char c)
{
	const char *at = t.n == 0 ? NULL : memrchr(t.p, c, t.n);

	return at == NULL ? -1 : at - t.p;
}

bool
text_split(struct text *rest, char separator, struct text *part)
{
	ptrdiff_t at;

	assert(rest != NULL && part != NULL);
	if (rest->p == NULL)
		return false;
	at = text_find(*rest, separator);
	if (at == -1) {
		*part = text_trim(*rest);
		*rest = TEXT_NONE;
		return true;
	}
	*part = text_trim(text_first(*rest, (size_t)at));
	*rest = text_from(*rest, (size_t)at + 1);
	return true;
}

bool
text_lists(struct text list, struct text part)
{
	struct text one;

	while (text_split(&list, ',', &one))
		if (one.n > 0 && text_equal_fold(one, part))
			return true;
	return false;
}

static unsigned
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c = fold(c);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

static bool
text_to_number(struct text t, unsigned base, uint64_t most, uint64_t *value)
{
	uint64_t v = 0;

	assert(value != NULL);
	if (t.n == 0)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		unsigned digit = digit_value(t.p[i]);

		if (digit >= base || digit > most || v > (most - digit) / base)
			return false;
		v = v * base + digit;
	}
	*value = v;
	return true;
}

bool
text_to_u64(struct text t, uint64_t most, uint64_t *value)
{
	return text_to_number(t, 10, most, value);
}

bool
text_to_hex(struct text t, uint64_t most, uint64_t *value)
{
	return text_to_number(t, 16, most, value);
}

/* Two digits at a time, from the last on: divisions are what costs here. */
size_t
text_put_u64(char *to, uint64_t value)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	size_t n = 1, at;

	for (uint64_t more = 10; n < 20 && value >= more; more *= 10)
		n++;
	for (at = n; at >= 2; at -= 2, value /= 100)
		memcpy(to + at - 2, pairs + value % 100 * 2, 2);
	if (at == 1)
		to[0] = (char)('0' + value);
	return n;
}

size_t
text_put_hex(char *to, uint64_t value)
{
	size_t n = 1;

	for (uint64_t v = value; v >= 16; v /= 16)
		n++;
	for (size_t i = n; i > 0; i--, value /= 16)
		to[i - 1] = "0123456789abcdef"[value % 16];
	return n;
}

/* Half of the digits at once, a byte for each. */
static uint64_t
hex_digits(uint64_t half)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t x = half, letters;

	x = (x << 16 | x) & 0x0000ffff0000ffff;
	x = (x << 8 | x) & 0x00ff00ff00ff00ff;
	x = (x << 4 | x) & 0x0f0f0f0f0f0f0f0f;
	letters = (x + ones * 6) >> 4 & ones;
	return htobe64(x + ones * '0' + letters * ('a' - '0' - 10));
}

void
text_put_hex16(char *to, uint64_t value)
{
	uint64_t halves[2] = { hex_digits(value >> 32),
		hex_digits(value & UINT32_MAX) };

	memcpy(to, halves, sizeof(halves));
}

/* Table 3-7 of the Unicode standard: the second byte has the narrower bounds. */
size_t
text_utf8(struct text t)
{
	const unsigned char *p = (const unsigned char *)t.p;
	unsigned least, most;
	size_t n;

	if (t.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (t.n < n || p[1] < least || p[1] > most)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!text_utf8_goes_on(t.p[i]))
			return 0;
	return n;
}

void
text_fold(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = fold(p[i]);
}

/*
 * Optimal string alignment: as Levenshtein's, and two neighbours that changed
 * places count as one slip.  Three rows are all that one looks back at.
 */
unsigned
text_distance(struct text a, struct text b, unsigned most)
{
	unsigned rows[3][DISTANCE_MAX + 1];
	unsigned *now = rows[0], *last = rows[1], *before = rows[2], *spare;

	if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
		return text_equal(a, b) ? 0 : most + 1;
	for (unsigned j = 0; j <= b.n; j++)
		now[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		spare = before;
		before = last;
		last = now;
		now = spare;
		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned differ = a.p[i - 1] != b.p[j - 1];

			now[j] = min3(
			    last[j] + 1, now[j - 1] + 1, last[j - 1] + differ);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && before[j - 2] < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return now[b.n] > most ? most + 1 : now[b.n];
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}
