#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tests/unit/conf/decoded.h"

static json_t *
print(const struct conf *conf)
{
	struct buf b = { 0 };
	json_error_t error;
	json_t *root;
	char *text;
	size_t n;

	conf_print(conf, &b);
	n = b.n;
	text = buf_join(&b, n, 0);
	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(root, "%s at %d", error.text, error.position);
	buf_clear(&b);
	return root;
}

/* What stands at a path of keys and indexes. */
static json_t *
at(json_t *root, const char *path)
{
	struct text rest = text_of(path), part;
	char name[64];

	while (root != NULL && text_split(&rest, '/', &part)) {
		snprintf(name, sizeof(name), "%.*s", TEXT_ARG(part));
		root = json_is_array(root)
		    ? json_array_get(root, (size_t)strtoul(name, NULL, 10))
		    : json_object_get(root, name);
	}
	return root;
}

static void
text_is(json_t *root, const char *path, const char *expected)
{
	json_t *value = at(root, path);

	cr_expect(json_is_string(value), "%s", path);
	if (json_is_string(value))
		cr_expect_str_eq(json_string_value(value), expected, "%s: %s",
		    path, json_string_value(value));
}

static const char yaml[] =
    "listen: :8080\n"
    "defaults:\n"
    "  upstream: { pool: { max_idle: 5 } }\n"
    "upstreams:\n"
    "  u:\n"
    "    servers: [\"a:1\", { address: \"b:2\", backup: true }]\n"
    "    health_check: { expect: { status: 204 } }\n"
    "    circuit_breaker: { failure_on: [reset, timeout] }\n"
    "routes:\n"
    "  - { host: x.y, to: u, access_log: off, request_headers: "
    "{ set: { Authorization: s1, X-Plain: \"$${x}\" } } }\n"
    "  - { to: \"c:3\", upgrade: off }\n";

Test(print, values_are_as_written_and_defaults_filled_in)
{
	struct conf *conf = parse(yaml);
	json_t *root = print(conf);

	text_is(root, "config/listeners/default/address/0", ":8080");
	text_is(root, "config/listeners/default/timeouts/header", "10s");
	text_is(root, "config/workers", "auto");
	text_is(root, "config/upstreams/u/servers/0/address", "a:1");
	cr_expect(
	    json_is_true(at(root, "config/upstreams/u/servers/1/backup")));
	cr_expect(
	    json_is_false(at(root, "config/upstreams/u/servers/0/backup")));
	cr_expect_eq(
	    json_integer_value(at(root, "config/upstreams/u/pool/max_idle")),
	    5);
	text_is(root, "config/upstreams/u/health_check/expect/status/0", "204");
	text_is(root, "config/upstreams/u/health_check/interval", "5s");
	text_is(
	    root, "config/upstreams/u/circuit_breaker/failure_on/1", "timeout");
	cr_expect_eq(json_array_size(at(root,
			 "config/upstreams/u/circuit_breaker/failure_on")),
	    2);
	text_is(root, "config/upstreams/default/circuit_breaker", "off");
	text_is(root, "config/routes/0/name", "x.y");
	text_is(root, "config/routes/0/access_log", "off");
	cr_expect(json_is_true(at(root, "config/routes/1/access_log")));
	text_is(root, "config/routes/0/upgrade/0", "websocket");
	text_is(root, "config/routes/1/upgrade", "off");
	text_is(root, "config/routes/1/to/0/upstream", "default");
	text_is(root, "config/admin/address", "127.0.0.1:9900");
	cr_expect_null(at(root, "config/defaults"));
	cr_expect_null(at(root, "config/listen"));
	cr_expect_null(at(root, "config/routes/1/rewrite"));
	cr_expect_null(at(root, "config/routes/1/respond"));
	json_decref(root);
	conf_free(conf);
}

Test(print, origins_are_the_lines_of_what_was_written)
{
	struct conf *conf = parse(yaml);
	json_t *root = print(conf);

	text_is(root, "origins/listeners.default.address", "t.yaml:1");
	text_is(root, "origins/upstreams.u.pool.max_idle", "t.yaml:3");
	text_is(root, "origins/upstreams.u.servers[1].backup", "t.yaml:6");
	text_is(
	    root, "origins/upstreams.u.health_check.expect.status", "t.yaml:7");
	text_is(root, "origins/routes[0].request_headers.set", "t.yaml:10");
	text_is(
	    root, "origins/upstreams.default.servers[0].address", "t.yaml:11");
	cr_expect_null(at(root, "origins/workers"));
	cr_expect_null(at(root, "origins/upstreams.u.pool.idle_timeout"));
	json_decref(root);
	conf_free(conf);
}

Test(print, secrets_are_masked)
{
	struct conf *conf;
	json_t *root;

	setenv("FL_SECRET", "s2", 1);
	conf =
	    parse("listen: :80\nroutes:\n  - to: \"a:1\"\n"
		  "    request_headers: { set: { Authorization: s1, X-A: "
		  "\"${FL_SECRET}\", X-Api-Key: s3, x-TOKEN: s4, Cookie: s5, "
		  "X-Secret: s6, X-Password: s7, X-Plain: p }, "
		  "add: { Proxy-Authorization: s8 } }\n");
	root = print(conf);
	text_is(root, "config/routes/0/request_headers/set/X-Plain", "p");
	text_is(root, "config/routes/0/request_headers/set/X-A", "***");
	text_is(root, "config/routes/0/request_headers/set/X-Api-Key", "***");
	text_is(root, "config/routes/0/request_headers/set/x-TOKEN", "***");
	text_is(root, "config/routes/0/request_headers/set/Cookie", "***");
	text_is(root, "config/routes/0/request_headers/set/X-Secret", "***");
	text_is(root, "config/routes/0/request_headers/set/X-Password", "***");
	text_is(
	    root, "config/routes/0/request_headers/set/Authorization", "***");
	text_is(root, "config/routes/0/request_headers/add/Proxy-Authorization",
	    "***");
	json_decref(root);
	conf_free(conf);
}

/* What is printed means the same as what it was printed from. */
Test(print, the_printed_configuration_is_a_configuration)
{
	struct conf *conf = parse(yaml), *again;
	json_t *root = print(conf), *root2;
	char *text = json_dumps(at(root, "config"), 0);

	again = parse(text);
	root2 = print(again);
	cr_expect(json_equal(at(root, "config"), at(root2, "config")));
	cr_expect_str_eq(again->routes[0].request_headers.set[1].value, "***",
	    "its dollars came from the file, as secrets may");
	free(text);
	json_decref(root);
	json_decref(root2);
	conf_free(conf);
	conf_free(again);
}

Test(print, a_printed_dollar_and_brace_is_no_variable)
{
	struct conf *conf = parse("listen: :80\nroutes: [{ respond: "
				  "{ body: \"$${a} $$$${b}\" } }]\n"),
		    *again;
	json_t *root = print(conf);
	char *text = json_dumps(at(root, "config"), 0);

	cr_expect_str_eq(conf->routes[0].respond_body, "${a} $$${b}");
	again = parse(text);
	cr_expect_str_eq(again->routes[0].respond_body, "${a} $$${b}");
	free(text);
	json_decref(root);
	conf_free(conf);
	conf_free(again);
}
