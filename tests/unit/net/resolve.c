/* net/resolve against a DNS server that turns on the same loop. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/drive.h"
#include "tests/unit/net/resolving.h"

TestSuite(resolve, .init = resolving_up, .fini = resolving_down, .timeout = 60);

static void
note(void *arg, const struct resolve_answer *a)
{
	struct got *g = arg;

	g->ttl_s = a->ttl_s;
	got_addrs(g, a->addrs, a->n, a->error);
}

static void
resolve(const char *name)
{
	unsigned before = got.count;

	resolve_start(resolver, name, 80, note, &got);
	cr_assert_eq(got.count, before, "never before it returns");
	cr_assert(DRIVE_UNTIL(loop, got.count > before));
	cr_assert_eq(got.count, before + 1);
}

Test(resolve, all_addresses_of_both_families_come_sorted_with_the_port)
{
	dns.aaaa.count = 3;
	resolve("a.test");
	cr_assert_eq(got.n, 5);
	cr_assert_str_eq(got.first, "10.9.0.1:80");
	cr_assert_str_eq(got.last, "[fd00::3]:80");
	cr_assert_str_eq(got.error, "");
	cr_assert_eq(dns.asked_a, 1);
	cr_assert_eq(dns.asked_aaaa, 1);
	cr_assert_str_eq(dns.name, "a.test.");
}

Test(resolve, order_and_repetition_in_the_answer_do_not_count)
{
	dns.a.count = 3;
	dns.a.backwards = true;
	resolve("a.test");
	cr_assert_eq(got.n, 3);
	cr_assert_str_eq(got.first, "10.9.0.1:80");
	cr_assert_str_eq(got.last, "10.9.0.3:80");
}

Test(resolve, fifty_addresses_fit_one_datagram)
{
	dns.a.count = 50;
	resolve("a.test");
	cr_assert_eq(got.n, 50);
	cr_assert_str_eq(got.last, "10.9.0.50:80");
	cr_assert_eq(dns.asked_tcp, 0);
}

Test(resolve, a_truncated_answer_is_asked_for_again_by_tcp)
{
	dns.a.count = 0;
	dns.aaaa = (struct dns_script){
		.how = DNS_BY_TCP, .first = 1, .count = 200, .ttl = 60
	};
	resolve("a.test");
	cr_assert_eq(got.n, 200);
	cr_assert_str_eq(got.last, "[fd00::c8]:80");
	cr_assert_eq(dns.asked_tcp, 1);
}

Test(resolve, the_least_ttl_counts_within_a_second_and_an_hour)
{
	static const struct {
		uint32_t a, aaaa, alias;
		unsigned ttl_s;
	} cases[] = {
		{ 60, 30, 0, 30 },
		{ 30, 60, 0, 30 },
		{ 0, 60, 0, 1 },
		{ 1, 60, 0, 1 },
		{ 2, 60, 0, 2 },
		{ 3600, 3600, 0, 3600 },
		{ 3599, 9999, 0, 3599 },
		{ 86400, 86400, 0, 3600 },
		{ 60, 60, 5, 5 },
	};

	dns.aaaa.count = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dns.a.ttl = cases[i].a;
		dns.aaaa.ttl = cases[i].aaaa;
		dns.alias_ttl = cases[i].alias;
		resolve("a.test");
		cr_assert_eq(got.n, 3);
		cr_assert_eq(
		    got.ttl_s, cases[i].ttl_s, "case %zu: %u", i, got.ttl_s);
	}
}

Test(resolve, failures_are_told_in_words)
{
	static const struct {
		enum dns_how a, aaaa;
		const char *error;
	} cases[] = {
		{ DNS_NXDOMAIN, DNS_ANSWER, "no such name" },
		{ DNS_ANSWER, DNS_ANSWER, "the name has no address" },
		{ DNS_ANSWER, DNS_NXDOMAIN, "the name has no address" },
		{ DNS_SERVFAIL, DNS_ANSWER, "server failure" },
		{ DNS_ANSWER, DNS_SERVFAIL, "server failure" },
		{ DNS_REFUSED, DNS_ANSWER, "the DNS server refuses to answer" },
		{ DNS_GARBAGE, DNS_ANSWER,
		    "the DNS server's answer makes no sense" },
	};

	dns.a.count = dns.aaaa.count = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dns.a.how = cases[i].a;
		dns.aaaa.how = cases[i].aaaa;
		resolve("a.test");
		cr_assert_eq(got.n, 0);
		cr_assert_str_eq(
		    got.error, cases[i].error, "case %zu: %s", i, got.error);
	}
}

Test(resolve, a_dead_server_is_told_and_asked_again_when_it_lives)
{
	dns_close(&dns);
	resolve("a.test");
	cr_assert_eq(got.n, 0);
	cr_assert_str_eq(got.error, "no DNS server answered");
	dns_open(&dns);
	resolve("a.test");
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "");
}

Test(resolve, a_silent_server_times_out_after_two_tries)
{
	dns.a.how = dns.aaaa.how = DNS_SILENT;
	resolve("a.test");
	cr_assert_str_eq(got.error, "timed out");
	cr_assert_eq(dns.asked_a, 2);
}

Test(resolve, failing_aaaa_is_told_beside_the_a_that_came)
{
	dns.aaaa.how = DNS_SERVFAIL;
	resolve("a.test");
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "AAAA: server failure");
	dns.aaaa.how = DNS_NXDOMAIN;
	resolve("a.test");
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "", "a broken way to say: none");
}

Test(resolve, a_name_with_aaaa_only_is_found)
{
	dns.a.count = 0;
	dns.aaaa.count = 2;
	resolve("a.test");
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.first, "[fd00::1]:80");
	cr_assert_str_eq(got.error, "");
}

/* The double under two names: the first that is asked fails. */
Test(resolve, a_second_server_is_asked_when_the_first_fails)
{
	struct resolver *two;
	char servers[64];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u,127.0.0.1:%u",
	    dns.port, dns.port);
	two = resolver_new(loop, servers, "/dev/null");
	dns.a.failures = 1;
	resolve_start(two, "a.test", 80, note, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "");
	cr_assert_eq(dns.asked_a, 2);
	resolver_free(two);
}

Test(resolve, addresses_and_localhost_need_no_server)
{
	static const struct {
		const char *name, *address;
	} cases[] = {
		{ "192.0.2.7", "192.0.2.7:80" },
		{ "2001:db8::7", "[2001:db8::7]:80" },
		{ "localhost", "127.0.0.1:80" },
	};

	for (size_t i = 0; i < 3; i++) {
		resolve(cases[i].name);
		cr_assert_geq(got.n, 1);
		cr_assert_str_eq(got.first, cases[i].address);
		cr_assert_str_eq(got.error, "");
		cr_assert_eq(got.ttl_s, 30);
	}
	cr_assert_eq(dns.asked_a + dns.asked_aaaa, 0);
}

Test(resolve, without_servers_of_our_own_resolv_conf_has_them)
{
	static const char *const none[] = { NULL, "" };

	for (unsigned i = 0; i < 2; i++) {
		struct resolver *r = resolver_new(loop, none[i], "/dev/null");

		cr_assert_not_null(r);
		resolve_start(r, "localhost", 80, note, &got);
		cr_assert(DRIVE_UNTIL(loop, got.count == i + 1));
		cr_assert_str_eq(got.first, "127.0.0.1:80");
		resolver_free(r);
	}
}

Test(resolve, servers_that_make_no_sense_are_refused)
{
	errno = 0;
	cr_assert_null(resolver_new(loop, "nonsense:99999", NULL));
	cr_assert_eq(errno, EINVAL);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

Test(resolve, a_changed_resolv_conf_is_read_again)
{
	char dir[] = "/tmp/resolve-XXXXXX", path[64], servers[40];
	struct got last = { 0 };
	struct resolver *r;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/resolv.conf", dir);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", dns.port);
	r = resolver_new(loop, servers, path);
	write_file(path, "search one.test\n");
	resolve_start(r, "a", 80, note, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_str_eq(dns.name, "a.one.test.");
	dns.a.how = DNS_SILENT;
	resolve_start(r, "a", 80, note, &got);
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 2));
	dns.a.how = DNS_ANSWER;
	write_file(path, "search other.test\n");
	resolve_start(r, "a", 80, note, &last);
	cr_assert(DRIVE_UNTIL(loop, last.count == 1));
	cr_assert_eq(got.count, 2);
	cr_assert_str_eq(got.error, "resolv.conf has changed");
	cr_assert_str_eq(dns.name, "a.other.test.");
	cr_assert_eq(last.n, 2);
	resolver_free(r);
	unlink(path);
	rmdir(dir);
}

Test(resolve, asks_under_way_do_not_disturb_each_other)
{
	struct got other = { 0 };

	resolve_start(resolver, "a.test", 80, note, &got);
	resolve_start(resolver, "b.test", 81, note, &other);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1 && other.count == 1));
	cr_assert_str_eq(got.error, "");
	cr_assert_str_eq(got.first, "10.9.0.1:80");
	cr_assert_str_eq(other.error, "");
	cr_assert_str_eq(other.first, "10.9.0.1:81");
}

static void
resolve_in_callback(void *arg, const struct resolve_answer *a)
{
	note(arg, a);
	resolve_start(resolver, "localhost", 81, note, &got);
}

Test(resolve, a_callback_may_ask_again)
{
	resolve_start(resolver, "a.test", 80, resolve_in_callback, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_str_eq(got.first, "127.0.0.1:81");
}

Test(resolve, a_cancelled_ask_says_nothing)
{
	struct ask *a;

	resolve_cancel(resolve_start(resolver, "localhost", 1, note, &got));
	resolve_cancel(resolve_start(resolver, "a.test", 1, note, &got));
	cr_assert(DRIVE_UNTIL(loop, dns.asked_aaaa == 1));
	drive(loop, 20);
	dns.a.how = dns.aaaa.how = DNS_SILENT;
	a = resolve_start(resolver, "b.test", 1, note, &got);
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 2));
	resolve_cancel(a); /* still in flight when the resolver goes */
	cr_assert_eq(got.count, 0);
}
