/* discovery/srv: SRV records as servers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "discovery/srv.h"

#include "base/mem.h"
#include "discovery/trust.h"
#include "net/dns_query.h"

TestSuite(srv, .timeout = 60);

enum { MOST = 8 };

/* A reply in the making. */
static struct dns_record record[MOST];
static const struct dns_record *list[MOST];
static struct dns_message message = { .v = record };
static struct dns_reply reply = { .message = &message };

static void
say(const char *target, unsigned priority, unsigned weight, unsigned port)
{
	struct dns_record *r = &record[message.n++];

	*r = (struct dns_record){
		.name = "s.test",
		.type = DNS_SRV,
		.ttl_s = 60,
		.target = target,
		.priority = (uint16_t)priority,
		.weight = (uint16_t)weight,
		.port = (uint16_t)port,
	};
	list[reply.records.n++] = r;
	reply.records.v = list;
	reply.records.ttl_s = 60;
}

static void
say_address(const char *name, const char *ip, unsigned ttl_s)
{
	struct dns_record *r = &record[message.n++];

	*r = (struct dns_record){
		.name = name,
		.type = DNS_A,
		.additional = true,
		.ttl_s = ttl_s,
	};
	cr_assert(addr_from_ip(text_of(ip), 0, &r->addr));
}

/* "ADDRESS WEIGHT[b]", one after another. */
static const char *
servers(const struct srv *srv)
{
	static char text[512];
	char printed[ADDR_TEXT_MAX];
	unsigned n, at = 0;
	struct found *found = srv_found(srv, &n);

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		addr_print(&found[i].addr, printed);
		at += (unsigned)snprintf(text + at, sizeof(text) - at,
		    "%s%s %u%s", i > 0 ? ", " : "", printed, found[i].weight,
		    found[i].backup ? "b" : "");
	}
	free(found);
	return text;
}

Test(srv, the_lowest_priority_is_first_and_all_others_are_backups)
{
	struct srv *srv;

	say("a", 30, 1, 80);
	say("a", 10, 2, 81);
	say("a", 20, 3, 82);
	say("a", 10, 4, 83);
	say_address("a", "10.0.0.1", 9);
	srv = srv_new(&reply);
	cr_assert_str_eq(servers(srv),
	    "10.0.0.1:83 4, 10.0.0.1:81 2, 10.0.0.1:82 3b, 10.0.0.1:80 1b");
	cr_assert_eq(srv->ttl_s, 9, "the least of all");
	cr_assert_eq(srv->nhosts, 1);
	cr_assert(srv->hosts[0].told);
	srv_free(srv);
}

Test(srv, weights_keep_their_shares_and_0_is_the_least)
{
	static const struct {
		unsigned given[3];
		const char *want;
	} cases[] = {
		{ { 0, 0, 0 }, "10.0.0.1:1 1, 10.0.0.1:2 1, 10.0.0.1:3 1" },
		{ { 256, 7, 1 }, "10.0.0.1:1 256, 10.0.0.1:2 7, 10.0.0.1:3 1" },
		{ { 1, 1, 0 }, "10.0.0.1:1 256, 10.0.0.1:2 256, 10.0.0.1:3 1" },
		{ { 65535, 32768, 1 },
		    "10.0.0.1:1 256, 10.0.0.1:2 128, 10.0.0.1:3 1" },
		{ { 65535, 1, 0 },
		    "10.0.0.1:1 256, 10.0.0.1:2 2, 10.0.0.1:3 1" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct srv *srv;

		message.n = reply.records.n = 0;
		for (unsigned k = 0; k < 3; k++)
			say("a", 0, cases[i].given[k], k + 1);
		say_address("a", "10.0.0.1", 60);
		srv = srv_new(&reply);
		cr_assert_str_eq(servers(srv), cases[i].want);
		srv_free(srv);
	}
}

Test(srv, backups_have_weights_of_their_own)
{
	struct srv *srv;

	say("a", 0, 10, 1);
	say("a", 1, 1, 2);
	say("a", 2, 0, 3);
	say_address("a", "10.0.0.1", 60);
	srv = srv_new(&reply);
	cr_assert_str_eq(
	    servers(srv), "10.0.0.1:1 10, 10.0.0.1:2 256b, 10.0.0.1:3 1b");
	srv_free(srv);
}

Test(srv, the_root_as_target_is_no_server)
{
	struct srv *srv;

	say("", 0, 0, 0);
	srv = srv_new(&reply);
	cr_assert_eq(srv->n, 0);
	cr_assert_eq(srv->nhosts, 0);
	cr_assert_str_eq(servers(srv), "");
	srv_free(srv);
}

Test(srv, each_address_of_a_target_is_a_server_and_none_is_no_server)
{
	struct srv *srv;

	say("a", 0, 3, 80);
	say("b", 0, 3, 80);
	say_address("a", "10.0.0.1", 60);
	say_address("a", "10.0.0.2", 60);
	say_address("elsewhere", "10.0.0.3", 60);
	srv = srv_new(&reply);
	cr_assert_str_eq(servers(srv), "10.0.0.1:80 3, 10.0.0.2:80 3");
	srv_free(srv);
}

Test(srv, a_family_that_is_kept_is_that_of_before)
{
	struct srv *before, *now;

	say("a", 0, 1, 80);
	say_address("a", "10.0.0.1", 60);
	say_address("a", "fd00::1", 60);
	before = srv_new(&reply);
	message.n = reply.records.n = 0;
	say("a", 0, 1, 80);
	now = srv_new(&reply);
	srv_keep(&now->hosts[0], NULL, AF_INET6);
	cr_assert_str_eq(servers(now), "");
	srv_keep(&now->hosts[0], before, AF_INET6);
	cr_assert_str_eq(servers(now), "[fd00::1]:80 1");
	srv_free(before);
	srv_free(now);
}

Test(srv, more_servers_than_are_taken_are_seen_to_be_too_many)
{
	struct srv *srv;
	unsigned n;

	for (unsigned i = 0; i < MOST; i++)
		say("a", 0, 1, 80 + i);
	srv = srv_new(&reply);
	srv->hosts[0].naddrs = 1000;
	srv->hosts[0].addrs =
	    xcalloc(srv->hosts[0].naddrs, sizeof(struct addr));
	free(srv_found(srv, &n));
	cr_assert_eq(n, TRUST_SERVERS_MOST + 1);
	srv_free(srv);
}
