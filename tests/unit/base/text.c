/* base/text: slices, strict numbers, distance. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/text.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct text
t(const char *s)
{
	return text_of(s);
}

Test(text, of_null_is_none)
{
	cr_assert_null(t(NULL).p);
	cr_assert_eq(t(NULL).n, 0);
	cr_assert_eq(t("abc").n, 3);
	cr_assert_not_null(t("").p);
}

Test(text, equal_compares_length_and_bytes)
{
	cr_assert(text_equal(t("abc"), t("abc")));
	cr_assert(text_equal(t(""), TEXT_NONE));
	cr_assert_not(text_equal(t("abc"), t("abd")));
	cr_assert_not(text_equal(t("abc"), t("ab")));
	cr_assert_not(text_equal(t("abc"), t("ABC")));
}

Test(text, equal_fold_folds_ascii_letters_alone)
{
	cr_assert(text_equal_fold(t("HoSt-AZaz"), t("hOsT-azAZ")));
	cr_assert_not(text_equal_fold(t("host"), t("hos")));
	cr_assert_not(text_equal_fold(t("host"), t("host2")));
	cr_assert_not(text_equal_fold(t("a["), t("a{")));
	cr_assert_not(text_equal_fold(t("@"), t("`")));
	cr_assert_not(text_equal_fold(t("\xc4"), t("\xe4")));
}

Test(text, starts_and_ends_need_the_whole_affix)
{
	cr_assert(text_starts(t("/api/x"), t("/api")));
	cr_assert(text_starts(t("/api"), t("/api")));
	cr_assert(text_starts(t("/api"), t("")));
	cr_assert_not(text_starts(t("/ap"), t("/api")));
	cr_assert_not(text_starts(t("/apx"), t("/api")));
	cr_assert(text_ends_fold(t("www.Example.COM"), t(".example.com")));
	cr_assert(text_ends_fold(t(".com"), t(".com")));
	cr_assert_not(text_ends_fold(t("com"), t(".com")));
	cr_assert_not(text_ends_fold(t("x.con"), t(".com")));
}

Test(text, trim_takes_blanks_off_both_ends)
{
	cr_assert(text_equal(text_trim(t(" \t a b\t ")), t("a b")));
	cr_assert(text_equal(text_trim(t("a")), t("a")));
	cr_assert_eq(text_trim(t(" \t ")).n, 0);
	cr_assert(text_equal(text_trim(t("\na\r")), t("\na\r")));
}

Test(text, from_and_first_stop_at_the_ends)
{
	cr_assert(text_equal(text_from(t("abc"), 1), t("bc")));
	cr_assert(text_equal(text_from(t("abc"), 0), t("abc")));
	cr_assert_eq(text_from(t("abc"), 3).n, 0);
	cr_assert_eq(text_from(t("abc"), 9).n, 0);
	cr_assert_null(text_from(TEXT_NONE, 2).p);
	cr_assert(text_equal(text_first(t("abc"), 2), t("ab")));
	cr_assert(text_equal(text_first(t("abc"), 4), t("abc")));
}

Test(text, find_gives_offsets)
{
	cr_assert_eq(text_find(t("a:b:c"), ':'), 1);
	cr_assert_eq(text_find_last(t("a:b:c"), ':'), 3);
	cr_assert_eq(text_find(t(":"), ':'), 0);
	cr_assert_eq(text_find(t("abc"), 'x'), -1);
	cr_assert_eq(text_find_last(t("abc"), 'x'), -1);
	cr_assert_eq(text_find(TEXT_NONE, 'x'), -1);
	cr_assert_eq(text_find_last(TEXT_NONE, 'x'), -1);
	cr_assert_eq(text_find(text_first(t("ab"), 1), 'b'), -1);
}

Test(text, split_gives_one_part_more_than_separators)
{
	static const struct {
		const char *text, *parts[4];
		size_t n;
	} cases[] = {
		{ "a, b ,c", { "a", "b", "c" }, 3 },
		{ "a", { "a" }, 1 },
		{ "a,", { "a", "" }, 2 },
		{ ",", { "", "" }, 2 },
		{ "", { "" }, 1 },
		{ NULL, { NULL }, 0 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct text rest = t(cases[i].text), part;
		size_t n = 0;

		while (text_split(&rest, ',', &part)) {
			cr_assert_lt(n, cases[i].n, "%s", cases[i].text);
			cr_assert(text_equal(part, t(cases[i].parts[n])),
			    "%s: part %zu", cases[i].text, n);
			n++;
		}
		cr_assert_eq(n, cases[i].n, "%s", cases[i].text);
	}
}

struct number {
	const char *text;
	uint64_t most;
	bool good;
	uint64_t value;
};

static void
check_numbers(const struct number *c, size_t n,
    bool (*parse)(struct text, uint64_t, uint64_t *))
{
	for (; n > 0; c++, n--) {
		uint64_t value = 77;

		cr_assert_eq(
		    parse(t(c->text), c->most, &value), c->good, "%s", c->text);
		cr_assert_eq(value, c->good ? c->value : 77, "%s", c->text);
	}
}

Test(text, u64_is_digits_up_to_the_most)
{
	static const struct number cases[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "007", 9, true, 7 },
		{ "65535", 65535, true, 65535 },
		{ "65536", 65535, false, 0 },
		{ "99", 99, true, 99 },
		{ "100", 99, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
		{ "", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ " 1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "1a", 99, false, 0 },
		{ "/", 99, false, 0 },
		{ ":", 99, false, 0 },
		{ "5", 4, false, 0 },
	};

	check_numbers(cases, N(cases), text_to_u64);
}

Test(text, hex_is_either_case_up_to_the_most)
{
	static const struct number cases[] = {
		{ "0", 9, true, 0 },
		{ "aF09", UINT64_MAX, true, 0xaf09 },
		{ "ffffffffffffffff", UINT64_MAX, true, UINT64_MAX },
		{ "10000000000000000", UINT64_MAX, false, 0 },
		{ "g", 99, false, 0 },
		{ "G", 99, false, 0 },
		{ "`", 99, false, 0 },
		{ "@", 99, false, 0 },
		{ "0x1", 99, false, 0 },
		{ "", 9, false, 0 },
		{ "b", 10, false, 0 },
		{ "a", 10, true, 10 },
		{ "11", 16, false, 0 },
		{ "10", 16, true, 16 },
	};

	check_numbers(cases, N(cases), text_to_hex);
}

static void
check_put(size_t (*put)(char *, uint64_t), uint64_t value, const char *want)
{
	char s[24];

	memset(s, '#', sizeof(s));
	cr_assert_eq(put(s, value), strlen(want));
	cr_assert_eq(memcmp(s, want, strlen(want)), 0, "%s", want);
	cr_assert_eq(s[strlen(want)], '#');
}

Test(text, put_writes_the_digits_and_no_more)
{
	check_put(text_put_u64, 0, "0");
	check_put(text_put_u64, 9, "9");
	check_put(text_put_u64, 10, "10");
	check_put(text_put_u64, 99, "99");
	check_put(text_put_u64, 200, "200");
	check_put(text_put_u64, 1024, "1024");
	check_put(text_put_u64, 9999999999999999999u, "9999999999999999999");
	check_put(text_put_u64, 1234567890, "1234567890");
	check_put(text_put_u64, UINT64_MAX, "18446744073709551615");
	check_put(text_put_hex, 0, "0");
	check_put(text_put_hex, 15, "f");
	check_put(text_put_hex, 16, "10");
	check_put(text_put_hex, 0xdeadbeef, "deadbeef");
	check_put(text_put_hex, UINT64_MAX, "ffffffffffffffff");
}

Test(text, hex_of_sixteen_digits_has_its_noughts)
{
	char to[16];

	text_put_hex16(to, 0x0123456789abcdef);
	cr_assert_arr_eq(to, "0123456789abcdef", 16);
	text_put_hex16(to, 0xfedcba9876543210);
	cr_assert_arr_eq(to, "fedcba9876543210", 16);
	text_put_hex16(to, 10);
	cr_assert_arr_eq(to, "000000000000000a", 16);
}

/* A number as UTF-8 would write it in n bytes, whether it may or not. */
static size_t
encode(uint32_t code, size_t n, char *to)
{
	static const unsigned marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		to[i] = (char)(0x80 | (code & 0x3f));
	to[0] = (char)(marks[n] | code);
	return n;
}

static size_t
utf8_bytes(uint32_t code)
{
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/* Is it taken for what it is, whatever comes after it? */
static bool
utf8_is_told(uint32_t code, size_t n)
{
	size_t want = utf8_bytes(code) == n ? n : 0;
	char s[5];

	encode(code, n, s);
	s[n] = '\x80';
	return text_utf8((struct text){ s, n }) == want &&
	    text_utf8((struct text){ s, n + 1 }) == want;
}

Test(text, utf8_is_each_character_in_its_one_form)
{
	static const uint32_t most[] = { 0, 0x7f, 0x7ff, 0xffff, 0x1fffff };

	for (size_t n = 1; n <= 4; n++)
		for (uint32_t code = 0; code <= most[n]; code++)
			cr_assert(utf8_is_told(code, n), "U+%04x in %zu bytes",
			    code, n);
}

/* The character in n bytes with another byte in the place of one of its own. */
static size_t
spoilt(uint32_t code, size_t n, size_t at, unsigned byte)
{
	char s[4];

	encode(code, n, s);
	s[at] = (char)byte;
	return text_utf8((struct text){ s, n });
}

Test(text, utf8_wants_each_byte_of_a_character)
{
	static const uint32_t codes[] = { 0, 0, 0xe9, 0x20ac, 0x5f6a2 };
	char s[4];

	cr_assert_eq(text_utf8(TEXT_NONE), 0);
	for (size_t n = 2; n <= 4; n++)
		for (size_t at = 1; at < n; at++) {
			encode(codes[n], n, s);
			cr_assert_eq(text_utf8((struct text){ s, at }), 0);
			for (unsigned byte = 0; byte < 0x100; byte++)
				cr_assert_eq(spoilt(codes[n], n, at, byte),
				    byte >= 0x80 && byte <= 0xbf ? n : 0,
				    "%zu bytes, %02x at %zu", n, byte, at);
		}
}

Test(text, utf8_begins_with_none_of_these_bytes)
{
	char s[4];

	for (unsigned byte = 0x80; byte < 0x100; byte++) {
		memset(s, 0x90, sizeof(s));
		s[0] = (char)byte;
		cr_assert_eq(text_utf8((struct text){ s, 4 }) == 0,
		    byte < 0xc2 || byte > 0xf4 || byte == 0xe0 || byte == 0xf4,
		    "%02x", byte);
	}
}

Test(text, fold_lowers_ascii_in_place)
{
	char s[] = "@AZ[`az{\xc4";

	text_fold(s, sizeof(s) - 1);
	cr_assert_str_eq(s, "@az[`az{\xc4");
	s[1] = 'A';
	text_fold(s, 1);
	cr_assert_eq(s[1], 'A');
}

Test(text, distance_counts_slips)
{
	static const struct {
		const char *a, *b;
		unsigned most, distance;
	} cases[] = {
		{ "", "", 3, 0 },
		{ "listen", "listen", 3, 0 },
		{ "timeout", "timeuot", 3, 1 },
		{ "ab", "ba", 3, 1 },
		{ "weight", "wieght", 3, 1 },
		{ "upstream", "upstreams", 3, 1 },
		{ "upstreams", "upstream", 3, 1 },
		{ "routes", "rutes", 3, 1 },
		{ "path", "bath", 3, 1 },
		{ "kitten", "sitting", 3, 3 },
		{ "kitten", "sitting", 2, 3 },
		{ "abc", "", 9, 3 },
		{ "", "abcd", 9, 4 },
		{ "abcd", "wxyz", 2, 3 },
		{ "ca", "abc", 9, 3 },
		{ "abcdef", "badcfe", 9, 3 },
	};

	for (size_t i = 0; i < N(cases); i++)
		cr_assert_eq(
		    text_distance(t(cases[i].a), t(cases[i].b), cases[i].most),
		    cases[i].distance, "%s %s", cases[i].a, cases[i].b);
}

Test(text, distance_of_long_names_is_equality)
{
	char a[66], b[66];

	memset(a, 'x', 65);
	memset(b, 'x', 65);
	a[65] = b[65] = '\0';
	cr_assert_eq(text_distance(t(a), t(b), 3), 0);
	b[7] = 'y';
	cr_assert_eq(text_distance(t(a), t(b), 3), 4);
	cr_assert_eq(text_distance(t(a), t("x"), 3), 4);
	a[64] = b[64] = '\0';
	cr_assert_eq(text_distance(t(a), t(b), 3), 1);
}

Test(text, a_list_names_whole_tokens)
{
	cr_expect(text_lists(TEXT("a, web/1"), TEXT("WEB/1")));
	cr_expect_not(text_lists(TEXT("a, web/1"), TEXT("web")));
	cr_expect_not(text_lists(TEXT("a, web/1"), TEXT("a, web/1")));
	cr_expect_not(text_lists(TEXT("a,,b"), TEXT("")));
	cr_expect_not(text_lists(TEXT_NONE, TEXT("a")));
}
