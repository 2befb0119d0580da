/*
 * Names of certificates and of the SNI extension: what is one, and which
 * entry of an index a client's name means.  PURE.  A name is folded once, as
 * it comes in; from there on comparing is memcmp.
 */
#include <string.h>

#include "tls/names.h"

#define LABEL_MAX 63

static bool name_valid(struct text);
static bool label_valid(struct text);
static bool all_digits(struct text);
static bool is_digit(char);
static bool is_name_byte(char);
static char lower(char);
static const struct tls_name *
find(const struct tls_names *, const struct tls_name *);

bool
tls_name_fold(struct text wire, char *to, struct text *name)
{
	size_t n = wire.n;

	if (n > 0 && wire.p[n - 1] == '.')
		n--;
	if (n == 0 || n > TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		to[i] = lower(wire.p[i]);
	to[n] = '\0';
	*name = (struct text){ to, n };
	return name_valid(*name);
}

bool
tls_pattern_fold(struct text san, char *to, struct tls_name *name)
{
	name->wildcard = san.n > 2 && san.p[0] == '*' && san.p[1] == '.';
	if (name->wildcard)
		san = (struct text){ san.p + 2, san.n - 2 };
	return tls_name_fold(san, to, &name->name);
}

int
tls_name_order(const struct tls_name *a, const struct tls_name *b)
{
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = memcmp(a->name.p, b->name.p, n);

	if (order != 0)
		return order;
	if (a->name.n != b->name.n)
		return a->name.n < b->name.n ? -1 : 1;
	return a->wildcard - b->wildcard;
}

const struct tls_name *
tls_names_find(const struct tls_names *names, struct text name)
{
	struct tls_name key = { .name = name };
	const struct tls_name *found = find(names, &key);
	const char *dot;

	if (found != NULL)
		return found;
	if ((dot = memchr(name.p, '.', name.n)) == NULL)
		return NULL;
	key.name.p = dot + 1;
	key.name.n = (size_t)(name.p + name.n - key.name.p);
	key.wildcard = true;
	return find(names, &key);
}

/* The last label of a host name is never a number: that is an IPv4 address. */
static bool
name_valid(struct text name)
{
	size_t start = 0;
	struct text label = TEXT_NONE;

	for (size_t i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '.')
			continue;
		label = (struct text){ name.p + start, i - start };
		if (!label_valid(label))
			return false;
		start = i + 1;
	}
	return !all_digits(label);
}

static bool
label_valid(struct text label)
{
	if (label.n == 0 || label.n > LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_name_byte(label.p[i]))
			return false;
	return true;
}

static bool
all_digits(struct text label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!is_digit(label.p[i]))
			return false;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static const struct tls_name *
find(const struct tls_names *names, const struct tls_name *key)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = tls_name_order(key, &names->v[middle]);

		if (order == 0)
			return &names->v[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
