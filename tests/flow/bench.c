/*
 * The benchmark itself, kept alive: what nobody runs for a month is broken when
 * it is wanted.  Its figures are no test's business.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/lib/daemon.h"

TestSuite(bench, .timeout = 900);

static const char *
setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? value : otherwise;
}

/* A script of tests/bench, whose files and words go into that directory. */
static void
must_run(const char *into, const char *script, const char *options)
{
	const char *root = setting("FAIRLEAD_ROOT", ".");
	char *command = keep_printf("python3 -B %s/tests/bench/%s %s "
				    "--fairlead %s --programs %s/bench "
				    "--into %s >%s/said 2>&1",
	    root, script, options, setting("FAIRLEAD_BIN", "./fairlead"),
	    setting("FAIRLEAD_TESTS", "build/tests"), into, into);
	int status = system(command);

	cr_assert_eq(status, 0, "%s", keep_file(keep_printf("%s/said", into)));
}

/* A window is short: a sanitizer's build may not end one request in it. */
Test(bench, it_measures_the_limit_and_the_program)
{
	char *into = daemon_directory(), *table;

	if (daemon_is_sanitized())
		return;
	must_run(into, "bench.py",
	    keep_printf("--quick --only S1,S3r --peers none --rounds 1 "
			"--seconds 2 --samples %s/samples",
		into));
	table = keep_file(keep_printf("%s/table.md", into));
	cr_assert_not_null(strstr(table, "\n| relay    | "), "%s", table);
	cr_assert_not_null(strstr(table, "\n| fairlead | "), "%s", table);
	cr_assert_null(strstr(table, "failed"), "%s", table);
	cr_assert(
	    *keep_file(keep_printf("%s/plot.svg", into)) == '<', "no plot");
}

/* A sanitizer's build is another program, with other counts. */
Test(bench, a_request_takes_no_more_instructions_than_recorded)
{
	if (!daemon_is_sanitized())
		must_run(keep_printf("%s/bench",
			     setting("FAIRLEAD_TESTS", "build/tests")),
		    "instructions.py", "check");
}
