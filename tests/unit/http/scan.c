/*
 * Sixteen bytes at a time say what one byte at a time says.
 */
#include "http/scan.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/lib/corpus.h"

#define LONGEST 40
#define MOST 200 /* bytes of a piece */

/* The bytes are the end of what may be read. */
static void
expect_the_same(const char *bytes, size_t n)
{
	char *p = malloc(n == 0 ? 1 : n);
	const char *end = p + n;

	memcpy(p, bytes, n);
	cr_assert_eq(scan_name(p, end), scan_each(p, end, OCTET_TOKEN));
	cr_assert_eq(scan_value(p, end), scan_each(p, end, OCTET_VALUE));
	cr_assert_eq(scan_visible(p, end), scan_each(p, end, OCTET_VCHAR));
	free(p);
}

Test(scan, any_byte_at_any_place_stops_it_where_it_should)
{
	char bytes[LONGEST];
	size_t n, at;
	int c;

	for (n = 1; n <= LONGEST; n++)
		for (at = 0; at < n; at++)
			for (c = 0; c < 256; c++) {
				memset(bytes, 'a', n);
				bytes[at] = (char)c;
				expect_the_same(bytes, n);
			}
}

static void
expect_the_same_in(const char *kind)
{
	unsigned n;
	char **names = corpus_names(kind, &n);

	for (unsigned i = 0; i < n; i++) {
		struct bytes b;

		cr_assert(corpus_read(kind, names[i], &b));
		for (size_t at = 0; at < b.n; at++)
			expect_the_same(
			    b.p + at, b.n - at < MOST ? b.n - at : MOST);
		bytes_free(&b);
	}
	cr_assert_gt(n, 0);
}

Test(scan, is_the_same_everywhere_in_the_corpus)
{
	expect_the_same_in("requests");
	expect_the_same_in("responses");
}
