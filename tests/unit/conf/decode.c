/* From YAML to plain data: every key. */
#include <criterion/criterion.h>

#include "tests/unit/conf/decoded.h"

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
