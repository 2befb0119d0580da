/* Files: includes, relative paths, the hash, what cannot be read. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "conf/conf.h"

static char dir[] = "/tmp/fairlead-load-XXXXXX";
static struct conf_errors errors;

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	cr_assert_eq(mkdir("d", 0755), 0);
}

static void
tear_down(void)
{
	char command[64];

	conf_errors_fini(&errors);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(load, .init = set_up, .fini = tear_down);

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static struct conf *
load(const char *path)
{
	struct conf *conf;

	conf_errors_fini(&errors);
	conf = conf_load(path, &errors);
	if (conf == NULL)
		conf_errors_print(&errors, stderr);
	return conf;
}

static void
error_is(unsigned i, const char *place, const char *message)
{
	const struct conf_error *e = &errors.v[i];
	char at[128];

	cr_assert_lt(i, errors.n);
	snprintf(at, sizeof(at), "%s:%u:%u", e->place.file, e->place.line,
	    e->place.column);
	cr_expect_str_eq(at, place);
	cr_expect_not_null(strstr(e->message, message), "%s", e->message);
}

Test(load, maps_merge_and_lists_append_in_the_order_of_the_files)
{
	struct conf *conf;

	write_file("main.yaml",
	    "include: [\"d/*.yaml\", last.yml]\n"
	    "listen: :80\nroutes: [{ name: m, path: /m, to: u }]\n"
	    "upstreams: { u: [\"m:1\"] }\nlog: { level: warn }\n"
	    "defaults: { upstream: { pool: { max_idle: 3 } } }\n");
	write_file("d/b.yaml",
	    "routes: [{ name: b, path: /b, to: v }]\n"
	    "upstreams: { v: [\"b:1\"] }\n");
	write_file("d/a.yaml",
	    "routes: [{ name: a, path: /a, to: u }]\n"
	    "log: { format: json }\n"
	    "defaults: { upstream: { timeouts: { idle: 7s } }, "
	    "route: { access_log: off } }\n");
	write_file("d/no.yml", "not: read\n");
	write_file("last.yml",
	    "listeners: { more: { address: \":81\" } }\n"
	    "workers: 2\n");
	conf = load("main.yaml");
	cr_assert_not_null(conf);
	cr_assert_eq(conf->nroutes, 3);
	cr_expect_str_eq(conf->routes[0].name, "m");
	cr_expect_str_eq(conf->routes[1].name, "a");
	cr_expect_str_eq(conf->routes[2].name, "b");
	cr_expect_str_eq(conf->routes[2].place.file, "d/b.yaml");
	cr_expect(!conf->routes[0].access_log);
	cr_assert_eq(conf->nupstreams, 2);
	cr_expect_eq(conf->upstreams[1].idle_ns, 7000000000);
	cr_expect_eq(conf->upstreams[1].pool_max_idle, 3);
	cr_expect_eq(conf->nlisteners, 2);
	cr_expect_eq(conf->workers, 2);
	cr_expect_eq(conf->log_level, LOG_WARN);
	cr_expect_eq(conf->log_format, LOG_JSON);
	conf_free(conf);
}

Test(load, paths_are_relative_to_the_file_that_holds_them)
{
	struct conf *conf;
	char path[128];

	write_file("main.yaml", "include: d/tls.yaml\nto: \"a:1\"\n");
	write_file("d/tls.yaml",
	    "include: ../e.yaml\nlisteners: { l: { "
	    "address: \":80\", tls: { certificates: [{ cert: c.pem, "
	    "key: ../k.pem }] } } }\n");
	write_file("e.yaml", "access_log: { output: access.json }\n");
	write_file("d/c.pem", "");
	write_file("k.pem", "");
	conf = load("main.yaml");
	cr_assert_not_null(conf);
	cr_expect_str_eq(conf->listeners[0].certificates[0].cert, "d/c.pem");
	cr_expect_str_eq(conf->listeners[0].certificates[0].key, "d/../k.pem");
	cr_expect_str_eq(conf->access_log, "d/../access.json");
	conf_free(conf);
	snprintf(path, sizeof(path), "%s/main.yaml", dir);
	cr_assert_eq(chdir("/"), 0);
	conf = load(path);
	cr_assert_not_null(conf);
	snprintf(path, sizeof(path), "%s/d/c.pem", dir);
	cr_expect_str_eq(conf->listeners[0].certificates[0].cert, path);
	conf_free(conf);
}

Test(load, a_plain_output_stays_stdout_in_any_directory)
{
	struct conf *conf;

	write_file("d/m.yaml",
	    "listen: :80\nto: \"a:1\"\n"
	    "access_log: { output: stdout }\n");
	conf = load("d/m.yaml");
	cr_assert_not_null(conf);
	cr_expect_str_eq(conf->access_log, "stdout");
	conf_free(conf);
}

Test(load, the_hash_is_of_all_bytes_of_all_files)
{
	static const char main_yaml[] = "include: d/x.yaml\nlisten: :80\n";
	static const char x_yaml[] = "to: \"a:1\"\n";
	struct conf *conf;
	char expected[17], first[17];

	write_file("main.yaml", main_yaml);
	write_file("d/x.yaml", x_yaml);
	conf = load("main.yaml");
	cr_assert_not_null(conf);
	snprintf(expected, sizeof(expected), "%016" PRIx64,
	    hash_text(TEXT(x_yaml), hash_text(TEXT(main_yaml), 0)));
	cr_expect_str_eq(conf->hash, expected);
	memcpy(first, conf->hash, sizeof(first));
	conf_free(conf);
	write_file("d/x.yaml", "to: \"a:1\" #\n");
	conf = load("main.yaml");
	cr_assert_not_null(conf);
	cr_expect_str_neq(conf->hash, first);
	conf_free(conf);
}

Test(load, files_that_cannot_be_read_are_told)
{
	cr_assert_null(load("nowhere.yaml"));
	cr_assert_eq(errors.nerrors, 1);
	error_is(
	    0, "nowhere.yaml:0:0", "cannot read it: No such file or directory");
	cr_assert_null(load("d"));
	error_is(0, "d:0:0", "cannot read it: Is a directory");
	write_file("main.yaml", "listen: :80\ninclude: d\nto: \"a:1\"\n");
	cr_assert_null(load("main.yaml"));
	cr_assert_eq(errors.nerrors, 1);
	error_is(0, "main.yaml:2:10", "include: d: Is a directory");
}

Test(load, errors_of_several_files_come_in_the_order_of_reading)
{
	write_file("main.yaml",
	    "include: [d/b.yaml, d/a.yaml]\n"
	    "listen: 80\nto: \"a:x\"\n");
	write_file("d/a.yaml", "workers: x\n");
	write_file("d/b.yaml", "#\nlogs: y\n");
	cr_assert_null(load("main.yaml"));
	cr_assert_eq(errors.nerrors, 4);
	error_is(0, "main.yaml:2:9", "the port is missing");
	error_is(1, "main.yaml:3:5", "");
	error_is(2, "main.yaml:3:5", "");
	error_is(3, "d/b.yaml:2:1", "unknown key 'logs'");
	error_is(4, "d/a.yaml:1:10", "'x' is not a number");
	cr_expect_str_eq(errors.v[3].source, "logs: y");
	cr_expect_str_eq(errors.path, "main.yaml");
}

Test(load, a_cycle_of_three_is_found)
{
	write_file("a.yaml", "include: b.yaml\nlisten: :80\n");
	write_file("b.yaml", "include: d/c.yaml\n");
	write_file("d/c.yaml", "include: ../a.yaml\n");
	cr_assert_null(load("a.yaml"));
	cr_assert_eq(errors.nerrors, 1);
	error_is(0, "d/c.yaml:1:10", "it includes itself");
}

Test(load, a_broken_include_hides_no_fault_beside_it)
{
	write_file("main.yaml", "include: [x.yaml, y.yaml]\nlisten: :80\n");
	write_file("x.yaml", "a: [\n");
	write_file("y.yaml", "b: }\n");
	cr_assert_null(load("main.yaml"));
	cr_assert_eq(errors.nerrors, 2);
	error_is(0, "x.yaml:2:1", "the file ends inside");
	cr_expect_str_eq(errors.v[1].place.file, "y.yaml");
}

Test(load, text_from_memory_needs_no_file)
{
	struct conf *conf;

	write_file("k", "");
	conf = conf_parse("<command line>",
	    TEXT("to: \"a:1\"\nlisteners: "
		 "{ l: { address: \":80\", tls: { certificates: "
		 "[{ cert: k, key: k }] } } }"),
	    &errors);
	cr_assert_not_null(conf);
	cr_expect_str_eq(conf->path, "<command line>");
	cr_expect_str_eq(conf->listeners[0].certificates[0].cert, "k");
	conf_free(conf);
}

Test(load, a_file_of_several_reads_is_whole)
{
	static const char rest[] = "\nlisten: :80\nto: \"a:1\"\n";
	char *yaml = malloc(200000 + sizeof(rest));
	struct conf *conf;

	memset(yaml, '#', 200000);
	memcpy(yaml + 200000, rest, sizeof(rest));
	write_file("big.yaml", yaml);
	conf = load("big.yaml");
	cr_assert_not_null(conf);
	free(yaml);
	conf_free(conf);
}
