/* Host names folded, patterns recognised, the right entry found. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/names.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define N253 L63 "." L63 "." L63 "." L61

static const struct {
	const char *wire;
	const char *folded; /* NULL: no host name */
} folds[] = {
	{ "a", "a" },
	{ "example.org", "example.org" },
	{ "ExAmPlE.ORG", "example.org" },
	{ "AZ.az", "az.az" },
	{ "example.org.", "example.org" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "_dmarc.example", "_dmarc.example" },
	{ "a-b.09.example", "a-b.09.example" },
	{ "1.2.3.4a", "1.2.3.4a" },
	{ L63 ".x", L63 ".x" },
	{ N253, N253 },
	{ N253 ".", N253 },
	{ "", NULL },
	{ ".", NULL },
	{ "a..", NULL },
	{ "..", NULL },
	{ ".a", NULL },
	{ "a..b", NULL },
	{ "a" L63 ".x", NULL },
	{ "a" N253, NULL },
	{ "1.2.3.4", NULL },
	{ "x.9", NULL },
	{ "0", NULL },
	{ "::1", NULL },
	{ "[::1]", NULL },
	{ "a b", NULL },
	{ "a/b", NULL },
	{ "a@b", NULL },
	{ "a[b", NULL },
	{ "a`b", NULL },
	{ "a{b", NULL },
	{ "a,b", NULL },
	{ "caf\xc3\xa9.fr", NULL },
	{ "*.example", NULL },
	{ "*", NULL },
};

Test(names, fold_to_lower_case_or_are_refused)
{
	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		char to[TLS_NAME_MAX + 1];
		struct text name;
		bool ok = tls_name_fold(text_of(folds[i].wire), to, &name);

		cr_assert_eq(ok, folds[i].folded != NULL, "%s", folds[i].wire);
		if (!ok)
			continue;
		cr_assert_str_eq(to, folds[i].folded);
		cr_assert_eq(name.n, strlen(folds[i].folded));
		cr_assert_eq(name.p, to);
	}
}

Test(names, with_a_nul_inside_are_refused)
{
	char to[TLS_NAME_MAX + 1];
	struct text name, wire = TEXT("good.example\0.evil");

	cr_assert_not(tls_name_fold(wire, to, &name));
}

static const struct {
	const char *san;
	bool ok, wildcard;
	const char *name;
} patterns[] = {
	{ "Example.org", true, false, "example.org" },
	{ "*.Example.org", true, true, "example.org" },
	{ "*.localhost", true, true, "localhost" },
	{ "*", false, false, NULL },
	{ "*.", false, false, NULL },
	{ "*..x", false, false, NULL },
	{ "*x.example", false, false, NULL },
	{ "f*.example", false, false, NULL },
	{ "a.*.example", false, false, NULL },
	{ "*.*.example", false, false, NULL },
	{ "", false, false, NULL },
};

Test(names, of_certificates_may_have_one_star_as_leftmost_label)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		char to[TLS_NAME_MAX + 1];
		struct tls_name name = { .value = 7 };

		cr_assert_eq(
		    tls_pattern_fold(text_of(patterns[i].san), to, &name),
		    patterns[i].ok, "%s", patterns[i].san);
		if (!patterns[i].ok)
			continue;
		cr_assert_eq(name.wildcard, patterns[i].wildcard);
		cr_assert_str_eq(name.name.p, patterns[i].name);
		cr_assert_eq(name.value, 7);
	}
}

Test(names, are_ordered_by_bytes_then_length_then_wildcard)
{
	const struct tls_name v[] = {
		{ TEXT("a"), false, 9 },
		{ TEXT("a"), true, 8 },
		{ TEXT("ab"), false, 7 },
		{ TEXT("b"), false, 6 },
		{ TEXT("b"), true, 5 },
	};

	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++) {
			int order = tls_name_order(&v[i], &v[j]);

			cr_assert_eq((order > 0) - (order < 0),
			    (i > j) - (i < j), "%d %d", i, j);
		}
}

static int
order(const void *a, const void *b)
{
	return tls_name_order(a, b);
}

static int
found(struct tls_names *names, const char *name)
{
	const struct tls_name *n = tls_names_find(names, text_of(name));

	return n != NULL ? (int)n->value : -1;
}

Test(names, are_found_exact_before_wildcard_and_one_label_deep)
{
	struct tls_name v[] = {
		{ TEXT("shop.example"), false, 0 },
		{ TEXT("example"), true, 1 },
		{ TEXT("www.example"), false, 2 },
		{ TEXT("shop.example"), true, 3 },
		{ TEXT("www.example"), true, 4 },
		{ TEXT("localhost"), false, 5 },
	};
	struct tls_names names = { v, 6 };

	qsort(v, 6, sizeof(v[0]), order);
	cr_assert_eq(found(&names, "shop.example"), 0);
	cr_assert_eq(found(&names, "www.example"), 2);
	cr_assert_eq(found(&names, "api.example"), 1);
	cr_assert_eq(found(&names, "a.shop.example"), 3);
	cr_assert_eq(found(&names, "a.www.example"), 4);
	cr_assert_eq(found(&names, "localhost"), 5);
	cr_assert_eq(found(&names, "a.b.shop.example"), -1);
	cr_assert_eq(found(&names, "example"), -1);
	cr_assert_eq(found(&names, "a.localhost"), -1);
	cr_assert_eq(found(&names, "example.shop"), -1);
	cr_assert_eq(found(&names, ""), -1);
}

Test(names, are_found_among_any_number_at_every_place)
{
	char bytes[40][8];
	struct tls_name v[40];

	for (unsigned n = 0; n <= 40; n++) {
		struct tls_names names = { v, n };

		for (unsigned i = 0; i < n; i++) {
			snprintf(bytes[i], sizeof(bytes[i]), "n%02u.x", i);
			v[i] = (struct tls_name){ text_of(bytes[i]), false, i };
		}
		for (unsigned i = 0; i < n; i++)
			cr_assert_eq(found(&names, bytes[i]), (int)i);
		cr_assert_eq(found(&names, "a"), -1);
		cr_assert_eq(found(&names, "n05.y"), -1);
		cr_assert_eq(found(&names, "z"), -1);
	}
}
