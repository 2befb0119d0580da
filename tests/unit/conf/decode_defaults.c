/* From YAML to plain data: what is not said. */
#include <criterion/criterion.h>

#include "tests/unit/conf/decoded.h"

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

Test(decode_defaults, the_minimal_file)
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

Test(decode_defaults, the_two_line_file)
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

Test(decode_defaults, empty_blocks_have_the_defaults_of_the_manual)
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

Test(decode_defaults, defaults_lie_under_every_upstream_and_route)
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
