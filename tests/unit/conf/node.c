#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/conf/reading.h"

static void
stands_at(
    const struct conf_node *n, unsigned line, unsigned column, unsigned width)
{
	cr_expect_str_eq(n->place.file, "t.yaml");
	cr_expect(n->place.line == line && n->place.column == column &&
		n->width == width,
	    "'%s' at %u:%u, %u wide, not %u:%u, %u",
	    n->kind == NODE_SCALAR ? n->text.p : "", n->place.line,
	    n->place.column, n->width, line, column, width);
}

Test(node, every_node_knows_its_place)
{
	struct reading r;
	struct conf_node *root = read_yaml(
	    &r, "a: b\nlist:\n  - \"c d\"\n  - {k: 'v'}\n  - [x]\nnull:\n");
	struct conf_node *list = node_get(root, "list");

	cr_assert_eq(root->kind, NODE_MAP);
	stands_at(root, 1, 1, 1);
	stands_at(root->pairs[0].key, 1, 1, 1);
	stands_at(node_get(root, "a"), 1, 4, 1);
	stands_at(list, 3, 3, 0);
	stands_at(list->items[0], 3, 5, 5);
	stands_at(list->items[1], 4, 5, 1);
	stands_at(list->items[1]->pairs[0].value, 4, 9, 3);
	stands_at(list->items[2], 5, 5, 1);
	/* nothing is told at its key */
	cr_assert(node_is_empty(node_get(root, "null")));
	stands_at(node_get(root, "null"), 6, 1, 4);
	done(&r);
}

Test(node, a_block_map_is_as_wide_as_its_first_key)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r, "abc:\n  defgh: 1\n");

	stands_at(root, 1, 1, 3);
	stands_at(node_get(root, "abc"), 2, 3, 5);
	done(&r);
}

Test(node, columns_count_characters_and_no_byte_order_mark)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r,
	    "\xef\xbb\xbf"
	    "a: [\xc3\xbc\xc3\xbc, b]\n");

	stands_at(root->pairs[0].key, 1, 1, 1);
	stands_at(node_get(root, "a")->items[1], 1, 9, 1);
	done(&r);
}

Test(node, empty_plain_and_quoted_differ)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r, "a:\nb: \"\"\nc: ''\nd: ~\n");

	cr_assert(node_is_empty(node_get(root, "a")));
	cr_assert(!node_is_empty(node_get(root, "b")));
	cr_assert(!node_is_empty(node_get(root, "c")));
	cr_assert(!node_is_empty(node_get(root, "d")));
	cr_assert(node_is_word(node_get(root, "d"), "~"));
	cr_assert(!node_is_word(root, "~"));
	done(&r);
}

Test(node, exact_text_stands_in_the_file_as_it_is)
{
	struct reading r;
	struct conf_node *root = read_yaml(
	    &r, "a: xyz\nb: \"xyz\"\nc: \"x\\tz\"\nd: \xc3\xbc\ne: |\n  x\n");

	cr_assert(node_get(root, "a")->exact);
	cr_assert(!node_get(root, "a")->quoted);
	cr_assert(node_get(root, "b")->exact);
	cr_assert(node_get(root, "b")->quoted);
	cr_assert(!node_get(root, "c")->exact);
	cr_assert(!node_get(root, "d")->exact);
	cr_assert(!node_get(root, "e")->exact);
	done(&r);
}

Test(node, an_alias_is_the_node_it_names)
{
	struct reading r;
	struct conf_node *root = read_yaml(
	    &r, "a: &x {k: v}\nb: *x\nc: &x [1]\nd: *x\ne: &s text\nf: *s\n");

	cr_assert_eq(node_get(root, "b"), node_get(root, "a"));
	cr_assert_eq(node_get(root, "d"), node_get(root, "c"));
	cr_assert_eq(node_get(root, "f"), node_get(root, "e"));
	cr_assert_eq(r.errors.nerrors, 0);
	done(&r);
}

Test(node, merge_keys_give_what_is_not_there)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r,
	    "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n"
	    "c: {<<: *a, x: 3}\n"
	    "d: {w: 4, <<: [*a, *b]}\n"
	    "e: {\"<<\": 5}\n");
	struct conf_node *c = node_get(root, "c"), *d = node_get(root, "d");

	cr_assert_eq(r.errors.nerrors, 0);
	cr_assert_eq(c->n, 2);
	cr_assert(node_is_word(node_get(c, "x"), "3"));
	cr_assert(node_is_word(node_get(c, "y"), "1"));
	cr_assert_eq(d->n, 4);
	cr_assert(node_is_word(node_get(d, "w"), "4"));
	cr_assert(node_is_word(node_get(d, "x"), "1"));
	cr_assert(node_is_word(node_get(d, "y"), "1"));
	cr_assert(node_is_word(node_get(d, "z"), "2"));
	/* the pair keeps the place it was written at */
	stands_at(node_get(c, "y"), 1, 17, 1);
	cr_assert(node_is_word(node_get(node_get(root, "e"), "<<"), "5"));
	done(&r);
}

Test(node, a_duplicate_key_keeps_the_first_value)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r, "a: 1\nb: 2\na: 3\n");

	cr_assert_eq(r.errors.nerrors, 1);
	cr_assert_eq(root->n, 2);
	cr_assert(node_is_word(node_get(root, "a"), "1"));
	done(&r);
}

/* Text in so many brackets. */
static const char *
nested(char to[256], const char *start, const char *inside, unsigned levels)
{
	size_t n = strlen(start), m = strlen(inside);

	memcpy(to, start, n);
	memset(to + n, '[', levels);
	memcpy(to + n + levels, inside, m);
	memset(to + n + levels + m, ']', levels);
	to[n + levels + m + levels] = '\0';
	return to;
}

Test(node, sixty_four_levels_are_read_and_no_more)
{
	struct reading r;
	char yaml[256];

	cr_assert_not_null(read_yaml(&r, nested(yaml, "", "", 64)));
	done(&r);
	cr_assert_null(read_yaml(&r, nested(yaml, "", "", 65)));
	cr_assert_eq(r.errors.nerrors, 1);
	done(&r);
}

/* An alias brings its depth along. */
static bool
alias_fits(unsigned levels)
{
	struct reading r;
	char yaml[256];
	bool fits;

	nested(yaml, "- &a [[[[[[[[[[x]]]]]]]]]]\n- ", "*a", levels);
	fits = read_yaml(&r, yaml) != NULL;
	done(&r);
	return fits;
}

Test(node, an_alias_counts_with_its_depth)
{
	/* the root, 52 levels, ten lists and the text in them */
	cr_assert(alias_fits(52));
	cr_assert(!alias_fits(53));
}

Test(node, nodes_are_counted_over_all_readings)
{
	struct reading r;

	cr_assert_not_null(read_yaml(&r, "a: [b, c]"));
	cr_assert_eq(r.reader.nodes, 5);
	r.reader.nodes = NODES_MAX - 5;
	cr_assert_not_null(node_read(&r.reader, "t.yaml", TEXT("a: [b, c]")));
	r.reader.nodes = NODES_MAX - 4;
	cr_assert_null(node_read(&r.reader, "t.yaml", TEXT("a: [b, c]")));
	done(&r);
}

Test(node, an_alias_counts_with_its_size)
{
	struct reading r;
	struct conf_node *root =
	    read_yaml(&r, "a: &a [b, c]\nd: *a\ne: {<<: &f {g: h}}");

	/* root, a, [b, c], d, *a, e, {}, <<, {g: h} and once more merged */
	cr_assert_eq(r.reader.nodes, 1 + 1 + 3 + 1 + 3 + 1 + 1 + 1 + 3 + 2);
	cr_assert_eq(node_get(root, "a")->size, 3);
	cr_assert_eq(node_get(root, "a")->height, 1);
	cr_assert_eq(root->height, 3);
	done(&r);
}

Test(node, made_nodes_stand_where_they_come_from)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r, "abc: def\n"), *map, *list, *n;

	n = node_scalar(&r.arena, TEXT("x"), node_get(root, "abc"));
	stands_at(n, 1, 6, 3);
	cr_assert(n->made);
	map = node_map(&r.arena, n);
	node_put(&r.arena, map, n, n);
	list = node_list(&r.arena, n);
	node_append(&r.arena, list, map);
	stands_at(list, 1, 6, 3);
	cr_assert_eq(list->height, 2);
	done(&r);
}

Test(node, a_copy_changes_alone)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r, "m: {a: b}\nl: [c]\n");
	struct conf_node *m = node_get(root, "m"), *l = node_get(root, "l");
	struct conf_node *m2 = node_copy(&r.arena, m);
	struct conf_node *l2 = node_copy(&r.arena, l);
	unsigned i;

	for (i = 0; i < 9; i++) {
		node_put(&r.arena, m2, l->items[0], l->items[0]);
		node_append(&r.arena, l2, l->items[0]);
	}
	cr_assert_eq(m->n, 1);
	cr_assert_eq(m2->n, 10);
	cr_assert_eq(l->n, 1);
	cr_assert_eq(l2->n, 10);
	cr_assert(node_is_word(node_get(m2, "a"), "b"));
	cr_assert(node_is_word(l2->items[9], "c"));
	done(&r);
}
