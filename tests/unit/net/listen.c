/* net/listen: binding, who holds an address, accepting. */
#include <criterion/criterion.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/listen.h"

#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/drive.h"

#define WORKERS 4

static struct loop *loop;
static int fds[WORKERS];
static struct addr real;
static struct listen_error error;
static char path[80], dir[64];

static void
set_up(void)
{
	loop = loop_new();
	snprintf(dir, sizeof(dir), "/tmp/fairlead-listen-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
}

static void
tear_down(void)
{
	loop_free(loop);
	unlink(path);
	rmdir(dir);
}

TestSuite(listen, .init = set_up, .fini = tear_down, .timeout = 60);

static struct endpoint
endpoint(const char *text)
{
	struct endpoint at;
	const char *why;

	cr_assert_eq(endpoint_parse(text_of(text), &at, &why), 0);
	return at;
}

static int
prepare(const char *text, unsigned n)
{
	struct endpoint at = endpoint(text);

	memset(&error, 0, sizeof(error));
	return listen_prepare(&at, fds, n, &real, &error);
}

static struct endpoint
unix_endpoint(void)
{
	static char text[96];

	snprintf(text, sizeof(text), "unix:%s", path);
	return endpoint(text);
}

static int
prepare_unix(unsigned n)
{
	struct endpoint at = unix_endpoint();

	memset(&error, 0, sizeof(error));
	return listen_prepare(&at, fds, n, &real, &error);
}

/* A client's end, connected to the address. */
static int
client(const struct addr *to)
{
	int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, &to->u.sa, to->len) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	getsockopt(fd, SOL_SOCKET, name, &value, &n);
	return value;
}

/* ---- binding ---------------------------------------------------------------- */

Test(listen, port_0_is_given_one_and_all_workers_share_it)
{
	cr_assert_eq(prepare("127.0.0.1:0", WORKERS), 0);
	cr_assert_neq(addr_port(&real), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct addr own = { .len = sizeof(own.u) };

		cr_assert_eq(getsockname(fds[i], &own.u.sa, &own.len), 0);
		cr_assert(addr_equal(&own, &real));
		cr_assert_eq(option(fds[i], SO_ACCEPTCONN), 1);
		cr_assert_eq(option(fds[i], SO_REUSEPORT), 1);
		cr_assert_eq(option(fds[i], SO_REUSEADDR), 1);
		for (unsigned j = 0; j < i; j++)
			cr_assert_neq(fds[i], fds[j]);
	}
	listen_discard(fds, WORKERS, &real);
	cr_assert_eq(fds[0], -1);
	cr_assert_eq(client(&real), -1);
	listen_discard(fds, WORKERS, &real); /* no harm */
}

Test(listen, a_port_without_a_host_takes_both_families)
{
	struct addr v4, v6;
	int a, b;

	cr_assert_eq(prepare(":0", 2), 0);
	cr_assert(addr_from_ip(TEXT("127.0.0.1"), addr_port(&real), &v4));
	cr_assert(addr_from_ip(TEXT("::1"), addr_port(&real), &v6));
	a = client(&v4);
	b = client(&v6);
	cr_assert(a != -1 && b != -1);
	close(a);
	close(b);
	listen_discard(fds, 2, &real);
}

/* As on a kernel without it: the system call itself refuses the family. */
static void
forbid_ipv6(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	cr_assert_eq(socket(AF_INET6, SOCK_STREAM, 0), -1);
}

Test(listen, without_ipv6_a_port_without_a_host_is_ipv4s)
{
	char taken[16];
	struct addr v4;
	int one, first[2];

	forbid_ipv6();
	cr_assert_eq(prepare(":0", 2), 0);
	cr_assert_eq(real.u.sa.sa_family, AF_INET);
	cr_assert(addr_from_ip(TEXT("127.0.0.1"), addr_port(&real), &v4));
	cr_assert_neq(one = client(&v4), -1);
	close(one);
	memcpy(first, fds, sizeof(first));
	snprintf(taken, sizeof(taken), ":%u", addr_port(&real));
	cr_assert_eq(prepare(taken, 2), -1);
	listen_discard(first, 2, &real);
	cr_assert_eq(prepare("[::1]:0", 2), -1);
	cr_assert_not_null(strstr(error.text, "Address family not supported"));
}

Test(listen, an_ipv6_address_leaves_ipv4_alone)
{
	struct addr v4;

	cr_assert_eq(prepare("[::]:0", 1), 0);
	cr_assert(addr_from_ip(TEXT("127.0.0.1"), addr_port(&real), &v4));
	cr_assert_eq(client(&v4), -1);
	listen_discard(fds, 1, &real);
}

static void
is_refused_with(const char *address, pid_t holder)
{
	char text[sizeof(error.text)];

	snprintf(text, sizeof(text),
	    "cannot listen on %s: in use by process %d", address, (int)holder);
	cr_assert_str_eq(error.text, text);
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(fds[i], -1);
}

Test(listen, a_second_holder_is_refused_with_the_firsts_pid)
{
	char address[ADDR_TEXT_MAX], any[ADDR_TEXT_MAX];
	int first[2];
	struct addr held;

	cr_assert_eq(prepare("127.0.0.1:0", 2), 0);
	memcpy(first, fds, sizeof(first));
	held = real;
	addr_print(&held, address);
	cr_assert_eq(prepare(address, WORKERS), -1);
	is_refused_with(address, getpid());
	snprintf(any, sizeof(any), ":%u", addr_port(&held));
	cr_assert_eq(prepare(any, WORKERS), -1, "any address is that one too");
	snprintf(address, sizeof(address), "[::]:%u", addr_port(&held));
	is_refused_with(address, getpid());
	listen_discard(first, 2, &held);
	addr_print(&held, address);
	cr_assert_eq(prepare(address, WORKERS), 0, "free again");
	listen_discard(fds, WORKERS, &real);
}

Test(listen, a_holder_of_ipv6_is_found)
{
	char address[ADDR_TEXT_MAX];
	int first[1];

	cr_assert_eq(prepare("[::1]:0", 1), 0);
	first[0] = fds[0];
	addr_print(&real, address);
	cr_assert_eq(prepare(address, WORKERS), -1);
	is_refused_with(address, getpid());
	listen_discard(first, 1, &real);
}

Test(listen, another_process_is_named)
{
	int ready[2], done[2];
	struct addr held;
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(done), 0);
	child = fork();
	if (child == 0) {
		char byte;

		close(done[1]);
		if (prepare("127.0.0.1:0", 1) != 0 ||
		    write(ready[1], &real, sizeof(real)) == -1 ||
		    read(done[0], &byte, 1) == -1)
			_exit(1);
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &held, sizeof(held)), sizeof(held));
	cr_assert_eq(listen_holder(&held), child);
	close(done[1]);
	waitpid(child, NULL, 0);
	cr_assert_eq(listen_holder(&held), 0);
}

Test(listen, a_port_that_is_only_used_has_no_holder)
{
	struct addr own = { .len = sizeof(own.u) };
	int a, b;

	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	a = client(&real);
	cr_assert_eq(getsockname(a, &own.u.sa, &own.len), 0);
	cr_assert_eq(listen_holder(&own), 0);
	b = accept(fds[0], NULL, NULL);
	listen_discard(fds, 1, &real);
	cr_assert_eq(listen_holder(&real), 0, "its conns do not listen");
	close(a);
	close(b);
}

Test(listen, an_address_not_of_this_host_is_refused_in_words)
{
	cr_assert_eq(prepare("192.0.2.1:8080", 2), -1);
	cr_assert_str_eq(error.text,
	    "cannot listen on 192.0.2.1:8080: Cannot assign requested address");
}

Test(listen, what_was_bound_before_a_failure_is_let_go)
{
	struct rlimit limit, saved;
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = (rlim_t)next + 2;
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(prepare("127.0.0.1:0", WORKERS), -1);
	setrlimit(RLIMIT_NOFILE, &saved);
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(fds[i], -1);
	cr_assert_eq(dup(0), next, "nothing leaks");
	cr_assert_not_null(strstr(error.text, "Too many open files"));
}

static int
again(const struct endpoint *at, unsigned n)
{
	return listen_again(at, fds, n, &real, &error);
}

Test(listen, an_address_still_held_here_may_be_taken_again)
{
	struct endpoint at = endpoint("127.0.0.1:0");
	struct addr held;
	int first[2];

	cr_assert_eq(prepare("127.0.0.1:0", 2), 0);
	memcpy(first, fds, sizeof(first));
	held = real;
	cr_assert_eq(again(&at, WORKERS), 0);
	cr_assert(addr_equal(&held, &real));
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(option(fds[i], SO_ACCEPTCONN), 1);
	listen_discard(first, 2, &held);
	listen_discard(fds, WORKERS, &real);
}

Test(listen, an_address_somebody_else_holds_is_not_taken_again)
{
	struct endpoint at = endpoint("127.0.0.1:0");
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char address[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < WORKERS; i++)
		fds[i] = other; /* of whom nothing is known yet */
	real = (struct addr){ .len = sizeof(real.u) };
	cr_assert_eq(listen(other, 1), 0);
	cr_assert_eq(getsockname(other, &real.u.sa, &real.len), 0);
	addr_print(&real, address);
	cr_assert_eq(again(&at, WORKERS), -1);
	is_refused_with(address, getpid());
	cr_assert_eq(close(other), 0, "it is still open");
}

/* ---- unix -------------------------------------------------------------------- */

Test(listen, a_unix_socket_is_one_with_a_descriptor_for_each_worker)
{
	struct stat st;
	int a;

	cr_assert_eq(prepare_unix(WORKERS), 0);
	cr_assert_eq(stat(path, &st), 0);
	for (unsigned i = 1; i < WORKERS; i++)
		cr_assert_neq(fds[i], fds[0]);
	cr_assert_neq(a = client(&real), -1);
	cr_assert_neq(accept(fds[WORKERS - 1], NULL, NULL), -1);
	close(a);
	listen_discard(fds, WORKERS, &real);
	cr_assert_eq(stat(path, &st), -1, "its path is gone");
}

Test(listen, a_unix_path_nobody_answers_on_is_taken_over)
{
	cr_assert_eq(prepare_unix(1), 0);
	close(fds[0]);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(prepare_unix(1), 0);
	listen_discard(fds, 1, &real);
}

Test(listen, a_unix_path_in_use_is_refused_with_its_holder)
{
	char address[ADDR_TEXT_MAX];
	int first;

	cr_assert_eq(prepare_unix(1), 0);
	first = fds[0];
	cr_assert_eq(prepare_unix(WORKERS), -1);
	addr_print(&real, address);
	is_refused_with(address, getpid());
	cr_assert_eq(access(path, F_OK), 0, "and is left alone");
	listen_discard(&first, 1, &real);
	cr_assert_eq(listen_holder(&real), 0);
}

Test(listen, without_a_descriptor_no_holder_is_found)
{
	struct rlimit limit, saved;
	int holder;

	cr_assert_eq(prepare_unix(1), 0);
	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &limit);
	holder = listen_holder(&real);
	setrlimit(RLIMIT_NOFILE, &saved);
	cr_assert_eq(holder, 0);
	cr_assert_eq(listen_holder(&real), getpid());
	listen_discard(fds, 1, &real);
}

Test(listen, without_a_descriptor_a_living_socket_is_left_alone)
{
	struct rlimit limit, saved;
	int first, got;

	cr_assert_eq(prepare_unix(1), 0);
	first = fds[0];
	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &limit);
	got = prepare_unix(1);
	setrlimit(RLIMIT_NOFILE, &saved);
	cr_assert_eq(got, -1);
	cr_assert_eq(access(path, F_OK), 0);
	listen_discard(&first, 1, &real);
}

Test(listen, a_unix_socket_too_busy_to_answer_is_left_alone)
{
	struct endpoint at = unix_endpoint();
	int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int queued;

	cr_assert_eq(bind(busy, &at.addr.u.sa, at.addr.len), 0);
	cr_assert_eq(listen(busy, 0), 0);
	cr_assert_neq(queued = client(&at.addr), -1);
	cr_assert_eq(prepare_unix(1), -1);
	cr_assert_eq(access(path, F_OK), 0);
	close(queued);
	close(busy);
}

Test(listen, a_unix_path_may_be_taken_again)
{
	struct endpoint at = unix_endpoint();
	int first, one;

	cr_assert_eq(prepare_unix(1), 0);
	first = fds[0];
	cr_assert_eq(again(&at, 2), 0);
	cr_assert_neq(one = client(&real), -1);
	cr_assert_neq(accept(fds[0], NULL, NULL), -1);
	close(one);
	close(first);
	listen_discard(fds, 2, &real);
}

Test(listen, a_file_that_is_no_socket_is_left_alone)
{
	FILE *f = fopen(path, "w");

	fclose(f);
	cr_assert_eq(prepare_unix(1), -1);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_not_null(strstr(error.text, "Address already in use"));
}

Test(listen, a_unix_socket_without_descriptors_is_let_go)
{
	struct rlimit limit, saved;
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = (rlim_t)next + 2;
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(prepare_unix(WORKERS), -1);
	setrlimit(RLIMIT_NOFILE, &saved);
	cr_assert_eq(dup(0), next, "nothing leaks");
	cr_assert_eq(access(path, F_OK), -1);
}

/* ---- accepting --------------------------------------------------------------- */

static unsigned accepted;
static int accepted_fd;
static struct addr accepted_from;

static void
on_accept(void *arg, int fd, const struct addr *peer)
{
	cr_assert_eq(arg, &accepted);
	accepted++;
	accepted_from = *peer;
	if (accepted_fd > 0)
		close(accepted_fd);
	accepted_fd = fd;
}

static struct acceptor *
accept_on(int fd)
{
	return acceptor_new(loop, fd, on_accept, &accepted);
}

Test(listen, an_acceptor_hands_over_who_comes)
{
	struct acceptor *a;
	struct addr own = { .len = sizeof(own.u) };
	int one;

	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	a = accept_on(fds[0]);
	one = client(&real);
	cr_assert(DRIVE_UNTIL(loop, accepted == 1));
	cr_assert_eq(getsockname(one, &own.u.sa, &own.len), 0);
	cr_assert(addr_equal(&own, &accepted_from));
	for (unsigned i = 2; i < 100; i++)
		close(client(&real));
	cr_assert(DRIVE_UNTIL(loop, accepted == 99));
	acceptor_free(a);
	cr_assert_eq(client(&real), -1, "it owned the socket");
	close(one);
}

Test(listen, an_acceptor_takes_what_is_queued_before_it_goes)
{
	struct acceptor *a;
	int one;

	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	a = accept_on(fds[0]);
	one = client(&real);
	acceptor_free(a);
	cr_assert_eq(accepted, 1);
	close(one);
}

Test(listen, a_paused_acceptor_accepts_nothing_until_its_time)
{
	struct acceptor *a;
	int one;

	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	a = accept_on(fds[0]);
	acceptor_pause(a, 3600 * CLOCK_S);
	one = client(&real);
	drive(loop, 20);
	cr_assert_eq(accepted, 0);
	acceptor_pause(a, 0);
	cr_assert(DRIVE_UNTIL(loop, accepted == 1));
	acceptor_pause(a, 10 * CLOCK_MS);
	close(one);
	one = client(&real);
	cr_assert(DRIVE_UNTIL(loop, accepted == 2), "it goes on by itself");
	acceptor_pause(a, 10 * CLOCK_MS);
	acceptor_free(a);
	close(one);
	drive(loop, 20);
}

Test(listen, out_of_descriptors_it_pauses_and_goes_on)
{
	struct rlimit limit, saved;
	struct acceptor *a;
	int one, next;

	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	a = accept_on(fds[0]);
	one = client(&real);
	next = dup(0);
	close(next);
	getrlimit(RLIMIT_NOFILE, &saved);
	limit = saved;
	limit.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &limit);
	drive(loop, 20);
	cr_assert_eq(accepted, 0);
	setrlimit(RLIMIT_NOFILE, &saved);
	cr_assert(DRIVE_UNTIL(loop, accepted == 1), "it goes on by itself");
	acceptor_free(a);
	close(one);
}

Test(listen, the_others_of_a_group_get_what_one_leaves)
{
	struct acceptor *a, *b;

	cr_assert_eq(prepare("127.0.0.1:0", 2), 0);
	a = accept_on(fds[0]);
	b = accept_on(fds[1]);
	listen_leave(fds[0]);
	for (unsigned i = 1; i <= 32; i++) {
		int one = client(&real);

		cr_assert_neq(one, -1);
		cr_assert(DRIVE_UNTIL(loop, accepted == i));
		close(one);
	}
	cr_assert_eq(option(fds[0], SO_ACCEPTCONN), 0);
	acceptor_listen(a);
	cr_assert_eq(option(fds[0], SO_ACCEPTCONN), 1);
	listen_leave(fds[1]);
	for (unsigned i = 33; i <= 40; i++) {
		int one = client(&real);

		cr_assert(DRIVE_UNTIL(loop, accepted == i));
		close(one);
	}
	acceptor_free(a);
	acceptor_free(b);
}

Test(listen, one_that_left_does_not_spin)
{
	struct acceptor *a;
	uint64_t turns;

	cr_assert_eq(prepare("127.0.0.1:0", 1), 0);
	a = accept_on(fds[0]);
	listen_leave(fds[0]);
	drive(loop, 5);
	turns = loop_turns(loop);
	drive(loop, 30);
	cr_assert_leq(loop_turns(loop) - turns, 5);
	acceptor_free(a);
}
