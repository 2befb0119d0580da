#include <criterion/criterion.h>

#include "conf/units.h"

#define S 1000000000ull

struct number {
	const char *text;
	enum unit_fault fault;
	uint64_t value;
};

static const struct number durations[] = {
	{ "0s", UNIT_GOOD, 0 },
	{ "250ms", UNIT_GOOD, S / 4 },
	{ "5s", UNIT_GOOD, 5 * S },
	{ "1m30s", UNIT_GOOD, 90 * S },
	{ "2h", UNIT_GOOD, 7200 * S },
	{ "7d", UNIT_GOOD, 7 * 86400 * S },
	{ "1d1h1m1s1ms", UNIT_GOOD, 90061 * S + S / 1000 },
	{ "007s", UNIT_GOOD, 7 * S },
	{ "18446744073709ms", UNIT_GOOD, 18446744073709000000ull },
	{ "18446744073710ms", UNIT_HUGE, 0 },
	{ "213503d23h34m33s709ms", UNIT_GOOD, 18446744073709000000ull },
	{ "213503d23h34m33s710ms", UNIT_HUGE, 0 },
	{ "99999999999999999999s", UNIT_HUGE, 0 },
	{ "5", UNIT_BARE, 0 },
	{ "0", UNIT_BARE, 0 },
	{ "1.5s", UNIT_FRACTION, 0 },
	{ "30s1m", UNIT_ORDER, 0 },
	{ "1m1m", UNIT_ORDER, 0 },
	{ "1m30", UNIT_NOT, 0 },
	{ "", UNIT_NOT, 0 },
	{ "s", UNIT_NOT, 0 },
	{ "-5s", UNIT_NOT, 0 },
	{ "5 s", UNIT_NOT, 0 },
	{ "5s ", UNIT_NOT, 0 },
	{ "5S", UNIT_NOT, 0 },
	{ "5us", UNIT_NOT, 0 },
	{ "22:22", UNIT_NOT, 0 },
	{ "5s,", UNIT_NOT, 0 },
};

static const struct number sizes[] = {
	{ "0B", UNIT_GOOD, 0 },
	{ "512B", UNIT_GOOD, 512 },
	{ "64KiB", UNIT_GOOD, 65536 },
	{ "10MB", UNIT_GOOD, 10000000 },
	{ "1KB", UNIT_GOOD, 1000 },
	{ "1MiB", UNIT_GOOD, 1048576 },
	{ "1GB", UNIT_GOOD, 1000000000 },
	{ "1GiB", UNIT_GOOD, 1ull << 30 },
	{ "1TB", UNIT_GOOD, 1000000000000 },
	{ "1TiB", UNIT_GOOD, 1ull << 40 },
	{ "16777215TiB", UNIT_GOOD, 16777215ull << 40 },
	{ "16777216TiB", UNIT_HUGE, 0 },
	{ "18446744073709551615B", UNIT_GOOD, UINT64_MAX },
	{ "18446744073709551616B", UNIT_HUGE, 0 },
	{ "4096", UNIT_BARE, 0 },
	{ "1.5MiB", UNIT_FRACTION, 0 },
	{ "64k", UNIT_NOT, 0 },
	{ "64kb", UNIT_NOT, 0 },
	{ "1MiB1B", UNIT_NOT, 0 },
	{ "MiB", UNIT_NOT, 0 },
	{ "", UNIT_NOT, 0 },
	{ "1 MiB", UNIT_NOT, 0 },
};

static const struct number percents[] = {
	{ "0%", UNIT_GOOD, 0 },
	{ "50%", UNIT_GOOD, 50 },
	{ "100%", UNIT_GOOD, 100 },
	{ "101%", UNIT_HUGE, 0 },
	{ "50", UNIT_BARE, 0 },
	{ "0.5%", UNIT_FRACTION, 0 },
	{ "%", UNIT_NOT, 0 },
	{ "50%%", UNIT_NOT, 0 },
	{ "50%5", UNIT_NOT, 0 },
};

static const struct number counts[] = {
	{ "0", UNIT_GOOD, 0 },
	{ "10000", UNIT_GOOD, 10000 },
	{ "18446744073709551615", UNIT_GOOD, UINT64_MAX },
	{ "18446744073709551616", UNIT_HUGE, 0 },
	{ "", UNIT_NOT, 0 },
	{ "-1", UNIT_NOT, 0 },
	{ "+1", UNIT_NOT, 0 },
	{ "0x1", UNIT_NOT, 0 },
	{ "1.0", UNIT_NOT, 0 },
	{ "1k", UNIT_NOT, 0 },
};

static void
check(const struct number *numbers, size_t n,
    enum unit_fault (*parse)(struct text, uint64_t *))
{
	uint64_t value;
	size_t i;

	for (i = 0; i < n; i++) {
		value = 12345;
		cr_expect_eq(parse(text_of(numbers[i].text), &value),
		    numbers[i].fault, "'%s'", numbers[i].text);
		cr_expect_eq(value,
		    numbers[i].fault == UNIT_GOOD ? numbers[i].value : 12345,
		    "'%s' is %llu", numbers[i].text, (unsigned long long)value);
	}
}

static enum unit_fault
percent(struct text t, uint64_t *value)
{
	unsigned p = 12345;
	enum unit_fault fault = units_percent(t, &p);

	*value = p;
	return fault;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

Test(units, durations_have_units_in_order)
{
	check(durations, COUNT(durations), units_duration);
}

Test(units, sizes_have_one_unit)
{
	check(sizes, COUNT(sizes), units_size);
}

Test(units, percents_are_whole_and_at_most_100)
{
	check(percents, COUNT(percents), percent);
}

Test(units, counts_are_digits_only)
{
	check(counts, COUNT(counts), units_count);
}

Test(units, statuses_are_codes_ranges_and_classes)
{
	static const struct {
		const char *text;
		enum unit_fault fault;
		uint16_t from, to;
	} cases[] = {
		{ "100", UNIT_GOOD, 100, 100 },
		{ "599", UNIT_GOOD, 599, 599 },
		{ "200-399", UNIT_GOOD, 200, 399 },
		{ "204-204", UNIT_GOOD, 204, 204 },
		{ "1xx", UNIT_GOOD, 100, 199 },
		{ "2xx", UNIT_GOOD, 200, 299 },
		{ "5xx", UNIT_GOOD, 500, 599 },
		{ "399-200", UNIT_ORDER, 0, 0 },
		{ "99", UNIT_NOT, 0, 0 },
		{ "600", UNIT_NOT, 0, 0 },
		{ "200-600", UNIT_NOT, 0, 0 },
		{ "99-200", UNIT_NOT, 0, 0 },
		{ "0xx", UNIT_NOT, 0, 0 },
		{ "6xx", UNIT_NOT, 0, 0 },
		{ "2x", UNIT_NOT, 0, 0 },
		{ "2xxx", UNIT_NOT, 0, 0 },
		{ "2Xx", UNIT_NOT, 0, 0 },
		{ "200-", UNIT_NOT, 0, 0 },
		{ "-200", UNIT_NOT, 0, 0 },
		{ "", UNIT_NOT, 0, 0 },
		{ "ok", UNIT_NOT, 0, 0 },
	};
	uint16_t from, to;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		from = to = 0;
		cr_expect_eq(units_status(text_of(cases[i].text), &from, &to),
		    cases[i].fault, "'%s'", cases[i].text);
		cr_expect(from == cases[i].from && to == cases[i].to, "'%s'",
		    cases[i].text);
	}
}

Test(units, durations_print_as_one_writes_them)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ S / 1000, "1ms" },
		{ 999 * S / 1000, "999ms" },
		{ S, "1s" },
		{ 90 * S, "1m30s" },
		{ 3600 * S, "1h" },
		{ 86400 * S, "1d" },
		{ 86399 * S, "23h59m59s" },
		{ 1500 * S / 1000, "1s500ms" },
		{ UINT64_MAX, "213503d23h34m33s709ms" },
	};
	char text[32];
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		units_print_duration(text, cases[i].ns);
		cr_expect_str_eq(text, cases[i].text);
	}
}

Test(units, sizes_print_in_the_largest_unit_that_divides)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1, "1B" },
		{ 1023, "1023B" },
		{ 1024, "1KiB" },
		{ 1025, "1025B" },
		{ 65536, "64KiB" },
		{ 1048576, "1MiB" },
		{ 1ull << 30, "1GiB" },
		{ 3ull << 40, "3TiB" },
		{ 1000, "1000B" },
	};
	char text[32];
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		units_print_size(text, cases[i].bytes);
		cr_expect_str_eq(text, cases[i].text);
	}
}
