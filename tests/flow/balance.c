/*
 * Who gets the next request: shares, weights, backups, and counts that hold
 * over all workers.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { WORKERS = 4 };

static struct origin *a, *b, *c;

static void
stage(void)
{
	a = origin_new("a");
	b = origin_new("b");
	c = origin_new("c");
}

TestSuite(balance, .init = stage, .timeout = 120);

/* `servers' is YAML with three %d for the ports, `more' further lines. */
static struct daemon *
serve(const char *policy, const char *servers, const char *more)
{
	char *list = keep_printf(
	    servers, origin_port(a), origin_port(b), origin_port(c));

	return daemon_start(
	    "workers: %d\n"
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams:\n"
	    "  up:\n"
	    "    balance: { policy: %s }\n"
	    "    servers: [%s]\n"
	    "%s",
	    WORKERS, policy, list, more);
}

static void
must_serve(struct daemon *d, unsigned requests, unsigned connections)
{
	struct load_result *r =
	    load_run(&(struct load_plan){ .port = daemon_port(d, "http"),
		.connections = connections,
		.requests = requests });

	cr_assert_eq(r->ok, requests, "%s", load_reasons(r));
}

static double
worker_requests(struct daemon *d, unsigned worker)
{
	json_t *w =
	    json_array_get(json_object_get(daemon_stats(d), "workers"), worker);

	return json_number_value(json_object_get(w, "requests"));
}

#define THREE_TWO_ONE \
	"{ address: \"127.0.0.1:%d\", weight: 3 }, " \
	"{ address: \"127.0.0.1:%d\", weight: 2 }, " \
	"{ address: \"127.0.0.1:%d\", weight: 1 }"

Test(balance, round_robin_shares_are_exact_over_all_workers)
{
	struct daemon *d = serve("round_robin", THREE_TWO_ONE, "");
	unsigned i;

	must_serve(d, 6000, 64);
	cr_assert_eq(origin_requests(a), 3000, "%u", origin_requests(a));
	cr_assert_eq(origin_requests(b), 2000, "%u", origin_requests(b));
	cr_assert_eq(origin_requests(c), 1000, "%u", origin_requests(c));
	for (i = 0; i < WORKERS; i++)
		cr_assert_geq(worker_requests(d, i), 500, "worker %u: %g", i,
		    worker_requests(d, i));
	daemon_stop(d);
}

/*
 * The second server is down by its probe before the count begins: what comes
 * to it while nobody knows goes elsewhere by a retry and would shift shares.
 */
Test(balance, round_robin_shares_stay_exact_with_a_server_out)
{
	struct daemon *d = serve("round_robin", THREE_TWO_ONE,
	    "    health_check: { type: tcp, interval: 100ms }\n");
	char *name = keep_printf("127.0.0.1:%d", origin_port(b));
	unsigned before_a, before_c;

	origin_kill(b);
	cr_assert(WAIT_FOR(10000, !daemon_server_up(d, "up", name)));
	before_a = origin_requests(a);
	before_c = origin_requests(c);
	must_serve(d, 6000, 64);
	cr_assert_eq(origin_requests(a) - before_a, 4500, "%u",
	    origin_requests(a) - before_a);
	cr_assert_eq(origin_requests(c) - before_c, 1500, "%u",
	    origin_requests(c) - before_c);
	daemon_stop(d);
}

Test(balance, least_connections_spares_a_slow_server)
{
	struct daemon *d;

	origin_reply(a, (struct reply){ .delay_ms = 5 });
	origin_reply(b, (struct reply){ .delay_ms = 5 });
	origin_reply(c, (struct reply){ .delay_ms = 50 });
	d = serve("least_connections",
	    "\"127.0.0.1:%d\", "
	    "\"127.0.0.1:%d\", \"127.0.0.1:%d\"",
	    "");
	must_serve(d, 2000, 16);
	cr_assert_lt(origin_requests(c), 2000 / 6, "%u", origin_requests(c));
	cr_assert_gt(origin_requests(c), 20, "%u", origin_requests(c));
	cr_assert_gt(origin_requests(a), 500, "%u", origin_requests(a));
	cr_assert_gt(origin_requests(b), 500, "%u", origin_requests(b));
	daemon_stop(d);
}

Test(balance, least_connections_ties_rotate)
{
	struct daemon *d = serve("least_connections",
	    "\"127.0.0.1:%d\", "
	    "\"127.0.0.1:%d\", \"127.0.0.1:%d\"",
	    "");

	must_serve(d, 300, 1);
	cr_assert_gt(origin_requests(a), 50, "%u", origin_requests(a));
	cr_assert_gt(origin_requests(b), 50, "%u", origin_requests(b));
	cr_assert_gt(origin_requests(c), 50, "%u", origin_requests(c));
	daemon_stop(d);
}

Test(balance, weight_0_drains_and_backups_wait)
{
	struct daemon *d = serve("round_robin",
	    "{ address: \"127.0.0.1:%d\" }, "
	    "{ address: \"127.0.0.1:%d\", weight: 0 }, "
	    "{ address: \"127.0.0.1:%d\", backup: true }",
	    "");

	must_serve(d, 100, 2);
	cr_assert_eq(origin_requests(a), 100);
	cr_assert_eq(origin_requests(b), 0);
	cr_assert_eq(origin_requests(c), 0);
	origin_kill(a);
	must_serve(d, 100, 2);
	cr_assert_eq(origin_requests(b), 0, "weight 0 is never chosen");
	cr_assert_eq(origin_requests(c), 100);
	daemon_stop(d);
}
