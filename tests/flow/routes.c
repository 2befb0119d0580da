/*
 * Routes: which one a request takes, and what they do to it.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/front.h"

static struct daemon *d;
static struct origin *o;
static int port;

static const char yaml[] =
    "listeners:\n"
    "  http: { address: \"127.0.0.1:0\" }\n"
    "  other: { address: \"127.0.0.1:0\" }\n"
    "admin: { address: \"127.0.0.1:0\" }\n"
    "access_log: off\n"
    "routes:\n"
    "  - { name: exact, host: a.test, path: /x, %s }\n"
    "  - { name: prefix, host: a.test, path: \"/x/*\", %s }\n"
    "  - { name: deeper, host: a.test, path: \"/x/y/*\", %s }\n"
    "  - { name: wild, host: \"*.a.test\", %s }\n"
    "  - { name: hosts, host: [b.test, c.test], %s }\n"
    "  - { name: get, host: m.test, path: /m, methods: [GET], %s }\n"
    "  - { name: post, host: m.test, path: /m, methods: [POST, PUT], %s }\n"
    "  - { name: encoded, path: \"/k%%c3%%a4se/*\", %s }\n"
    "  - { name: plain, path: \"/%%7euser//%%2e/\", %s }\n"
    "  - { name: inner, listeners: [other], path: /inner, %s }\n"
    "  - { name: say, path: /say, respond: { status: 418, body: tea, "
    "headers: { X-Pot: small } } }\n"
    "  - { name: move, path: /move, redirect: { scheme: https, "
    "host: new.test, path: /there, status: 301 } }\n"
    "  - { name: secure, path: \"/secure/*\", "
    "redirect: { scheme: https } }\n"
    "  - { name: rewrite, path: \"/api/*\", to: up, "
    "rewrite: { strip_prefix: /api, add_prefix: /v1 } }\n"
    "  - { name: fields, path: /fields, to: up,\n"
    "      request_headers: { set: { X-Set: \"1\" },"
    " add: { X-Add: b }, remove: [X-Drop] },\n"
    "      response_headers: { set: { X-Set: \"2\" }, add: { X-Add: d }, "
    "remove: [X-Origin] } }\n"
    "  - { name: shared, path: /shared, to: [{ upstream: up, weight: 75 }, "
    "{ upstream: second, weight: 25 }] }\n"
    "  - { name: inline, path: /inline, to: [\"127.0.0.1:%d\"] }\n"
    "upstreams:\n"
    "  up: [\"127.0.0.1:%d\"]\n"
    "  second: [\"127.0.0.1:%d\"]\n";

static struct origin *second;

static char *
say(const char *text)
{
	return keep_printf("respond: { status: 200, body: \"%s\" }", text);
}

static void
stage(void)
{
	o = origin_new("first");
	second = origin_new("second");
	d = daemon_start(yaml, say("exact"), say("prefix"), say("deeper"),
	    say("wild"), say("hosts"), say("get"), say("post"), say("encoded"),
	    say("plain"), say("inner"), origin_port(o), origin_port(o),
	    origin_port(second));
	port = daemon_port(d, "http");
}

static void
strike(void)
{
	daemon_stop(d);
}

TestSuite(routes, .init = stage, .fini = strike, .timeout = 60);

static struct response *
request(const char *method, const char *host, const char *path)
{
	struct client *c = dial(port);

	return ask(c,
	    "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
	    "\r\n",
	    method, path, host);
}

static void
must_take(const char *host, const char *path, const char *route)
{
	struct response *r = request("GET", host, path);

	cr_assert_eq(r->status, 200, "%s%s: %d", host, path, r->status);
	cr_assert_str_eq(
	    r->body.p, route, "%s%s took %s", host, path, r->body.p);
}

Test(routes, the_most_specific_one_wins)
{
	must_take("a.test", "/x", "exact");
	must_take("a.test", "/x/", "prefix");
	must_take("a.test", "/x/z", "prefix");
	must_take("a.test", "/x/y", "deeper");
	must_take("a.test", "/x/y/z?q=1", "deeper");
	must_take("A.TEST:80", "/x", "exact");
	must_take("a.test.", "/x", "exact");
	must_take("a.test", "/x/y/../z", "prefix");
}

Test(routes, a_path_is_the_same_however_it_is_written)
{
	must_take("z.test", "/k%c3%a4se", "encoded");
	must_take("z.test", "/k%C3%A4se/x", "encoded");
	must_take("z.test", "/%6B%c3%A4se/", "encoded");
	must_take("z.test", "/~user/", "plain");
	must_take("z.test", "/%7Euser/./", "plain");
}

Test(routes, hosts_match_exactly_and_by_wildcard)
{
	must_take("www.a.test", "/anything", "wild");
	must_take("x.y.a.test", "/", "wild");
	must_take("b.test", "/", "hosts");
	must_take("c.test", "/deep/er", "hosts");
}

Test(routes, no_route__nothing_matches)
{
	must_refuse(request("GET", "a.test", "/xy"), 404, "no_route");
	must_refuse(request("GET", "nowhere.test", "/"), 404, "no_route");
	must_refuse(request("GET", "nota.test", "/x"), 404, "no_route");
	must_refuse(request("GET", "z.test", "/inner"), 404, "no_route");
}

Test(routes, a_route_may_belong_to_one_listener)
{
	struct response *r = get(daemon_port(d, "other"), "/inner", "");

	cr_assert_str_eq(r->body.p, "inner");
}

Test(routes, method_not_allowed__says_which_are)
{
	struct response *r = request("DELETE", "m.test", "/m");
	char *allow;

	must_refuse(r, 405, "method_not_allowed");
	allow = response_field(r, "allow");
	cr_assert_not_null(allow);
	cr_assert_not_null(strstr(allow, "GET"));
	cr_assert_not_null(strstr(allow, "HEAD"));
	cr_assert_not_null(strstr(allow, "POST"));
	cr_assert_not_null(strstr(allow, "PUT"));
	cr_assert_null(strstr(allow, "DELETE"));
	must_take("m.test", "/m", "get");
	cr_assert_eq(request("HEAD", "m.test", "/m")->status, 200);
	cr_assert_str_eq(request("POST", "m.test", "/m")->body.p, "post");
}

Test(routes, respond_answers_by_itself)
{
	struct response *r = request("GET", "z.test", "/say");

	cr_assert_eq(r->status, 418);
	cr_assert_str_eq(r->body.p, "tea");
	cr_assert_str_eq(response_field(r, "x-pot"), "small");
	cr_assert_null(response_field(r, "x-fairlead-reason"));
	r = request("HEAD", "z.test", "/say");
	cr_assert_eq(r->status, 418);
	cr_assert_str_eq(response_field(r, "content-length"), "3");
}

Test(routes, redirect_points_elsewhere_and_keeps_the_rest)
{
	struct response *r = request("GET", "z.test", "/move");

	cr_assert_eq(r->status, 301);
	cr_assert_str_eq(
	    response_field(r, "location"), "https://new.test/there");
	r = request("GET", "z.test", "/secure/a?b=c");
	cr_assert_eq(r->status / 100, 3);
	cr_assert_str_eq(
	    response_field(r, "location"), "https://z.test/secure/a?b=c");
}

Test(routes, rewrite_strips_and_adds_prefixes)
{
	(void)request("GET", "z.test", "/api/things?n=1");
	(void)request("GET", "z.test", "/api");
	cr_assert(bytes_hold(&origin_seen(o, 0)->head,
		      "GET /v1/things?n=1 HTTP/1.1\r\n"),
	    "%s", origin_seen(o, 0)->head.p);
	cr_assert_eq(strncmp(origin_seen(o, 1)->path, "/v1", 3), 0, "%s",
	    origin_seen(o, 1)->path);
}

Test(routes, fields_are_set_added_and_removed_both_ways)
{
	struct client *c = dial(port);
	struct response *r;
	struct bytes *head;

	origin_reply(o,
	    (struct reply){
		.text = "x", .fields = "X-Set: old\r\nX-Add: c\r\n" });
	r = ask(c,
	    "GET /fields HTTP/1.1\r\nHost: z.test\r\nX-Set: old\r\n"
	    "X-Drop: 1\r\nX-Add: a\r\nX-Who: me\r\n\r\n");
	head = &origin_seen(o, 0)->head;
	cr_assert_str_eq(origin_field(head, "x-set", 0), "1");
	cr_assert_null(origin_field(head, "x-set", 1));
	cr_assert_str_eq(origin_field(head, "x-add", 0), "a");
	cr_assert_str_eq(origin_field(head, "x-add", 1), "b");
	cr_assert_null(origin_field(head, "x-drop", 0));
	cr_assert_str_eq(response_field(r, "x-set"), "2");
	cr_assert_eq(response_count(r, "x-set"), 1);
	cr_assert_eq(response_count(r, "x-add"), 2);
	cr_assert_null(response_field(r, "x-origin"));
}

Test(routes, a_weighted_list_shares_by_weight)
{
	unsigned i, a, b;

	for (i = 0; i < 400; i++)
		cr_assert_eq(request("GET", "z.test", "/shared")->status, 200);
	a = origin_count(o, "/shared");
	b = origin_count(second, "/shared");
	cr_assert_eq(a + b, 400);
	cr_assert_gt(a, 240);
	cr_assert_gt(b, 50);
}

Test(routes, servers_may_be_given_inline)
{
	cr_assert_eq(request("GET", "z.test", "/inline")->status, 200);
	cr_assert_eq(origin_count(o, "/inline"), 1);
}
