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
static struct consul_agent agent;
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
	    TEXT("127.0.0.1"), (uint16_t)consul_port(consul), &agent.to));
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
