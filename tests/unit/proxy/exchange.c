/*
 * proxy/exchange, attempt and log: one request after another, with what it
 * leaves behind.
 */
#include <string.h>

#include "tests/unit/proxy/exchanged.h"

#include "balancer/server.h"
#include "base/buf.h"
#include "base/clock.h"
#include "proxy/exchange.h"
#include "proxy/lease.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/origin.h"

TestSuite(exchange, .timeout = 60);

static void
ask_for_hello(void)
{
	start("", "", "");
	origin_reply(o, (struct reply){ .text = "hello", .delay_ms = 30 });
	cr_assert_str_eq(ask("POST /p?q HTTP/1.1\r\nHost: a\r\nReferer: z\r\n"
			     "User-Agent: y\r\nContent-Length: 3\r\n\r\nabc")
			     .body,
	    "hello");
}

Test(exchange, a_good_one_is_counted_everywhere_once)
{
	struct stats_route *r;

	ask_for_hello();
	r = lease_route(w->lease, 0);
	cr_assert_eq(counter_get(&r->requests), 1);
	cr_assert_eq(counter_get(&r->in_flight), 0);
	cr_assert_eq(counter_get(&r->request_bytes), 3);
	cr_assert_eq(counter_get(&r->response_bytes), 5);
	cr_assert_eq(rig_noted(&r->duration), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->duration), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->connect), 1);
	cr_assert_eq(rig_noted(&pool(0)->stats->duration), 1);
	cr_assert_geq(
	    counter_get(&pool(0)->stats->duration.sum_ns), 30 * CLOCK_MS);
	cr_assert_lt(
	    counter_get(&pool(0)->stats->duration.sum_ns), 60 * CLOCK_S);
	cr_assert_lt(
	    counter_get(&upstream_stats()->connect.sum_ns), 60 * CLOCK_S);
	cr_assert_lt(counter_get(&r->duration.sum_ns), 60 * CLOCK_S);
	cr_assert_eq(atomic_load(&server(0)->requests[1]), 1);
	cr_assert_eq(server_inflight(server(0)), 0);
	cr_assert_eq(counter_get(&pool(0)->stats->idle), 1);
	cr_assert_eq(counter_get(&pool(0)->stats->active), 0);
	cr_assert_eq(w->lease->uses, 1);
	cr_assert_eq(w->spares.n, 1);
	cr_assert(TAILQ_EMPTY(&w->exchanges));
	cr_assert_eq(atomic_load(&w->at_exchange), 1);
	rig_stop();
}

Test(exchange, a_line_in_the_log_tells_it_all)
{
	json_t *line;

	ask_for_hello();
	rig_stop();
	line = last_line();
	cr_assert_str_eq(text(line, "protocol"), "HTTP/1.1");
	cr_assert_str_eq(text(line, "method"), "POST");
	cr_assert_str_eq(text(line, "host"), "a");
	cr_assert_str_eq(text(line, "path"), "/p");
	cr_assert_str_eq(text(line, "query"), "q");
	cr_assert_str_eq(text(line, "referer"), "z");
	cr_assert_str_eq(text(line, "user_agent"), "y");
	cr_assert_str_eq(text(line, "listener"), "http");
	cr_assert_str_eq(text(line, "client_ip"), "127.0.0.1");
	cr_assert_str_eq(text(line, "route"), "r");
	cr_assert_str_eq(text(line, "upstream"), "u");
	cr_assert_str_eq(text(line, "server"), "good");
	cr_assert_eq(strlen(text(line, "request_id")), 32);
	cr_assert_eq(number(line, "status"), 200);
	cr_assert_eq(number(line, "bytes_in"), 3);
	cr_assert_eq(number(line, "bytes_out"), 5);
	cr_assert_eq(number(line, "config_generation"), 1);
	cr_assert_geq(number(line, "ttfb_ms"), 30);
	cr_assert_lt(number(line, "ttfb_ms"), 60000);
	cr_assert_geq(number(line, "duration_ms"), number(line, "ttfb_ms"));
	cr_assert_lt(number(line, "duration_ms"), 60000);
	cr_assert_geq(number(line, "connect_ms"), 0);
	cr_assert_lt(number(line, "connect_ms"), 60000);
	cr_assert_null(json_object_get(line, "attempts"));
}

Test(exchange, a_kept_connection_tells_no_connect_time)
{
	json_t *line;

	start("", "", "");
	ask(ASK);
	ask("HEAD / HTTP/1.0\r\n\r\n");
	cr_assert_eq(origin_accepted(o), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->connect), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->duration), 2);
	cr_assert_eq(w->spares.n, 1);
	rig_stop();
	line = last_line();
	cr_assert_str_eq(text(line, "protocol"), "HTTP/1.0");
	cr_assert_eq(number(line, "connect_ms"), -1);
}

Test(exchange, every_id_is_its_own_hex)
{
	const char *seen[4], *at;

	start("", "", "");
	for (unsigned i = 0; i < 4; i++) {
		at = origin_field(
		    (ask(ASK), &origin_seen(o, i)->head), "X-Request-Id", 0);
		cr_assert_eq(strlen(at), 32);
		cr_assert_eq(strspn(at, "0123456789abcdef"), 32);
		for (unsigned k = 0; k < 16; k++)
			cr_assert(strncmp(at, at + 16, 16) != 0);
		for (unsigned k = 0; k < i; k++)
			cr_assert_str_neq(at, seen[k]);
		seen[i] = at;
	}
	rig_stop();
}

Test(exchange, a_refused_connect_goes_on_to_another_server)
{
	json_t *line, *attempts;

	start(", { address: \"127.0.0.1:1\", name: bad }",
	    ", balance: { policy: round_robin }", "");
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(ask("POST / HTTP/1.1\r\nHost: a\r\n"
				 "Content-Length: 2\r\n\r\nhi")
				 .status,
		    200);
	cr_assert_eq(failures(1, END_CONNECT_FAILURE), 1);
	cr_assert_eq(
	    counter_get(&upstream_stats()->retries[END_CONNECT_FAILURE]), 1);
	cr_assert_gt(atomic_load(&server(1)->suspect_until), loop_now(w->loop));
	cr_assert_eq(server_inflight(server(0)), 0);
	cr_assert_eq(server_inflight(server(1)), 0);
	cr_assert_eq(rig_noted(&upstream_stats()->duration), 3);
	cr_assert_eq(origin_requests(o), 2);
	cr_assert_eq(origin_seen(o, 1)->body.n, 2);
	/* Suspicion is over: it is asked once more, or not. */
	atomic_store(&server(1)->suspect_until, 0);
	rig_stop();
	line = last_line();
	attempts = json_object_get(line, "attempts");
	if (attempts == NULL)
		return;
	cr_assert_eq(json_array_size(attempts), 2);
	cr_assert_str_eq(text(line, "server"), "good");
}

Test(exchange, each_server_is_tried_once_and_all_are_listed)
{
	json_t *line, *attempts;

	o = origin_new("a");
	origin_kill(o);
	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN
	    "access_log: { output: %s/access }\n"
	    "routes: [{ name: r, to: [\"127.0.0.1:1\", \"127.0.0.2:1\", "
	    "\"127.0.0.3:1\", \"127.0.0.4:1\", \"127.0.0.5:1\", "
	    "\"127.0.0.6:1\", \"127.0.0.7:1\", \"127.0.0.8:1\", "
	    "\"127.0.0.9:1\", \"127.0.0.10:1\"] }]\n",
	    rig_directory());
	w = control->workers[0];
	cr_assert_eq(ask(ASK).status, 502);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(failures(i, END_CONNECT_FAILURE), 1);
		cr_assert_eq(server_inflight(server(i)), 0);
	}
	cr_assert_eq(
	    counter_get(&upstream_stats()->retries[END_CONNECT_FAILURE]), 10);
	cr_assert_eq(
	    counter_get(
		&lease_route(w->lease, 0)->failures[END_CONNECT_FAILURE]),
	    1);
	rig_stop();
	line = last_line();
	attempts = json_object_get(line, "attempts");
	cr_assert_eq(json_array_size(attempts), ATTEMPTS_LOGGED);
	cr_assert_str_eq(
	    text(json_array_get(attempts, 0), "reason"), "connect_failure");
	cr_assert_str_eq(text(line, "server"),
	    text(json_array_get(attempts, ATTEMPTS_LOGGED - 1), "server"));
	cr_assert_eq(number(line, "status"), 502);
	cr_assert_str_eq(text(line, "reason"), "connect_failure");
}

Test(exchange, the_routes_timeouts_go_before_the_upstreams)
{
	struct exchange *x = wait_for_answer(
	    ", timeouts: { connect: 10s, response: 20s, idle: 30s }", "");

	cr_assert_eq(x->attempt.connect_timeout_ns, 10 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.head_ns, 20 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.idle_ns, 30 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.limits.fields, 256);
	cr_assert_eq(server_inflight(server(0)), 1);
	cr_assert_eq(x->phase, PHASE_WAIT);
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->in_flight), 1);
	cr_assert_str_eq(exchange_phase_name(x->phase), "wait");
	rig_stop_at_once();
	cr_assert_str_eq(text(last_line(), "reason"), "shutdown");
}

Test(exchange, and_each_for_itself)
{
	struct exchange *x = wait_for_answer(
	    ", timeouts: { connect: 10s, response: 20s, idle: 30s }",
	    ", timeouts: { connect: 1s, response: 2s, idle: 3s }");

	cr_assert_eq(x->attempt.connect_timeout_ns, 1 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.head_ns, 2 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.idle_ns, 3 * CLOCK_S);
	rig_stop_at_once();
}

Test(exchange, recycled_ones_are_as_new)
{
	start("", "", "");
	ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
	cr_assert_eq(w->spares.n, 1);
	ask(ASK);
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->request_bytes), 2);
	cr_assert_eq(w->spares.n, 1);
	exchange_spares_fini(w);
	cr_assert_eq(w->spares.n, 0);
	rig_stop();
}

Test(exchange, spares_go_when_nobody_needs_them)
{
	start("", "", "");
	ask(ASK);
	cr_assert_eq(w->spares.n, 1);
	RIG_UNTIL(!w->sheds);
	cr_assert_eq(w->spares.n, 0);
	cr_assert_eq(block_count().free_bytes, 0);
	rig_stop();
}

Test(exchange, weighted_targets_share_by_turns)
{
	unsigned n[2] = { 0 };

	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { a: [\"127.0.0.1:1\"], b: [\"127.0.0.2:1\"] }\n"
	    "routes: [{ to: [{ upstream: a, weight: 3 }, "
	    "{ upstream: b, weight: 1 }] }]\n");
	w = control->workers[0];
	for (unsigned i = 0; i < 8; i++)
		ask(ASK);
	for (unsigned i = 0; i < 2; i++)
		n[i] = (unsigned)rig_noted(
		    &w->lease->upstreams[i].stats->duration);
	cr_assert_eq(n[0], 6);
	cr_assert_eq(n[1], 2);
	cr_assert_eq(atomic_load(&w->lease->snapshot->routes[0].ticket), 8);
	rig_stop();
}
