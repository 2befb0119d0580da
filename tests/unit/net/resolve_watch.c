/* net/resolve_watch against a DNS server that turns on the same loop. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/resolving.h"

TestSuite(
    resolve_watch, .init = resolving_up, .fini = resolving_down, .timeout = 60);

static void
on_change(void *arg, const struct addr *addrs, size_t n, const char *error)
{
	got_addrs(arg, addrs, n, error);
}

static struct watch *
watch_name(const char *name)
{
	return resolve_watch_new(resolver, name, 80, on_change, &got);
}

Test(resolve_watch, tells_the_first_answer_and_then_only_changes)
{
	struct watch *w;

	dns.a.ttl = 1;
	w = watch_name("a.test");
	cr_assert_eq(got.count, 0);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "");
	dns.a.backwards = true;
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 2));
	dns.a.first = 2;
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 3));
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_str_eq(got.first, "10.9.0.2:80");
	cr_assert_geq(dns.asked_at[1] - dns.asked_at[0], 950 * CLOCK_MS);
	cr_assert_lt(dns.asked_at[1] - dns.asked_at[0], 1900 * CLOCK_MS);
	resolve_watch_free(w);
}

Test(resolve_watch, a_failure_keeps_the_last_good_set)
{
	struct watch *w;

	dns.a.ttl = 1;
	w = watch_name("a.test");
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	dns.a.how = dns.aaaa.how = DNS_NXDOMAIN;
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.first, "10.9.0.1:80");
	cr_assert_str_eq(got.error, "no such name");
	dns.a.how = dns.aaaa.how = DNS_ANSWER;
	cr_assert(DRIVE_UNTIL(loop, got.count == 3));
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "");
	resolve_watch_free(w);
}

Test(resolve_watch, failing_aaaa_keep_those_that_were_known)
{
	struct watch *w;

	dns.a.ttl = dns.aaaa.ttl = 1;
	dns.aaaa.count = 1;
	w = watch_name("a.test");
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_eq(got.n, 3);
	dns.aaaa.how = DNS_SERVFAIL;
	dns.a.count = 1;
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_eq(got.n, 2, "one A is gone, the AAAA stands");
	cr_assert_str_eq(got.first, "10.9.0.1:80");
	cr_assert_str_eq(got.last, "[fd00::1]:80");
	cr_assert_str_eq(got.error, "AAAA: server failure");
	dns.aaaa.how = DNS_ANSWER;
	dns.aaaa.count = 0;
	cr_assert(DRIVE_UNTIL(loop, got.count == 3));
	cr_assert_eq(got.n, 1, "now it is known that there is no AAAA");
	cr_assert_str_eq(got.error, "");
	resolve_watch_free(w);
}

Test(resolve_watch, asks_again_with_growing_waits_until_the_dns_lives)
{
	struct watch *w;

	dns.a.how = dns.aaaa.how = DNS_SERVFAIL;
	w = watch_name("a.test");
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_eq(got.n, 0);
	cr_assert_str_eq(got.error, "server failure");
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 3));
	cr_assert_eq(got.count, 1, "the same error is told once");
	cr_assert_geq(dns.asked_at[1] - dns.asked_at[0], 950 * CLOCK_MS);
	cr_assert_lt(dns.asked_at[1] - dns.asked_at[0], 1800 * CLOCK_MS);
	cr_assert_geq(dns.asked_at[2] - dns.asked_at[1], 1950 * CLOCK_MS);
	cr_assert_lt(dns.asked_at[2] - dns.asked_at[1], 3300 * CLOCK_MS);
	dns.a.how = dns.aaaa.how = DNS_ANSWER;
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_eq(got.n, 2);
	cr_assert_str_eq(got.error, "");
	resolve_watch_free(w);
}

Test(resolve_watch, a_server_dead_at_start_is_found_when_it_lives)
{
	struct watch *w;

	dns_close(&dns);
	w = watch_name("a.test");
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert_str_eq(got.error, "no DNS server answered");
	dns_open(&dns);
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	cr_assert_eq(got.n, 2);
	resolve_watch_free(w);
}

static struct watch *watched;

static void
free_in_callback(void *arg, const struct addr *addrs, size_t n, const char *e)
{
	on_change(arg, addrs, n, e);
	resolve_watch_free(watched);
}

Test(resolve_watch, may_be_freed_from_its_callback_and_while_it_asks)
{
	watched =
	    resolve_watch_new(resolver, "a.test", 80, free_in_callback, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	resolve_watch_free(watch_name("a.test"));
	resolve_watch_free(NULL);
	drive(loop, 20);
	cr_assert_eq(got.count, 1);
}
