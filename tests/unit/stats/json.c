/*
 * GET /stats and /upstreams, read back by another implementation of JSON, key
 * by key.
 */
#include <jansson.h>
#include <math.h>

#include "stats/json.h"
#include "tests/unit/stats/rich.h"

static json_t *root;

/* As a client reads it; also two documents in one buf would not pass. */
static json_t *
parse(struct buf *b)
{
	json_error_t error;
	char *s = rich_string(b);
	json_t *doc = json_loads(s, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(doc, "%s in %s", error.text, s);
	free(s);
	return doc;
}

static void
begin(void)
{
	struct buf b = { 0 };
	uint64_t now = 5 * CLOCK_S;

	rich_begin();
	rich.rates = stats_rates_new();
	stats_sample(rich.rates, &rich.view, now);
	counter_add(&stats_route(rich.stats[0], 1)->requests, 412);
	counter_add(&rich.stats[1]->busy_ns, 310 * CLOCK_MS);
	for (unsigned i = 0; i < 138; i++)
		server_count(&rich.server->requests[1]);
	stats_sample(rich.rates, &rich.view, now + CLOCK_S);
	rich.view.rates = rich.rates;
	stats_render_json(&rich.view, &b);
	root = parse(&b);
}

static void
end(void)
{
	json_decref(root);
	rich_end();
}

TestSuite(json, .init = begin, .fini = end);

/* The value at a path such as "config/last_reload/errors/0". */
static json_t *
find(json_t *from, const char *path)
{
	char step[64];
	size_t n;

	for (; *path != '\0'; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		(void)snprintf(step, sizeof(step), "%.*s", (int)n, path);
		from = json_is_array(from)
		    ? json_array_get(from, (size_t)(step[0] - '0'))
		    : json_object_get(from, step);
		if (from == NULL)
			return NULL;
	}
	return from;
}

static void
is_number(const char *path, double expected)
{
	const json_t *at = find(root, path);

	cr_assert(json_is_number(at), "%s is no number", path);
	cr_assert_float_eq(json_number_value(at), expected, 1e-9, "%s: %g",
	    path, json_number_value(at));
}

static void
is_string(const char *path, const char *expected)
{
	const json_t *at = find(root, path);

	cr_assert(json_is_string(at), "%s is no string", path);
	cr_assert_str_eq(json_string_value(at), expected, "%s", path);
}

static void
is_bool(const char *path, bool expected)
{
	cr_assert_eq(find(root, path), expected ? json_true() : json_false(),
	    "%s", path);
}

static void
has_members(const char *path, size_t n)
{
	const json_t *at = find(root, path);

	cr_assert_not_null(at, "%s", path);
	cr_assert_eq(
	    json_is_array(at) ? json_array_size(at) : json_object_size(at), n,
	    "%s", path);
}

Test(json, process)
{
	is_number("schema", 1);
	is_string("version", "0.1.0");
	is_number("uptime_seconds", 812);
	is_bool("ready", false);
	has_members("not_ready", 1);
	is_string("not_ready/0", "draining");
	is_number("access_lines_dropped", 6);
}

Test(json, config)
{
	is_string("config/file", "/etc/fairlead/fairlead.yaml");
	is_string("config/hash", "9f2c");
	is_number("config/generation", 4);
	is_number("config/generations", 2);
	is_string("config/loaded_at", "2025-11-24T12:00:00Z");
	is_bool("config/last_reload/ok", false);
	is_string("config/last_reload/at", "2025-11-24T12:01:00Z");
	has_members("config/last_reload/errors", 1);
	is_string(
	    "config/last_reload/errors/0", "edge.yaml:14:5: unknown key \"x\"");
}

Test(json, routes)
{
	has_members("routes", 3);
	is_number("routes/catalog/requests", 416);
	is_number("routes/catalog/rate", 412);
	is_number("routes/catalog/in_flight", 1);
	has_members("routes/catalog/codes", 3);
	is_number("routes/catalog/codes/2xx", 2);
	is_number("routes/catalog/codes/5xx", 1);
	is_number("routes/catalog/codes/0", 1);
	is_number("routes/catalog/latency_ms/p50", 4);
	is_number("routes/catalog/latency_ms/p90", 4);
	is_number("routes/catalog/latency_ms/p99", 4);
	has_members("routes/catalog/failures", 2);
	is_number("routes/catalog/failures/response_timeout", 1);
	is_number("routes/catalog/failures/client_closed", 1);
	is_number("routes/catalog/bytes_in", 400);
	is_number("routes/catalog/bytes_out", 4000);
	is_number("routes/_none/requests", 1);
	is_number("routes/_none/codes/4xx", 1);
	cr_assert_not_null(json_object_get(
	    json_object_get(root, "routes"), "sh\"op\\\n\xef\xbf\xbd"));
}

Test(json, latencies_are_quantiles)
{
	struct histogram *h = &stats_route(rich.stats[0], 2)->duration;
	struct buf b = { 0 };

	for (unsigned i = 1; i <= 100; i++)
		histogram_note(h, i * CLOCK_MS / 100);
	rich.routes[1].name = "q";
	stats_render_json(&rich.view, &b);
	json_decref(root);
	root = parse(&b);
	is_number("routes/q/latency_ms/p50", 0.5);
	is_number("routes/q/latency_ms/p90", 0.9);
	is_number("routes/q/latency_ms/p99", 0.99);
}

Test(json, upstreams)
{
	has_members("upstreams", 2);
	is_string("upstreams/catalog/policy", "round_robin");
	is_string("upstreams/catalog/circuit", "open");
	is_number("upstreams/catalog/circuit_breaker/opened", 3);
	is_number("upstreams/catalog/circuit_breaker/rejected", 17);
	is_number("upstreams/catalog/circuit_breaker/half_open_in_ms", 1500);
	cr_assert_not_null(strstr(json_string_value(find(root,
				      "upstreams/catalog/circuit_breaker/why")),
	    "12"));
	is_number("upstreams/catalog/retries/connect_failure", 4);
	is_number("upstreams/catalog/latency_ms/p99", 20);
	has_members("upstreams/catalog/servers", 3);
	is_string("upstreams/plain/circuit", "off");
	cr_assert_null(find(root, "upstreams/plain/circuit_breaker"));
	has_members("upstreams/plain/servers", 0);
	cr_assert_null(find(root, "upstreams/catalog/discovery"));
	is_string("upstreams/plain/discovery/provider", "file");
	is_string(
	    "upstreams/plain/discovery/last_success", "2025-11-24T12:00:00Z");
	is_number("upstreams/plain/discovery/servers", 4);
	is_number("upstreams/plain/discovery/updates", 7);
	is_string(
	    "upstreams/plain/discovery/error", "s.yaml:1:1: the file is empty");
	is_string("upstreams/plain/discovery/held_back/why",
	    "an empty answer in place of 4 servers");
	is_number("upstreams/plain/discovery/held_back/servers", 0);
	is_number("upstreams/plain/discovery/held_back/believed_in_ms", 1500);
}

Test(json, closed_circuit_has_no_countdown_and_no_cause)
{
	struct buf b = { 0 };

	rich.upstreams[0].breaker.state = BREAKER_CLOSED;
	rich.upstreams[0].breaker.cause = CAUSE_NONE;
	stats_render_json(&rich.view, &b);
	json_decref(root);
	root = parse(&b);
	is_string("upstreams/catalog/circuit", "closed");
	has_members("upstreams/catalog/circuit_breaker", 2);
}

#define SERVER "upstreams/catalog/servers/0/"

Test(json, servers)
{
	is_string(SERVER "name", "10.0.0.1:8080");
	is_bool(SERVER "up", true);
	is_string(SERVER "state", "healthy");
	is_string(SERVER "why", "3 of 3 probes passed");
	is_string(SERVER "since", "2025-11-24T12:00:00Z");
	is_number(SERVER "weight", 5);
	is_bool(SERVER "backup", false);
	is_number(SERVER "in_flight", 1);
	is_number(SERVER "requests", 147);
	is_number(SERVER "rate", 138);
	is_number(SERVER "failures", 2);
	is_number(SERVER "latency_ms/p50", 30);
	is_number(SERVER "latency_ms/p99", 30);
	is_bool(SERVER "last_check/ok", true);
	is_number(SERVER "last_check/ms", 1.9);
	is_string(SERVER "last_check/detail", "200");
	is_number(SERVER "availability", 0.9997);
}

Test(json, server_without_an_address_says_why)
{
	is_bool("upstreams/catalog/servers/1/up", false);
	is_string("upstreams/catalog/servers/1/state", "unresolved");
	is_string("upstreams/catalog/servers/1/why", "no answer from DNS yet");
	is_bool("upstreams/catalog/servers/1/backup", true);
	is_number("upstreams/catalog/servers/1/requests", 0);
	is_number("upstreams/catalog/servers/1/failures", 0);
	is_number("upstreams/catalog/servers/1/in_flight", 0);
	cr_assert(
	    json_is_null(find(root, "upstreams/catalog/servers/1/since")));
	cr_assert_null(find(root, "upstreams/catalog/servers/1/last_check"));
	cr_assert_null(find(root, "upstreams/catalog/servers/1/availability"));
	is_string("upstreams/catalog/servers/2/state", "draining");
	cr_assert(json_is_null(find(root, "upstreams/catalog/servers/2/why")));
}

Test(json, availability_of_nothing_is_zero_not_absent)
{
	struct buf b = { 0 };

	rich.servers[1].availability = 0;
	stats_render_json(&rich.view, &b);
	json_decref(root);
	root = parse(&b);
	is_number("upstreams/catalog/servers/1/availability", 0);
}

Test(json, listeners)
{
	has_members("listeners", 2);
	is_string("listeners/https/address", "0.0.0.0:443");
	has_members("listeners/https/addresses", 2);
	is_string("listeners/https/addresses/1", "[::]:443");
	is_number("listeners/https/connections", 1);
	is_number("listeners/https/accepted", 2);
	cr_assert_null(find(root, "listeners/http/tls"));
	cr_assert(json_is_null(find(root, "listeners/http/address")));
}

Test(json, first_certificate_to_expire_speaks_for_the_listener)
{
	is_string("listeners/https/tls/not_after", "1970-01-01T00:33:20Z");
	has_members("listeners/https/tls/certificates", 3);
	is_string(
	    "listeners/https/tls/certificates/2/common_name", "shop.example");
	is_string("listeners/https/tls/certificates/2/not_after",
	    "2027-01-01T00:00:00Z");
	is_string("listeners/https/tls/certificates/0/not_after",
	    "9999-12-31T23:59:59Z");
}

Test(json, workers_without_control)
{
	has_members("workers", 2);
	is_number("workers/0/id", 0);
	is_number("workers/0/requests", 414);
	is_number("workers/1/requests", 3);
	is_number("workers/0/busy", 0);
	is_number("workers/0/lag_ms_p99", 0.08);
	is_number("workers/1/id", 1);
	is_number("workers/1/busy", 0.31);
	is_number("workers/1/lag_ms_p99", 0);
}

/* The figures as they are by now. */
static void
render_again(void)
{
	struct buf b = { 0 };

	stats_render_json(&rich.view, &b);
	json_decref(root);
	root = parse(&b);
}

Test(json, a_worker_s_requests_are_those_of_all_routes)
{
	counter_add(&stats_route(rich.stats[0], 2)->requests, 70);
	counter_add(
	    &stats_route(rich.stats[0], STATS_SLOT_NONE)->requests, 600);
	render_again();
	is_number("workers/0/requests", 414 + 70 + 600);
}

Test(json, never_is_null)
{
	struct buf b = { 0 };

	rich.view.config.reload_at = 0;
	rich.certificates[1].not_after_s = -1;
	rich.listeners[1].tls = true;
	stats_render_json(&rich.view, &b);
	json_decref(root);
	root = parse(&b);
	cr_assert(json_is_null(find(root, "config/last_reload/at")));
	cr_assert(json_is_null(
	    find(root, "listeners/https/tls/certificates/1/not_after")));
	cr_assert_not_null(find(root, "listeners/http/tls/certificates"));
	cr_assert_null(find(root, "listeners/http/tls/not_after"));
}

Test(json, upstreams_alone_are_the_same)
{
	struct buf b = { 0 };
	json_t *all, *one;

	stats_render_upstreams(&rich.view, &b);
	all = parse(&b);
	cr_assert_eq(json_object_size(all), 1);
	cr_assert(json_equal(json_object_get(all, "upstreams"),
	    json_object_get(root, "upstreams")));
	cr_assert(stats_render_upstream(&rich.view, TEXT("plain"), &b));
	one = parse(&b);
	cr_assert(json_equal(one, find(root, "upstreams/plain")));
	json_decref(one);
	json_decref(all);
}

Test(json, unknown_upstream_renders_nothing)
{
	struct buf b = { 0 };

	cr_assert_not(stats_render_upstream(&rich.view, TEXT("plai"), &b));
	cr_assert_eq(b.n, 0);
}

Test(json, thousand_routes_are_one_valid_document)
{
	static struct view_route many[1000];
	static char names[1000][16];
	struct buf b = { 0 };

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "r%u", i);
		many[i] = (struct view_route){ names[i], i + 10 };
	}
	rich.view.routes = many;
	rich.view.nroutes = 1000;
	stats_render_json(&rich.view, &b);
	cr_assert_gt(b.n, 100000);
	json_decref(root);
	root = parse(&b);
	has_members("routes", 1001);
}
