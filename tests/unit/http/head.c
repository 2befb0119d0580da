/*
 * Fields: kept in order, found by token or name, removed in place.
 */
#include "http/head.h"

#include <criterion/criterion.h>

#include "base/mem.h"

static struct arena arena;
static struct fields fields;

static void
add(enum token token, const char *name, const char *value)
{
	fields_add(&fields, &arena, token, text_of(name), text_of(value));
}

static void
fill(void)
{
	add(TOKEN_HOST, "Host", "a");
	add(TOKEN_OTHER, "X-One", "1");
	add(TOKEN_OTHER, "X-Two", "2");
	add(TOKEN_HOST, "Host", "b");
	add(TOKEN_OTHER, "x-one", "3");
}

Test(head, fields_stand_in_order)
{
	fill();
	cr_assert_eq(fields.n, 5);
	cr_assert_eq(fields.v[0].token, TOKEN_HOST);
	cr_assert(text_equal(fields.v[1].name, TEXT("X-One")));
	cr_assert(text_equal(fields.v[1].value, TEXT("1")));
	cr_assert(text_equal(fields.v[4].value, TEXT("3")));
}

Test(head, many_fields_survive_growth)
{
	unsigned i;

	for (i = 0; i < 200; i++)
		fields_slot(&fields, &arena, TOKEN_OTHER)->value =
		    (struct text){ NULL, i };
	cr_assert_eq(fields.n, 200);
	cr_assert_geq(fields.cap, 200);
	for (i = 0; i < 200; i++)
		cr_assert_eq(fields.v[i].value.n, i);
}

Test(head, find_gives_the_first_or_nothing)
{
	cr_assert_null(fields_find(&fields, TOKEN_HOST));
	cr_assert_null(fields_find_name(&fields, TEXT("Host")));
	fill();
	cr_assert_eq(fields_find(&fields, TOKEN_HOST), &fields.v[0]);
	cr_assert_null(fields_find(&fields, TOKEN_VIA));
	cr_assert_eq(fields_find_name(&fields, TEXT("x-ONE")), &fields.v[1]);
	cr_assert_eq(fields_find_name(&fields, TEXT("HOST")), &fields.v[0]);
	cr_assert_null(fields_find_name(&fields, TEXT("x-on")));
}

Test(head, remove_takes_all_of_a_token)
{
	fill();
	cr_assert_eq(fields_remove(&fields, TOKEN_HOST), 2);
	cr_assert_eq(fields.v[0].token, TOKEN_NONE);
	cr_assert_eq(fields.v[3].token, TOKEN_NONE);
	cr_assert_eq(fields.v[1].token, TOKEN_OTHER);
	cr_assert_eq(fields.n, 5);
	cr_assert_eq(fields_remove(&fields, TOKEN_HOST), 0);
}

Test(head, remove_takes_all_of_a_name_and_what_is_removed_is_not_found)
{
	fill();
	cr_assert_eq(fields_remove_name(&fields, TEXT("X-ONE")), 2);
	cr_assert_null(fields_find_name(&fields, TEXT("X-One")));
	cr_assert_eq(fields_remove_name(&fields, TEXT("X-ONE")), 0);
	cr_assert_eq(fields_find_name(&fields, TEXT("X-Two")), &fields.v[2]);
}

/* What lies behind the last one in the array is not a field. */
Test(head, fields_end_where_they_end)
{
	fill();
	fields.n = 3;
	cr_assert_eq(fields_remove(&fields, TOKEN_HOST), 1);
	cr_assert_eq(fields.v[3].token, TOKEN_HOST);
	fields.n = 4;
	cr_assert_eq(fields_remove_name(&fields, TEXT("x-one")), 1);
	cr_assert_eq(fields.v[4].token, TOKEN_OTHER);
	cr_assert_null(fields_find_name(&fields, TEXT("x-one")));
	cr_assert_eq(fields_find(&fields, TOKEN_HOST), &fields.v[3]);
	fields.n = 3;
	cr_assert_null(fields_find(&fields, TOKEN_HOST));
}

Test(head, usual_statuses_have_their_phrase_and_others_none)
{
	unsigned own[] = { 100, 200, 201, 202, 204, 301, 302, 303, 304, 307,
		308, 400, 401, 403, 404, 405, 408, 410, 413, 414, 417, 421, 429,
		431, 451, 500, 501, 502, 503, 504, 505 };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		cr_assert_gt(status_reason(own[i]).n, 0, "%u", own[i]);
	cr_assert(text_equal(status_reason(200), TEXT("OK")));
	cr_assert(text_equal(status_reason(100), TEXT("Continue")));
	cr_assert(text_equal(status_reason(404), TEXT("Not Found")));
	cr_assert_eq(status_reason(299).n, 0);
}
