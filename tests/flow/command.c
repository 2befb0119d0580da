/*
 * The command line: what each command says, and how it ends.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/lib/front.h"
#include "tests/lib/wait.h"

TestSuite(command, .timeout = 60);

#define GOOD \
	"listeners: { http: { address: \"127.0.0.1:0\" } }\n" \
	"admin: off\naccess_log: off\n" \
	"routes: [{ respond: { status: 204 } }]\n"

static char *directory;

/* A file of that text; its path. */
static char *
file_of(const char *name, const char *text)
{
	char *path;
	FILE *f;

	if (directory == NULL)
		directory = daemon_directory();
	path = keep_printf("%s/%s", directory, name);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* What it wrote to both; its exit code. */
static char *
say(const char *environment, const char *arguments, int *code)
{
	const char *program = getenv("FAIRLEAD_BIN");
	char *out = file_of("out", "");
	int status =
	    system(keep_printf("%s timeout 30 %s %s >%s 2>&1", environment,
		program != NULL ? program : "./fairlead", arguments, out));

	cr_assert(WIFEXITED(status));
	*code = WEXITSTATUS(status);
	return keep_file(out);
}

static void
must_say(const char *arguments, int code, const char *text)
{
	int was;
	char *all = say("FAIRLEAD_CONFIG=/nowhere/x", arguments, &was);

	cr_assert_eq(was, code, "%s: %d, %s", arguments, was, all);
	cr_assert_not_null(strstr(all, text), "%s: %s", arguments, all);
}

static void
must_not_say(const char *arguments, const char *text)
{
	int code;
	char *all = say("FAIRLEAD_CONFIG=/nowhere/x", arguments, &code);

	cr_assert_null(strstr(all, text), "%s: %s", arguments, all);
}

Test(command, version_and_help_have_three_names)
{
	static const char *const version[] = { "version", "--version", "-V" };
	static const char *const help[] = { "help", "--help", "-h" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		must_say(version[i], 0, "fairlead ");
		must_not_say(version[i], "libevent");
		must_not_say(
		    keep_printf("%s --nothing", version[i]), "libevent");
		must_say(
		    keep_printf("%s --verbose", version[i]), 0, "libevent ");
		must_say(keep_printf("%s --verbose", version[i]), 0, "OpenSSL");
		must_say(help[i], 0, "kill -HUP PID");
	}
}

Test(command, a_file_is_checked_in_every_way_to_say_so)
{
	static const char *const ways[] = { "check %s", "--test %s", "-t %s",
		"-t -c %s", "-c %s -t" };
	char *good = file_of("good.yaml", GOOD);
	char *bad = file_of("bad.yaml", GOOD "nonsense: 1\n");
	unsigned i;

	for (i = 0; i < 5; i++) {
		char *line = keep_printf("%s", ways[i]), *at;

		at = strstr(line, "%s");
		*at = '\0';
		must_say(keep_printf("%s%s%s", line, good, at + 2), 0,
		    keep_printf("%s: good\n", good));
		must_say(
		    keep_printf("%s%s%s", line, bad, at + 2), 78, "nonsense");
		must_not_say(
		    keep_printf("%s%s%s", line, bad, at + 2), ": good");
	}
}

Test(command, all_files_are_checked_and_one_bad_one_is_enough)
{
	char *good = file_of("good.yaml", GOOD);
	char *bad = file_of("bad.yaml", GOOD "nonsense: 1\n");

	must_say(keep_printf("check %s %s", good, good), 0, ": good\n");
	must_say(keep_printf("check %s %s", bad, good), 78,
	    keep_printf("%s: good\n", good));
	must_say(keep_printf("check %s %s", good, bad), 78, "nonsense");
}

Test(command, the_file_is_the_environments_or_the_default)
{
	char *good = file_of("good.yaml", GOOD), *all;
	int code;

	all = say(keep_printf("FAIRLEAD_CONFIG=%s", good), "check", &code);
	cr_assert_eq(code, 0, "%s", all);
	cr_assert_not_null(strstr(all, good));
	must_say("", 78, "/nowhere/x");
	must_say("run", 78, "/nowhere/x");
	must_say("-t", 78, "/nowhere/x");
	all = say("FAIRLEAD_CONFIG=", "check", &code);
	cr_assert_not_null(strstr(all, "/etc/fairlead/fairlead.yaml"));
	all = say("env -u FAIRLEAD_CONFIG", "check", &code);
	cr_assert_not_null(strstr(all, "/etc/fairlead/fairlead.yaml"));
}

Test(command, a_file_is_run_in_every_way_to_say_so)
{
	must_say("-c /no/one", 78, "/no/one");
	must_say("--config /no/one", 78, "/no/one");
	must_say("run /no/one", 78, "/no/one");
	must_say("run -c /no/one", 78, "/no/one");
	must_say("run -c /no/one", 78, "fairlead was not started.");
	must_say("-c /no/one /no/two", 2, "too many arguments '/no/two'");
	must_say("run -c /no/one /no/two", 2, "too many arguments");
}

Test(command, the_schema_has_two_forms)
{
	must_say("schema", 0, "draft-07");
	must_say("schema --mdoc", 0, ".It");
	must_not_say("schema --mdoc", "draft-07");
	must_not_say("schema", ".It");
	must_say("schema --xml", 2, "unknown option of schema '--xml'");
	must_say("schema --mdoc x", 2, "unknown option of schema");
}

Test(command, what_is_meant_is_guessed)
{
	must_say("chekc x", 2,
	    "fairlead: unknown command or option 'chekc'; did you mean "
	    "'check'?; see fairlead --help");
	must_say("--tset x", 2, "did you mean '--test'?");
	must_say("shema", 2, "did you mean 'schema'?");
	must_say("halp", 2, "did you mean 'help'?");
	must_say("--verzion", 2, "did you mean '--version'?");
	must_say("cxexk", 2, "did you mean 'check'?");
	must_say("cxxxk", 2, "option 'cxxxk'; see fairlead --help");
	must_say("--nonsense", 2, "option '--nonsense'; see fairlead --help");
}

Test(command, what_it_makes_is_not_for_others)
{
	struct daemon *d;
	struct stat st;
	char *path;

	directory = daemon_directory();
	path = keep_printf("%s/socket", directory);
	d = daemon_start_in(directory, NULL,
	    "listeners: { http: { address: [\"127.0.0.1:0\", \"unix:%s\"] } }\n"
	    "admin: off\naccess_log: off\n"
	    "routes: [{ respond: { status: 204 } }]\n",
	    path);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0750, "%o", st.st_mode);
	daemon_stop(d);
}

/* Its last words name the signal and where it was. */
Test(command, a_crash_is_told_with_its_place)
{
	struct daemon *d =
	    daemon_start("workers: 1\n"
			 "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
			 "admin: { address: \"127.0.0.1:0\" }\n"
			 "routes: [{ respond: { status: 204 } }]\n");
	int status;

	/* Who answers has begun. */
	cr_assert_str_eq(daemon_admin(d, "/healthz"), "ok\n");
	daemon_signal(d, SIGABRT);
	status = daemon_wait(d, 10000);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGABRT);
	cr_assert_not_null(
	    strstr(daemon_log(d),
		keep_printf(
		    "): fatal signal %d in control, exchange 1\n", SIGABRT)),
	    "%s", daemon_log(d));
}
