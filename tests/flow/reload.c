/*
 * Reload: a new configuration in the same process, noticed by nobody whose
 * route still stands.  Done-when 7.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { IDLE = 100, RELOADS = 100, CERTIFICATES = 2000 };

#define GENERATIONS "fairlead_config_generations"

static struct origin *a, *b;
static char *directory;
static struct cert cert;

static void
stage(void)
{
	a = origin_new("a");
	b = origin_new("b");
	directory = daemon_directory();
	cert = cert_make(directory, "a", "one.test", CERT_ECDSA);
}

TestSuite(reload, .init = stage, .timeout = 120);

/* `more' are further listeners, `routes' further routes. */
static char *
yaml(const char *more, const char *routes, const char *servers)
{
	return keep_printf(
	    "workers: 2\n"
	    "listeners:\n"
	    "  http: { address: \"127.0.0.1:0\" }\n"
	    "  https: { address: \"127.0.0.1:0\", tls: { certificates: "
	    "[{ cert: a.pem, key: a.key }] } }\n"
	    "%s"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes:\n"
	    "  - { name: all, path: \"/*\", to: up }\n"
	    "%s"
	    "upstreams:\n"
	    "  up: { servers: [%s], circuit_breaker: { failure_rate: off, "
	    "consecutive_failures: 3, open_for: 1h, max_open_for: 1h } }\n",
	    more, routes, servers);
}

static char *
server(struct origin *o)
{
	return keep_printf("\"127.0.0.1:%d\"", origin_port(o));
}

static char *
both(void)
{
	return keep_printf("%s, %s", server(a), server(b));
}

static void
hang_up(struct daemon *d, const char *text, unsigned generation)
{
	daemon_write_config(d, "%s", text);
	daemon_signal(d, SIGHUP);
	cr_assert(
	    WAIT_FOR(20000,
		(unsigned)daemon_stat(d, "config/generation") >= generation),
	    "%s", daemon_log(d));
}

Test(reload, no_request_fails_while_everything_changes)
{
	static const char extra_route[] =
	    "  - { name: more, path: /more, respond: { status: 204 } }\n";
	static const char extra_listener[] =
	    "  extra: { address: \"127.0.0.1:0\" }\n";
	struct tls_wish wish = { .sni = "test" };
	struct client *idle[IDLE];
	struct load_result *r[4];
	struct load *l[4];
	struct daemon *d;
	unsigned i, before;
	pid_t pid;
	long rss;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", both()));
	pid = d->pid;
	for (i = 0; i < IDLE; i++) {
		idle[i] = dial(daemon_port(d, "http"));
		(void)ask(idle[i], "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	}
	for (i = 0; i < 4; i++)
		l[i] = load_start(&(struct load_plan){
		    .port = daemon_port(d, i < 2 ? "http" : "https"),
		    .tls = i < 2 ? NULL : &wish,
		    .fresh = i % 2 == 1,
		    .connections = 4,
		    .rate = i % 2 == 1 ? 50 : 150 });
	before = (unsigned)daemon_stat(d, "config/generation");
	rss = 0;
	for (i = 0; i < RELOADS; i++) {
		if (i % 4 == 0)
			cert =
			    cert_make(directory, "a", "one.test", CERT_ECDSA);
		hang_up(d,
		    yaml(i % 2 == 0 ? extra_listener : "",
			i % 3 == 0 ? extra_route : "",
			i % 4 == 1 ? server(a) : both()),
		    before + i + 1);
		if (i == RELOADS / 2)
			rss = daemon_rss(d);
	}
	if (!daemon_is_sanitized())
		cr_assert_lt(daemon_rss(d), rss + 4096, "%ld after %ld KiB",
		    daemon_rss(d), rss);
	for (i = 0; i < 4; i++) {
		r[i] = load_stop(l[i]);
		cr_assert_eq(
		    r[i]->ok, r[i]->requests, "%u: %s", i, load_reasons(r[i]));
	}
	for (i = 0; i < IDLE; i++)
		cr_assert_eq(ask(idle[i],
				 "GET / HTTP/1.1\r\nHost: t\r\n"
				 "\r\n")
				 ->status,
		    200);
	cr_assert_eq(d->pid, pid);
	daemon_stop(d);
}

Test(reload, new_routes_servers_and_listeners_are_in_force)
{
	struct response *r;
	struct daemon *d;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", server(a)));
	daemon_reload(d, "%s",
	    yaml("  extra: { address: \"127.0.0.1:0\" }\n",
		"  - { name: more, path: /more, respond: { status: 418 } }\n",
		server(b)));
	r = get(daemon_port(d, "http"), "/more", "");
	cr_assert_eq(r->status, 418);
	r = get(daemon_port(d, "extra"), "/", "");
	cr_assert_str_eq(response_field(r, "x-origin"), "b");
	cr_assert_eq(origin_requests(a), 0);
	daemon_stop(d);
}

Test(reload, a_removed_listener_lets_its_connections_finish)
{
	struct client *c, again = { 0 };
	struct response *r;
	struct daemon *d;
	int port;

	d = daemon_start_in(directory, NULL, "%s",
	    yaml("  extra: { address: \"127.0.0.1:0\" }\n", "", server(a)));
	port = daemon_port(d, "extra");
	c = dial(port);
	(void)ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	daemon_reload(d, "%s", yaml("", "", server(a)));
	cr_assert(WAIT_FOR(10000, !client_connect(&again, port)));
	r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_eq(r->status, 200);
	cr_assert_str_eq(response_field(r, "connection"), "close");
	must_end(c);
	daemon_stop(d);
}

Test(reload, breaker_and_counters_carry_over)
{
	struct daemon *d;
	unsigned i;
	int port;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", server(a)));
	port = daemon_port(d, "http");
	origin_reply(a, (struct reply){ .status = 503, .text = "no" });
	for (i = 0; i < 3; i++)
		(void)get(port, "/", "");
	must_refuse(get(port, "/", ""), 503, "circuit_open");
	daemon_reload(d, "%s",
	    yaml("",
		"  - { name: more, path: /more, "
		"respond: { status: 204 } }\n",
		server(a)));
	must_refuse(get(port, "/", ""), 503, "circuit_open");
	must_tell(d, "routes/all/requests", 5);
	cr_assert_eq(origin_requests(a), 3);
	daemon_stop(d);
}

Test(reload, a_request_under_way_ends_by_its_old_configuration)
{
	struct client *c;
	struct daemon *d;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", server(a)));
	origin_reply(a,
	    (struct reply){ .path = "/slow",
		.sized = true,
		.size = 40,
		.piece = 20,
		.pace_ms = 500 });
	c = dial(daemon_port(d, "http"));
	cr_assert(client_print(c, "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(a, 0));
	daemon_reload(d, "%s", yaml("", "", server(b)));
	cr_assert_eq(answer(c, "GET")->body_n, 40);
	cr_assert_str_eq(
	    response_field(get(daemon_port(d, "http"), "/", ""), "x-origin"),
	    "b");
	cr_assert(WAIT_FOR(10000, origin_open(a) == 0),
	    "a departed server's connections are closed");
	daemon_stop(d);
}

Test(reload, certificates_are_read_again_all_or_none)
{
	struct client c = { 0 };
	struct cert new, bad;
	struct daemon *d;
	int port;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", server(a)));
	port = daemon_port(d, "https");
	new = cert_make(directory, "a", "one.test", CERT_ECDSA);
	daemon_reload(d, "%s", yaml("", "", server(a)));
	cr_assert(client_connect_tls(&c, port,
		      &(struct tls_wish){ .sni = "one.test", .ca = new.ca }),
	    "%s", c.why);
	bad = cert_make(directory, "bad", "one.test", CERT_ECDSA);
	cr_assert_eq(rename(bad.key, new.key), 0);
	cr_assert_not_null(strstr(
	    daemon_reload_refused(d, "%s", yaml("", "", server(b))), "a.key"));
	cr_assert(client_connect_tls(&c, port,
		      &(struct tls_wish){ .sni = "one.test", .ca = new.ca }),
	    "%s", c.why);
	cr_assert_str_eq(
	    response_field(get(daemon_port(d, "http"), "/", ""), "x-origin"),
	    "a");
	daemon_stop(d);
}

Test(reload, a_refused_one_is_shown_and_the_old_one_serves_on)
{
	struct daemon *d;
	char *said;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", server(a)));
	said =
	    daemon_reload_refused(d, "%slisten: [\n", yaml("", "", server(b)));
	cr_assert_not_null(strstr(said, "fairlead.yaml:"), "%s", said);
	cr_assert_eq(get(daemon_port(d, "http"), "/", "")->status, 200);
	cr_assert_eq(origin_requests(a), 1);
	must_count(d, "fairlead_config_last_reload_successful", 0);
	must_count(d, "fairlead_config_reloads_total{result=\"failure\"}", 1);
	cr_assert_not_null(strstr(daemon_admin(d, "/stats"), "fairlead.yaml:"));
	daemon_reload(d, "%s", yaml("", "", server(b)));
	must_count(d, "fairlead_config_last_reload_successful", 1);
	daemon_stop(d);
}

Test(reload, workers_cannot_change_and_say_so)
{
	struct daemon *d;
	char *said;

	d = daemon_start_in(directory, NULL,
	    "workers: 1\n"
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "routes: [{ path: \"/*\", respond: { status: 204 } }]\n");
	said = daemon_reload_refused(d,
	    "workers: 2\n"
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "routes: [{ path: \"/*\", respond: { status: 204 } }]\n");
	cr_assert_not_null(strstr(said, "workers"), "%s", said);
	daemon_stop(d);
}

/* `certificates' are lines of a list. */
static char *
yaml_probed(const char *certificates)
{
	return keep_printf("workers: 2\n"
			   "listeners:\n"
			   "  http: { address: \"127.0.0.1:0\" }\n"
			   "  https:\n"
			   "    address: \"127.0.0.1:0\"\n"
			   "    tls:\n"
			   "      certificates:\n"
			   "        - { cert: a.pem, key: a.key }\n"
			   "%s"
			   "admin: { address: \"127.0.0.1:0\" }\n"
			   "access_log: off\n"
			   "routes: [{ name: all, path: \"/*\", to: up }]\n"
			   "upstreams:\n"
			   "  up:\n"
			   "    servers: [%s]\n"
			   "    health_check: { type: http, interval: 100ms, "
			   "timeout: 1s, unhealthy_threshold: 2 }\n",
	    certificates, server(a));
}

/* Probes go on in time while certificates are read, and so do requests. */
Test(reload, two_thousand_certificates_make_no_server_ill)
{
	struct bytes list = { 0 };
	struct client c = { 0 };
	struct load_result *r;
	struct cert last;
	struct daemon *d;
	struct load *l;
	unsigned i;

	d = daemon_start_in(directory, NULL, "%s", yaml_probed(""));
	last = cert_series(directory, CERTIFICATES);
	for (i = 0; i < CERTIFICATES; i++)
		bytes_printf(&list,
		    "        - { cert: c%u.pem, "
		    "key: series.key }\n",
		    i);
	l = load_start(&(struct load_plan){
	    .port = daemon_port(d, "http"), .connections = 4, .rate = 200 });
	hang_up(d, yaml_probed(list.p), 2);
	r = load_stop(l);
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	cr_assert_leq(
	    daemon_metric(d,
		keep_printf("fairlead_server_transitions_total{upstream=\"up\","
			    "server=\"127.0.0.1:%d\",to=\"down\"}",
		    origin_port(a))),
	    0);
	cr_assert(client_connect_tls(&c, daemon_port(d, "https"),
		      &(struct tls_wish){ .sni = "c1999.test", .ca = last.ca }),
	    "%s", c.why);
	daemon_stop(d);
}

/* A response under way keeps small things only, not the snapshot it began in. */
Test(reload, a_long_response_holds_no_old_configuration)
{
	struct response r;
	struct client *c;
	struct daemon *d;
	unsigned i;

	d = daemon_start_in(directory, NULL, "%s", yaml("", "", server(a)));
	c = dial(daemon_port(d, "http"));
	origin_reply(a,
	    (struct reply){ .path = "/slow",
		.sized = true,
		.size = 20,
		.piece = 10,
		.pace_ms = 2000 });
	cr_assert(client_print(c, "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(client_head(c, &r));
	for (i = 0; i < 3; i++)
		daemon_reload(d, "%s", yaml("", "", server(i % 2 ? a : b)));
	cr_assert(WAIT_FOR(10000, daemon_metric(d, GENERATIONS) <= 1), "%g",
	    daemon_metric(d, GENERATIONS));
	cr_assert(client_body(c, &r, "GET"), "%s", c->why);
	cr_assert(r.is_pattern);
	daemon_stop(d);
}
