/* proxy/route: which route takes a request, from configurations as written. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/route.h"

#include "conf/conf.h"

static struct conf *conf;
static struct route_table *table;

static void
compile(const char *routes)
{
	char yaml[8192];
	struct conf_errors errors = { 0 };

	snprintf(yaml, sizeof(yaml),
	    "listeners: { one: { address: \":1\" }, two: { address: \":2\" } }\n"
	    "upstreams: { a: [127.0.0.1:1], b: [127.0.0.1:2], "
	    "c: [127.0.0.1:3] }\n"
	    "routes:\n%s",
	    routes);
	conf = conf_parse("test.yaml", text_of(yaml), &errors);
	if (conf == NULL)
		conf_errors_print(&errors, stderr);
	cr_assert_not_null(conf);
	conf_errors_fini(&errors);
	table = route_compile(conf);
}

static void
done(void)
{
	route_free(table);
	conf_free(conf);
}

TestSuite(route, .timeout = 60);

static struct route_query
query(const char *method, const char *host, const char *path)
{
	return (struct route_query){ .host = text_of(host),
		.path = text_of(path),
		.method_name = text_of(method),
		.method = method_find(text_of(method)) };
}

static const char *
name_of(struct route_answer answer)
{
	if (answer.route != -1)
		return conf->routes[answer.route].name;
	return answer.other_method ? "405" : "404";
}

static const char *
match(const char *method, const char *host, const char *path)
{
	struct route_query q = query(method, host, path);
	struct route_answer answer = route_match(table, &q);

	cr_assert(answer.route == -1 || !answer.other_method);
	return name_of(answer);
}

#define takes(name, host, path) \
	cr_assert_str_eq(match("GET", host, path), name, "%s%s", host, path)

/* A route that matches and answers by itself. */
#define ROUTE(name, conditions) \
	"  - { name: " name ", " conditions " respond: { status: 200 } }\n"

Test(route, the_most_specific_host_wins_whatever_the_order)
{
	compile(ROUTE("any", "") ROUTE("short", "host: \"*.c\",")
		ROUTE("long", "host: \"*.b.c\",") ROUTE("exact", "host: a.b.c,")
		    ROUTE("other", "host: [x.c, y.z],"));
	takes("exact", "a.b.c", "/");
	takes("long", "x.b.c", "/");
	takes("long", "x.y.b.c", "/");
	takes("long", "y.a.b.c", "/");
	takes("short", "b.c", "/");
	takes("short", "ab.c", "/");
	takes("short", "x.ab.c", "/");
	takes("other", "x.c", "/");
	takes("other", "y.z", "/");
	takes("any", "c", "/");
	takes("any", "a.b.c.d", "/");
	takes("any", "z.y.z", "/");
	takes("any", "", "/");
	takes("any", ".", "/");
	done();
}

Test(route, without_a_host_only_routes_for_any_are_left)
{
	compile(ROUTE("exact", "host: a.b,") ROUTE("wild", "host: \"*.b\","));
	takes("404", "", "/");
	takes("404", "b", "/");
	takes("exact", "a.b", "/");
	takes("wild", "c.b", "/");
	done();
}

Test(route, a_host_beyond_all_names_is_no_match_and_no_harm)
{
	char host[400];

	memset(host, 'x', sizeof(host));
	memcpy(host + sizeof(host) - 5, ".b.c", 5);
	host[100] = host[139] = host[140] = '.';
	compile(ROUTE("wild", "host: \"*.b.c\","));
	takes("wild", host, "/");
	done();
}

Test(route, a_host_that_has_no_path_for_it_leaves_it_to_wider_ones)
{
	compile(ROUTE("exact", "host: a.b.c, path: /x,")
		ROUTE("long", "host: \"*.b.c\", path: /y,") ROUTE("short",
		    "host: \"*.c\", path: /z,") ROUTE("any", "path: /u,"));
	takes("exact", "a.b.c", "/x");
	takes("long", "a.b.c", "/y");
	takes("short", "a.b.c", "/z");
	takes("any", "a.b.c", "/u");
	takes("404", "a.b.c", "/v");
	done();
}

Test(route, a_prefix_matches_by_whole_segments)
{
	compile(ROUTE("prefix", "path: /a/b/*,") ROUTE("exact", "path: /c,"));
	takes("prefix", "h", "/a/b");
	takes("prefix", "h", "/a/b/");
	takes("prefix", "h", "/a/b/c");
	takes("prefix", "h", "/a/b/c/d");
	takes("404", "h", "/a/bc");
	takes("404", "h", "/a/");
	takes("404", "h", "/a");
	takes("404", "h", "/x/b");
	takes("404", "h", "/a/c/b");
	takes("exact", "h", "/c");
	takes("404", "h", "/c/");
	takes("404", "h", "/c/d");
	takes("404", "h", "/cd");
	takes("404", "h", "/");
	takes("404", "h", "");
	done();
}

Test(route, a_prefix_of_everything_wants_a_path)
{
	compile(ROUTE("all", "path: /*,"));
	takes("all", "h", "/");
	takes("all", "h", "/x");
	takes("404", "h", "");
	takes("404", "h", "*");
	done();
}

Test(route, exact_paths_come_before_prefixes_and_long_before_short)
{
	compile(ROUTE("any", "") ROUTE("root", "path: /*,")
		ROUTE("a", "path: /a/*,") ROUTE("ab", "path: /a/b/*,") ROUTE(
		    "exact", "path: /a/b,") ROUTE("two", "path: [/p, /q/*],"));
	takes("exact", "h", "/a/b");
	takes("ab", "h", "/a/b/");
	takes("ab", "h", "/a/b/c");
	takes("a", "h", "/a/c");
	takes("a", "h", "/a");
	takes("root", "h", "/b");
	takes("two", "h", "/p");
	takes("two", "h", "/q");
	takes("root", "h", "/p/x");
	takes("any", "h", "*");
	done();
}

Test(route, more_conditions_come_first_then_the_order_of_the_file)
{
	compile(ROUTE("first", "path: /a,") ROUTE(
	    "second", "path: /a, host: h,") ROUTE("plain", "path: /b,")
		ROUTE("methods", "path: /b, methods: [GET],")
		    ROUTE("both", "path: /b, methods: [GET], listeners: [one],")
			ROUTE("c1", "path: [/c, /d],")
			    ROUTE("c2", "path: [/d, /c],"));
	takes("second", "h", "/a");
	takes("first", "g", "/a");
	takes("both", "h", "/b");
	takes("c1", "h", "/c");
	takes("c1", "h", "/d");
	cr_assert_str_eq(match("PUT", "h", "/b"), "plain");
	done();
}

Test(route, many_routes_of_one_host_are_all_found)
{
	char yaml[4096] = "";
	char path[16];

	for (int i = 0; i < 40; i++)
		snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml),
		    ROUTE("r%d", "path: /%d,"), i, i);
	compile(yaml);
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		takes(conf->routes[i].name, "h", path);
	}
	done();
}

/* ---- methods and listeners ------------------------------------------------- */

Test(route, a_method_must_be_one_of_the_routes)
{
	compile(ROUTE("get", "path: /a, methods: [GET, PURGE],")
		ROUTE("post", "path: /a, methods: [POST],")
		    ROUTE("head", "path: /h, methods: [HEAD],"));
	cr_assert_str_eq(match("GET", "h", "/a"), "get");
	cr_assert_str_eq(match("HEAD", "h", "/a"), "get");
	cr_assert_str_eq(match("PURGE", "h", "/a"), "get");
	cr_assert_str_eq(match("POST", "h", "/a"), "post");
	cr_assert_str_eq(match("PUT", "h", "/a"), "405");
	cr_assert_str_eq(match("get", "h", "/a"), "405");
	cr_assert_str_eq(match("PUT", "h", "/b"), "404");
	cr_assert_str_eq(match("HEAD", "h", "/h"), "head");
	cr_assert_str_eq(match("GET", "h", "/h"), "405");
	done();
}

Test(route, another_method_is_only_told_when_nothing_wider_takes_it)
{
	compile(ROUTE("narrow", "host: h, path: /a, methods: [GET],")
		ROUTE("wide", "path: /a, methods: [PUT],"));
	cr_assert_str_eq(match("GET", "h", "/a"), "narrow");
	cr_assert_str_eq(match("PUT", "h", "/a"), "wide");
	cr_assert_str_eq(match("POST", "h", "/a"), "405");
	done();
}

static const char *
allow(const char *host, const char *path, size_t size)
{
	static char to[256];
	struct route_query q = query("OTHER", host, path);
	size_t n;

	memset(to, '#', sizeof(to));
	n = route_allow(table, &q, to, size);
	cr_assert_leq(n, size);
	cr_assert_eq(to[size], '#', "nothing is written behind it");
	to[n] = '\0';
	return to;
}

Test(route, what_is_allowed_is_all_that_would_match)
{
	compile(ROUTE("get", "path: /a, methods: [DELETE, GET, PURGE],")
		ROUTE("post", "host: h, path: /a, methods: [POST],"));
	cr_assert_str_eq(allow("h", "/a", 200), "GET, HEAD, POST, DELETE");
	cr_assert_str_eq(allow("g", "/a", 200), "GET, HEAD, DELETE");
	cr_assert_str_eq(allow("g", "/b", 200), "");
	done();
}

Test(route, what_is_allowed_is_cut_by_whole_methods)
{
	compile(ROUTE("get", "path: /a, methods: [GET, POST, DELETE],"));
	cr_assert_str_eq(allow("g", "/a", 4), "");
	cr_assert_str_eq(allow("g", "/a", 6), "GET");
	cr_assert_str_eq(allow("g", "/a", 9), "GET");
	cr_assert_str_eq(allow("g", "/a", 10), "GET, HEAD");
	cr_assert_str_eq(allow("g", "/a", 23), "GET, HEAD, POST");
	cr_assert_str_eq(allow("g", "/a", 24), "GET, HEAD, POST, DELETE");
	done();
}

Test(route, a_route_applies_on_its_listeners)
{
	struct route_query q = query("GET", "h", "/a");

	compile(ROUTE("everywhere", "path: /a,")
		ROUTE("here", "path: /a, listeners: [two],"));
	q.listener = 0;
	cr_assert_str_eq(name_of(route_match(table, &q)), "everywhere");
	q.listener = 1;
	cr_assert_str_eq(name_of(route_match(table, &q)), "here");
	q.listener = ROUTE_NO_LISTENER;
	cr_assert_str_eq(name_of(route_match(table, &q)), "everywhere");
	done();
}

Test(route, another_listeners_route_is_no_other_method)
{
	struct route_query q = query("PUT", "h", "/a");

	compile(ROUTE("here", "path: /a, listeners: [two], methods: [GET],"));
	q.listener = 0;
	cr_assert_str_eq(name_of(route_match(table, &q)), "404");
	q.listener = 1;
	cr_assert_str_eq(name_of(route_match(table, &q)), "405");
	done();
}

/* ---- targets and the listing ------------------------------------------------ */

static void
shares_are(const unsigned *weights, unsigned n)
{
	struct conf_target targets[4];
	struct conf_route r = { .targets = targets, .ntargets = n };
	unsigned total = 0, seen[4];

	for (unsigned i = 0; i < n; i++) {
		targets[i] = (struct conf_target){ i, weights[i] };
		total += weights[i];
	}
	for (uint64_t from = 0; from < 3; from++) {
		memset(seen, 0, sizeof(seen));
		for (uint64_t t = from; t < from + total; t++)
			seen[route_target(&r, t)]++;
		for (unsigned i = 0; i < n; i++)
			cr_assert_eq(seen[i], weights[i]);
	}
	memset(seen, 0, sizeof(seen));
	for (uint64_t t = UINT64_MAX - UINT64_MAX % total - total;
	     t < UINT64_MAX - UINT64_MAX % total; t++)
		seen[route_target(&r, t)]++;
	for (unsigned i = 0; i < n; i++)
		cr_assert_eq(seen[i], weights[i], "after a long life");
}

Test(route, each_cycle_of_tickets_is_dealt_exactly)
{
	shares_are((unsigned[]){ 1 }, 1);
	shares_are((unsigned[]){ 7 }, 1);
	shares_are((unsigned[]){ 95, 5 }, 2);
	shares_are((unsigned[]){ 3, 2, 1 }, 3);
	shares_are((unsigned[]){ 0, 1, 0, 3 }, 4);
	shares_are((unsigned[]){ 256, 256, 255, 1 }, 4);
	for (unsigned w = 1; w < 60; w++)
		shares_are((unsigned[]){ w, 1 }, 2);
}

Test(route, turns_are_spread_over_the_cycle)
{
	struct conf_target targets[2] = { { 0, 50 }, { 1, 50 } };
	struct conf_route r = { .targets = targets, .ntargets = 2 };
	unsigned run = 0, longest = 0, last = 2;

	for (uint64_t t = 0; t < 200; t++) {
		unsigned target = route_target(&r, t);

		run = target == last ? run + 1 : 1;
		longest = run > longest ? run : longest;
		last = target;
	}
	cr_assert_leq(longest, 3);
}

Test(route, targets_without_any_weight_leave_the_first)
{
	struct conf_target targets[2] = { { 0, 0 }, { 1, 0 } };
	struct conf_route r = { .targets = targets, .ntargets = 2 };

	cr_assert_eq(route_target(&r, 5), 0);
}

Test(route, the_listing_is_in_the_order_of_matching)
{
	static const char *const names[] = { "h", "i", "wide", "wider", "exact",
		"long", "short", "any" };
	unsigned i;

	compile(ROUTE("any", "") ROUTE("wider", "host: \"*.c\",")
		ROUTE("short", "path: /a/*,") ROUTE("long", "path: /a/b/*,")
		    ROUTE("wide", "host: \"*.b.c\",") ROUTE("i", "host: i,")
			ROUTE("h", "host: h,") ROUTE("exact", "path: /a,"));
	for (i = 0; i < 8; i++)
		cr_assert_str_eq(
		    conf->routes[route_in_order(table, i)].name, names[i]);
	cr_assert_eq(route_in_order(table, 8), -1);
	cr_assert_eq(route_in_order(table, 50), -1);
	done();
	route_free(NULL); /* no harm */
}
