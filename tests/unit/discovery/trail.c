/* discovery/trail: the steps of a path, before real directories. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discovery/trail.h"

#include "tests/lib/bytes.h"
#include "tests/lib/daemon.h"

static char *root, steps[8192];

static void
stage(void)
{
	char *real;

	root = daemon_directory();
	real = realpath(root, NULL);
	cr_assert_not_null(real);
	root = real;
}

TestSuite(trail, .init = stage, .timeout = 60);

static char *
below(const char *name)
{
	return keep_printf("%s/%s", root, name);
}

/* Steps below the root, as "directory:name," with a star at the last. */
static void
note(void *arg, const char *directory, const char *name, bool last)
{
	size_t n = strlen(root), at = strlen(steps);

	(void)arg;
	if (strncmp(directory, root, n) == 0)
		snprintf(steps + at, sizeof(steps) - at, "%s:%s%s,",
		    directory + n, name, last ? "*" : "");
}

static const char *
walk(const char *path)
{
	steps[0] = '\0';
	trail_walk(path, note, NULL);
	return steps;
}

Test(trail, a_plain_path_is_its_names)
{
	mkdir(below("a"), 0700);
	mkdir(below("a/b"), 0700);
	cr_assert_str_eq(walk(below("a/b/f")), ":a,/a:b,/a/b:f*,");
	cr_assert_str_eq(walk(below("a//./b/../f")), ":a,/a:b,/a:f*,");
	cr_assert_str_eq(walk(below("none/f")), ":none,", "it ends there");
}

Test(trail, links_are_followed_step_by_step)
{
	mkdir(below("v1"), 0700);
	cr_assert_eq(symlink("v1", below("..data")), 0);
	cr_assert_eq(symlink("..data/f", below("f")), 0);
	cr_assert_eq(symlink(below("v1"), below("far")), 0);
	cr_assert_str_eq(walk(below("f")), ":f*,:..data,:v1,/v1:f*,");
	cr_assert_str_eq(walk(below("far/f")), ":far,:v1,/v1:f*,");
}

Test(trail, a_loop_of_links_ends)
{
	cr_assert_eq(symlink("b", below("a")), 0);
	cr_assert_eq(symlink("a", below("b")), 0);
	cr_assert_leq(strlen(walk(below("a"))), 41 * strlen(":a*,"));
}

Test(trail, a_relative_path_begins_here)
{
	mkdir(below("a"), 0700);
	cr_assert_eq(chdir(root), 0);
	cr_assert_str_eq(walk("a/f"), ":a,/a:f*,");
	cr_assert_str_eq(walk("f"), ":f*,");
	cr_assert_str_eq(walk(""), "");
	cr_assert_eq(chdir("/"), 0);
	cr_assert_str_eq(walk("tmp"), "", "the root is no directory of ours");
}
