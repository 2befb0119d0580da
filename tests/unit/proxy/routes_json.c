/*
 * GET /routes as text: every list to its last entry, nothing beyond it.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "proxy/route.h"
#include "proxy/routes_json.h"
#include "proxy/snapshot.h"

static json_t *
render(const char *yaml)
{
	struct conf_errors errors = { 0 };
	struct plan plan = { .conf =
				 conf_parse("t.yaml", text_of(yaml), &errors) };
	struct buf out = { 0 };
	json_error_t why;
	json_t *list;

	cr_assert_not_null(plan.conf);
	plan.routes = route_compile(plan.conf);
	routes_render(&plan, &out);
	list = json_loadb(
	    buf_front(&out).p, buf_front(&out).n, JSON_REJECT_DUPLICATES, &why);
	cr_assert_not_null(
	    list, "%s: %.*s", why.text, TEXT_ARG(buf_front(&out)));
	buf_clear(&out);
	route_free(plan.routes);
	conf_free(plan.conf);
	conf_errors_fini(&errors);
	return list;
}

static void
must_be(const json_t *list, size_t i, const char *text)
{
	const json_t *route =
	    json_array_get(json_object_get(list, "routes"), i);
	char *printed = json_dumps(route, JSON_COMPACT | JSON_SORT_KEYS);

	cr_assert_str_eq(printed, text);
	free(printed);
}

Test(routes_json, conditions_are_listed_whole_and_only_where_there_are_any)
{
	json_t *routes = render("listen: :1\n"
				"upstreams: { u: [a:1], v: [b:1] }\n"
				"routes:\n"
				"  - { name: n, host: [a.b, c.d], path: [/x, "
				"/y/*], methods: [GET, PUT], to: "
				"[{ upstream: u, weight: 3 }, { upstream: v, "
				"weight: 1 }] }\n");

	cr_assert_eq(json_array_size(json_object_get(routes, "routes")), 1,
	    "once, though it stands in each host's group");
	must_be(routes, 0,
	    "{\"at\":\"t.yaml\",\"host\":[\"a.b\",\"c.d\"],\"line\":4,"
	    "\"methods\":[\"GET\",\"PUT\"],\"name\":\"n\","
	    "\"path\":[\"/x\",\"/y/*\"],"
	    "\"to\":[{\"upstream\":\"u\",\"weight\":3},"
	    "{\"upstream\":\"v\",\"weight\":1}]}");
	json_decref(routes);
}

Test(routes_json, an_action_that_is_our_own_says_its_status)
{
	json_t *routes = render(
	    "listen: :1\n"
	    "routes:\n"
	    "  - { name: a, path: /a, respond: { status: 418 } }\n"
	    "  - { name: b, redirect: { scheme: https, status: 302 } }\n");

	must_be(routes, 0,
	    "{\"at\":\"t.yaml\",\"line\":3,\"name\":\"a\","
	    "\"path\":[\"/a\"],\"respond\":418}");
	must_be(routes, 1,
	    "{\"at\":\"t.yaml\",\"line\":4,\"name\":\"b\","
	    "\"redirect\":302}");
	json_decref(routes);
}
