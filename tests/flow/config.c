/*
 * Configurations that are wrong: each gives the exact place and a message that
 * helps, by `fairlead -t' and by a reload, and the old one serves on.
 * Done-when 8.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/certs.h"
#include "tests/lib/front.h"
#include "tests/lib/wait.h"

TestSuite(config, .timeout = 120);

/* A good configuration, by lines; a bad line goes after one of them. */
enum { IN_LISTENERS = 2, IN_UPSTREAMS = 6, AT_END = 8 };
static const char *const good[] = {
	"listeners:",
	"  http: { address: \"127.0.0.1:0\" }",
	"admin: { address: \"127.0.0.1:0\" }",
	"access_log: off",
	"upstreams:",
	"  up: [\"127.0.0.1:1\"]",
	"routes:",
	"  - { name: all, path: \"/*\", respond: { status: 204 } }",
};

struct bad {
	int after;
	const char *line;
	const char *at; /* the column is where this stands in it */
	const char *says;
};

static const struct bad bads[] = {
	{ AT_END, "workrs: 2", "workrs", "did you mean 'workers'" },
	{ AT_END, "shutdown: { tiemout: 1s }", "tiemout",
	    "did you mean 'timeout'" },
	{ AT_END, "frontends: {}", "frontends", "listeners" },
	{ AT_END, "workers: many", "many", "workers" },
	{ AT_END, "workers: [2]", "[2]", "workers" },
	{ AT_END, "shutdown: { timeout: 5 }", "5 }", "5 what? write 5s" },
	{ AT_END, "shutdown: { timeout: 5 parsecs }", "5 parsecs", "duration" },
	{ AT_END, "access_log: off", "access_log", ":4:1" },
	{ AT_END, "log: { level: loud }", "loud", "debug" },
	{ AT_END, "log: { level: \"${NOT_SET_AT_ALL}\" }", "${",
	    "NOT_SET_AT_ALL" },
	{ AT_END, "include: [nothing.d/*.yaml]", "nothing", "nothing.d" },
	{ AT_END, "\tlog: { level: info }", "\tlog", "tab" },
	{ AT_END, "log: { level: info", "{", "" },
	{ AT_END, "  - { name: all, path: /x, respond: { status: 204 } }",
	    "all", "'all'" },
	{ AT_END, "  - { path: /x, to: upp }", "upp", "did you mean 'up'" },
	{ AT_END, "  - { path: /x, respond: { status: 99 } }", "99", "status" },
	{ AT_END, "  - { path: x, respond: { status: 204 } }", "x, re",
	    "path" },
	{ AT_END,
	    "  - { path: /x, listeners: [htp], "
	    "respond: { status: 204 } }",
	    "htp", "did you mean 'http'" },
	{ AT_END, "  - { host: *.example.com, respond: { status: 204 } }", "*.",
	    "quote" },
	{ IN_UPSTREAMS,
	    "  two: { servers: [{ address: \"127.0.0.1:1\", "
	    "weight: 300 }] }",
	    "300", "256" },
	{ IN_UPSTREAMS, "  two: [\"127.0.0.1:99999\"]", "\"127", "99999" },
	{ IN_UPSTREAMS, "  up: [\"127.0.0.1:2\"]", "up", ":6:3" },
	{ IN_UPSTREAMS,
	    "  two: { servers: [\"127.0.0.1:1\"], "
	    "health_check: { type: grpc } }",
	    "grpc", "not available" },
	{ IN_LISTENERS,
	    "  two: { address: \"127.0.0.1:0\", "
	    "trusted_proxies: [10.0.0.0/33] }",
	    "10.0.0.0/33", "10.0.0.0/33" },
	{ IN_LISTENERS,
	    "  two: { address: \"127.0.0.1:0\", tls: { "
	    "certificates: [{ cert: none.pem, key: none.key }] } }",
	    "none.pem", "none.pem" },
	{ IN_LISTENERS,
	    "  two: { address: \"127.0.0.1:0\", tls: { "
	    "certificates: [{ cert: fairlead.yaml, key: fairlead.yaml }] } }",
	    "fairlead.yaml", "fairlead.yaml" },
	{ IN_LISTENERS, "  two: { redirect: https }", "two", "address" },
};

static char *
yaml_with(const struct bad *b)
{
	struct bytes text = { 0 };
	int i;

	for (i = 0; i < AT_END; i++) {
		bytes_printf(&text, "%s\n", good[i]);
		if (b != NULL && b->after == i + 1)
			bytes_printf(&text, "%s\n", b->line);
	}
	return text.p;
}

/* The place and what must be said there, on one or two lines of output. */
static void
must_name(const char *output, const struct bad *b)
{
	char *place = keep_printf("fairlead.yaml:%d:%d: error: ", b->after + 1,
	    (int)(strstr(b->line, b->at) - b->line) + 1);
	const char *at = strstr(output, place);

	cr_assert_not_null(at, "%s\nno %s in:\n%s", b->line, place, output);
	cr_assert_not_null(strstr(at, b->says), "%s\n'%s' is not in:\n%s",
	    b->line, b->says, at);
}

/* What `fairlead -t' of that file prints, and its exit code. */
static char *
check(const char *path, int *code)
{
	const char *program = getenv("FAIRLEAD_BIN");
	struct bytes b = { 0 };
	char piece[4096];
	FILE *pipe;
	size_t n;

	pipe = popen(keep_printf("%s -t %s 2>&1",
			 program == NULL ? "./fairlead" : program, path),
	    "r");
	cr_assert_not_null(pipe);
	while ((n = fread(piece, 1, sizeof piece, pipe)) > 0)
		bytes_add(&b, piece, n);
	bytes_add(&b, "", 0);
	*code = WEXITSTATUS(pclose(pipe));
	return b.p;
}

static char *
file_of(const char *text)
{
	char *path = keep_printf("%s/fairlead.yaml", daemon_directory());
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

Test(config, a_good_one_passes_and_says_so)
{
	int code;

	(void)check(file_of(yaml_with(NULL)), &code);
	cr_assert_eq(code, 0);
}

Test(config, each_fault_is_named_by_its_exact_place)
{
	char *path = file_of("");
	size_t i;

	for (i = 0; i < sizeof bads / sizeof *bads; i++) {
		FILE *f = fopen(path, "we");
		char *output;
		int code;

		fputs(yaml_with(&bads[i]), f);
		fclose(f);
		output = check(path, &code);
		cr_expect_eq(code, 78, "%d: %s", code, bads[i].line);
		must_name(output, &bads[i]);
	}
}

Test(config, a_broken_one_leaves_the_old_one_serving)
{
	struct daemon *d = daemon_start("%s", yaml_with(NULL));
	int port = daemon_port(d, "http");
	size_t i;

	for (i = 0; i < sizeof bads / sizeof *bads; i++) {
		must_name(daemon_reload_refused(d, "%s", yaml_with(&bads[i])),
		    &bads[i]);
		cr_assert_eq(get(port, "/", "")->status, 204);
	}
	must_count(
	    d, "fairlead_config_reloads_total{result=\"failure\"}", (double)i);
	must_tell(d, "config/generation", 1);
	daemon_stop(d);
}

Test(config, a_port_that_is_taken_is_named_by_its_place)
{
	struct origin *o = origin_new("holder");
	struct daemon *d = daemon_start("%s", yaml_with(NULL));
	struct bad taken = { IN_LISTENERS,
		keep_printf(
		    "  two: { address: \"127.0.0.1:%d\" }", origin_port(o)),
		"\"127", "in use" };

	must_name(daemon_reload_refused(d, "%s", yaml_with(&taken)), &taken);
	cr_assert_eq(get(daemon_port(d, "http"), "/", "")->status, 204);
	daemon_stop(d);
}

Test(config, a_key_that_does_not_fit_is_named_by_its_place)
{
	struct daemon *d = daemon_start("%s", yaml_with(NULL));
	struct cert a = cert_make(d->directory, "a", "a", CERT_ECDSA);
	struct bad mismatch = { IN_LISTENERS,
		"  two: { address: \"127.0.0.1:0\", tls: { certificates: "
		"[{ cert: a.pem, key: b.key }] } }",
		"b.key", "b.key" };

	(void)a;
	(void)cert_make(d->directory, "b", "b", CERT_ECDSA);
	must_name(
	    daemon_reload_refused(d, "%s", yaml_with(&mismatch)), &mismatch);
	daemon_stop(d);
}

Test(config, all_errors_come_in_one_run)
{
	char *text = keep_printf(
		 "%sworkrs: 1\nshutdwn: {}\nlgo: {}\n", yaml_with(NULL)),
	     *output;
	int code;

	output = check(file_of(text), &code);
	cr_assert_eq(code, 78);
	cr_assert_not_null(strstr(output, ":9:1: error"), "%s", output);
	cr_assert_not_null(strstr(output, ":10:1: error"), "%s", output);
	cr_assert_not_null(strstr(output, ":11:1: error"), "%s", output);
	cr_assert_not_null(strstr(output, "3 errors"), "%s", output);
}

Test(config, no_more_than_twenty_errors_are_shown)
{
	struct bytes text = { 0 };
	const char *at;
	unsigned n = 0, i;
	int code;

	bytes_printf(&text, "%s", yaml_with(NULL));
	for (i = 0; i < 30; i++)
		bytes_printf(&text, "zz%u: 1\n", i);
	for (at = check(file_of(text.p), &code);
	     (at = strstr(at, ": error: ")) != NULL; at++)
		n++;
	cr_assert_eq(n, 20);
}

Test(config, empty_and_routeless_files_are_errors)
{
	static const char *const empty[] = { "", "\n", "# nothing\n",
		"listen: \":0\"\n", "routes: []\nlisten: \":0\"\n" };
	size_t i;
	int code;

	for (i = 0; i < sizeof empty / sizeof *empty; i++) {
		(void)check(file_of(empty[i]), &code);
		cr_assert_eq(code, 78, "%s", empty[i]);
	}
}

Test(config, a_start_with_a_fault_exits_78)
{
	struct daemon *d = daemon_try(daemon_directory(), NULL, "nonsense\n");
	int status = daemon_wait(d, 10000);

	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 78);
	cr_assert_not_null(strstr(daemon_log(d), "fairlead.yaml:1:1: error"),
	    "%s", daemon_log(d));
}

Test(config, values_come_from_the_environment_and_other_files)
{
	char *directory = daemon_directory();
	const char *env[] = { "GREETING", "hello: {x}", NULL };
	FILE *f = fopen(keep_printf("%s/more.yaml", directory), "we");
	struct daemon *d;

	fputs("routes:\n  - { name: more, path: /more, "
	      "respond: { status: 200, body: \"${GREETING}\" } }\n",
	    f);
	fclose(f);
	d = daemon_start_in(
	    directory, env, "include: [\"more.*\"]\n%s", yaml_with(NULL));
	cr_assert_str_eq(
	    get(daemon_port(d, "http"), "/more", "")->body.p, "hello: {x}");
	cr_assert_eq(get(daemon_port(d, "http"), "/", "")->status, 204);
	daemon_stop(d);
}

Test(config, the_short_form_is_a_whole_configuration)
{
	struct origin *o = origin_new("a");
	struct daemon *d = daemon_start("listen: \"127.0.0.1:0\"\n"
					"admin: off\n"
					"to: [\"127.0.0.1:%d\"]\n",
	    origin_port(o));

	cr_assert_eq(get(daemon_port(d, "default"), "/", "")->status, 200);
	cr_assert_eq(origin_requests(o), 1);
	daemon_stop(d);
}

Test(config, defaults_and_anchors_are_laid_under)
{
	struct origin *o = origin_new("a");
	struct daemon *d = daemon_start(
	    "defaults:\n"
	    "  route: { response_headers: { set: { X-All: \"1\" } } }\n"
	    "  upstream: { timeouts: { response: 300ms } }\n"
	    "%s"
	    "  - &one { name: one, path: /one, to: two }\n"
	    "  - { <<: *one, name: other, path: /other }\n",
	    yaml_with(&(struct bad){ IN_UPSTREAMS,
		keep_printf("  two: [\"127.0.0.1:%d\"]", origin_port(o)), "",
		"" }));
	int port = daemon_port(d, "http");

	cr_assert_str_eq(response_field(get(port, "/other", ""), "x-all"), "1");
	origin_reply(o, (struct reply){ .silent = true });
	must_refuse(get(port, "/one", ""), 504, "response_timeout");
	daemon_stop(d);
}

Test(config, the_schema_is_json)
{
	const char *program = getenv("FAIRLEAD_BIN");

	cr_assert_eq(system(keep_printf("%s schema | jq -e .properties "
					">/dev/null",
			 program == NULL ? "./fairlead" : program)),
	    0);
}
