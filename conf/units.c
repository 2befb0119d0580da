/*
 * Numbers as people write them in a configuration: a number with its unit and
 * nothing else.  A bare number is refused, because "timeout: 5" has meant
 * seconds, milliseconds and minutes in other programs.
 */
#include <stdbool.h>
#include <string.h>

#include "conf/units.h"

struct unit {
	const char *name;
	uint64_t worth;
};

/* From large to small: a duration may hold each once, in this order. */
static const struct unit durations[] = {
	{ "d", 86400000000000 },
	{ "h", 3600000000000 },
	{ "m", 60000000000 },
	{ "s", 1000000000 },
	{ "ms", 1000000 },
};
/* Those a size is printed in come first, from large to small. */
static const struct unit sizes[] = {
	{ "TiB", 1ull << 40 },
	{ "GiB", 1ull << 30 },
	{ "MiB", 1ull << 20 },
	{ "KiB", 1ull << 10 },
	{ "B", 1 },
	{ "TB", 1000000000000 },
	{ "GB", 1000000000 },
	{ "MB", 1000000 },
	{ "KB", 1000 },
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static enum unit_fault take_part(struct text *, const struct unit *,
    size_t units, size_t *which, uint64_t *value);
static size_t digits(struct text);
static size_t letters(struct text);
static size_t print_part(char *, uint64_t, const struct unit *);

enum unit_fault
units_duration(struct text t, uint64_t *ns)
{
	uint64_t sum = 0, part;
	size_t which, last = 0;
	bool first = true;
	enum unit_fault fault;

	do {
		fault =
		    take_part(&t, durations, COUNT(durations), &which, &part);
		if (fault != UNIT_GOOD)
			return first || fault != UNIT_BARE ? fault : UNIT_NOT;
		if (!first && which <= last)
			return UNIT_ORDER;
		if (part > UINT64_MAX - sum)
			return UNIT_HUGE;
		sum += part;
		last = which;
		first = false;
	} while (t.n > 0);
	*ns = sum;
	return UNIT_GOOD;
}

enum unit_fault
units_size(struct text t, uint64_t *bytes)
{
	enum unit_fault fault;
	uint64_t value;
	size_t which;

	fault = take_part(&t, sizes, COUNT(sizes), &which, &value);
	if (fault != UNIT_GOOD)
		return fault;
	if (t.n > 0)
		return UNIT_NOT;
	*bytes = value;
	return UNIT_GOOD;
}

enum unit_fault
units_percent(struct text t, unsigned *percent)
{
	static const struct unit unit = { "%", 1 };
	enum unit_fault fault;
	uint64_t value;
	size_t which;

	fault = take_part(&t, &unit, 1, &which, &value);
	if (fault != UNIT_GOOD)
		return fault;
	if (t.n > 0)
		return UNIT_NOT;
	if (value > 100)
		return UNIT_HUGE;
	*percent = (unsigned)value;
	return UNIT_GOOD;
}

enum unit_fault
units_count(struct text t, uint64_t *value)
{
	if (t.n == 0 || digits(t) != t.n)
		return UNIT_NOT;
	return text_to_u64(t, UINT64_MAX, value) ? UNIT_GOOD : UNIT_HUGE;
}

enum unit_fault
units_status(struct text t, uint16_t *from, uint16_t *to)
{
	ptrdiff_t dash = text_find(t, '-');
	uint64_t low, high;

	if (t.n == 3 && text_equal(text_from(t, 1), TEXT("xx")) &&
	    t.p[0] >= '1' && t.p[0] <= '5') {
		*from = (uint16_t)((t.p[0] - '0') * 100);
		*to = (uint16_t)(*from + 99);
		return UNIT_GOOD;
	}
	if (dash == -1)
		dash = (ptrdiff_t)t.n;
	if (!text_to_u64(text_first(t, (size_t)dash), 599, &low))
		return UNIT_NOT;
	high = low;
	if ((size_t)dash < t.n &&
	    !text_to_u64(text_from(t, (size_t)dash + 1), 599, &high))
		return UNIT_NOT;
	if (low < 100)
		return UNIT_NOT;
	if (high < low)
		return UNIT_ORDER;
	*from = (uint16_t)low;
	*to = (uint16_t)high;
	return UNIT_GOOD;
}

void
units_print_duration(char to[32], uint64_t ns)
{
	size_t i, n = 0;

	for (i = 0; i < COUNT(durations); i++)
		if (ns >= durations[i].worth) {
			n += print_part(to + n, ns, &durations[i]);
			ns %= durations[i].worth;
		}
	memcpy(to + n, n == 0 ? "0s" : "", n == 0 ? 3 : 1);
}

void
units_print_size(char to[32], uint64_t bytes)
{
	size_t i = 0, n;

	while (bytes == 0 ? sizes[i].worth > 1 : bytes % sizes[i].worth != 0)
		i++;
	n = print_part(to, bytes, &sizes[i]);
	to[n] = '\0';
}

/* A number and its unit off the front. */
static enum unit_fault
take_part(struct text *t, const struct unit *units, size_t n, size_t *which,
    uint64_t *value)
{
	size_t d = digits(*t), l = letters(text_from(*t, d)), i;
	struct text name = text_first(text_from(*t, d), l);
	uint64_t number;

	if (d == 0)
		return UNIT_NOT;
	if (l == 0)
		return t->n == d     ? UNIT_BARE
		    : t->p[d] == '.' ? UNIT_FRACTION
				     : UNIT_NOT;
	for (i = 0; i < n && !text_equal(name, text_of(units[i].name)); i++)
		continue;
	if (i == n)
		return UNIT_NOT;
	if (!text_to_u64(
		text_first(*t, d), UINT64_MAX / units[i].worth, &number))
		return UNIT_HUGE;
	*which = i;
	*value = number * units[i].worth;
	*t = text_from(*t, d + l);
	return UNIT_GOOD;
}

static size_t
digits(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.p[n] >= '0' && t.p[n] <= '9')
		n++;
	return n;
}

static size_t
letters(struct text t)
{
	size_t n = 0;

	while (n < t.n &&
	    ((t.p[n] >= 'a' && t.p[n] <= 'z') ||
		(t.p[n] >= 'A' && t.p[n] <= 'Z') || t.p[n] == '%'))
		n++;
	return n;
}

static size_t
print_part(char *to, uint64_t value, const struct unit *unit)
{
	size_t n = text_put_u64(to, value / unit->worth);

	memcpy(to + n, unit->name, strlen(unit->name));
	return n + strlen(unit->name);
}
