/* net/notify on a real loop and real directories. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/notify.h"

#include "net/loop.h"
#include "tests/lib/bytes.h"
#include "tests/lib/daemon.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/looped.h"

static struct notifier *notifier;
static char *directory;

static void
stage(void)
{
	loop_up();
	directory = daemon_directory();
	notifier = notifier_new(loop);
	cr_assert_not_null(notifier);
}

static void
strike(void)
{
	notifier_free(notifier);
	loop_down();
}

TestSuite(notify, .init = stage, .fini = strike, .timeout = 60);

static char *
at(const char *name)
{
	return keep_printf("%s/%s", directory, name);
}

static void
write_at(const char *name)
{
	FILE *f = fopen(at(name), "w");

	cr_assert_not_null(f);
	cr_assert_eq(fputs("x", f), 1);
	cr_assert_eq(fclose(f), 0);
}

static void
note(void *arg)
{
	hear(*(char *)arg);
}

static struct notice *
watch(const char *name, bool contents, char *letter)
{
	struct notice *n =
	    notice_new(notifier, directory, name, contents, note, letter);

	cr_assert_not_null(n);
	return n;
}

Test(notify, it_hears_of_its_name_alone)
{
	char a = 'a', b = 'b';
	struct notice *of_a = watch("a", false, &a);
	struct notice *of_b = watch("b", false, &b);

	write_at("c");
	cr_assert_eq(rename(at("c"), at("b")), 0);
	cr_assert(DRIVE_UNTIL(loop, heard[0] != '\0'));
	cr_assert_str_eq(heard, "b");
	notice_free(of_b);
	cr_assert_eq(unlink(at("b")), 0);
	cr_assert_eq(symlink("x", at("a")), 0);
	cr_assert(DRIVE_UNTIL(loop, heard[1] != '\0'));
	cr_assert_str_eq(heard, "ba");
	notice_free(of_a);
}

Test(notify, contents_are_heard_of_when_they_are_closed)
{
	char a = 'a';
	struct notice *n;
	FILE *f;

	write_at("a");
	n = watch("a", true, &a);
	f = fopen(at("a"), "a");
	cr_assert_eq(fputs("more", f), 1);
	cr_assert_eq(fflush(f), 0);
	drive_once(loop);
	cr_assert_str_eq(heard, "");
	cr_assert_eq(fclose(f), 0);
	cr_assert(DRIVE_UNTIL(loop, heard[0] != '\0'));
	cr_assert_str_eq(heard, "a");
	notice_free(n);
	notice_free(NULL);
}

Test(notify, a_directory_that_goes_is_told)
{
	char a = 'a';
	struct notice *n;

	cr_assert_eq(mkdir(at("d"), 0700), 0);
	n = notice_new(notifier, at("d"), "x", false, note, &a);
	cr_assert_not_null(n);
	cr_assert_eq(rmdir(at("d")), 0);
	cr_assert(DRIVE_UNTIL(loop, heard[0] != '\0'));
	notice_free(n);
}

Test(notify, what_is_no_directory_cannot_be_watched)
{
	char a = 'a';

	cr_assert_null(notice_new(notifier, at("none"), "x", false, note, &a));
	cr_assert_eq(errno, ENOENT);
	write_at("f");
	cr_assert_null(notice_new(notifier, at("f"), "x", false, note, &a));
	cr_assert_eq(errno, ENOTDIR);
}
