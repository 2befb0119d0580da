/*
 * The benchmark itself, kept alive: what nobody runs for a month is broken when
 * it is wanted.  Its figures are no test's business.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/lib/daemon.h"

TestSuite(bench, .timeout = 300);

static const char *
setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? value : otherwise;
}

Test(bench, it_measures_the_limit_and_the_program)
{
	const char *root = setting("FAIRLEAD_ROOT", ".");
	char *into = daemon_directory();
	char *command =
	    keep_printf("python3 -B %s/tests/bench/bench.py "
			"--fairlead %s --programs %s/bench "
			"--quick --only S1,S3r --peers none --rounds 1 "
			"--seconds 0.5 --takes 1 --into %s "
			"--samples %s/samples > %s/said 2>&1",
		root, setting("FAIRLEAD_BIN", "./fairlead"),
		setting("FAIRLEAD_TESTS", "build/tests"), into, into, into);
	int status = system(command);
	char *table = keep_file(keep_printf("%s/table.md", into));

	cr_assert_eq(status, 0, "%s", keep_file(keep_printf("%s/said", into)));
	cr_assert_not_null(strstr(table, "\n| relay    | "), "%s", table);
	cr_assert_not_null(strstr(table, "\n| fairlead | "), "%s", table);
	cr_assert_null(strstr(table, "failed"), "%s", table);
	cr_assert(
	    *keep_file(keep_printf("%s/plot.svg", into)) == '<', "no plot");
}
