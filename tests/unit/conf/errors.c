#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/errors.h"

static char *
printed(const struct conf_errors *errors)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	conf_errors_print(errors, to);
	fclose(to);
	return text;
}

static void
prints(struct conf_errors *errors, const char *expected)
{
	char *text = printed(errors);

	cr_expect_str_eq(
	    text, expected, "printed:\n%s\nexpected:\n%s", text, expected);
	free(text);
	conf_errors_fini(errors);
}

#define LINES "one\n\ttwo: x\r\n  thr\xc3\xa9\xc3\xa9: yes\n"

static struct conf_source source = {
	.name = "edge.yaml",
	.text = { LINES, sizeof(LINES) - 1 },
};

Test(errors, an_error_shows_line_caret_and_hint)
{
	struct conf_errors errors = { .sources = &source, .path = "edge.yaml" };

	errors_add(&errors,
	    &(struct fault){ .place = { "edge.yaml", 3, 10 },
		.width = 3,
		.hint = "write true" },
	    "not %s", "good");
	prints(&errors,
	    "edge.yaml:3:10: error: not good\n"
	    "    3 |   thr\xc3\xa9\xc3\xa9: yes\n"
	    "      |          ^~~ write true\n"
	    "edge.yaml: 1 error.\n");
}

Test(errors, a_tab_stays_a_tab_and_the_line_end_goes)
{
	struct conf_errors errors = { .sources = &source,
		.path = "edge.yaml",
		.consequence = "Nothing changed." };

	errors_add(&errors,
	    &(struct fault){ .place = { "edge.yaml", 2, 7 }, .warning = true },
	    "hm");
	prints(&errors,
	    "edge.yaml:2:7: warning: hm\n"
	    "    2 | \ttwo: x\n"
	    "      | \t     ^\n"
	    "edge.yaml: 1 warning. Nothing changed.\n");
}

Test(errors, without_a_line_the_hint_follows_the_message)
{
	struct conf_errors errors = { .path = "a.yaml" };

	errors_add(&errors, &(struct fault){ .place = { .file = "a.yaml" } },
	    "cannot read it");
	errors_add(&errors, &(struct fault){ .hint = "this" }, "nowhere");
	prints(&errors,
	    "a.yaml: error: cannot read it\n"
	    " error: nowhere (this)\na.yaml: 2 errors.\n");
}

Test(errors, nothing_is_printed_for_nothing)
{
	struct conf_errors errors = { .path = "a.yaml",
		.consequence = "Nothing changed." };

	prints(&errors, "");
}

Test(errors, they_are_sorted_by_file_line_and_column)
{
	struct conf_source second = { .name = "b" };
	struct conf_source first = { .name = "a", .next = &second };
	struct conf_errors errors = { .sources = &first };
	static const struct conf_place places[] = {
		{ "b", 1, 1 },
		{ "a", 2, 1 },
		{ "a", 1, 9 },
		{ "a", 1, 2 },
		{ "a", 1, 9 },
		{ "b", 1, 0 },
	};
	static const char *const order[] = { "3", "2", "4", "1", "5", "0" };
	unsigned i;

	for (i = 0; i < 6; i++)
		errors_add(
		    &errors, &(struct fault){ .place = places[i] }, "%u", i);
	errors_sort(&errors);
	for (i = 0; i < 6; i++)
		cr_expect_str_eq(errors.v[i].message, order[i]);
	conf_errors_fini(&errors);
}

Test(errors, twenty_of_each_kind_are_printed)
{
	struct conf_errors errors = { .path = "a.yaml" };
	struct fault error = { .hint = NULL }, warning = { .warning = true };
	char *text, *p;
	unsigned i, lines = 0;

	for (i = 0; i < 20; i++)
		errors_add(&errors, &error, "e");
	text = printed(&errors);
	cr_assert_null(strstr(text, "more"));
	cr_assert_not_null(strstr(text, "a.yaml: 20 errors.\n"));
	free(text);
	for (i = 0; i < 3; i++)
		errors_add(&errors, &error, "e");
	for (i = 0; i < 21; i++)
		errors_add(&errors, &warning, "w");
	text = printed(&errors);
	for (p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	cr_assert_eq(lines, 20 + 20 + 1 + 1);
	cr_assert_not_null(strstr(text,
	    "\xe2\x80\xa6 and 4 more\n"
	    "a.yaml: 23 errors, 21 warnings.\n"));
	free(text);
	conf_errors_fini(&errors);
}

Test(errors, a_thousand_are_kept_and_all_are_counted)
{
	struct conf_errors errors = { 0 };
	struct fault error = { .hint = NULL };
	unsigned i;

	for (i = 0; i < 1001; i++)
		errors_add(&errors, &error, "e");
	cr_assert_eq(errors.n, 1000);
	cr_assert_eq(errors.nerrors, 1001);
	conf_errors_fini(&errors);
}

Test(errors, no_byte_steers_the_terminal)
{
	struct conf_source evil = { .name = "e\033.yaml",
		.text = TEXT("a: \033[2J\x7f\t.\n") };
	struct conf_errors errors = { .sources = &evil };

	errors_add(&errors,
	    &(struct fault){ .place = { "e\033.yaml", 1, 4 }, .hint = "h\007" },
	    "'%s'", "\033[0m\r\n");
	prints(&errors,
	    "e?.yaml:1:4: error: '?[0m?\?'\n"
	    "    1 | a: ?[2J?\t.\n      |    ^ h?\n1 error.\n");
}

Test(errors, long_lines_are_not_shown)
{
	char line[300];
	struct conf_source wide = { .name = "w", .text = { line, 0 } };
	struct conf_errors errors = { .sources = &wide };
	struct fault f = { .place = { "w", 1, 1 } };

	memset(line, 'x', sizeof(line));
	wide.text.n = 256;
	errors_add(&errors, &f, "shown");
	wide.text.n = 257;
	errors_add(&errors, &f, "not shown");
	cr_assert_not_null(errors.v[0].source);
	cr_assert_null(errors.v[1].source);
	conf_errors_fini(&errors);
}

Test(errors, lines_that_are_not_there_are_not_shown)
{
	struct conf_errors errors = { .sources = &source };

	errors_add(&errors, &(struct fault){ .place = { "edge.yaml", 4, 1 } },
	    "past the end");
	errors_add(&errors, &(struct fault){ .place = { "edge.yaml", 9, 1 } },
	    "far past it");
	cr_assert_null(errors.v[0].source);
	cr_assert_null(errors.v[1].source);
	conf_errors_fini(&errors);
}

Test(errors, a_later_error_reads_its_line_again)
{
	struct conf_errors errors = { .path = "x" };
	char path[] = "/tmp/fairlead-errors-XXXXXX", expected[512];
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, "a: b\ncert: x.pem\nlast", 21), 21);
	close(fd);
	conf_error_at(
	    &errors, (struct conf_place){ path, 2, 7 }, "it has %s", "expired");
	conf_error_at(&errors, (struct conf_place){ path, 3, 1 }, "end");
	conf_error_at(&errors, (struct conf_place){ path, 4, 1 }, "none");
	unlink(path);
	conf_error_at(&errors, (struct conf_place){ path, 1, 1 }, "gone");
	snprintf(expected, sizeof(expected),
	    "%s:2:7: error: it has expired\n"
	    "    2 | cert: x.pem\n      |       ^\n"
	    "%s:3:1: error: end\n    3 | last\n      | ^\n"
	    "%s:4:1: error: none\n%s:1:1: error: gone\nx: 4 errors.\n",
	    path, path, path, path);
	prints(&errors, expected);
}
