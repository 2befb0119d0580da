/* proxy/view: what is live, as plain data. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/proxy/rig.h"

#include "balancer/server.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "limit/breaker.h"
#include "proxy/group.h"
#include "proxy/snapshot.h"
#include "proxy/version.h"
#include "proxy/view.h"
#include "proxy/worker.h"
#include "tests/lib/bytes.h"
#include "tests/lib/certs.h"
#include "tests/lib/origin.h"

TestSuite(view, .timeout = 60);

static struct stats_view view;

static void
fill(struct control *control)
{
	static struct arena arena;

	view_fill(control, &view, &arena);
}

Test(view, tells_of_the_process_and_its_configuration)
{
	uint64_t before = clock_wall();
	struct control *control = rig_start("workers: 2\n" PLAIN);
	char *hash = keep_printf("%s", control->plan->conf->hash);

	fill(control);
	cr_assert_str_eq(view.version, VERSION);
	cr_assert_not_null(strstr(view.openssl, "OpenSSL"));
	cr_assert_leq(before, view.started_at);
	cr_assert_leq(view.started_at, clock_wall());
	cr_assert_lt(view.uptime_ns, 60 * CLOCK_S);
	control->started_at -= 1000 * CLOCK_S;
	fill(control);
	cr_assert_geq(view.uptime_ns, 1000 * CLOCK_S);
	cr_assert_lt(view.uptime_ns, 1060 * CLOCK_S);
	cr_assert_eq(view.rates, control->rates);
	cr_assert_eq(view.access_lines_dropped, 0);
	cr_assert_str_eq(
	    view.config.file, keep_printf("%s/test.yaml", rig_directory()));
	cr_assert_str_eq(view.config.hash, hash);
	cr_assert_eq(view.config.generation, 1);
	cr_assert_eq(view.config.generations, 1);
	cr_assert_eq(view.config.loaded_at, view.started_at);
	cr_assert_eq(view.config.reload_at, view.started_at);
	cr_assert(view.config.reload_ok);
	cr_assert_eq(view.config.nerrors, 0);
	cr_assert_eq(view.config.reloads_ok, 0);
	cr_assert_eq(view.config.reloads_failed, 0);
	rig_stop();
}

Test(view, tells_of_the_process_itself)
{
	view_fill_process(&view);
	cr_assert_gt(view.process.resident_bytes, 0);
	cr_assert_gt(view.process.open_fds, 0);
}

Test(view, tells_of_reloads)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);

	rig_reload(ONE_WORKER ON_HTTP ON_ADMIN "nonsense: 1\nmore: 2\n");
	fill(control);
	cr_assert_not(view.config.reload_ok);
	cr_assert_eq(view.config.nerrors, 3, "and there is no route");
	for (unsigned i = 0; i < 3; i++)
		cr_assert_not_null(strstr(view.config.errors[i], "test.yaml:"));
	cr_assert_eq(view.config.reloads_failed, 1);
	cr_assert_eq(view.config.reloads_ok, 0);
	cr_assert_eq(view.config.loaded_at, view.started_at);
	cr_assert_gt(view.config.reload_at, view.started_at);
	cr_assert_eq(view.config.generation, 1);
	rig_reload(ONE_WORKER PLAIN);
	fill(control);
	cr_assert(view.config.reload_ok);
	cr_assert_eq(view.config.nerrors, 0);
	cr_assert_eq(view.config.reloads_failed, 1);
	cr_assert_eq(view.config.reloads_ok, 1);
	cr_assert_eq(view.config.loaded_at, view.config.reload_at);
	cr_assert_gt(view.config.loaded_at, view.started_at);
	cr_assert_eq(view.config.generation, 2);
	rig_stop();
}

Test(view, says_why_it_is_not_ready)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);

	control->all_probed = true;
	fill(control);
	cr_assert(view.ready);
	cr_assert_eq(view.nnot_ready, 0);
	control->all_probed = false;
	fill(control);
	cr_assert_not(view.ready);
	cr_assert_eq(view.nnot_ready, 1);
	cr_assert_str_eq(
	    view.not_ready[0], "waiting for the first health checks");
	control->workers_ready = 1;
	fill(control);
	cr_assert_eq(view.nnot_ready, 1);
	cr_assert_str_eq(view.not_ready[0], "starting");
	control->stage = STAGE_DRAINING;
	fill(control);
	cr_assert_eq(view.nnot_ready, 2);
	cr_assert_str_eq(view.not_ready[0], "draining");
	cr_assert_str_eq(view.not_ready[1], "starting");
	control->workers_ready = 2;
	control->stage = STAGE_SERVING;
	rig_stop();
}

Test(view, lists_routes_listeners_and_workers)
{
	struct cert cert =
	    cert_make(rig_directory(), "a", "a.test", CERT_ECDSA);
	struct cert more =
	    cert_make(rig_directory(), "b", "b.test", CERT_ECDSA);
	struct control *control = rig_start(
	    "workers: 2\nlisteners:\n"
	    "  http: { address: [\"127.0.0.1:0\", \"unix:%s/s\"] }\n"
	    "  https: { address: \"127.0.0.1:0\", tls: { certificates: [ "
	    "{ cert: %s, key: %s }, { cert: %s, key: %s } ] } }\n" ON_ADMIN
	    "routes: [{ name: one, path: /a, respond: { status: 200 } }, "
	    "{ name: two, respond: { status: 201 } }]\n",
	    rig_directory(), cert.cert, cert.key, more.cert, more.key);

	fill(control);
	cr_assert_eq(view.nroutes, 2);
	cr_assert_str_eq(view.routes[0].name, "one");
	cr_assert_str_eq(view.routes[1].name, "two");
	cr_assert_eq(view.routes[1].slot, control->snapshot->routes[1].slot);
	cr_assert_neq(view.routes[0].slot, view.routes[1].slot);

	cr_assert_eq(view.nlisteners, 3);
	cr_assert_str_eq(view.listeners[0].name, "http");
	cr_assert_eq(view.listeners[0].naddresses, 2);
	cr_assert_str_eq(view.listeners[0].addresses[0],
	    keep_printf("127.0.0.1:%d", rig_port("http")));
	cr_assert_str_eq(view.listeners[0].addresses[1],
	    keep_printf("unix:%s/s", rig_directory()));
	cr_assert_not(view.listeners[0].tls);
	cr_assert_eq(view.listeners[0].ncertificates, 0);
	cr_assert_str_eq(view.listeners[1].name, "https");
	cr_assert_eq(view.listeners[1].naddresses, 1);
	cr_assert(view.listeners[1].tls);
	cr_assert_eq(view.listeners[1].ncertificates, 2);
	cr_assert_str_eq(view.listeners[1].certificates[0].common_name, "leaf");
	cr_assert_str_eq(view.listeners[1].certificates[1].common_name, "leaf");
	cr_assert_gt(view.listeners[1].certificates[1].not_after_s,
	    (int64_t)(clock_wall() / CLOCK_S));
	cr_assert_str_eq(view.listeners[2].name, "admin");
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(view.listeners[i].slot,
		    control->snapshot->listeners[i].slot);

	cr_assert_eq(view.nworkers, 3);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(view.workers[i].id, i);
		cr_assert_eq(view.workers[i].control, i == 2);
	}
	cr_assert_eq(view.workers[1].stats, control->workers[1]->stats);
	cr_assert_eq(view.workers[2].stats, control->self->stats);
	rig_stop();
}

static const struct view_server *
server(unsigned i)
{
	return &view.upstreams[1].servers[i];
}

static struct control *
start_two_upstreams(void)
{
	struct origin *o = origin_new("a");

	setenv("FAIRLEAD_DNS_SERVERS", "127.0.0.1:1", 1);
	return rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams:\n"
	    "  first: { servers: [\"127.0.0.1:1\"], "
	    "balance: { policy: round_robin } }\n"
	    "  second: { servers: [ { address: \"127.0.0.1:%d\", weight: 7, "
	    "name: one }, { address: \"127.0.0.2:%d\", backup: true }, "
	    "{ address: \"127.0.0.3:1\", weight: 0 }, "
	    "{ address: \"name.test:80\", weight: 3, backup: true } ], "
	    "circuit_breaker: {}, health_check: { timeout: 10s } }\n"
	    "routes: [{ to: second }, { path: /x, to: first }]\n",
	    origin_port(o), origin_port(o));
}

Test(view, lists_upstreams)
{
	struct control *control = start_two_upstreams();

	fill(control);
	cr_assert_eq(view.nupstreams, 2);
	cr_assert_str_eq(view.upstreams[0].name, "first");
	cr_assert_str_eq(view.upstreams[0].policy, "round_robin");
	cr_assert_not(view.upstreams[0].breaker.on);
	cr_assert_eq(view.upstreams[0].nservers, 1);
	cr_assert_not(view.upstreams[0].servers[0].checked);
	cr_assert_null(view.upstreams[0].servers[0].why);
	cr_assert_str_eq(view.upstreams[1].name, "second");
	cr_assert_str_eq(view.upstreams[1].policy, "least_connections");
	cr_assert_eq(
	    view.upstreams[1].slot, group_find(control, "second")->slot);
	cr_assert(view.upstreams[1].breaker.on);
	cr_assert_eq(view.upstreams[1].nservers, 4);
	rig_stop();
}

Test(view, tells_all_of_a_server)
{
	struct control *control = start_two_upstreams();
	struct group *g = group_find(control, "second");

	RIG_UNTIL(group_is_probed(g));
	fill(control);
	cr_assert_str_eq(server(0)->name, "one");
	cr_assert_eq(server(0)->server, g->beings[0]->server);
	cr_assert_eq(server(0)->slot, g->beings[0]->slot);
	cr_assert_eq(server(0)->weight, 7);
	cr_assert_not(server(0)->backup);
	cr_assert(server(0)->up);
	cr_assert_eq(server(0)->state, VIEW_HEALTHY);
	cr_assert(server(0)->checked && server(0)->check_ok);
	cr_assert_gt(server(0)->check_ns, 0);
	cr_assert_str_eq(server(0)->check_detail, "200");
	cr_assert_lt(server(0)->availability, 0);
	cr_assert_gt(server(0)->since_at, 0);

	/* A suspect is not healthy, though no probe says so. */
	verdict_connect_failed(g->beings[0]->server, loop_now(control->loop));
	fill(control);
	cr_assert_eq(server(0)->state, VIEW_UNHEALTHY);
	cr_assert(server(0)->up);
	rig_stop();
}

Test(view, tells_who_does_not_serve)
{
	struct control *control = start_two_upstreams();

	RIG_UNTIL(group_is_probed(group_find(control, "second")));
	fill(control);
	cr_assert_eq(server(1)->weight, 1);
	cr_assert(server(1)->backup);
	cr_assert_eq(server(1)->state, VIEW_UNHEALTHY);
	cr_assert_not(server(1)->up);
	cr_assert_not(server(1)->check_ok);
	cr_assert_not_null(server(1)->why);

	cr_assert_eq(server(2)->state, VIEW_DRAINING);
	cr_assert_eq(server(2)->weight, 0);

	cr_assert_str_eq(server(3)->name, "name.test:80");
	cr_assert_eq(server(3)->state, VIEW_UNRESOLVED);
	cr_assert_eq(server(3)->weight, 3);
	cr_assert(server(3)->backup);
	cr_assert_null(server(3)->server);
	cr_assert_not(server(3)->up);
	cr_assert_not_null(server(3)->why);
	cr_assert_lt(server(3)->availability, 0);
	rig_stop();
}
