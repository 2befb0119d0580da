#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"

#define S 1000000000ull
#define MS 1000000ull
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct conf *
parse(const char *yaml)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse("t.yaml", text_of(yaml), &errors);

	if (conf == NULL)
		conf_errors_print(&errors, stderr);
	conf_errors_fini(&errors);
	cr_assert_not_null(conf);
	return conf;
}

static void
address_is(const struct conf_address *a, const char *text, unsigned line,
    unsigned column)
{
	cr_expect_str_eq(a->text, text);
	cr_expect_str_eq(a->place.file, "t.yaml");
	cr_expect(a->place.line == line && a->place.column == column,
	    "%s at %u:%u", text, a->place.line, a->place.column);
}

static void
places_are(struct conf_place place, unsigned line, unsigned column)
{
	cr_expect(place.line == line && place.column == column,
	    "at %u:%u, not %u:%u", place.line, place.column, line, column);
}

static void
has_default_listener(const struct conf_listener *l)
{
	cr_expect_str_eq(l->name, "default");
	cr_expect_eq(l->naddresses, 1);
	cr_expect(!l->redirect_https);
	cr_expect_eq(l->ntrusted_proxies, 0);
	cr_expect(!l->tls);
	cr_expect_eq(l->handshake_ns, 5 * S);
	cr_expect_eq(l->header_ns, 10 * S);
	cr_expect_eq(l->body_ns, 30 * S);
	cr_expect_eq(l->idle_ns, 75 * S);
	cr_expect_eq(l->max_connections, 10000);
	cr_expect_eq(l->header_size, 32768);
	cr_expect_eq(l->max_headers, 100);
	cr_expect_eq(l->uri_size, 8192);
	cr_expect_eq(l->body_size, UINT64_MAX);
	cr_expect_eq(l->requests_per_connection, 0);
	cr_expect_eq(l->per_ip, 0);
	cr_expect_eq(l->min_rate, 240);
}

static void
has_default_upstream(const struct conf_upstream *u)
{
	cr_expect_eq(u->policy, BALANCE_LEAST_CONNECTIONS);
	cr_expect(!u->probe.on);
	cr_expect(!u->breaker.on);
	cr_expect_eq(u->connect_ns, 2 * S);
	cr_expect_eq(u->response_ns, 30 * S);
	cr_expect_eq(u->idle_ns, 60 * S);
	cr_expect_eq(u->pool_max_idle, 64);
	cr_expect_eq(u->pool_idle_ns, 55 * S);
}

static void
has_default_rest(const struct conf *conf)
{
	cr_expect_eq(conf->workers, 0);
	cr_expect_eq(conf->shutdown_delay_ns, 0);
	cr_expect_eq(conf->shutdown_timeout_ns, 25 * S);
	cr_expect(conf->admin_on);
	cr_expect(conf->admin_is_default);
	cr_expect_str_eq(conf->admin_address.text, "127.0.0.1:9900");
	cr_expect_eq(addr_port(&conf->admin_address.endpoint.addr), 9900);
	cr_expect_str_eq(conf->access_log, "stdout");
	cr_expect_eq(conf->log_level, LOG_INFO);
	cr_expect_eq(conf->log_format, LOG_AUTO);
}

static void
has_default_route(const struct conf_route *r)
{
	cr_expect_null(r->on_listener);
	cr_expect_eq(r->nhosts, 0);
	cr_expect_eq(r->nmethods, 0);
	cr_expect_eq(r->action, ACTION_PROXY);
	cr_expect_eq(r->ntargets, 1);
	cr_expect_eq(r->targets[0].weight, 1);
	cr_expect_null(r->strip_prefix);
	cr_expect_null(r->add_prefix);
	cr_expect_eq(r->request_headers.nset + r->request_headers.nadd +
		r->request_headers.nremove,
	    0);
	cr_expect(r->access_log);
	cr_expect_eq(r->connect_ns + r->response_ns + r->idle_ns, 0);
	cr_expect_eq(r->body_size, 0);
}

static void
has_default_probe(const struct probe_options *p)
{
	cr_expect(p->on);
	cr_expect_eq(p->type, PROBE_HTTP);
	cr_expect_str_eq(p->path, "/");
	cr_expect_eq(p->port, 0);
	cr_expect_null(p->host);
	cr_expect_eq(p->interval_ns, 5 * S);
	cr_expect_eq(p->timeout_ns, 2 * S);
	cr_expect_eq(p->jitter_percent, 10);
	cr_expect_eq(p->healthy_threshold, 2);
	cr_expect_eq(p->unhealthy_threshold, 3);
	cr_assert_eq(p->expect_statuses, 1);
	cr_expect_eq(p->expect_status[0].from, 200);
	cr_expect_eq(p->expect_status[0].to, 399);
	cr_expect_null(p->expect_body);
}

static void
has_default_breaker(const struct breaker_options *b)
{
	cr_expect(b->on);
	cr_expect_eq(b->failure_percent, 50);
	cr_expect_eq(b->consecutive_failures, 0);
	cr_expect_eq(b->min_requests, 20);
	cr_expect_eq(b->window_ns, 10 * S);
	cr_expect_eq(b->open_for_ns, 5 * S);
	cr_expect_eq(b->max_open_for_ns, 60 * S);
	cr_expect_eq(b->half_open_requests, 5);
	cr_expect_eq(b->failure_on,
	    FAILURE_CONNECT | FAILURE_TIMEOUT | FAILURE_RESET |
		FAILURE_GATEWAY_ERROR);
}

Test(decode, the_minimal_file)
{
	struct conf *conf =
	    parse("listen: :8080\n"
		  "routes:\n  - path: /api/*\n    to: api\n"
		  "upstreams:\n  api: [127.0.0.1:9001, 127.0.0.1:9002]\n");

	cr_assert_eq(conf->nlisteners, 1);
	has_default_listener(&conf->listeners[0]);
	address_is(&conf->listeners[0].addresses[0], ":8080", 1, 9);
	cr_expect(conf->listeners[0].addresses[0].endpoint.is_any);
	places_are(conf->listeners[0].place, 1, 1);
	cr_assert_eq(conf->nupstreams, 1);
	has_default_upstream(&conf->upstreams[0]);
	cr_expect_str_eq(conf->upstreams[0].name, "api");
	places_are(conf->upstreams[0].place, 6, 3);
	cr_assert_eq(conf->upstreams[0].nservers, 2);
	address_is(
	    &conf->upstreams[0].servers[0].address, "127.0.0.1:9001", 6, 9);
	cr_expect_str_eq(conf->upstreams[0].servers[1].name, "127.0.0.1:9002");
	cr_expect_eq(conf->upstreams[0].servers[1].weight, 1);
	cr_expect(!conf->upstreams[0].servers[1].backup);
	cr_assert_eq(conf->nroutes, 1);
	has_default_route(&conf->routes[0]);
	cr_expect_str_eq(conf->routes[0].name, "/api/*");
	cr_expect_eq(conf->routes[0].npaths, 1);
	cr_expect_str_eq(conf->routes[0].paths[0], "/api/*");
	cr_expect_eq(conf->routes[0].targets[0].upstream, 0);
	places_are(conf->routes[0].place, 3, 5);
	has_default_rest(conf);
	cr_expect_str_eq(conf->path, "t.yaml");
	conf_free(conf);
}

Test(decode, the_two_line_file)
{
	struct conf *conf =
	    parse("listen: :8080\nto: [127.0.0.1:9001, 127.0.0.1:9002]\n");

	cr_assert_eq(conf->nlisteners, 1);
	has_default_listener(&conf->listeners[0]);
	cr_assert_eq(conf->nupstreams, 1);
	has_default_upstream(&conf->upstreams[0]);
	cr_expect_str_eq(conf->upstreams[0].name, "default");
	places_are(conf->upstreams[0].place, 2, 5);
	cr_assert_eq(conf->upstreams[0].nservers, 2);
	address_is(
	    &conf->upstreams[0].servers[1].address, "127.0.0.1:9002", 2, 22);
	cr_assert_eq(conf->nroutes, 1);
	has_default_route(&conf->routes[0]);
	cr_expect_str_eq(conf->routes[0].name, "default");
	cr_expect_eq(conf->routes[0].npaths, 0);
	places_are(conf->routes[0].place, 2, 1);
	has_default_rest(conf);
	conf_free(conf);
}

Test(decode, empty_blocks_have_the_defaults_of_the_manual)
{
	struct conf *conf =
	    parse("listeners: { default: { address: \":80\", timeouts: {}, "
		  "limits: {}, tls: { certificates: "
		  "[{ cert: /dev/null, key: /dev/null }] } } }\n"
		  "routes: [{ to: u }, { path: /r, respond: {} }, "
		  "{ path: /m, redirect: { scheme: https } }]\n"
		  "upstreams: { u: { servers: [\"a:1\"], balance: {}, "
		  "health_check: {}, circuit_breaker: {}, timeouts: {}, "
		  "pool: {} } }\n"
		  "shutdown: {}\nadmin: {}\naccess_log: {}\nlog: {}\n");
	struct conf_listener *l = &conf->listeners[0];
	struct conf_upstream *u = &conf->upstreams[0];

	cr_expect(l->tls);
	cr_expect_eq(l->tls_options.min_version, TLS_1_2);
	cr_expect(l->tls_options.session_tickets);
	cr_expect_null(l->tls_options.ciphers);
	cr_expect_null(l->tls_options.ciphersuites);
	cr_expect_null(l->tls_options.curves);
	l->tls = false;
	has_default_listener(l);

	has_default_probe(&u->probe);
	has_default_breaker(&u->breaker);
	u->probe.on = u->breaker.on = false;
	has_default_upstream(u);
	has_default_route(&conf->routes[0]);
	cr_expect_eq(conf->routes[1].respond_status, 200);
	cr_expect_null(conf->routes[1].respond_body);
	cr_expect_eq(conf->routes[2].redirect_status, 308);
	has_default_rest(conf);
	conf_free(conf);
}

/* clang-format off */
static const char everything[] =
    /* 1 */ "workers: 3\n"
    "shutdown: { timeout: 1m }\n"
    "admin: { address: \"[::1]:9000\" }\n"
    "access_log: { output: /var/log/x.json, format: json }\n"
    /* 5 */ "log: { level: debug, format: json }\n"
    "listeners:\n"
    "  plain:\n"
    "    address: [\"127.0.0.1:80\", \"unix:/run/x.sock\"]\n"
    "    redirect: https\n"
    /* 10 */ "    protocols: [http/1.1]\n"
    "    trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
    "    timeouts: { handshake: 1s, header: 2s, body: 3s, idle: 4s }\n"
    "    limits:\n"
    "      max_connections: 7\n"
    /* 15 */ "      header_size: 2KiB\n"
    "      headers: 9\n"
    "      uri_size: 1KiB\n"
    "      body_size: 10MB\n"
    "      requests_per_connection: 11\n"
    /* 20 */ "  secure:\n"
    "    address: \":443\"\n"
    "    tls:\n"
    "      certificates:\n"
    "        - { cert: /dev/null, key: /dev/zero }\n"
    /* 25 */ "        - { cert: /dev/zero, key: /dev/null }\n"
    "      min_version: 1.3\n"
    "      ciphers: A\n"
    "      ciphersuites: B\n"
    "      curves: C\n"
    /* 30 */ "      session_tickets: false\n"
    "upstreams:\n"
    "  one:\n"
    "    servers:\n"
    "      - { address: \"10.0.0.1:1\", weight: 256, name: first }\n"
    /* 35 */ "      - { address: \"Host.Example:2\", weight: 0, backup: true }\n"
    "    balance: { policy: round_robin }\n"
    "    health_check:\n"
    "      type: http\n"
    "      path: /ready?x\n"
    /* 40 */ "      port: 8000\n"
    "      host: probe.example:8\n"
    "      interval: 1s\n"
    "      timeout: 20ms\n"
    "      jitter: 0%\n"
    /* 45 */ "      healthy_threshold: 4\n"
    "      unhealthy_threshold: 5\n"
    "      expect: { status: [204, 300-302, 5xx], body: fine }\n"
    "    circuit_breaker:\n"
    "      failure_rate: 60%\n"
    /* 50 */ "      consecutive_failures: 6\n"
    "      min_requests: 7\n"
    "      window: 8s\n"
    "      open_for: 9s\n"
    "      max_open_for: 10s\n"
    /* 55 */ "      half_open_requests: 11\n"
    "      failure_on: [5xx, timeout]\n"
    "    timeouts: { connect: 12s, response: 13s, idle: 14s }\n"
    "    pool: { max_idle: 0, idle_timeout: 15s }\n"
    "  two: { servers: [\"unix:/a\"], health_check: { type: tcp } }\n"
    /* 60 */ "routes:\n"
    "  - name: all\n"
    "    listeners: secure\n"
    "    host: [A.Example, \"*.B.example\"]\n"
    "    path: [/a, /b/*]\n"
    /* 65 */ "    methods: [GET, PUT]\n"
    "    to: [{ upstream: two, weight: 9 }, one]\n"
    "    rewrite: { strip_prefix: /b, add_prefix: /c }\n"
    "    request_headers: { set: { X-A: a }, add: { X-B: b, X-C: \"\" }, "
    "remove: X-D }\n"
    "    response_headers: { set: { X-E: e }, add: { X-F: f }, "
    "remove: [X-G, X-H] }\n"
    /* 70 */ "    limits: { body_size: 5B }\n"
    "    timeouts: { connect: 1s, response: 2s, idle: 3s }\n"
    "    access_log: off\n"
    "  - respond: { status: 418, body: \"tea\\n\", "
    "headers: { Content-Type: text/plain } }\n"
    "    path: /tea\n"
    /* 75 */ "  - host: old.example\n"
    "    redirect: { scheme: http, host: new.example:81, path: /x, "
    "status: 302 }\n"
    "    limits: { body_size: off }\n";
/* clang-format on */

Test(decode, every_key_of_the_top_and_the_listeners)
{
	struct conf *conf = parse(everything);
	struct conf_listener *l = &conf->listeners[0];
	struct addr peer;

	cr_expect_eq(conf->workers, 3);
	cr_expect_eq(conf->shutdown_timeout_ns, 60 * S);
	address_is(&conf->admin_address, "[::1]:9000", 3, 19);
	cr_expect(conf->admin_on && !conf->admin_is_default);
	cr_expect_str_eq(conf->access_log, "/var/log/x.json");
	cr_expect_eq(conf->log_level, LOG_DEBUG);
	cr_expect_eq(conf->log_format, LOG_JSON);

	cr_assert_eq(conf->nlisteners, 2);
	cr_expect_str_eq(l->name, "plain");
	places_are(l->place, 7, 3);
	cr_assert_eq(l->naddresses, 2);
	address_is(&l->addresses[0], "127.0.0.1:80", 8, 15);
	address_is(&l->addresses[1], "unix:/run/x.sock", 8, 31);
	cr_expect(addr_is_unix(&l->addresses[1].endpoint.addr));
	cr_expect(l->redirect_https && !l->tls);
	cr_assert_eq(l->ntrusted_proxies, 2);
	addr_from_ip(TEXT("10.9.9.9"), 0, &peer);
	cr_expect(cidr_contains(&l->trusted_proxies[0], &peer));
	cr_expect(!cidr_contains(&l->trusted_proxies[1], &peer));
	cr_expect_eq(l->handshake_ns, 1 * S);
	cr_expect_eq(l->header_ns, 2 * S);
	cr_expect_eq(l->body_ns, 3 * S);
	cr_expect_eq(l->idle_ns, 4 * S);
	cr_expect_eq(l->max_connections, 7);
	cr_expect_eq(l->header_size, 2048);
	cr_expect_eq(l->max_headers, 9);
	cr_expect_eq(l->uri_size, 1024);
	cr_expect_eq(l->body_size, 10000000);
	cr_expect_eq(l->requests_per_connection, 11);

	l = &conf->listeners[1];
	cr_expect_str_eq(l->name, "secure");
	cr_expect(l->tls && !l->redirect_https);
	cr_assert_eq(l->ncertificates, 2);
	cr_expect_str_eq(l->certificates[0].cert, "/dev/null");
	cr_expect_str_eq(l->certificates[0].key, "/dev/zero");
	places_are(l->certificates[0].cert_place, 24, 19);
	places_are(l->certificates[0].key_place, 24, 35);
	cr_expect_str_eq(l->certificates[1].cert, "/dev/zero");
	cr_expect_eq(l->tls_options.min_version, TLS_1_3);
	cr_expect_str_eq(l->tls_options.ciphers, "A");
	cr_expect_str_eq(l->tls_options.ciphersuites, "B");
	cr_expect_str_eq(l->tls_options.curves, "C");
	cr_expect(!l->tls_options.session_tickets);
	conf_free(conf);
}

Test(decode, every_key_of_the_upstreams)
{
	static const uint16_t ranges[][2] = { { 204, 204 }, { 300, 302 },
		{ 500, 599 } };
	struct conf *conf = parse(everything);
	struct conf_upstream *u = &conf->upstreams[0];
	const struct probe_options *p = &u->probe;
	const struct breaker_options *b = &u->breaker;
	size_t i;

	cr_assert_eq(conf->nupstreams, 2);
	cr_expect_str_eq(u->name, "one");
	cr_assert_eq(u->nservers, 2);
	cr_expect_str_eq(u->servers[0].name, "first");
	cr_expect_eq(u->servers[0].weight, 256);
	cr_expect(!u->servers[0].backup);
	address_is(&u->servers[1].address, "Host.Example:2", 35, 20);
	cr_expect(u->servers[1].address.endpoint.is_name);
	cr_expect_str_eq(u->servers[1].name, "Host.Example:2");
	cr_expect_eq(u->servers[1].weight, 0);
	cr_expect(u->servers[1].backup);
	cr_expect_eq(u->policy, BALANCE_ROUND_ROBIN);

	cr_expect(p->on && p->type == PROBE_HTTP);
	cr_expect_str_eq(p->path, "/ready?x");
	cr_expect_eq(p->port, 8000);
	cr_expect_str_eq(p->host, "probe.example:8");
	cr_expect_eq(p->interval_ns, 1 * S);
	cr_expect_eq(p->timeout_ns, 20 * MS);
	cr_expect_eq(p->jitter_percent, 0);
	cr_expect_eq(p->healthy_threshold, 4);
	cr_expect_eq(p->unhealthy_threshold, 5);
	cr_assert_eq(p->expect_statuses, COUNT(ranges));
	for (i = 0; i < COUNT(ranges); i++)
		cr_expect(p->expect_status[i].from == ranges[i][0] &&
		    p->expect_status[i].to == ranges[i][1]);
	cr_expect_str_eq(p->expect_body, "fine");

	cr_expect(b->on);
	cr_expect_eq(b->failure_percent, 60);
	cr_expect_eq(b->consecutive_failures, 6);
	cr_expect_eq(b->min_requests, 7);
	cr_expect_eq(b->window_ns, 8 * S);
	cr_expect_eq(b->open_for_ns, 9 * S);
	cr_expect_eq(b->max_open_for_ns, 10 * S);
	cr_expect_eq(b->half_open_requests, 11);
	cr_expect_eq(b->failure_on, FAILURE_5XX | FAILURE_TIMEOUT);

	cr_expect_eq(u->connect_ns, 12 * S);
	cr_expect_eq(u->response_ns, 13 * S);
	cr_expect_eq(u->idle_ns, 14 * S);
	cr_expect_eq(u->pool_max_idle, 0);
	cr_expect_eq(u->pool_idle_ns, 15 * S);
	cr_expect(conf->upstreams[1].probe.on);
	cr_expect_eq(conf->upstreams[1].probe.type, PROBE_TCP);
	conf_free(conf);
}

static void
field_is(const struct conf_field *f, const char *name, const char *value)
{
	cr_expect_str_eq(f->name, name);
	cr_expect_str_eq(f->value, value);
}

Test(decode, every_key_of_the_routes)
{
	struct conf *conf = parse(everything);
	struct conf_route *r = &conf->routes[0];

	cr_assert_eq(conf->nroutes, 3);
	cr_expect_str_eq(r->name, "all");
	cr_assert_not_null(r->on_listener);
	cr_expect(!r->on_listener[0] && r->on_listener[1]);
	cr_assert_eq(r->nhosts, 2);
	cr_expect_str_eq(r->hosts[0], "a.example");
	cr_expect_str_eq(r->hosts[1], "*.b.example");
	cr_assert_eq(r->npaths, 2);
	cr_expect_str_eq(r->paths[0], "/a");
	cr_expect_str_eq(r->paths[1], "/b/*");
	cr_assert_eq(r->nmethods, 2);
	cr_expect_str_eq(r->methods[1], "PUT");
	cr_assert_eq(r->ntargets, 2);
	cr_expect(r->targets[0].upstream == 1 && r->targets[0].weight == 9);
	cr_expect(r->targets[1].upstream == 0 && r->targets[1].weight == 1);
	cr_expect_str_eq(r->strip_prefix, "/b");
	cr_expect_str_eq(r->add_prefix, "/c");
	cr_assert_eq(r->request_headers.nset, 1);
	field_is(&r->request_headers.set[0], "X-A", "a");
	cr_assert_eq(r->request_headers.nadd, 2);
	field_is(&r->request_headers.add[0], "X-B", "b");
	field_is(&r->request_headers.add[1], "X-C", "");
	cr_assert_eq(r->request_headers.nremove, 1);
	cr_expect_str_eq(r->request_headers.remove[0], "X-D");
	cr_assert_eq(r->response_headers.nset, 1);
	field_is(&r->response_headers.set[0], "X-E", "e");
	cr_assert_eq(r->response_headers.nadd, 1);
	field_is(&r->response_headers.add[0], "X-F", "f");
	cr_assert_eq(r->response_headers.nremove, 2);
	cr_expect_str_eq(r->response_headers.remove[1], "X-H");
	cr_expect_eq(r->body_size, 5);
	cr_expect_eq(r->connect_ns, 1 * S);
	cr_expect_eq(r->response_ns, 2 * S);
	cr_expect_eq(r->idle_ns, 3 * S);
	cr_expect(!r->access_log);

	r = &conf->routes[1];
	cr_expect_eq(r->action, ACTION_RESPOND);
	cr_expect_str_eq(r->name, "/tea");
	cr_expect_eq(r->respond_status, 418);
	cr_expect_str_eq(r->respond_body, "tea\n");
	cr_assert_eq(r->respond_headers.nset, 1);
	field_is(&r->respond_headers.set[0], "Content-Type", "text/plain");

	r = &conf->routes[2];
	cr_expect_eq(r->action, ACTION_REDIRECT);
	cr_expect_str_eq(r->name, "old.example");
	cr_expect_str_eq(r->redirect_scheme, "http");
	cr_expect_str_eq(r->redirect_host, "new.example:81");
	cr_expect_str_eq(r->redirect_path, "/x");
	cr_expect_eq(r->redirect_status, 302);
	cr_expect_eq(r->body_size, UINT64_MAX);
	conf_free(conf);
}

Test(decode, a_route_may_be_for_several_listeners)
{
	struct conf *conf =
	    parse("listeners:\n  a: { address: \":80\" }\n"
		  "  b: { address: \":81\" }\n  c: { address: \":82\" }\n"
		  "routes: [{ listeners: [b, c], to: \"a:1\" }]\n");

	cr_assert_not_null(conf->routes[0].on_listener);
	cr_expect(!conf->routes[0].on_listener[0]);
	cr_expect(conf->routes[0].on_listener[1]);
	cr_expect(conf->routes[0].on_listener[2]);
	conf_free(conf);
}

Test(decode, off_turns_off)
{
	struct conf *conf =
	    parse("listen: :80\nroutes: [{ to: u }]\n"
		  "upstreams: { u: { servers: [\"a:1\"], health_check: off, "
		  "circuit_breaker: off } }\nadmin: off\naccess_log: off\n");

	cr_expect(!conf->admin_on);
	cr_expect_null(conf->access_log);
	cr_expect(!conf->upstreams[0].probe.on);
	cr_expect(!conf->upstreams[0].breaker.on);
	conf_free(conf);
}

Test(decode, each_form_of_to)
{
	struct conf *conf =
	    parse("listen: :80\nroutes:\n"
		  "  - { path: /1, to: u }\n"
		  "  - { path: /2, to: [u, v] }\n"
		  "  - { path: /3, to: [{ upstream: v, weight: 0 }, u] }\n"
		  "  - { path: /4, to: \"a:1\" }\n"
		  "  - { path: /5, name: five, to: [\"a:1\", \"unix:/b\"] }\n"
		  "upstreams: { u: [\"a:1\"], v: [\"b:1\"] }\n");

	cr_assert_eq(conf->nupstreams, 4);
	cr_expect_eq(conf->routes[0].targets[0].upstream, 0);
	cr_assert_eq(conf->routes[1].ntargets, 2);
	cr_expect_eq(conf->routes[1].targets[1].upstream, 1);
	cr_expect_eq(conf->routes[2].targets[0].weight, 0);
	cr_expect_eq(conf->routes[3].targets[0].upstream, 2);
	cr_expect_str_eq(conf->upstreams[2].name, "/4");
	cr_expect_eq(conf->routes[4].targets[0].upstream, 3);
	cr_expect_str_eq(conf->upstreams[3].name, "five");
	cr_expect_eq(conf->upstreams[3].nservers, 2);
	conf_free(conf);
}

Test(decode, routes_without_a_name_get_different_ones)
{
	static const char *const names[] = { "/a", "/a#2", "a.b/a", "default",
		"/a#3", "default#2", "default#3" };
	struct conf *conf =
	    parse("listen: :80\nroutes:\n"
		  "  - { path: /a, methods: GET, respond: {} }\n"
		  "  - { path: [/a, /b], methods: PUT, respond: {} }\n"
		  "  - { host: [a.b, c], path: /a, respond: {} }\n"
		  "  - { respond: {} }\n"
		  "  - { name: /a#3, respond: {} }\n"
		  "  - { methods: GET, respond: {} }\n"
		  "  - { methods: PUT, respond: {} }\n");
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		cr_expect_str_eq(conf->routes[i].name, names[i]);
	conf_free(conf);
}

Test(decode, a_long_made_name_is_cut)
{
	char yaml[512], path[201];
	struct conf *conf;

	memset(path, 'a', 200);
	path[200] = '\0';
	snprintf(yaml, sizeof(yaml),
	    "listen: :80\nroutes: "
	    "[{ path: /%s, respond: {} }]\n",
	    path);
	conf = parse(yaml);
	cr_expect_eq(strlen(conf->routes[0].name), 120);
	conf_free(conf);
}

Test(decode, defaults_lie_under_every_upstream_and_route)
{
	struct conf *conf = parse(
	    "listen: :80\n"
	    "defaults:\n"
	    "  upstream:\n"
	    "    timeouts: { connect: 1s, idle: 2s }\n"
	    "    balance: { policy: round_robin }\n"
	    "    health_check: { path: /p, interval: 9s }\n"
	    "    circuit_breaker: { window: 3s }\n"
	    "  route:\n"
	    "    methods: [GET, PUT]\n"
	    "    access_log: false\n"
	    "    response_headers: { set: { A: a, B: off }, remove: [C, D] }\n"
	    "    timeouts: { idle: 4s }\n"
	    "routes:\n"
	    "  - { to: u }\n"
	    "  - { path: /1, methods: POST, access_log: true, to: [\"a:1\"], "
	    "response_headers: { set: { A: b, B: off }, remove: E } }\n"
	    "  - { path: /2, to: v, response_headers: off, timeouts: off }\n"
	    "upstreams:\n"
	    "  u: [\"a:1\"]\n"
	    "  v: { servers: [\"a:1\"], timeouts: { idle: 5s }, "
	    "health_check: { type: tcp }, circuit_breaker: off }\n"
	    "  w: { servers: [\"a:1\"], health_check: { timeout: 6s } }\n");
	struct conf_upstream *u = conf->upstreams;
	struct conf_route *r = conf->routes;

	cr_assert_eq(conf->nupstreams, 4);
	cr_expect_eq(u[0].connect_ns, 1 * S);
	cr_expect_eq(u[0].idle_ns, 2 * S);
	cr_expect_eq(u[0].response_ns, 30 * S);
	cr_expect_eq(u[0].policy, BALANCE_ROUND_ROBIN);
	cr_expect(u[0].probe.on && u[0].probe.interval_ns == 9 * S);
	cr_expect(u[0].breaker.on && u[0].breaker.window_ns == 3 * S);
	/* key by key, but a block with its own type replaces all of it */
	cr_expect_eq(u[1].connect_ns, 1 * S);
	cr_expect_eq(u[1].idle_ns, 5 * S);
	cr_expect_eq(u[1].probe.type, PROBE_TCP);
	cr_expect_eq(u[1].probe.interval_ns, 5 * S);
	cr_expect(!u[1].breaker.on);
	cr_expect_str_eq(u[2].probe.path, "/p");
	cr_expect_eq(u[2].probe.timeout_ns, 6 * S);
	/* servers written in a route are an upstream like others */
	cr_expect_str_eq(u[3].name, "/1");
	cr_expect_eq(u[3].connect_ns, 1 * S);

	cr_expect(r[0].nmethods == 2 && !r[0].access_log);
	cr_expect_eq(r[0].idle_ns, 4 * S);
	cr_expect_eq(r[0].response_headers.nset, 2);
	cr_expect_eq(r[0].response_headers.nremove, 2);
	cr_expect(r[1].nmethods == 1 && r[1].access_log);
	cr_assert_eq(r[1].response_headers.nset, 2);
	field_is(&r[1].response_headers.set[0], "A", "b");
	field_is(&r[1].response_headers.set[1], "B", "off");
	cr_assert_eq(r[1].response_headers.nremove, 1);
	cr_expect_str_eq(r[1].response_headers.remove[0], "E");
	cr_expect_eq(r[2].response_headers.nset, 0);
	cr_expect_eq(r[2].idle_ns, 0);
	conf_free(conf);
}

Test(decode, the_bounds_of_a_range_belong_to_it)
{
	struct conf *conf =
	    parse("workers: 256\nlisten: :80\nto: \"a:1\"\n"
		  "defaults: { upstream: { timeouts: { connect: 1ms, "
		  "response: 1d, idle: 24h } } }\n");

	cr_expect_eq(conf->workers, 256);
	cr_expect_eq(conf->upstreams[0].connect_ns, MS);
	cr_expect_eq(conf->upstreams[0].response_ns, 86400 * S);
	conf_free(conf);
	conf = parse("workers: 1\nlisten: :80\nto: \"a:65535\"\n");
	cr_expect_eq(conf->workers, 1);
	conf_free(conf);
}

Test(decode, types_come_from_the_key_and_not_from_the_looks)
{
	struct conf *conf =
	    parse("listen: \":80\"\nroutes:\n"
		  "  - { name: 22:22, path: /no, respond: { body: no } }\n"
		  "  - { name: ~, path: /1, respond: { body: 1.0 } }\n"
		  "  - { name: \"true\", respond: { status: \"204\" }, "
		  "access_log: \"off\" }\n");

	cr_expect_str_eq(conf->routes[0].name, "22:22");
	cr_expect_str_eq(conf->routes[0].respond_body, "no");
	cr_expect_str_eq(conf->routes[1].name, "~");
	cr_expect_str_eq(conf->routes[1].respond_body, "1.0");
	cr_expect_eq(conf->routes[2].respond_status, 204);
	cr_expect(!conf->routes[2].access_log);
	conf_free(conf);
}

Test(decode, variables_may_stand_for_any_value)
{
	struct conf *conf;

	setenv("FL_N", "5", 1);
	setenv("FL_OFF", "off", 1);
	conf = parse("workers: ${FL_N}\nlisten: ${FL_NO:-:8080}\n"
		     "to: a:8${FL_N}\nadmin: ${FL_OFF}\nshutdown: { timeout: "
		     "\"${FL_N}s\" }\n");
	cr_expect_eq(conf->workers, 5);
	cr_expect_str_eq(conf->listeners[0].addresses[0].text, ":8080");
	cr_expect_str_eq(conf->upstreams[0].servers[0].name, "a:85");
	cr_expect(!conf->admin_on);
	cr_expect_eq(conf->shutdown_timeout_ns, 5 * S);
	conf_free(conf);
}

Test(decode, the_samples_are_good)
{
	static const char *const samples[] = { "conf/minimal.yaml",
		"conf/fairlead.yaml" };
	const char *root = getenv("FAIRLEAD_ROOT");
	struct conf_errors errors = { 0 };
	struct conf *conf;
	size_t i;

	if (root != NULL)
		cr_assert_eq(chdir(root), 0);
	for (i = 0; i < COUNT(samples); i++) {
		conf = conf_load(samples[i], &errors);
		conf_errors_print(&errors, stderr);
		cr_assert_not_null(conf, "%s", samples[i]);
		conf_free(conf);
	}
	conf_errors_fini(&errors);
}
