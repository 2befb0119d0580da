/* From YAML to plain data: the forms that a value may have. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/conf/decoded.h"

Test(decode_forms, a_route_may_be_for_several_listeners)
{
	struct conf *conf =
	    parse("listeners:\n  a: { address: \":80\" }\n"
		  "  b: { address: \":81\" }\n  c: { address: \":82\" }\n"
		  "routes: [{ listeners: [b, c], to: \"a:1\" }]\n");

	cr_assert_not_null(conf->routes[0].on_listener);
	cr_expect(!conf->routes[0].on_listener[0]);
	cr_expect(conf->routes[0].on_listener[1]);
	cr_expect(conf->routes[0].on_listener[2]);
	conf_free(conf);
}

Test(decode_forms, off_turns_off)
{
	struct conf *conf =
	    parse("listen: :80\nroutes: [{ to: u }]\n"
		  "upstreams: { u: { servers: [\"a:1\"], health_check: off, "
		  "circuit_breaker: off } }\nadmin: off\naccess_log: off\n");

	cr_expect(!conf->admin_on);
	cr_expect_null(conf->access_log);
	cr_expect(!conf->upstreams[0].probe.on);
	cr_expect(!conf->upstreams[0].breaker.on);
	conf_free(conf);
}

Test(decode_forms, each_form_of_to)
{
	struct conf *conf =
	    parse("listen: :80\nroutes:\n"
		  "  - { path: /1, to: u }\n"
		  "  - { path: /2, to: [u, v] }\n"
		  "  - { path: /3, to: [{ upstream: v, weight: 0 }, u] }\n"
		  "  - { path: /4, to: \"a:1\" }\n"
		  "  - { path: /5, name: five, to: [\"a:1\", \"unix:/b\"] }\n"
		  "upstreams: { u: [\"a:1\"], v: [\"b:1\"] }\n");

	cr_assert_eq(conf->nupstreams, 4);
	cr_expect_eq(conf->routes[0].targets[0].upstream, 0);
	cr_assert_eq(conf->routes[1].ntargets, 2);
	cr_expect_eq(conf->routes[1].targets[1].upstream, 1);
	cr_expect_eq(conf->routes[2].targets[0].weight, 0);
	cr_expect_eq(conf->routes[3].targets[0].upstream, 2);
	cr_expect_str_eq(conf->upstreams[2].name, "/4");
	cr_expect_eq(conf->routes[4].targets[0].upstream, 3);
	cr_expect_str_eq(conf->upstreams[3].name, "five");
	cr_expect_eq(conf->upstreams[3].nservers, 2);
	conf_free(conf);
}

Test(decode_forms, routes_without_a_name_get_different_ones)
{
	static const char *const names[] = { "/a", "/a#2", "a.b/a", "default",
		"/a#3", "default#2", "default#3" };
	struct conf *conf =
	    parse("listen: :80\nroutes:\n"
		  "  - { path: /a, methods: GET, respond: {} }\n"
		  "  - { path: [/a, /b], methods: PUT, respond: {} }\n"
		  "  - { host: [a.b, c], path: /a, respond: {} }\n"
		  "  - { respond: {} }\n"
		  "  - { name: /a#3, respond: {} }\n"
		  "  - { methods: GET, respond: {} }\n"
		  "  - { methods: PUT, respond: {} }\n");
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		cr_expect_str_eq(conf->routes[i].name, names[i]);
	conf_free(conf);
}

Test(decode_forms, a_long_made_name_is_cut)
{
	char yaml[512], path[201];
	struct conf *conf;

	memset(path, 'a', 200);
	path[200] = '\0';
	snprintf(yaml, sizeof(yaml),
	    "listen: :80\nroutes: "
	    "[{ path: /%s, respond: {} }]\n",
	    path);
	conf = parse(yaml);
	cr_expect_eq(strlen(conf->routes[0].name), 120);
	conf_free(conf);
}

Test(decode_forms, the_bounds_of_a_range_belong_to_it)
{
	struct conf *conf =
	    parse("workers: 256\nlisten: :80\nto: \"a:1\"\n"
		  "defaults: { upstream: { timeouts: { connect: 1ms, "
		  "response: 1d, idle: 24h } } }\n");

	cr_expect_eq(conf->workers, 256);
	cr_expect_eq(conf->upstreams[0].connect_ns, MS);
	cr_expect_eq(conf->upstreams[0].response_ns, 86400 * S);
	conf_free(conf);
	conf = parse("workers: 1\nlisten: :80\nto: \"a:65535\"\n");
	cr_expect_eq(conf->workers, 1);
	conf_free(conf);
}

Test(decode_forms, types_come_from_the_key_and_not_from_the_looks)
{
	struct conf *conf =
	    parse("listen: \":80\"\nroutes:\n"
		  "  - { name: 22:22, path: /no, respond: { body: no } }\n"
		  "  - { name: ~, path: /1, respond: { body: 1.0 } }\n"
		  "  - { name: \"true\", respond: { status: \"204\" }, "
		  "access_log: \"off\" }\n");

	cr_expect_str_eq(conf->routes[0].name, "22:22");
	cr_expect_str_eq(conf->routes[0].respond_body, "no");
	cr_expect_str_eq(conf->routes[1].name, "~");
	cr_expect_str_eq(conf->routes[1].respond_body, "1.0");
	cr_expect_eq(conf->routes[2].respond_status, 204);
	cr_expect(!conf->routes[2].access_log);
	conf_free(conf);
}

Test(decode_forms, variables_may_stand_for_any_value)
{
	struct conf *conf;

	setenv("FL_N", "5", 1);
	setenv("FL_OFF", "off", 1);
	conf = parse("workers: ${FL_N}\nlisten: ${FL_NO:-:8080}\n"
		     "to: a:8${FL_N}\nadmin: ${FL_OFF}\nshutdown: { timeout: "
		     "\"${FL_N}s\" }\n");
	cr_expect_eq(conf->workers, 5);
	cr_expect_str_eq(conf->listeners[0].addresses[0].text, ":8080");
	cr_expect_str_eq(conf->upstreams[0].servers[0].name, "a:85");
	cr_expect(!conf->admin_on);
	cr_expect_eq(conf->shutdown_timeout_ns, 5 * S);
	conf_free(conf);
}

Test(decode_forms, the_samples_are_good)
{
	static const char *const samples[] = { "conf/minimal.yaml",
		"conf/fairlead.yaml" };
	const char *root = getenv("FAIRLEAD_ROOT");
	struct conf_errors errors = { 0 };
	struct conf *conf;
	size_t i;

	if (root != NULL)
		cr_assert_eq(chdir(root), 0);
	for (i = 0; i < COUNT(samples); i++) {
		conf = conf_load(samples[i], &errors);
		conf_errors_print(&errors, stderr);
		cr_assert_not_null(conf, "%s", samples[i]);
		conf_free(conf);
	}
	conf_errors_fini(&errors);
}
