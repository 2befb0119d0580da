/* proxy/group: an upstream's servers, from configuration to configuration. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "health/probe.h"
#include "proxy/group.h"
#include "proxy/snapshot.h"
#include "proxy/source.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/dns.h"
#include "tests/lib/origin.h"

TestSuite(group, .timeout = 60);

#define TO(servers, more) \
	ONE_WORKER ON_HTTP ON_ADMIN NO_LOG \
	    "upstreams: { u: { servers: [ " servers " ]" more \
	    " } }\nroutes: [{ to: u }]\n"

Test(group, servers_that_stay_are_the_same_objects)
{
	struct control *control = rig_start(
	    TO("\"127.0.0.1:1\", \"127.0.0.1:2\", \"127.0.0.1:3\"", ""));
	struct group *g = group_find(control, "u");
	struct server *two = g->beings[1]->server;
	struct source *source = g->sources[1];

	cr_assert_eq(g->nbeings, 3);
	cr_assert_eq(g->nsources, 3);
	cr_assert_eq(g->refs, 1);
	cr_assert_null(group_find(control, "v"));
	rig_reload(TO("\"127.0.0.1:4\", { address: \"127.0.0.1:2\", weight: 5, "
		      "backup: true }",
	    ""));
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(group_find(control, "u"), g);
	cr_assert_eq(g->nbeings, 2);
	cr_assert_eq(g->nsources, 2);
	cr_assert_eq(g->sources[1], source);
	cr_assert_eq(g->roster->n, 2);
	cr_assert_str_eq(g->roster->members[0].server->name, "127.0.0.1:4");
	cr_assert_eq(g->roster->members[1].server, two);
	cr_assert_eq(g->roster->members[1].weight, 5);
	cr_assert(g->roster->members[1].backup);
	cr_assert_eq(g->refs, 1);
	rig_stop();
}

Test(group, each_policy_keeps_a_balancer)
{
	struct control *control = rig_start(TO("\"127.0.0.1:1\"", ""));
	struct group *g = group_find(control, "u");
	struct balancer *first = g->balancers[BALANCE_LEAST_CONNECTIONS];
	struct breaker *breaker = g->breaker;

	cr_assert_not_null(first);
	cr_assert_null(g->balancers[BALANCE_ROUND_ROBIN]);
	cr_assert_eq(control->snapshot->upstreams[0].balancer, first);
	rig_reload(TO("\"127.0.0.1:1\"", ", balance: { policy: round_robin }"));
	cr_assert_not_null(g->balancers[BALANCE_ROUND_ROBIN]);
	cr_assert_eq(control->snapshot->upstreams[0].balancer,
	    g->balancers[BALANCE_ROUND_ROBIN]);
	rig_reload(TO("\"127.0.0.1:1\"", ", circuit_breaker: {}"));
	cr_assert_eq(g->balancers[BALANCE_LEAST_CONNECTIONS], first);
	cr_assert_eq(g->breaker, breaker);
	rig_stop();
}

Test(group, probes_begin_and_end_with_the_configuration)
{
	struct origin *o = origin_new("a");
	struct control *control;
	struct group *g;
	struct being *b;

	origin_reply(o, (struct reply){ .status = 500 });
	control = rig_start(
	    TO("\"127.0.0.1:%d\"", ", health_check: { interval: 60s }"),
	    origin_port(o));
	g = group_find(control, "u");
	b = g->beings[0];
	cr_assert_not_null(b->probe);
	cr_assert_not(group_is_probed(g));
	cr_assert_eq(atomic_load(&b->server->verdict), SERVER_UNKNOWN,
	    "a new upstream waits for nothing");
	RIG_UNTIL(b->checked);
	cr_assert(group_is_probed(g));
	cr_assert_not(b->check_ok);
	cr_assert_gt(b->check_ns, 0);
	cr_assert_str_eq(b->check_detail, "status 500, expected 200-399");
	cr_assert_eq(atomic_load(&b->server->verdict), SERVER_DOWN);
	cr_assert_eq(rig_says("down: "), 1);
	cr_assert_eq(
	    rig_noted(&stats_upstream(control->self->stats, g->slot)->check),
	    1);

	rig_reload(TO("\"127.0.0.1:%d\"", ""), origin_port(o));
	cr_assert_eq(g->beings[0], b);
	cr_assert_null(b->probe);
	cr_assert_not(b->checked);
	cr_assert_eq(atomic_load(&b->server->verdict), SERVER_UNKNOWN);

	origin_reply(o, (struct reply){ .status = 200 });
	rig_reload(TO("\"127.0.0.1:%d\"",
		       ", health_check: { interval: 60s, "
		       "expect: { status: 204 } }"),
	    origin_port(o));
	RIG_UNTIL(b->checked);
	cr_assert_not(b->check_ok);
	cr_assert_eq(rig_says("down: "), 2);
	rig_reload(TO("\"127.0.0.1:%d\"",
		       ", health_check: { interval: 60s, "
		       "healthy_threshold: 2 }"),
	    origin_port(o));
	RIG_UNTIL(b->check_ok);
	cr_assert_eq(atomic_load(&b->server->verdict), SERVER_DOWN);
	/* One more success is wanted, in a second and not in 60. */
	RIG_UNTIL(atomic_load(&b->server->verdict) == SERVER_UP);
	cr_assert_eq(rig_says("up: "), 1);
	rig_stop();
}

Test(group, the_first_success_is_no_news)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start(
	    TO("\"127.0.0.1:%d\"", ", health_check: { interval: 60s }"),
	    origin_port(o));
	struct being *b = group_find(control, "u")->beings[0];

	RIG_UNTIL(b->checked);
	cr_assert_eq(atomic_load(&b->server->verdict), SERVER_UP);
	cr_assert_eq(rig_says("server 127.0.0.1"), 0);
	rig_stop();
}

Test(group, a_server_that_joins_waits_for_its_first_probe)
{
	struct origin *o = origin_new("a"), *mute = origin_new("b");
	struct control *control;
	struct group *g;

	origin_reply(mute, (struct reply){ .silent = true });
	control =
	    rig_start(TO("\"127.0.0.1:%d\"",
			  ", health_check: { timeout: 50s, interval: 60s }"),
		origin_port(o));
	rig_reload(TO("\"127.0.0.1:%d\", \"127.0.0.1:%d\"",
		       ", health_check: { timeout: 50s, interval: 60s }"),
	    origin_port(o), origin_port(mute));
	g = group_find(control, "u");
	cr_assert_eq(
	    atomic_load(&g->beings[1]->server->verdict), SERVER_WAITING);
	cr_assert_not(group_is_probed(g));
	rig_reload(
	    TO("\"127.0.0.1:%d\", \"127.0.0.1:%d\", \"127.0.0.1:1\"", ""),
	    origin_port(o), origin_port(mute));
	cr_assert_eq(atomic_load(&g->beings[2]->server->verdict),
	    SERVER_UNKNOWN, "nobody probes it");
	cr_assert(group_is_probed(g));
	rig_stop();
}

Test(group, one_that_left_is_remembered_for_a_time)
{
	struct control *control =
	    rig_start(TO("\"127.0.0.1:1\", \"127.0.0.1:2\"", ""));
	struct group *g = group_find(control, "u");
	struct being *two = g->beings[1];
	struct server *server = two->server;

	rig_reload(TO("\"127.0.0.1:1\"", ""));
	cr_assert_eq(g->ndeparted, 1);
	cr_assert_eq(g->departed[0], two);
	cr_assert(atomic_load(&server->left));
	cr_assert_eq(two->cut_at, UINT64_MAX, "a reload ends nothing");
	group_watch_departed(g, two->left_at + 599 * CLOCK_S);
	rig_reload(TO("\"127.0.0.1:1\", \"127.0.0.1:2\"", ""));
	cr_assert_eq(g->ndeparted, 0);
	cr_assert_eq(g->beings[1], two);
	cr_assert_eq(g->roster->members[1].server, server);
	cr_assert_not(atomic_load(&server->left));
	rig_reload(TO("\"127.0.0.1:1\"", ""));
	server_enter(server);
	group_watch_departed(g, two->left_at + 600 * CLOCK_S);
	cr_assert_eq(g->ndeparted, 1, "something runs there");
	server_leave(server);
	group_watch_departed(g, two->left_at + 600 * CLOCK_S);
	cr_assert_eq(g->ndeparted, 0);
	rig_stop();
}

Test(group, another_name_is_another_server)
{
	struct control *control = rig_start(
	    TO("{ address: \"127.0.0.1:1\", name: x }, \"127.0.0.1:2\"", ""));
	struct group *g = group_find(control, "u");
	struct being *one = g->beings[0];

	rig_reload(
	    TO("\"127.0.0.1:1\", { address: \"127.0.0.1:2\", name: x }", ""));
	cr_assert_eq(g->nbeings, 2);
	cr_assert_eq(g->ndeparted, 2);
	cr_assert_str_eq(g->roster->members[0].server->name, "127.0.0.1:1");
	cr_assert_str_eq(g->roster->members[1].server->name, "x");
	rig_reload(
	    TO("{ address: \"127.0.0.1:1\", name: x }, \"127.0.0.1:2\"", ""));
	cr_assert_eq(g->roster->members[0].server, one->server);
	rig_stop();
}

/* Of those at which nothing runs, 256. */
Test(group, no_more_are_remembered_than_a_bound)
{
	char list[300 * 24] = "", *at = list;
	struct control *control;
	struct group *g;

	for (unsigned i = 1; i <= 300; i++)
		at += snprintf(at, (size_t)(list + sizeof(list) - at),
		    "\"127.0.0.1:%u\",", i);
	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: { servers: [ %s \"127.0.0.1:999\" ] } }\n"
	    "routes: [{ to: u }]\n",
	    list);
	g = group_find(control, "u");
	rig_reload(TO("\"127.0.0.1:999\"", ""));
	cr_assert_eq(g->ndeparted, 300);
	group_watch_departed(g, loop_now(control->loop));
	cr_assert_eq(g->ndeparted, 256);
	cr_assert_str_eq(g->departed[0]->server->name, "127.0.0.1:45",
	    "the oldest go first");
	rig_stop();
}

Test(group, one_that_comes_back_while_in_use_is_the_same)
{
	struct origin *o = origin_new("a");
	struct control *control;
	struct group *g;
	int fd;

	origin_reply(o, (struct reply){ .delay_ms = 400, .text = "x" });
	control = rig_start(TO("\"127.0.0.1:%d\"",
				", health_check: { type: "
				"tcp }"),
	    origin_port(o));
	g = group_find(control, "u");
	fd = rig_dial(rig_port("http"));
	rig_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	RIG_UNTIL(origin_requests(o) == 1);
	rig_reload(ONE_WORKER PLAIN);
	cr_assert_eq(group_find(control, "u"), g, "a snapshot has it");
	cr_assert_null(g->conf);
	cr_assert_eq(g->nsources, 0);
	cr_assert_null(g->beings[0]->probe);
	cr_assert_eq(g->refs, 1);
	rig_reload(TO("\"127.0.0.1:%d\"", ""), origin_port(o));
	cr_assert_eq(group_find(control, "u"), g);
	cr_assert_eq(g->refs, 2);
	cr_assert_str_eq(rig_answer(fd).body, "x");
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(g->refs, 1);
	close(fd);
	rig_stop();
}

Test(group, the_breakers_changes_are_logged_once)
{
	struct control *control = rig_start(TO("\"127.0.0.1:1\"",
	    ", circuit_breaker: { "
	    "consecutive_failures: 1, "
	    "open_for: 1s, "
	    "half_open_requests: 1 }"));
	struct group *g = group_find(control, "u");
	struct breaker_ticket ticket;
	uint64_t now = loop_now(control->loop), after;

	group_watch_breaker(g, now);
	cr_assert_eq(rig_says("circuit breaker"), 0);
	cr_assert_eq(breaker_admit(g->breaker, now, CLOCK_S, &ticket, &after),
	    BREAKER_PASS);
	breaker_result(g->breaker, ticket, OUTCOME_FAILURE, now);
	group_watch_breaker(g, now);
	group_watch_breaker(g, now);
	cr_assert_eq(rig_says("upstream u: circuit breaker opened: "), 1);
	cr_assert_eq(rig_says("circuit breaker"), 1);
	now += 2 * CLOCK_S;
	cr_assert_eq(breaker_admit(g->breaker, now, CLOCK_S, &ticket, &after),
	    BREAKER_PASS);
	group_watch_breaker(g, now);
	group_watch_breaker(g, now);
	cr_assert_eq(rig_says("circuit breaker is half open"), 1);
	cr_assert_eq(rig_says("circuit breaker"), 2);
	breaker_result(g->breaker, ticket, OUTCOME_SUCCESS, now);
	control->tick.fire(&control->tick, false);
	control->tick.fire(&control->tick, false);
	cr_assert_eq(rig_says("circuit breaker closed"), 1);
	cr_assert_eq(rig_says("circuit breaker"), 3);
	rig_stop();
}

static struct dns dns;

static void
open_dns(unsigned addresses)
{
	struct loop *loop = loop_new();

	dns_init(&dns, loop);
	dns.a.count = addresses;
	dns.a.ttl = 1;
	dns_open(&dns);
	rig_turn_also(loop);
	setenv(
	    "FAIRLEAD_DNS_SERVERS", keep_printf("127.0.0.1:%u", dns.port), 1);
}

Test(group, a_name_is_as_many_servers_as_it_has_addresses)
{
	struct control *control;
	struct group *g;
	struct server *first;

	open_dns(2);
	dns.aaaa.count = 0;
	control = rig_start(TO("\"127.0.0.1:1\", { address: \"a.test:80\", "
			       "weight: 4, name: n }",
	    ""));
	g = group_find(control, "u");
	cr_assert_eq(g->roster->n, 1);
	cr_assert_not(g->unresolved);
	cr_assert_str_eq(g->sources[1]->error, "not resolved yet");
	RIG_UNTIL(g->roster->n == 3);
	cr_assert_null(g->sources[1]->error);
	cr_assert_str_eq(g->beings[1]->server->name, "10.9.0.1:80");
	cr_assert_str_eq(g->beings[2]->server->name, "10.9.0.2:80");
	cr_assert_eq(g->roster->members[2].weight, 4);
	cr_assert_neq(g->beings[1]->slot, g->beings[2]->slot);
	cr_assert_eq(rig_says("resolved to 2 addresses"), 1);
	RIG_UNTIL(control->snapshot->upstreams[0].roster->n == 3);
	cr_assert_eq(control->snapshot->generation, 1);
	first = g->beings[1]->server;
	dns.a.count = 1;
	RIG_UNTIL(g->roster->n == 2);
	cr_assert_eq(g->beings[1]->server, first);
	cr_assert_eq(rig_says("resolved to 1 address"), 1);
	cr_assert_eq(rig_says("1 addresses"), 0);
	/* What it had goes on serving when it cannot be asked any more. */
	dns.a.how = DNS_SERVFAIL;
	RIG_UNTIL(g->sources[1]->error != NULL);
	cr_assert_eq(g->roster->n, 2);
	cr_assert_eq(rig_says("cannot be resolved anew, its addresses are "
			      "kept: "),
	    1);
	rig_stop();
}

Test(group, an_address_by_two_names_is_one_server)
{
	struct control *control;
	struct group *g;

	open_dns(2);
	dns.aaaa.count = 0;
	control = rig_start(TO("{ address: \"a.test:80\", weight: 2 }, "
			       "{ address: \"b.test:80\", weight: 2 }",
	    ""));
	g = group_find(control, "u");
	RIG_UNTIL(g->sources[0]->naddrs == 2 && g->sources[1]->naddrs == 2);
	cr_assert_eq(g->nbeings, 2);
	cr_assert_eq(g->roster->n, 2);
	cr_assert_eq(g->roster->members[0].weight, 2);
	rig_reload(TO("{ address: \"b.test:80\", weight: 3 }", ""));
	cr_assert_eq(g->nbeings, 2);
	cr_assert_eq(g->beings[0]->source, g->sources[0]);
	cr_assert_eq(g->roster->members[1].weight, 3);
	rig_stop();
}

Test(group, a_name_without_an_address_is_a_state)
{
	struct control *control;
	struct group *g;

	open_dns(1);
	dns.a.how = dns.aaaa.how = DNS_NXDOMAIN;
	control = rig_start(TO("\"a.test:80\"", ""));
	g = group_find(control, "u");
	cr_assert(g->unresolved);
	cr_assert(control->snapshot->upstreams[0].unresolved);
	RIG_UNTIL(rig_says("server a.test:80: cannot be resolved: ") == 1);
	cr_assert_eq(g->roster->n, 0);
	cr_assert(group_is_probed(g));
	rig_stop();
}
