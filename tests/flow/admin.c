/*
 * What fairlead tells about itself, read by the tools that operators use.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/lib/load.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

static void
stage(void)
{
	stage_set(&(struct front_settings){ .workers = 2,
	    .upstream = ", circuit_breaker: { failure_rate: 50% }, "
			"health_check: { type: http, interval: 200ms }" });
}

TestSuite(admin, .init = stage, .fini = stage_strike, .timeout = 60);

static void
must_accept(const char *command, const char *text)
{
	FILE *pipe = popen(command, "w");
	int status;

	cr_assert_not_null(pipe);
	fputs(text, pipe);
	status = pclose(pipe);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %#x",
	    command, (unsigned)status);
}

/* Done-when 9. */
Test(admin, promtool_accepts_metrics_under_load)
{
	struct load *l;
	char *text;

	l = load_start(&(struct load_plan){
	    .port = f.port, .connections = 8, .rate = 500 });
	cr_assert(WAIT_FOR(10000, load_requests(l) > 200));
	text = daemon_admin(f.d, "/metrics");
	cr_assert_eq(load_stop(l)->mixed, 0);
	must_accept("promtool check metrics", text);
	cr_assert_not_null(strstr(text,
	    "\nfairlead_http_requests_total"
	    "{route=\"all\",method=\"GET\",code=\"200\"} "));
	cr_assert_not_null(strstr(text,
	    "# TYPE "
	    "fairlead_http_request_duration_seconds histogram\n"));
}

Test(admin, jq_reads_stats_and_the_numbers_are_right)
{
	unsigned i;

	origin_reply(o, (struct reply){ .path = "/404", .status = 404 });
	for (i = 0; i < 5; i++)
		(void)get(f.port, "/", "");
	(void)get(f.port, "/404", "");
	must_accept(
	    "jq -e '.schema == 1' >/dev/null", daemon_admin(f.d, "/stats"));
	must_tell(f.d, "schema", 1);
	must_tell(f.d, "routes/all/requests", 6);
	must_tell(f.d, "routes/all/codes/2xx", 5);
	must_tell(f.d, "routes/all/codes/4xx", 1);
	must_tell(f.d, "config/generation", 1);
	cr_assert_str_eq(
	    daemon_stat_text(f.d, "upstreams/up/circuit"), "closed");
	cr_assert_not_null(daemon_stat_text(f.d, "config/hash"));
	cr_assert_eq(
	    json_array_size(json_object_get(daemon_stats(f.d), "workers")), 2);
	must_count(f.d,
	    "fairlead_http_requests_total"
	    "{route=\"all\",method=\"GET\",code=\"404\"}",
	    1);
}

Test(admin, healthz_readyz_config_upstreams_and_routes_answer)
{
	json_t *config, *list;

	(void)daemon_admin(f.d, "/healthz");
	cr_assert(WAIT_FOR(10000, daemon_is_ready(f.d)));
	config = json_loads(daemon_admin(f.d, "/config"), 0, NULL);
	cr_assert_not_null(config);
	cr_assert_not_null(
	    strstr(daemon_admin(f.d, "/config"), "fairlead.yaml"),
	    "origins are shown");
	list = json_loads(daemon_admin(f.d, "/upstreams"), 0, NULL);
	cr_assert_not_null(list);
	cr_assert_not_null(strstr(daemon_admin(f.d, "/upstreams"),
	    keep_printf("127.0.0.1:%d", origin_port(o))));
	list = json_loads(daemon_admin(f.d, "/routes"), 0, NULL);
	cr_assert_not_null(list);
	cr_assert_not_null(strstr(daemon_admin(f.d, "/routes"), "\"all\""));
	list = json_loads(daemon_admin(f.d, "/requests?older=5s"), 0, NULL);
	cr_assert_not_null(list);
}

Test(admin, it_changes_nothing_and_knows_only_its_own_hosts)
{
	int port = daemon_port(f.d, "admin");
	struct response *r;

	r = ask(dial(port),
	    "POST /stats HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 0\r\n\r\n");
	cr_assert_eq(r->status, 405);
	r = ask(dial(port), "GET /stats HTTP/1.1\r\nHost: evil.test\r\n\r\n");
	cr_assert_eq(r->status, 403);
	r = ask(dial(port), "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert_eq(r->status, 404);
	r = ask(dial(port), "HEAD /stats HTTP/1.1\r\nHost: [::1]:9\r\n\r\n");
	cr_assert_eq(r->status, 200);
}

Test(admin, secrets_are_not_shown)
{
	struct daemon *d = daemon_start(
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "routes:\n"
	    "  - path: \"/*\"\n"
	    "    respond: { status: 204 }\n"
	    "    request_headers: { set: { Authorization: hunter2 } }\n");

	cr_assert_null(strstr(daemon_admin(d, "/config"), "hunter2"));
	daemon_stop(d);
}

Test(admin, failures_are_counted_by_reason)
{
	struct client *c = dial(f.port);
	struct response *r;

	r = ask(c, "GET /%%00 HTTP/1.1\r\nHost: t\r\n\r\n");
	must_refuse(r, 400, "bad_request");
	must_count(f.d,
	    "fairlead_http_failures_total"
	    "{route=\"_none\",reason=\"bad_request\"}",
	    1);
}
