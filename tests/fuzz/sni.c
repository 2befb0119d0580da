/*
 * Names from clients against names of certificates: the first line is the
 * one, the others the other.  What the index finds must be what a plain look
 * at each pattern finds, and folding twice is folding once.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/names.h"

#define MOST 32

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char folded[MOST][TLS_NAME_MAX + 1];

static int
order(const void *a, const void *b)
{
	return tls_name_order(a, b);
}

static size_t
read_patterns(struct text in, struct tls_name *v)
{
	struct text line;
	size_t n = 0;

	while (n < MOST && text_split(&in, '\n', &line))
		if (tls_pattern_fold(line, folded[n], &v[n])) {
			v[n].value = (unsigned)n;
			n++;
		}
	return n;
}

static void
check_folded(struct text name)
{
	char again[TLS_NAME_MAX + 1];
	struct text twice;

	assert(name.n > 0 && name.n <= TLS_NAME_MAX);
	assert(name.p[name.n] == '\0' && strlen(name.p) == name.n);
	assert(tls_name_fold(name, again, &twice));
	assert(text_equal(name, twice));
}

/* RFC 9525 6.3, word for word. */
static bool
matches(const struct tls_name *pattern, struct text name)
{
	ptrdiff_t dot = text_find(name, '.');

	if (!pattern->wildcard)
		return text_equal(pattern->name, name);
	return dot > 0 &&
	    text_equal(pattern->name, text_from(name, (size_t)dot + 1));
}

static void
check_found(const struct tls_names *names, struct text name)
{
	const struct tls_name *found = tls_names_find(names, name);
	bool exact = false, any = false;

	for (size_t i = 0; i < names->n; i++)
		if (matches(&names->v[i], name)) {
			any = true;
			exact = exact || !names->v[i].wildcard;
		}
	assert((found != NULL) == any);
	assert(found == NULL || matches(found, name));
	assert(found == NULL || found->wildcard == !exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text in = { (const char *)bytes, n }, wire, name;
	struct tls_name v[MOST];
	struct tls_names names = { v, 0 };
	char to[TLS_NAME_MAX + 1];

	if (!text_split(&in, '\n', &wire) || !tls_name_fold(wire, to, &name))
		return 0;
	check_folded(name);
	names.n = read_patterns(in, v);
	for (size_t i = 0; i < names.n; i++)
		check_folded(v[i].name);
	qsort(v, names.n, sizeof(v[0]), order);
	check_found(&names, name);
	return 0;
}
