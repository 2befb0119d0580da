/* discovery/trust: what is believed, in cases and in time. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "discovery/trust.h"

#include "base/addr.h"
#include "base/clock.h"

#define OPTIONS \
	{ \
		.on_empty = ON_EMPTY_KEEP, .max_loss_percent = 50, \
		.hold_ns = 60 * CLOCK_S \
	}

TestSuite(trust, .timeout = 60);

/* Servers 10.0.0.`from'.. of that number, port 80. */
static struct found_set *
servers(unsigned from, unsigned n)
{
	struct found found[256] = { 0 };
	char ip[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(ip, sizeof(ip), "10.0.0.%u", from + i);
		cr_assert(addr_from_ip(text_of(ip), 80, &found[i].addr));
		found[i].weight = 1;
	}
	return found_set_new(found, n);
}

static struct addr
address(const char *text)
{
	struct endpoint e;
	const char *why;

	cr_assert_eq(endpoint_parse(text_of(text), &e, &why), 0, "%s", text);
	return e.addr;
}

Test(trust, a_loss_is_held_back_when_it_is_more_than_allowed)
{
	static const struct {
		unsigned before, after, most;
		enum discover_on_empty on_empty;
		enum trust_verdict verdict;
		enum trust_doubt doubt;
	} cases[] = {
		{ 4, 2, 50, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 4, 1, 50, ON_EMPTY_KEEP, TRUST_HOLD, DOUBT_LOSS },
		{ 2, 1, 50, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 3, 1, 50, ON_EMPTY_KEEP, TRUST_HOLD, DOUBT_LOSS },
		{ 3, 1, 0, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 100, 99, 1, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 100, 98, 1, ON_EMPTY_KEEP, TRUST_HOLD, DOUBT_LOSS },
		{ 100, 1, 99, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 100, 1, 100, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 1, 0, 50, ON_EMPTY_KEEP, TRUST_HOLD, DOUBT_EMPTY },
		{ 1, 0, 0, ON_EMPTY_KEEP, TRUST_HOLD, DOUBT_EMPTY },
		{ 9, 0, 50, ON_EMPTY_APPLY, TRUST_APPLY, DOUBT_NONE },
		{ 0, 9, 50, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 1, 2, 50, ON_EMPTY_KEEP, TRUST_APPLY, DOUBT_NONE },
		{ 3, 3, 50, ON_EMPTY_KEEP, TRUST_SAME, DOUBT_NONE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct discover_options options = OPTIONS;
		struct trust t = { 0 };

		options.on_empty = cases[i].on_empty;
		options.max_loss_percent = cases[i].most;
		cr_assert_eq(trust_hear(&t, &options,
				 servers(1, cases[i].before), true, 0),
		    TRUST_APPLY, "the first is believed");
		cr_assert_eq(trust_hear(&t, &options,
				 servers(1, cases[i].after), true, 0),
		    cases[i].verdict, "case %zu", i);
		cr_assert_eq(t.doubt, cases[i].doubt, "case %zu", i);
		cr_assert_eq(t.good->n,
		    cases[i].verdict == TRUST_HOLD ? cases[i].before
						   : cases[i].after);
		trust_fini(&t);
	}
}

Test(trust, servers_that_go_as_others_come_are_no_loss)
{
	struct discover_options options = OPTIONS;
	struct trust t = { 0 };

	trust_hear(&t, &options, servers(1, 4), true, 0);
	cr_assert_eq(
	    trust_hear(&t, &options, servers(5, 4), true, 0), TRUST_APPLY);
	cr_assert_eq(
	    trust_hear(&t, &options, servers(9, 1), true, 0), TRUST_HOLD);
	trust_fini(&t);
}

Test(trust, what_is_held_is_confirmed_only_by_saying_the_same_anew)
{
	struct discover_options options = OPTIONS;
	struct trust t = { 0 };

	trust_hear(&t, &options, servers(1, 4), true, 0);
	cr_assert_eq(
	    trust_hear(&t, &options, servers(1, 1), true, 0), TRUST_HOLD);
	cr_assert_eq(trust_hear(&t, &options, servers(1, 1), false, 0),
	    TRUST_HOLD_STILL, "we only asked again");
	cr_assert_eq(trust_hear(&t, &options, servers(2, 1), true, 0),
	    TRUST_HOLD_STILL, "that is another one");
	cr_assert_eq(
	    trust_hear(&t, &options, servers(2, 1), true, 0), TRUST_APPLY);
	cr_assert_eq(t.good->n, 1);
	cr_assert_null(t.held);
	trust_fini(&t);
}

Test(trust, its_time_runs_from_the_first_doubt)
{
	struct discover_options options = OPTIONS;
	struct trust t = { 0 };

	trust_hear(&t, &options, servers(1, 4), true, 5);
	cr_assert_eq(trust_left(&t, &options, 5), UINT64_MAX);
	cr_assert_not(trust_wait(&t, &options, 5));
	trust_hear(&t, &options, servers(1, 1), false, CLOCK_S);
	trust_hear(&t, &options, servers(2, 1), false, 30 * CLOCK_S);
	cr_assert_eq(trust_left(&t, &options, 60 * CLOCK_S), CLOCK_S);
	cr_assert_not(trust_wait(&t, &options, 60 * CLOCK_S));
	cr_assert_eq(t.good->n, 4);
	cr_assert(trust_wait(&t, &options, 61 * CLOCK_S));
	cr_assert_eq(t.good->n, 1);
	cr_assert_null(t.held);
	cr_assert_not(trust_wait(&t, &options, 100 * CLOCK_S));
	trust_fini(&t);
}

Test(trust, without_a_time_it_waits_for_ever)
{
	struct discover_options options = OPTIONS;
	struct trust t = { 0 };

	options.hold_ns = 0;
	trust_hear(&t, &options, servers(1, 4), true, 0);
	trust_hear(&t, &options, servers(1, 0), true, 0);
	cr_assert_eq(trust_left(&t, &options, UINT64_MAX), UINT64_MAX);
	cr_assert_not(trust_wait(&t, &options, UINT64_MAX));
	trust_fini(&t);
}

Test(trust, a_good_answer_or_an_error_ends_the_doubt)
{
	struct discover_options options = OPTIONS;
	struct trust t = { 0 };

	trust_hear(&t, &options, servers(1, 4), true, 0);
	trust_hear(&t, &options, servers(1, 1), true, 0);
	cr_assert_eq(
	    trust_hear(&t, &options, servers(1, 4), true, 0), TRUST_SAME);
	cr_assert_null(t.held);
	trust_hear(&t, &options, servers(1, 1), true, 0);
	trust_fail(&t);
	cr_assert_null(t.held);
	cr_assert_eq(t.good->n, 4);
	cr_assert_eq(trust_hear(&t, &options, servers(1, 1), true, 0),
	    TRUST_HOLD, "an error in between confirms nothing");
	trust_fini(&t);
}

Test(trust, addresses_are_refused_unless_they_are_allowed)
{
	static const struct {
		const char *address;
		enum refusal refused;
		const char *allow; /* NULL: nothing would help */
	} cases[] = {
		{ "10.0.0.1:80", REFUSED_NOT, "10.0.0.0/8" },
		{ "[fd00::1]:80", REFUSED_NOT, "fd00::/8" },
		{ "126.255.255.255:80", REFUSED_NOT, "126.0.0.0/8" },
		{ "169.253.0.1:80", REFUSED_NOT, "169.253.0.0/16" },
		{ "223.0.0.1:80", REFUSED_NOT, "223.0.0.0/8" },
		{ "127.0.0.1:80", REFUSED_LOOPBACK, "127.0.0.0/8" },
		{ "127.255.0.1:80", REFUSED_LOOPBACK, "127.255.0.1" },
		{ "[::1]:80", REFUSED_LOOPBACK, "::1" },
		{ "[::ffff:127.0.0.1]:80", REFUSED_LOOPBACK, "127.0.0.1" },
		{ "169.254.1.1:80", REFUSED_LINK_LOCAL, "169.254.0.0/16" },
		{ "[fe80::1]:80", REFUSED_LINK_LOCAL, "fe80::/10" },
		{ "[febf::1]:80", REFUSED_LINK_LOCAL, "fe80::/10" },
		{ "0.0.0.0:80", REFUSED_NO_HOST, "0.0.0.0" },
		{ "[::]:80", REFUSED_NO_HOST, "::" },
		{ "224.0.0.1:80", REFUSED_NO_HOST, "224.0.0.0/4" },
		{ "255.255.255.255:80", REFUSED_NO_HOST, "255.255.255.255" },
		{ "[ff02::1]:80", REFUSED_NO_HOST, "ff00::/8" },
		{ "10.0.0.1:0", REFUSED_PORT, NULL },
		{ "unix:/run/x", REFUSED_UNIX, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct discover_options options = OPTIONS;
		struct addr a = address(cases[i].address);
		struct cidr net;
		const char *why;

		cr_assert_eq(trust_refuses(&options, &a, NULL, 0),
		    cases[i].refused, "%s", cases[i].address);
		cr_assert_gt(strlen(refusal_words(cases[i].refused)), 0);
		if (cases[i].allow == NULL)
			continue;
		cr_assert_eq(cidr_parse(text_of(cases[i].allow), &net, &why), 0,
		    "%s", cases[i].allow);
		options.allow = &net;
		options.nallow = 1;
		cr_assert_eq(trust_refuses(&options, &a, NULL, 0), REFUSED_NOT,
		    "%s by %s", cases[i].address, cases[i].allow);
	}
}

Test(trust, our_own_listeners_must_be_allowed_by_their_very_address)
{
	struct discover_options options = OPTIONS;
	struct addr own = address("10.0.0.1:80");
	struct addr beside = address("10.0.0.1:81");
	struct cidr nets[2];
	const char *why;

	cr_assert_eq(cidr_parse(TEXT("10.0.0.0/8"), &nets[0], &why), 0);
	cr_assert_eq(cidr_parse(TEXT("10.0.0.1"), &nets[1], &why), 0);
	cr_assert_eq(trust_refuses(&options, &own, &own, 1), REFUSED_OWN);
	cr_assert_eq(trust_refuses(&options, &beside, &own, 1), REFUSED_NOT);
	options.allow = nets;
	options.nallow = 1;
	cr_assert_eq(trust_refuses(&options, &own, &own, 1), REFUSED_OWN);
	options.nallow = 2;
	cr_assert_eq(trust_refuses(&options, &own, &own, 1), REFUSED_NOT);
}
