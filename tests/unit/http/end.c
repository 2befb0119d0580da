/*
 * The table of ends, where code elsewhere relies on what a row says.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "http/end.h"

Test(end, none_is_no_failure)
{
	const struct end_row *row = end_row(END_NONE);

	cr_assert_str_empty(row->word);
	cr_assert_str_empty(row->text);
	cr_assert_eq(row->status, 0);
	cr_assert_eq(row->retry, RETRY_NEVER);
	cr_assert_eq(row->blame, BLAME_NOBODY);
}

Test(end, columns_are_the_tables)
{
	const struct end_row *row = end_row(END_CONNECT_FAILURE);

	cr_assert_str_eq(row->word, "connect_failure");
	cr_assert_str_eq(row->text, "no server could be connected to");
	cr_assert_eq(row->status, 502);
	cr_assert_eq(row->retry, RETRY_UNSENT);
	cr_assert_eq(row->blame, BLAME_SERVER);
}

Test(end, words_are_distinct_and_fit_a_label)
{
	const char *allowed = "abcdefghijklmnopqrstuvwxyz_";
	unsigned a, b;

	for (a = END_NONE + 1; a < END_COUNT; a++) {
		const char *word = end_row((enum end)a)->word;

		cr_assert_gt(strlen(word), 0, "row %u", a);
		cr_assert_eq(strspn(word, allowed), strlen(word), "%s", word);
		for (b = 0; b < a; b++)
			cr_assert_str_neq(word, end_row((enum end)b)->word);
	}
}

Test(end, status_is_an_error_or_none)
{
	unsigned e;

	for (e = END_NONE + 1; e < END_COUNT; e++) {
		const struct end_row *row = end_row((enum end)e);

		cr_assert(row->status == 0 ||
			(row->status >= 400 && row->status <= 599),
		    "%s", row->word);
		cr_assert_gt(strlen(row->text), 0, "%s", row->word);
	}
}
