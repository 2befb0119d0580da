/* net/listen: sockets that are paths. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/descriptors.h"
#include "tests/unit/net/listening.h"

static char path[80], dir[64];

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/fairlead-listen-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
}

static void
tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(listen_unix, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *
address(void)
{
	static char text[96];

	snprintf(text, sizeof(text), "unix:%s", path);
	return text;
}

Test(listen_unix, a_unix_socket_is_one_with_a_descriptor_for_each_worker)
{
	struct stat st;
	int a;

	cr_assert_eq(prepare(address(), WORKERS), 0);
	cr_assert_eq(stat(path, &st), 0);
	for (unsigned i = 1; i < WORKERS; i++)
		cr_assert_neq(fds[i], fds[0]);
	cr_assert_neq(a = client(&real), -1);
	cr_assert_neq(accept(fds[WORKERS - 1], NULL, NULL), -1);
	close(a);
	listen_discard(fds, WORKERS, &real);
	cr_assert_eq(stat(path, &st), -1, "its path is gone");
}

Test(listen_unix, a_unix_path_nobody_answers_on_is_taken_over)
{
	cr_assert_eq(prepare(address(), 1), 0);
	close(fds[0]);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(prepare(address(), 1), 0);
	listen_discard(fds, 1, &real);
}

Test(listen_unix, a_unix_path_in_use_is_refused_with_its_holder)
{
	char text[ADDR_TEXT_MAX];
	int first;

	cr_assert_eq(prepare(address(), 1), 0);
	first = fds[0];
	cr_assert_eq(prepare(address(), WORKERS), -1);
	addr_print(&real, text);
	is_refused_with(text, getpid());
	cr_assert_eq(access(path, F_OK), 0, "and is left alone");
	listen_discard(&first, 1, &real);
	cr_assert_eq(listen_holder(&real), 0);
}

Test(listen_unix, without_a_descriptor_no_holder_is_found)
{
	int holder;

	cr_assert_eq(prepare(address(), 1), 0);
	descriptors_end_at(0);
	holder = listen_holder(&real);
	descriptors_again();
	cr_assert_eq(holder, 0);
	cr_assert_eq(listen_holder(&real), getpid());
	listen_discard(fds, 1, &real);
}

Test(listen_unix, without_a_descriptor_a_living_socket_is_left_alone)
{
	int first, got;

	cr_assert_eq(prepare(address(), 1), 0);
	first = fds[0];
	descriptors_end_at(0);
	got = prepare(address(), 1);
	descriptors_again();
	cr_assert_eq(got, -1);
	cr_assert_eq(access(path, F_OK), 0);
	listen_discard(&first, 1, &real);
}

Test(listen_unix, a_unix_socket_too_busy_to_answer_is_left_alone)
{
	struct endpoint at = endpoint(address());
	int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int queued;

	cr_assert_eq(bind(busy, &at.addr.u.sa, at.addr.len), 0);
	cr_assert_eq(listen(busy, 0), 0);
	cr_assert_neq(queued = client(&at.addr), -1);
	cr_assert_eq(prepare(address(), 1), -1);
	cr_assert_eq(access(path, F_OK), 0);
	close(queued);
	close(busy);
}

Test(listen_unix, a_unix_path_may_be_taken_again)
{
	struct endpoint at = endpoint(address());
	int first, one;

	cr_assert_eq(prepare(address(), 1), 0);
	first = fds[0];
	cr_assert_eq(again(&at, 2), 0);
	cr_assert_neq(one = client(&real), -1);
	cr_assert_neq(accept(fds[0], NULL, NULL), -1);
	close(one);
	close(first);
	listen_discard(fds, 2, &real);
}

Test(listen_unix, a_file_that_is_no_socket_is_left_alone)
{
	FILE *f = fopen(path, "w");

	fclose(f);
	cr_assert_eq(prepare(address(), 1), -1);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_not_null(strstr(refusal.text, "Address already in use"));
}

Test(listen_unix, a_unix_socket_without_descriptors_is_let_go)
{
	int next = descriptors_next();

	descriptors_end_at(next + 2);
	cr_assert_eq(prepare(address(), WORKERS), -1);
	descriptors_again();
	cr_assert_eq(descriptors_next(), next, "nothing leaks");
	cr_assert_eq(access(path, F_OK), -1);
}
