/* net/dns_query against a DNS server that turns on the same loop. */
#include <criterion/criterion.h>

#include "net/dns_query.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/resolving.h"

TestSuite(
    dns_query, .init = resolving_up, .fini = resolving_down, .timeout = 60);

static unsigned replies, records;
static enum dns_outcome outcome;
static uint32_t ttl_s;

static void
note(void *arg, struct dns_reply *reply)
{
	(void)arg;
	replies++;
	outcome = reply->outcome;
	records = outcome == REPLY_FOUND ? reply->records.n : 0;
	ttl_s = reply->records.ttl_s;
	cr_assert_eq(reply->error == NULL, outcome == REPLY_FOUND);
}

static void
query(enum dns_type type)
{
	unsigned before = replies;

	dns_query_start(resolver, "S.test", type, note, NULL);
	cr_assert_eq(replies, before, "never before it returns");
	cr_assert(DRIVE_UNTIL(loop, replies > before));
}

Test(dns_query, records_of_each_type_are_found_whatever_the_names_case)
{
	dns.srv.count = 3;
	dns.srv.ttl = 7;
	dns.aaaa.count = 1;
	query(DNS_SRV);
	cr_assert_eq(outcome, REPLY_FOUND);
	cr_assert_eq(records, 3);
	cr_assert_eq(ttl_s, 7);
	query(DNS_A);
	cr_assert_eq(records, 2);
	query(DNS_AAAA);
	cr_assert_eq(records, 1);
}

Test(dns_query, an_answer_that_was_cut_is_asked_for_by_tcp)
{
	dns.srv.count = 200;
	dns.srv.how = DNS_BY_TCP;
	query(DNS_SRV);
	cr_assert_eq(records, 200);
	cr_assert_eq(dns.asked_tcp, 1);
}

Test(dns_query, outcomes_are_told_apart)
{
	static const struct {
		enum dns_how how;
		enum dns_outcome outcome;
	} cases[] = {
		{ DNS_ANSWER, REPLY_NOTHING },
		{ DNS_NXDOMAIN, REPLY_NOTHING },
		{ DNS_SERVFAIL, REPLY_REFUSED },
		{ DNS_REFUSED, REPLY_REFUSED },
		{ DNS_GARBAGE, REPLY_INVALID },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		dns.srv.how = cases[i].how;
		query(DNS_SRV);
		cr_assert_eq(
		    outcome, cases[i].outcome, "case %zu: %d", i, (int)outcome);
	}
}

Test(dns_query, a_server_that_is_away_is_silent)
{
	dns_close(&dns);
	query(DNS_SRV);
	cr_assert_eq(outcome, REPLY_SILENT);
}

Test(dns_query, a_cancelled_one_tells_nothing)
{
	struct dns_query *q;

	q = dns_query_start(resolver, "s.test", DNS_SRV, note, NULL);
	dns_query_cancel(q);
	drive(loop, 50);
	dns.a.how = DNS_SILENT; /* until the resolver ends */
	q = dns_query_start(resolver, "s.test", DNS_A, note, NULL);
	cr_assert(DRIVE_UNTIL(loop, dns.asked_a > 0));
	dns_query_cancel(q);
	drive(loop, 50);
	cr_assert_eq(replies, 0);
}
