/*
 * /metrics as text: exact lines for every family of the table, and the whole
 * before promtool, as a scraper would see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stats/prometheus.h"
#include "tests/unit/stats/rich.h"

static char *text;

static void
begin(void)
{
	struct buf b = { 0 };

	rich_begin();
	prometheus_render(&rich.view, &b);
	text = rich_string(&b);
}

static void
end(void)
{
	free(text);
	rich_end();
}

TestSuite(prometheus, .init = begin, .fini = end);

/* Is this one of the lines, exactly? */
static bool
has(const char *line)
{
	size_t n = strlen(line);
	const char *at = text;

	for (; (at = strstr(at, line)) != NULL; at++)
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

#define SAMPLE(line) cr_assert(has(line), "no line: %s", line)
#define NO_SAMPLE(part) cr_assert_null(strstr(text, part), "found: %s", part)

Test(prometheus, routes)
{
	SAMPLE("# TYPE fairlead_http_requests_total counter");
	SAMPLE("fairlead_http_requests_total{route=\"catalog\",method=\"GET\","
	       "code=\"200\"} 2");
	SAMPLE("fairlead_http_requests_total{route=\"catalog\",method=\"GET\","
	       "code=\"0\"} 1");
	SAMPLE("fairlead_http_requests_total{route=\"catalog\","
	       "method=\"OTHER\",code=\"504\"} 1");
	SAMPLE("fairlead_http_requests_total{route=\"_none\",method=\"GET\","
	       "code=\"404\"} 1");
	NO_SAMPLE("code=\"201\"");
	SAMPLE("fairlead_http_requests_in_flight{route=\"catalog\"} 1");
	SAMPLE("fairlead_http_requests_in_flight{route=\"_none\"} 0");
	SAMPLE("fairlead_http_request_bytes_total{route=\"catalog\"} 400");
	SAMPLE("fairlead_http_response_bytes_total{route=\"catalog\"} 4000");
	SAMPLE("fairlead_http_failures_total{route=\"catalog\","
	       "reason=\"response_timeout\"} 1");
	SAMPLE("fairlead_http_failures_total{route=\"_none\","
	       "reason=\"no_route\"} 1");
	NO_SAMPLE("reason=\"\"");
	NO_SAMPLE("reason=\"stalled\"");
}

Test(prometheus, histogram_has_cumulative_buckets_sum_and_count)
{
	static const char name[] = "fairlead_http_request_duration_seconds";
	char line[128];

	SAMPLE("# TYPE fairlead_http_request_duration_seconds histogram");
	(void)snprintf(line, sizeof(line),
	    "%s_bucket{route=\"catalog\",le=\"0.0025\"} 0", name);
	SAMPLE(line);
	(void)snprintf(line, sizeof(line),
	    "%s_bucket{route=\"catalog\",le=\"0.005\"} 4", name);
	SAMPLE(line);
	(void)snprintf(line, sizeof(line),
	    "%s_bucket{route=\"catalog\",le=\"60\"} 4", name);
	SAMPLE(line);
	(void)snprintf(line, sizeof(line),
	    "%s_bucket{route=\"catalog\",le=\"+Inf\"} 4", name);
	SAMPLE(line);
	(void)snprintf(
	    line, sizeof(line), "%s_sum{route=\"catalog\"} 0.016", name);
	SAMPLE(line);
	(void)snprintf(
	    line, sizeof(line), "%s_count{route=\"catalog\"} 4", name);
	SAMPLE(line);
}

Test(prometheus, label_values_are_escaped_and_made_utf8)
{
	SAMPLE("fairlead_http_requests_in_flight{route=\"sh\\\"op\\\\\\n"
	       "\xef\xbf\xbd\"} 0");
}

Test(prometheus, upstreams)
{
	SAMPLE("fairlead_upstream_request_duration_seconds_count{"
	       "upstream=\"catalog\"} 1");
	SAMPLE("fairlead_upstream_request_duration_seconds_sum{"
	       "upstream=\"catalog\"} 0.02");
	SAMPLE("fairlead_upstream_connect_duration_seconds_sum{"
	       "upstream=\"catalog\"} 0.001");
	SAMPLE("fairlead_health_check_duration_seconds_bucket{"
	       "upstream=\"catalog\",le=\"0.001\"} 1");
	SAMPLE("fairlead_upstream_retries_total{upstream=\"catalog\","
	       "reason=\"connect_failure\"} 4");
	SAMPLE("fairlead_upstream_servers{upstream=\"catalog\","
	       "state=\"healthy\"} 1");
	SAMPLE("fairlead_upstream_servers{upstream=\"catalog\","
	       "state=\"unhealthy\"} 0");
	SAMPLE("fairlead_upstream_servers{upstream=\"catalog\","
	       "state=\"draining\"} 1");
	SAMPLE("fairlead_upstream_servers{upstream=\"catalog\","
	       "state=\"unresolved\"} 1");
	SAMPLE("fairlead_upstream_servers{upstream=\"plain\","
	       "state=\"healthy\"} 0");
}

Test(prometheus, circuit_breakers_where_there_are_some)
{
	SAMPLE("fairlead_circuit_breaker_state{upstream=\"catalog\","
	       "state=\"open\"} 1");
	SAMPLE("fairlead_circuit_breaker_state{upstream=\"catalog\","
	       "state=\"closed\"} 0");
	SAMPLE("fairlead_circuit_breaker_state{upstream=\"catalog\","
	       "state=\"half_open\"} 0");
	SAMPLE("fairlead_circuit_breaker_transitions_total{"
	       "upstream=\"catalog\",to=\"open\"} 3");
	SAMPLE("fairlead_circuit_breaker_transitions_total{"
	       "upstream=\"catalog\",to=\"half_open\"} 2");
	SAMPLE("fairlead_circuit_breaker_transitions_total{"
	       "upstream=\"catalog\",to=\"closed\"} 1");
	SAMPLE("fairlead_circuit_breaker_rejected_total{"
	       "upstream=\"catalog\"} 17");
	NO_SAMPLE("fairlead_circuit_breaker_rejected_total{upstream=\"plain\"");
}

#define AT "{upstream=\"catalog\",server=\"10.0.0.1:8080\""

Test(prometheus, servers)
{
	SAMPLE("fairlead_upstream_requests_total" AT ",code_class=\"2xx\"} 8");
	SAMPLE("fairlead_upstream_requests_total" AT ",code_class=\"5xx\"} 1");
	NO_SAMPLE("code_class=\"1xx\"");
	SAMPLE("fairlead_upstream_requests_in_flight" AT "} 1");
	SAMPLE("fairlead_server_up" AT "} 1");
	SAMPLE("fairlead_server_draining" AT "} 0");
	SAMPLE("fairlead_server_weight" AT "} 5");
	SAMPLE("fairlead_server_last_transition_timestamp_seconds" AT
	       "} 1763985600.5");
	SAMPLE("fairlead_upstream_connections_opened_total" AT "} 1");
	SAMPLE("fairlead_upstream_connections" AT ",state=\"active\"} 3");
	SAMPLE("fairlead_upstream_connections" AT ",state=\"idle\"} 6");
	SAMPLE("fairlead_upstream_failures_total" AT
	       ",reason=\"response_timeout\"} 1");
	SAMPLE("fairlead_server_transitions_total" AT ",to=\"up\"} 1");
	SAMPLE("fairlead_server_transitions_total" AT ",to=\"down\"} 0");
	SAMPLE("fairlead_health_checks_total" AT ",result=\"success\"} 1");
	SAMPLE("fairlead_health_checks_total" AT ",result=\"failure\"} 2");
	SAMPLE("fairlead_server_draining{upstream=\"catalog\","
	       "server=\"10.0.0.3:8080\"} 1");
}

/* The second upstream has a server and a breaker too. */
Test(prometheus, each_upstream_is_shown_with_what_is_its_own)
{
	struct buf b = { 0 };

	rich.upstreams[1].servers = &rich.servers[2];
	rich.upstreams[1].nservers = 1;
	rich.upstreams[1].breaker.on = true;
	rich.upstreams[1].breaker.rejected = 4;
	counter_add(&stats_listener(rich.stats[2], 2)->accepted, 9);
	free(text);
	prometheus_render(&rich.view, &b);
	text = rich_string(&b);
	SAMPLE("fairlead_server_up" AT "} 1");
	SAMPLE("fairlead_server_up{upstream=\"plain\","
	       "server=\"10.0.0.3:8080\"} 1");
	SAMPLE("fairlead_upstream_servers{upstream=\"plain\","
	       "state=\"draining\"} 1");
	SAMPLE("fairlead_upstream_servers{upstream=\"plain\","
	       "state=\"healthy\"} 0");
	SAMPLE("fairlead_circuit_breaker_rejected_total{"
	       "upstream=\"catalog\"} 17");
	SAMPLE("fairlead_circuit_breaker_rejected_total{"
	       "upstream=\"plain\"} 4");
	SAMPLE("fairlead_listener_connections_accepted_total{"
	       "listener=\"http\"} 9");
}

Test(prometheus, server_without_an_address_has_a_state_but_no_counters)
{
	SAMPLE("fairlead_server_up{upstream=\"catalog\","
	       "server=\"late.example:80\"} 0");
	NO_SAMPLE("fairlead_upstream_requests_total{upstream=\"catalog\","
		  "server=\"late.example:80\"");
	NO_SAMPLE("fairlead_server_last_transition_timestamp_seconds{"
		  "upstream=\"catalog\",server=\"late.example:80\"");
}

Test(prometheus, listeners)
{
	SAMPLE("fairlead_listener_connections{listener=\"https\"} 1");
	SAMPLE("fairlead_listener_connections{listener=\"http\"} 0");
	SAMPLE("fairlead_listener_connections_accepted_total{"
	       "listener=\"https\"} 2");
	SAMPLE("fairlead_listener_connections_rejected_total{"
	       "listener=\"https\",reason=\"max_connections\"} 2");
	SAMPLE("fairlead_listener_requests_total{listener=\"https\","
	       "protocol=\"HTTP/1.1\"} 5");
	SAMPLE("fairlead_listener_protocol_errors_total{listener=\"https\","
	       "reason=\"bad_request\"} 1");
	SAMPLE("fairlead_tls_handshakes_total{listener=\"https\","
	       "version=\"TLSv1.3\",resumed=\"true\"} 1");
	SAMPLE("fairlead_tls_handshakes_total{listener=\"https\","
	       "version=\"TLSv1.2\",resumed=\"false\"} 1");
	NO_SAMPLE("version=\"TLSv1.3\",resumed=\"false\"");
	SAMPLE("fairlead_tls_handshake_failures_total{listener=\"https\","
	       "reason=\"timeout\"} 3");
	SAMPLE("fairlead_tls_handshake_duration_seconds_sum{"
	       "listener=\"https\"} 0.005");
}

Test(prometheus, certificates_of_one_name_are_shown_by_the_first_to_expire)
{
	SAMPLE("fairlead_tls_certificate_not_after_timestamp_seconds{"
	       "listener=\"https\",common_name=\"shop.example\"} 1798761600");
	SAMPLE("fairlead_tls_certificate_not_after_timestamp_seconds{"
	       "listener=\"https\",common_name=\"b.example\"} 2000");
	NO_SAMPLE("253402300799");
}

Test(prometheus, configuration_and_process)
{
	SAMPLE("fairlead_config_last_reload_successful 0");
	SAMPLE("fairlead_config_last_reload_success_timestamp_seconds "
	       "1763985600");
	SAMPLE("fairlead_config_info{hash=\"9f2c\"} 1");
	SAMPLE("fairlead_discovery_updates_total{upstream=\"plain\","
	       "provider=\"file\"} 7");
	SAMPLE("fairlead_discovery_errors_total{upstream=\"plain\","
	       "provider=\"file\",reason=\"invalid\"} 3");
	SAMPLE("fairlead_discovery_last_success_timestamp_seconds{upstream="
	       "\"plain\",provider=\"file\"} 1763985600");
	SAMPLE("fairlead_discovery_servers{upstream=\"plain\","
	       "provider=\"file\"} 4");
	SAMPLE("fairlead_config_generations 2");
	SAMPLE("fairlead_config_reloads_total{result=\"success\"} 3");
	SAMPLE("fairlead_config_reloads_total{result=\"failure\"} 1");
	SAMPLE("fairlead_ready 0");
	SAMPLE("fairlead_build_info{version=\"0.1.0\",revision=\"abc123\","
	       "openssl=\"3.0.1\"} 1");
	SAMPLE("fairlead_worker_busy_seconds_total{worker=\"0\"} 2.5");
	SAMPLE("fairlead_worker_busy_seconds_total{worker=\"control\"} 0");
	SAMPLE("fairlead_worker_loop_lag_seconds_count{worker=\"0\"} 1");
	SAMPLE("fairlead_worker_loop_lag_seconds_count{worker=\"1\"} 0");
	SAMPLE("fairlead_log_lines_dropped_total{sink=\"access\"} 6");
	SAMPLE("process_cpu_seconds_total 1.5");
	SAMPLE("process_resident_memory_bytes 1000");
	SAMPLE("process_virtual_memory_bytes 2000");
	SAMPLE("process_open_fds 30");
	SAMPLE("process_max_fds 4096");
	SAMPLE("process_start_time_seconds 1763980000.25");
}

Test(prometheus, every_row_of_the_table_is_rendered_once_with_help_and_type)
{
	static const char *const names[] = {
#define METRIC(name, type, labels, source, help) #name,
#include "stats/metrics.def"
	};
	char head[160];
	const char *at;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(head, sizeof(head), "# HELP %s ", names[i]);
		at = strstr(text, head);
		cr_assert_not_null(at, "%s", names[i]);
		cr_assert_null(strstr(at + 1, head), "%s", names[i]);
		(void)snprintf(head, sizeof(head), "\n# TYPE %s ", names[i]);
		cr_assert_eq(strstr(at, "\n"), strstr(at, head));
	}
}

Test(prometheus, view_without_anything_renders_without_samples_of_it)
{
	struct stats_view empty = {
		.version = "", .revision = "", .openssl = "", .config.hash = ""
	};
	struct buf b = { 0 };
	char *s;

	prometheus_render(&empty, &b);
	s = rich_string(&b);
	cr_assert_null(strstr(s, "fairlead_server_up"));
	cr_assert_not_null(strstr(s, "{route=\"_none\"} 0\n"));
	free(s);
}

/* 0: accepted; prints what it complains of. */
static int
promtool(void)
{
	FILE *to = popen("promtool check metrics", "w");

	cr_assert_not_null(to);
	cr_assert_eq(fwrite(text, 1, strlen(text), to), strlen(text));
	return pclose(to);
}

Test(prometheus, promtool_accepts_it)
{
	if (system("command -v promtool >/dev/null") != 0)
		cr_skip_test("promtool is not installed");
	cr_assert_eq(promtool(), 0);
}
