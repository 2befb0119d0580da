/* The canonical form of a tree; what it means is tested in decode.c. */
#include <criterion/criterion.h>

#include "conf/normal.h"
#include "tests/unit/conf/reading.h"

Test(normal, defaults_count_as_often_as_they_are_used)
{
	/* pool, max_idle and 1 in their maps: 4 nodes laid under 2 upstreams */
	static const char yaml[] =
	    "defaults: { upstream: { pool: "
	    "{ max_idle: 1 } } }\nupstreams: { a: [\"a:1\"], b: [\"b:1\"] }\n";
	struct conf_node *root, *base;
	struct reading r;
	unsigned size;

	root = read_yaml(&r, yaml);
	base = node_get(node_get(root, "defaults"), "upstream");
	size = base->size;
	r.reader.nodes = NODES_MAX - 2 * size;
	normal_tree(&r.reader, root);
	cr_expect_eq(r.errors.nerrors, 0);
	cr_expect_eq(r.reader.nodes, NODES_MAX);
	cr_expect_not_null(
	    node_get(node_get(node_get(root, "upstreams"), "b"), "pool"));
	done(&r);
	root = read_yaml(&r, yaml);
	r.reader.nodes = NODES_MAX - 2 * size + 1;
	normal_tree(&r.reader, root);
	cr_expect_eq(r.errors.nerrors, 1);
	done(&r);
}

Test(normal, too_many_defaults_are_told_once)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r,
	    "defaults: { route: "
	    "{ methods: [A, B] } }\nroutes: [{ to: a }, { to: a }, "
	    "{ to: a }]\n");

	r.reader.nodes = NODES_MAX - 1;
	normal_tree(&r.reader, root);
	cr_expect_eq(r.errors.nerrors, 1);
	done(&r);
}

Test(normal, shared_nodes_stay_as_they_were)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r,
	    "x: &x { path: /a, to: u }\ny: &y [\"a:1\"]\n"
	    "routes: [*x, *x]\nupstreams: { u: *y, v: { servers: *y } }\n");
	struct conf_node *x = node_get(root, "x"), *y = node_get(root, "y");
	struct conf_node *routes;

	normal_tree(&r.reader, root);
	cr_expect_eq(r.errors.nerrors, 0);
	cr_expect_eq(x->n, 2);
	cr_expect(node_is_word(node_get(x, "to"), "u"));
	cr_expect_eq(y->items[0]->kind, NODE_SCALAR);
	routes = node_get(root, "routes");
	cr_expect(node_is_word(node_get(routes->items[0], "name"), "/a"));
	cr_expect(node_is_word(node_get(routes->items[1], "name"), "/a#2"));
	done(&r);
}

Test(normal, what_has_another_shape_stays_for_the_decoder)
{
	struct reading r;
	struct conf_node *root = read_yaml(&r,
	    "listen: :80\nlisteners: 5\n"
	    "routes: [6, { to: { a: b } }, { to: }]\n"
	    "upstreams: { u: 7, v: { servers: 8 } }\n");
	struct conf_node *routes, *upstreams;

	normal_tree(&r.reader, root);
	cr_expect_eq(r.errors.nerrors, 0);
	cr_expect(node_is_word(node_get(root, "listeners"), "5"));
	routes = node_get(root, "routes");
	cr_expect(node_is_word(routes->items[0], "6"));
	cr_expect_eq(node_get(routes->items[1], "to")->kind, NODE_MAP);
	cr_expect(node_is_empty(node_get(routes->items[2], "to")));
	upstreams = node_get(root, "upstreams");
	cr_expect(node_is_word(node_get(upstreams, "u"), "7"));
	cr_expect(
	    node_is_word(node_get(node_get(upstreams, "v"), "servers"), "8"));
	done(&r);
}
