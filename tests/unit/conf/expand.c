#include <criterion/criterion.h>
#include <stdlib.h>

#include "conf/errors.h"
#include "conf/expand.h"

static void
set_up(void)
{
	setenv("FL_A", "alpha", 1);
	setenv("FL_EMPTY", "", 1);
	setenv("FL_TRICK", "x, y: [z] ${FL_A} $(q)", 1);
	unsetenv("FL_NONE");
}

TestSuite(expand, .init = set_up);

/* NULL: an error. */
static void
becomes(const char *text, const char *expected)
{
	struct arena arena = { 0 };
	struct conf_errors errors = { 0 };
	struct node_reader reader = { .arena = &arena, .errors = &errors };
	struct conf_node *n = node_scalar(&arena, text_of(text), NULL);

	expand_tree(&reader, n);
	if (expected == NULL) {
		cr_expect_eq(errors.nerrors, 1, "'%s'", text);
		cr_expect(n->bad, "'%s'", text);
	} else {
		cr_expect_eq(errors.nerrors, 0, "'%s'", text);
		cr_expect_str_eq(
		    n->text.p, expected, "'%s' becomes '%s'", text, n->text.p);
	}
	conf_errors_fini(&errors);
	arena_fini(&arena);
}

Test(expand, variables_are_put_in)
{
	becomes("${FL_A}", "alpha");
	becomes("<${FL_A}-${FL_A}>", "<alpha-alpha>");
	becomes("${FL_EMPTY}", "");
	becomes("${FL_A:-x}", "alpha");
	becomes("${FL_A:?x}", "alpha");
	becomes("no variable", "no variable");
	becomes("", "");
	becomes("$FL_A $ {FL_A} $", "$FL_A $ {FL_A} $");
}

Test(expand, defaults_stand_in_for_unset_and_empty)
{
	becomes("${FL_NONE:-x}", "x");
	becomes("${FL_EMPTY:-x}", "x");
	becomes("${FL_NONE:-}", "");
	becomes("${FL_NONE:-a:-b?c $x}", "a:-b?c $x");
	becomes("${FL_NONE:-:8080}", ":8080");
}

Test(expand, unset_without_default_is_an_error)
{
	becomes("${FL_NONE}", NULL);
	becomes("${FL_NONE:?say it}", NULL);
	becomes("${FL_EMPTY:?say it}", NULL);
	becomes("${FL_NONE:?}", NULL);
}

Test(expand, a_doubled_dollar_is_no_variable)
{
	becomes("$${FL_A}", "${FL_A}");
	becomes("$$${FL_A}", "$${FL_A}");
	becomes("$${FL_A}${FL_A}", "${FL_A}alpha");
	becomes("$$", "$$");
	becomes("$${", "${");
}

Test(expand, what_is_put_in_is_only_text)
{
	becomes("${FL_TRICK}", "x, y: [z] ${FL_A} $(q)");
}

Test(expand, malformed_variables_are_errors)
{
	becomes("${", NULL);
	becomes("${}", NULL);
	becomes("${FL_A", NULL);
	becomes("${1A}", NULL);
	becomes("${FL-A}", NULL);
	becomes("${FL_A:}", NULL);
	becomes("${FL_A:+x}", NULL);
	becomes("${FL_A }", NULL);
}

Test(expand, every_value_of_a_tree_is_expanded_once_and_no_key)
{
	struct arena arena = { 0 };
	struct conf_errors errors = { 0 };
	struct node_reader reader = { .arena = &arena, .errors = &errors };
	struct conf_node *root = node_read(&reader, "t",
	    TEXT("a: &x \"$$${FL_A}\"\nb: [*x, {\"${FL_A}\": \"${FL_A}\"}]\n"));
	struct conf_node *b = node_get(root, "b");

	expand_tree(&reader, root);
	cr_assert_eq(errors.nerrors, 0);
	cr_assert_str_eq(node_get(root, "a")->text.p, "$${FL_A}");
	cr_assert_str_eq(b->items[0]->text.p, "$${FL_A}");
	cr_assert_str_eq(b->items[1]->pairs[0].key->text.p, "${FL_A}");
	cr_assert_str_eq(b->items[1]->pairs[0].value->text.p, "alpha");
	cr_assert(b->items[1]->pairs[0].value->expanded);
	conf_errors_fini(&errors);
	arena_fini(&arena);
}
