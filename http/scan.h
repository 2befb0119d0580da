#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include "http/octet.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * How far a run of one class of bytes goes: sixteen at a time where there is
 * SSE2, as on any x86-64.  What is no common case, and the last bytes before
 * `end', are looked at one by one.  All return the first byte that is not of
 * the class, or `end', and never look behind it.
 */
static inline const char *
scan_each(const char *q, const char *end, unsigned class)
{
	while (q < end && octet_is(*q, class))
		q++;
	return q;
}

#ifdef __SSE2__
#define SCAN_BYTES 16

/* Of sixteen bytes, those from least to most. */
static inline __m128i
scan_within(__m128i x, char least, char most)
{
	__m128i y = _mm_sub_epi8(x, _mm_set1_epi8(least));

	return _mm_cmpeq_epi8(
	    _mm_min_epu8(y, _mm_set1_epi8((char)(most - least))), y);
}

/* Letters, digits and '-': nearly all that names are made of. */
static inline unsigned
scan_name_stops(__m128i x)
{
	__m128i low = _mm_or_si128(x, _mm_set1_epi8(0x20));
	__m128i good = _mm_or_si128(scan_within(low, 'a', 'z'),
	    _mm_or_si128(scan_within(x, '0', '9'),
		_mm_cmpeq_epi8(x, _mm_set1_epi8('-'))));

	return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

/* Control characters; a tab is looked at again. */
static inline unsigned
scan_value_stops(__m128i x)
{
	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(scan_within(x, 0, 0x1f),
		_mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f))));
}

static inline unsigned
scan_visible_stops(__m128i x)
{
	return (unsigned)_mm_movemask_epi8(scan_within(x, 0x21, 0x7e)) ^
	    0xffff;
}

#define SCAN_WIDE(q, end, stops)                                              \
	while ((end) - (q) >= SCAN_BYTES) {                                   \
		unsigned at = stops(_mm_loadu_si128(                          \
		    (const __m128i *)(const void *)(q)));                     \
                                                                              \
		if (at != 0) {                                                \
			(q) += __builtin_ctz(at);                             \
			break;                                                \
		}                                                             \
		(q) += SCAN_BYTES;                                            \
	}
#else
#define SCAN_WIDE(q, end, stops)
#endif

static inline const char *
scan_name(const char *q, const char *end)
{
	SCAN_WIDE(q, end, scan_name_stops)
	return scan_each(q, end, OCTET_TOKEN);
}

static inline const char *
scan_value(const char *q, const char *end)
{
	SCAN_WIDE(q, end, scan_value_stops)
	return scan_each(q, end, OCTET_VALUE);
}

static inline const char *
scan_visible(const char *q, const char *end)
{
	SCAN_WIDE(q, end, scan_visible_stops)
	return scan_each(q, end, OCTET_VCHAR);
}

#endif
