/*
 * Every file of tests/bad: its first lines say what must be found in it,
 * "# expect: LINE:COLUMN: part of message and hint" for an error and "# warn:"
 * for a warning, and nothing else may be found.  LINE:COLUMN+WIDTH also says
 * how wide the caret is.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"

struct file {
	char path[200];
};

struct expectation {
	unsigned line, column, width; /* width 0: any */
	char words[400];
};

/* All paths are relative to the root: messages name files. */
static void
go_to_root(void)
{
	const char *root = getenv("FAIRLEAD_ROOT");

	if (root != NULL)
		cr_assert_eq(chdir(root), 0);
}

static bool
is_told(
    const struct conf_errors *errors, bool warning, const struct expectation *x)
{
	char all[1024];
	unsigned i;

	for (i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->v[i];

		snprintf(all, sizeof(all), "%s %s", e->message,
		    e->hint != NULL ? e->hint : "");
		if (e->warning == warning && e->place.line == x->line &&
		    e->place.column == x->column &&
		    (x->width == 0 || e->width == x->width) &&
		    strstr(all, x->words) != NULL)
			return true;
	}
	return false;
}

/* The number of expectations of one kind, each of which is met. */
static unsigned
check_all(const char *path, const char *kind, bool warning,
    const struct conf_errors *errors)
{
	struct expectation x;
	char line[512], bare[64], wide[64];
	FILE *f = fopen(path, "r");
	unsigned n = 0;

	cr_assert_not_null(f);
	snprintf(bare, sizeof(bare), "# %s: %%u:%%u: %%399[^\n]", kind);
	snprintf(wide, sizeof(wide), "# %s: %%u:%%u+%%u: %%399[^\n]", kind);
	while (fgets(line, sizeof(line), f) != NULL) {
		x.width = 0;
		if (sscanf(line, bare, &x.line, &x.column, x.words) != 3 &&
		    sscanf(line, wide, &x.line, &x.column, &x.width, x.words) !=
			4)
			continue;
		n++;
		if (is_told(errors, warning, &x))
			continue;
		conf_errors_print(errors, stderr);
		cr_assert_fail("%s: nothing like '%s'", path, line);
	}
	fclose(f);
	return n;
}

ParameterizedTestParameters(bad, each_fault_is_told_at_its_place)
{
	struct file *files;
	glob_t found;
	size_t i;

	go_to_root();
	cr_assert_eq(glob("tests/bad/*.yaml", 0, NULL, &found), 0);
	files = cr_malloc(found.gl_pathc * sizeof(*files));
	for (i = 0; i < found.gl_pathc; i++)
		snprintf(files[i].path, sizeof(files[i].path), "%s",
		    found.gl_pathv[i]);
	i = found.gl_pathc;
	globfree(&found);
	return cr_make_param_array(struct file, files, i);
}

ParameterizedTest(struct file *file, bad, each_fault_is_told_at_its_place)
{
	struct conf_errors errors = { 0 };
	struct conf *conf;
	unsigned nerrors, nwarnings;

	go_to_root();
	unsetenv("FAIRLEAD_TEST_UNSET");
	conf = conf_load(file->path, &errors);
	nerrors = check_all(file->path, "expect", false, &errors);
	nwarnings = check_all(file->path, "warn", true, &errors);
	if (errors.nerrors != nerrors ||
	    (nwarnings > 0 && errors.nwarnings != nwarnings))
		conf_errors_print(&errors, stderr);
	cr_assert_gt(nerrors + nwarnings, 0, "%s expects nothing", file->path);
	cr_assert_eq(errors.nerrors, nerrors, "%s", file->path);
	cr_assert(
	    nwarnings == 0 || errors.nwarnings == nwarnings, "%s", file->path);
	cr_assert_eq(conf == NULL, nerrors > 0);
	conf_free(conf);
	conf_errors_fini(&errors);
}
