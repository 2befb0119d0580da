/* discovery/dns against a DNS server that turns on the same loop. */
#include "discovery/dns.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/clock.h"
#include "discovery/discovery.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "tests/lib/dns.h"
#include "tests/lib/drive.h"

static struct discover_options options = {
	.on = true,
	.dns = { .on = true,
	    .name = "_web._tcp.s.test",
	    .type = DISCOVER_DNS_SRV,
	    .min_ttl_ns = 100 * CLOCK_MS },
	.on_empty = ON_EMPTY_KEEP,
	.hold_ns = 600 * CLOCK_S,
};

static struct loop *loop;
static struct dns dns;
static char servers[32];
static struct provider *provider;
static struct discovery *d;

static void
on_members(void *arg)
{
	(void)arg;
}

static void
set_up(void)
{
	loop = loop_new();
	dns_init(&dns, loop);
	dns.srv.count = 2;
	dns.srv.ttl = dns.a.ttl = 0;
	dns_open(&dns);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", dns.port);
	options.dns.servers = servers;
}

static void
start(void)
{
	provider = discovery_dns_new(loop, NULL, &options.dns);
	d = discovery_new(loop, "web", provider, &options, on_members, NULL);
	discovery_start(d);
}

static void
tear_down(void)
{
	discovery_free(d);
	dns_close(&dns);
	loop_free(loop);
}

TestSuite(dns, .init = set_up, .fini = tear_down, .timeout = 60);

static bool
has(unsigned n)
{
	return d->trust.good != NULL && d->trust.good->n == n;
}

/* Another round has begun, and its last answer is in. */
static bool
asked_again(void)
{
	unsigned before = dns.asked_srv;

	return DRIVE_UNTIL(loop, dns.asked_srv > before + 1);
}

Test(dns, srv_records_and_their_targets_addresses_are_servers)
{
	start();
	cr_assert(DRIVE_UNTIL(loop, has(4)), "two ports, two addresses");
	cr_assert_eq(d->trust.good->v[0].weight, 5);
	cr_assert_eq(dns.asked_a, 1, "one target, asked for once");
	cr_assert_str_eq(dns.name, "t._web._tcp.s.test.");
	dns.srv.first = 7;
	dns.srv.count = 3;
	cr_assert(DRIVE_UNTIL(loop, has(6)));
}

Test(dns, a_family_that_fails_keeps_what_it_had)
{
	dns.aaaa.count = 1;
	start();
	cr_assert(DRIVE_UNTIL(loop, has(6)));
	dns.aaaa.how = DNS_SERVFAIL;
	dns.a.count = 1;
	cr_assert(DRIVE_UNTIL(loop, has(4)));
	cr_assert_null(d->error);
	dns.aaaa.how = DNS_NXDOMAIN;
	cr_assert(DRIVE_UNTIL(loop, has(2)), "that there is none is believed");
}

Test(dns, the_first_round_takes_what_it_can_learn)
{
	dns.aaaa.how = DNS_SERVFAIL;
	start();
	cr_assert(DRIVE_UNTIL(loop, has(4)));
}

Test(dns, targets_without_any_address_are_a_failure)
{
	dns.a.count = 0;
	start();
	cr_assert(DRIVE_UNTIL(loop, d->errors[DISCOVERY_NOT_FOUND] == 1));
	cr_assert_null(d->trust.good);
	dns.a.count = 1;
	cr_assert(DRIVE_UNTIL(loop, has(2)));
}

Test(dns, failures_of_each_kind_keep_the_last_good_set)
{
	static const struct {
		enum dns_how how;
		enum discovery_error error;
	} cases[] = {
		{ DNS_NXDOMAIN, DISCOVERY_NOT_FOUND },
		{ DNS_REFUSED, DISCOVERY_STATUS },
		{ DNS_GARBAGE, DISCOVERY_INVALID },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		dns.srv.how = DNS_ANSWER;
		start();
		cr_assert(DRIVE_UNTIL(loop, has(4)));
		dns.srv.how = cases[i].how;
		cr_assert(DRIVE_UNTIL(loop, d->errors[cases[i].error] > 0));
		cr_assert(has(4));
		dns.srv.how = DNS_ANSWER;
		cr_assert(DRIVE_UNTIL(loop, d->error == NULL));
		if (i + 1 < sizeof(cases) / sizeof(*cases))
			discovery_free(d);
	}
}

Test(dns, the_root_as_target_is_an_empty_answer_that_is_held_back)
{
	start();
	cr_assert(DRIVE_UNTIL(loop, has(4)));
	dns.srv.root = true;
	cr_assert(DRIVE_UNTIL(loop, d->trust.held != NULL));
	cr_assert_eq(d->trust.held->n, 0);
	cr_assert(asked_again());
	cr_assert(has(4), "to hear it again by asking again confirms nothing");
}

Test(dns, the_time_to_live_says_when_to_ask_again_but_not_below_the_least)
{
	options.dns.min_ttl_ns = 300 * CLOCK_MS;
	options.dns.type = DISCOVER_DNS_A;
	options.dns.port = 80;
	start();
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 2));
	cr_assert_geq(dns.asked_at[1] - dns.asked_at[0], 290 * CLOCK_MS);
	dns.a.ttl = 1;
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a == 4));
	cr_assert_geq(dns.asked_at[3] - dns.asked_at[2], 950 * CLOCK_MS);
	cr_assert(has(2));
	cr_assert_eq(addr_port(&d->trust.good->v[0].addr), 80);
}

Test(dns, to_answer_again_is_to_ask_again_at_once)
{
	dns.srv.ttl = dns.a.ttl = 300;
	start();
	provider->ops->again(provider);
	cr_assert(DRIVE_UNTIL(loop, has(4)));
	cr_assert_eq(dns.asked_srv, 1, "the round under way will do");
	dns.srv.count = 1;
	discovery_configure(d, &options);
	cr_assert(DRIVE_UNTIL(loop, has(2)));
}

Test(dns, it_fits_what_asks_for_the_same_of_the_same)
{
	struct discover_dns other = options.dns;

	start();
	cr_assert(discovery_dns_fits(provider, &other));
	other.servers = NULL;
	cr_assert_not(discovery_dns_fits(provider, &other));
	other = options.dns;
	other.name = "s.test";
	cr_assert_not(discovery_dns_fits(provider, &other));
	other = options.dns;
	other.type = DISCOVER_DNS_A;
	cr_assert_not(discovery_dns_fits(provider, &other));
}

Test(dns, it_may_be_freed_at_any_time)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned srv = dns.asked_srv, a = dns.asked_a;

		start();
		cr_assert(DRIVE_UNTIL(
		    loop, i % 2 == 0 ? dns.asked_srv > srv : dns.asked_a > a));
		if (i < 3)
			discovery_free(d);
	}
}
