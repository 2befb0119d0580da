/* base/map. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/map.h"

Test(map, empty_knows_nothing)
{
	struct map m = { 0 };

	cr_assert_null(map_get(&m, text_of("a")));
	map_fini(&m);
}

Test(map, finds_what_was_set_and_replaces_it)
{
	struct map m = { 0 };
	int x, y;

	map_set(&m, text_of("a"), &x);
	map_set(&m, text_of(""), &y);
	cr_assert_eq(map_get(&m, text_of("a")), &x);
	cr_assert_eq(map_get(&m, TEXT_NONE), &y);
	cr_assert_null(map_get(&m, text_of("b")));
	map_set(&m, text_of("a"), &y);
	cr_assert_eq(map_get(&m, text_of("a")), &y);
	cr_assert_eq(m.n, 2);
	map_fini(&m);
	cr_assert_null(map_get(&m, text_of("a")));
	cr_assert_eq(m.n, 0);
}

Test(map, holds_thousands)
{
	static char names[5000][12];
	struct map m = { 0 };

	for (int i = 0; i < 5000; i++) {
		snprintf(names[i], sizeof(names[i]), "key%d", i);
		map_set(&m, text_of(names[i]), names[i]);
		cr_assert_leq(m.n * 4, m.cap * 3);
	}
	cr_assert_eq(m.n, 5000);
	cr_assert_leq(m.cap, 16384);
	for (int i = 0; i < 5000; i++)
		cr_assert_eq(map_get(&m, text_of(names[i])), names[i]);
	cr_assert_null(map_get(&m, text_of("key5000")));
	cr_assert_null(map_get(&m, text_of("key")));
	map_fini(&m);
}

/* A map of eight slots takes six keys, wherever they fall. */
Test(map, three_quarters_may_be_full, .timeout = 30)
{
	char names[6][16];

	for (unsigned round = 0; round < 300; round++) {
		struct map m = { 0 };

		for (unsigned i = 0; i < 6; i++) {
			snprintf(names[i], sizeof(names[i]), "%u/%u", round, i);
			map_set(&m, text_of(names[i]), names[i]);
		}
		cr_assert_eq(m.cap, 8);
		for (unsigned i = 0; i < 6; i++)
			cr_assert_eq(map_get(&m, text_of(names[i])), names[i]);
		cr_assert_null(map_get(&m, TEXT("none")));
		map_fini(&m);
	}
}
