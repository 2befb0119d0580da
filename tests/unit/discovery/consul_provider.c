/* From a double of Consul to what discovery believes. */
#include "discovery/consul_provider.h"

#include <criterion/criterion.h>

#include "base/clock.h"
#include "discovery/discovery.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "tests/lib/consul.h"
#include "tests/lib/drive.h"

static const struct discover_options options = {
	.on = true,
	.on_empty = ON_EMPTY_KEEP,
	.max_loss_percent = 50,
	.hold_ns = 600 * CLOCK_S,
};
static const struct consul_wish wish = { .service = "web", .passing = true };

static struct consul_rules rules;
static struct addr at;
static struct consul_agent agent = { .to = &at, .n = 1 };
static struct loop *loop;
static struct fetcher *fetcher;
static struct consul *consul;
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
	fetcher = fetcher_new(loop, "fairlead/test");
	consul = consul_start(&(struct consul_options){ 0 });
	cr_assert_not_null(consul);
	cr_assert(addr_from_ip(
	    TEXT("127.0.0.1"), (uint16_t)consul_port(consul), &at));
	rules = consul_rules_usual;
	rules.refill_ns = 20 * CLOCK_MS;
	d = discovery_new(loop, "web",
	    discovery_consul_new(loop, fetcher, &agent, &wish, &rules),
	    &options, on_members, NULL);
	consul_register(consul,
	    &(struct consul_service){ .name = "web",
		.node = "n1",
		.address = "10.0.0.1",
		.passing = 300,
		.port = 80 });
	consul_register(consul,
	    &(struct consul_service){ .name = "web",
		.id = "web2",
		.address = "10.0.0.2",
		.passing = 1,
		.port = 80 });
	discovery_start(d);
}

static void
tear_down(void)
{
	discovery_free(d);
	fetcher_free(fetcher);
	loop_free(loop);
}

TestSuite(consul_provider, .init = set_up, .fini = tear_down, .timeout = 60);

static bool
believed(unsigned n)
{
	return d->trust.good != NULL && d->trust.good->n == n;
}

Test(consul_provider, servers_are_believed_with_their_weights)
{
	cr_assert(DRIVE_UNTIL(loop, believed(2)));
	cr_assert_eq(d->trust.good->v[0].weight, 256);
	cr_assert_eq(d->trust.good->v[1].weight, 1);
	consul_deregister(consul, "web2");
	cr_assert(DRIVE_UNTIL(loop, believed(1)));
}

Test(consul_provider, a_sudden_empty_answer_is_held_back)
{
	cr_assert(DRIVE_UNTIL(loop, believed(2)));
	consul_fail(consul, CONSUL_EMPTY);
	consul_touch(consul);
	cr_assert(DRIVE_UNTIL(loop, d->trust.doubt == DOUBT_EMPTY));
	cr_assert(believed(2));
	consul_fail(consul, CONSUL_WELL);
	consul_touch(consul);
	cr_assert(DRIVE_UNTIL(loop, d->trust.doubt == DOUBT_NONE));
	cr_assert(believed(2));
}

Test(consul_provider, while_it_is_away_the_last_good_one_is_kept)
{
	cr_assert(DRIVE_UNTIL(loop, believed(2)));
	consul_kill(consul);
	cr_assert(DRIVE_UNTIL(loop, d->errors[DISCOVERY_UNREACHABLE] > 0));
	cr_assert(believed(2));
	consul_revive(consul);
	consul_deregister(consul, "web2");
	cr_assert(DRIVE_UNTIL(loop, believed(1)));
}

Test(consul_provider, a_reload_leaves_the_query_waiting_and_judges_anew)
{
	struct discover_options other = options;
	struct cidr allow[1];
	const char *why;
	uint64_t heard;
	unsigned queries;

	consul_register(consul,
	    &(struct consul_service){ .name = "web",
		.id = "web3",
		.address = "127.0.0.1",
		.port = 9 });
	cr_assert(DRIVE_UNTIL(
	    loop, believed(2) && d->refused != NULL && consul_waiting(consul)));
	heard = d->last_success;
	queries = consul_queries(consul);
	cr_assert_eq(cidr_parse(TEXT("127.0.0.0/8"), allow, &why), 0);
	other.allow = allow;
	other.nallow = 1;
	discovery_configure(d, &other);
	cr_assert(believed(3));
	cr_assert_eq(d->last_success, heard, "nobody said it since");
	cr_assert_eq(consul_queries(consul), queries);
	cr_assert_eq(consul_waiting(consul), 1);
}

Test(consul_provider, another_agent_is_asked_anew_and_what_was_good_stays)
{
	cr_assert(DRIVE_UNTIL(loop, believed(2) && consul_waiting(consul)));
	agent.token = "none";
	agent.version++;
	discovery_configure(d, &options);
	cr_assert(believed(2));
	cr_assert(DRIVE_UNTIL(loop, consul_queries(consul) >= 3));
	cr_assert_eq(d->updates, 1);
}

Test(consul_provider, it_fits_its_wish_and_no_other)
{
	struct consul_wish others[6];

	cr_assert(discovery_consul_fits(d->provider, &wish));
	for (unsigned i = 0; i < 6; i++)
		others[i] = wish;
	others[0].service = "api";
	others[1].tag = "a";
	others[2].datacenter = "dc2";
	others[3].near = "_agent";
	others[4].filter = "x";
	others[5].passing = false;
	for (unsigned i = 0; i < 6; i++)
		cr_assert_not(discovery_consul_fits(d->provider, &others[i]));
}
