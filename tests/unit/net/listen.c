/* net/listen: binding, and who holds an address. */
#include <criterion/criterion.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/descriptors.h"
#include "tests/unit/net/listening.h"

TestSuite(listen, .timeout = 60);

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
	cr_assert_not_null(
	    strstr(refusal.text, "Address family not supported"));
}

Test(listen, an_ipv6_address_leaves_ipv4_alone)
{
	struct addr v4;

	cr_assert_eq(prepare("[::]:0", 1), 0);
	cr_assert(addr_from_ip(TEXT("127.0.0.1"), addr_port(&real), &v4));
	cr_assert_eq(client(&v4), -1);
	listen_discard(fds, 1, &real);
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
	cr_assert_str_eq(refusal.text,
	    "cannot listen on 192.0.2.1:8080: Cannot assign requested address");
}

Test(listen, what_was_bound_before_a_failure_is_let_go)
{
	int next = descriptors_next();

	descriptors_end_at(next + 2);
	cr_assert_eq(prepare("127.0.0.1:0", WORKERS), -1);
	descriptors_again();
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(fds[i], -1);
	cr_assert_eq(descriptors_next(), next, "nothing leaks");
	cr_assert_not_null(strstr(refusal.text, "Too many open files"));
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
