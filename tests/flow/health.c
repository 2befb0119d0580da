/*
 * Active probes: a server that is down gets no request, one that comes back
 * gets them again, and nobody notices but the probe.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 10000 };

static struct origin *a, *b;
static struct front f;

static void
stage(void)
{
	a = origin_new("a");
	b = origin_new("b");
}

TestSuite(health, .init = stage, .timeout = 120);

#define HTTP_PROBE \
	", health_check: { type: http, path: /healthz, interval: 100ms, " \
	"timeout: 500ms, healthy_threshold: 2, unhealthy_threshold: 3 }"

static void
start(const char *upstream)
{
	f = front_of(
	    &(struct front_settings){ .workers = 2, .upstream = upstream }, a,
	    b, NULL);
}

static bool
is_up(struct origin *o)
{
	return daemon_server_up(
	    f.d, "up", keep_printf("127.0.0.1:%d", origin_port(o)));
}

static void
ask_often(unsigned n)
{
	while (n-- > 0)
		cr_assert_eq(get(f.port, "/", "")->status, 200);
}

Test(health, a_server_that_fails_its_probe_gets_no_request_until_it_is_back)
{
	unsigned before, probes;

	start(HTTP_PROBE);
	ask_often(8);
	cr_assert_gt(origin_count(a, "/"), 0);
	/* One failure is enough of a server that was never well. */
	cr_assert(WAIT_FOR(CHANGE_MS, origin_count(a, "/healthz") >= 2));
	probes = origin_count(a, "/healthz");
	origin_reply(a, (struct reply){ .path = "/healthz", .status = 500 });
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	cr_assert_geq(
	    origin_count(a, "/healthz") - probes, 3, "the unhealthy threshold");
	before = origin_count(a, "/");
	ask_often(20);
	cr_assert_eq(origin_count(a, "/"), before);
	origin_reply(a, (struct reply){ .path = "/healthz" });
	cr_assert(WAIT_FOR(CHANGE_MS, is_up(a)));
	ask_often(20);
	cr_assert_gt(origin_count(a, "/"), before);
	daemon_stop(f.d);
}

/* Every third probe fails; down needs three in a row. */
Test(health, failures_below_the_threshold_change_nothing)
{
	start(HTTP_PROBE);
	origin_reply(
	    a, (struct reply){ .path = "/healthz", .fail_percent = 34 });
	cr_assert(WAIT_FOR(CHANGE_MS, origin_count(a, "/healthz") >= 12));
	cr_assert_leq(
	    daemon_metric(f.d,
		keep_printf("fairlead_server_transitions_total{upstream=\"up\","
			    "server=\"127.0.0.1:%d\",to=\"down\"}",
		    origin_port(a))),
	    0);
	cr_assert(is_up(a));
	daemon_stop(f.d);
}

Test(health, tcp_probes_notice_a_refusing_port)
{
	start(", health_check: { type: tcp, interval: 100ms, "
	      "unhealthy_threshold: 2 }");
	cr_assert(WAIT_FOR(CHANGE_MS, is_up(a)));
	origin_kill(a);
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	ask_often(10);
	origin_revive(a);
	cr_assert(WAIT_FOR(CHANGE_MS, is_up(a)));
	daemon_stop(f.d);
}

Test(health, no_healthy_server__all_down_is_503_with_retry_after)
{
	struct response *r;

	start(HTTP_PROBE);
	origin_reply(a, (struct reply){ .path = "/healthz", .status = 500 });
	origin_reply(b, (struct reply){ .path = "/healthz", .status = 500 });
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a) && !is_up(b)));
	r = get(f.port, "/down", "");
	must_refuse(r, 503, "no_healthy_server");
	cr_assert_not_null(response_field(r, "retry-after"));
	front_must_log(&f, "/down", "no_healthy_server");
	must_count(f.d,
	    "fairlead_http_failures_total"
	    "{route=\"all\",reason=\"no_healthy_server\"}",
	    1);
	origin_reply(b, (struct reply){ .path = "/healthz" });
	cr_assert(WAIT_FOR(CHANGE_MS, get(f.port, "/", "")->status == 200));
	daemon_stop(f.d);
}

Test(health, the_first_verdict_comes_at_once)
{
	origin_kill(a);
	start(", health_check: { type: http, interval: 60s, "
	      "unhealthy_threshold: 3 }");
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	cr_assert(is_up(b));
	daemon_stop(f.d);
}

Test(health, status_body_port_and_host_may_be_chosen)
{
	struct origin *side = origin_new("side");
	char *probe =
	    keep_printf(", health_check: { type: http, path: /ok, "
			"port: %d, host: probe.test, interval: 100ms, "
			"unhealthy_threshold: 1, healthy_threshold: 1, "
			"expect: { status: [418], body: steaming } }",
		origin_port(side));
	struct reply good = {
		.path = "/ok", .status = 418, .text = "it is steaming now"
	};

	origin_reply(side, good);
	start(probe);
	cr_assert(WAIT_FOR(CHANGE_MS, origin_count(side, "/ok") >= 2));
	cr_assert(is_up(a));
	cr_assert_str_eq(
	    origin_field(&origin_seen(side, 0)->head, "host", 0), "probe.test");
	good.text = "cold";
	origin_reply(side, good);
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	good.text = "steaming";
	origin_reply(side, good);
	cr_assert(WAIT_FOR(CHANGE_MS, is_up(a)));
	good.status = 200;
	origin_reply(side, good);
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	cr_assert_eq(origin_count(a, "/ok"), 0);
	daemon_stop(f.d);
}

Test(health, a_silent_server_fails_its_probe_by_timeout)
{
	start(", health_check: { type: http, interval: 100ms, timeout: 200ms,"
	      " unhealthy_threshold: 1 }");
	cr_assert(WAIT_FOR(CHANGE_MS, is_up(a)));
	origin_reply(a, (struct reply){ .path = "/", .silent = true });
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	daemon_stop(f.d);
}

/* Done-when 5: only a request whose answer had begun may fail. */
Test(health, killing_one_of_three_servers_under_load_fails_no_request)
{
	struct origin *third = origin_new("c");
	struct load_result *r;
	struct load *l;

	f = front_of(
	    &(struct front_settings){ .workers = 2, .upstream = HTTP_PROBE }, a,
	    b, third, NULL);
	l = load_start(&(struct load_plan){
	    .port = f.port, .connections = 32, .rate = 2000 });
	cr_assert(WAIT_FOR(20000, load_requests(l) > 1000));
	origin_kill(a);
	cr_assert(WAIT_FOR(CHANGE_MS, !is_up(a)));
	origin_revive(a);
	cr_assert(WAIT_FOR(CHANGE_MS, is_up(a)));
	r = load_stop(l);
	cr_assert_eq(r->ok + r->cut, r->requests, "%s", load_reasons(r));
	cr_assert_leq(r->cut, 32, "%s", load_reasons(r));
	daemon_stop(f.d);
}
