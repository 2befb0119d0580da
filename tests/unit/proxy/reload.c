/*
 * proxy/reload, snapshot, doors, port and lease: one configuration after
 * another.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "balancer/roster.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "proxy/doors.h"
#include "proxy/gate.h"
#include "proxy/group.h"
#include "proxy/lease.h"
#include "proxy/port.h"
#include "proxy/reload.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/certs.h"
#include "tests/lib/origin.h"

TestSuite(reload, .timeout = 60);

static struct port *
port_named(struct worker *w, const char *name)
{
	struct port *p;

	LIST_FOREACH (p, &w->ports, entry)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

Test(reload, a_change_takes_effect_and_the_old_snapshot_goes)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);
	struct snapshot *old = control->snapshot;
	int port = rig_port("http");

	cr_assert_eq(old->leases, 3);
	cr_assert_eq(old->generation, 1);
	rig_reload("workers: 2\n" ON_HTTP ON_ADMIN NO_LOG
		   "routes: [{ respond: { status: 201 } }]\n");
	cr_assert(control->report.ok);
	cr_assert_eq(control->generation, 2);
	cr_assert_eq(control->snapshot->generation, 2);
	cr_assert_neq(control->snapshot, old);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(rig_port("http"), port);
	cr_assert_eq(control->ndoors, 2);
	cr_assert_eq(rig_get(port, "/").status, 201);
	cr_assert_eq(rig_says("reloaded"), 1);
	cr_assert_eq(rig_says("generation 2"), 1);
	cr_assert_eq(rig_says("listening on"), 2, "said once for each");
	cr_assert_eq(
	    rig_says(keep_printf("listening on 127.0.0.1:%d (http)", port)), 1);
	cr_assert_eq(rig_says("(admin)"), 1);
	rig_stop();
}

Test(reload, several_signals_meanwhile_are_one_more)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);

	rig_signal(SIGHUP);
	cr_assert(control->loading);
	rig_signal(SIGHUP);
	rig_signal(SIGHUP);
	cr_assert(control->load_again);
	RIG_UNTIL(control->report.succeeded == 2);
	cr_assert_not(control->load_again);
	cr_assert_not(control->loading);
	for (unsigned i = 0; i < 50; i++)
		rig_turn();
	cr_assert_eq(control->report.succeeded, 2);
	cr_assert_eq(control->generation, 3);
	rig_signal(SIGHUP);
	RIG_UNTIL(control->report.succeeded == 3);
	rig_stop();
}

Test(reload, one_that_comes_too_late_is_dropped)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);

	rig_signal(SIGHUP);
	rig_signal(SIGHUP);
	rig_signal(SIGTERM);
	rig_stop();
	cr_assert_eq(control->generation, 1);
	cr_assert_eq(control->report.succeeded, 0);
}

Test(reload, what_cannot_be_changes_nothing)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct snapshot *s = control->snapshot;

	rig_reload("workers: 2\n" PLAIN);
	cr_assert_eq(control->report.failed, 1);
	cr_assert_not(control->report.ok);
	cr_assert_eq(control->report.nerrors, 1);
	cr_assert_not_null(strstr(control->report.errors[0],
	    "test.yaml:1:10: workers: cannot change while running (1 threads "
	    "serve)"));
	cr_assert_eq(rig_says("failed with 1 error;"), 1);
	cr_assert_eq(rig_says("The running configuration was not changed."), 1);

	rig_reload(PLAIN);
	cr_assert_eq(control->report.failed, 2, "auto is not 1");
	cr_assert_not_null(strstr(
	    control->report.errors[0], "test.yaml:0:0: workers: cannot"));

	rig_reload(ONE_WORKER
	    "listeners: { other: { address: \"127.0.0.1:0\" }, "
	    "http: { address: [\"127.0.0.1:0\", \"127.0.0.1:%d\"] } }\n" ON_ADMIN
		NO_LOG TEAPOT,
	    origin_port(o));
	cr_assert_eq(control->report.failed, 3);
	cr_assert_eq(control->report.nerrors, 1);
	cr_assert_not_null(strstr(control->report.errors[0], "test.yaml:2:"));
	cr_assert_eq(control->ndoors, 2, "what was opened is closed again");

	rig_reload(ONE_WORKER ON_HTTP NO_LOG TEAPOT
	    "admin: { address: \"127.0.0.1:%d\" }\n",
	    origin_port(o));
	cr_assert_eq(control->report.failed, 4);
	cr_assert_not_null(strstr(control->report.errors[0], "test.yaml:5:"));

	rig_reload(ONE_WORKER ON_HTTP ON_ADMIN TEAPOT
	    "access_log: { output: /no/such/file }\n");
	cr_assert_eq(control->report.failed, 5);
	cr_assert_not_null(strstr(control->report.errors[0],
	    "access_log.output: cannot open /no/such/file: No such file"));
	cr_assert_eq(rig_says("failed with 1 error;"), 5);

	cr_assert_eq(control->snapshot, s);
	cr_assert_eq(control->generation, 1);
	cr_assert_eq(control->generations, 1);
	cr_assert_eq(control->ndoors, 2);
	cr_assert_eq(rig_get(rig_port("http"), "/").status, 418);
	rig_stop();
}

Test(reload, a_default_admin_address_that_is_taken_is_only_a_warning)
{
	struct origin *o = origin_new("a");
	struct control *control;
	struct snapshot *s;

	rig_default_admin(origin_port(o));
	control = rig_start(ONE_WORKER ON_HTTP NO_LOG TEAPOT);
	s = control->snapshot;
	cr_assert(control->plan->conf->admin_is_default);
	cr_assert_eq(rig_says("there is no admin endpoint"), 1);
	cr_assert_eq(s->nlisteners, 2);
	cr_assert_eq(s->listeners[1].ndoors, 0);
	cr_assert_eq(control->ndoors, 1);
	rig_stop();
}

Test(reload, admin_may_be_off)
{
	struct control *control =
	    rig_start(ONE_WORKER ON_HTTP "admin: off\n" NO_LOG TEAPOT);

	cr_assert_eq(control->snapshot->nlisteners, 1);
	cr_assert_not(control->snapshot->listeners[0].is_admin);
	cr_assert_eq(control->ndoors, 1);
	rig_stop();
}

Test(reload, admin_has_limits_of_its_own)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	const struct conf_listener *l = &control->plan->admin;
	struct port *p = port_named(control->self, "admin");

	cr_assert_eq(l->header_ns, 10 * CLOCK_S);
	cr_assert_eq(l->body_ns, 30 * CLOCK_S);
	cr_assert_eq(l->idle_ns, 75 * CLOCK_S);
	cr_assert_eq(l->max_connections, 256);
	cr_assert_eq(l->header_size, 32768);
	cr_assert_eq(l->uri_size, 8192);
	cr_assert_eq(l->max_headers, 100);
	cr_assert_eq(l->body_size, 65536);
	cr_assert_eq(control->snapshot->response_limits.head_bytes, 65536);
	cr_assert_eq(control->snapshot->response_limits.fields, 256);
	cr_assert(control->snapshot->listeners[1].is_admin);
	cr_assert(p->is_admin);
	cr_assert_null(port_named(control->workers[0], "admin"));
	cr_assert_null(port_named(control->self, "http"));
	rig_stop();
}

Test(reload, a_port_takes_over_all_settings_in_place)
{
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n" ON_ADMIN
		NO_LOG TEAPOT);
	struct port *p = port_named(control->workers[0], "http");
	struct addr peer;

	cr_assert_eq(p->refs, 1);
	cr_assert_eq(p->ntrusted, 0);
	cr_assert_eq(p->body_size, UINT64_MAX);
	cr_assert_eq(p->requests_per_connection, 0);
	rig_reload(ONE_WORKER
	    "listeners: { a: { address: \"127.0.0.1:0\" }, http: { address: "
	    "\"127.0.0.1:0\", redirect: https, "
	    "trusted_proxies: [10.0.0.0/8, 192.0.2.1/32], "
	    "timeouts: { header: 1s, body: 2s, idle: 3s, handshake: 4s }, "
	    "limits: { max_connections: 5, header_size: 6KiB, uri_size: 700B, "
	    "headers: 8, body_size: 9B, requests_per_connection: 10 } } }\n" ON_ADMIN
		NO_LOG TEAPOT);
	cr_assert(control->report.ok);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(port_named(control->workers[0], "http"), p);
	cr_assert_eq(p->refs, 1);
	cr_assert_eq(p->index, 1);
	cr_assert(p->redirect_https);
	cr_assert_eq(p->h1.head_ns, 1 * CLOCK_S);
	cr_assert_eq(p->h1.idle_ns, 2 * CLOCK_S);
	cr_assert_eq(p->keepalive_ns, 3 * CLOCK_S);
	cr_assert_eq(p->handshake_ns, 4 * CLOCK_S);
	cr_assert_eq(p->max_connections, 5);
	cr_assert_eq(p->h1.limits.head_bytes, 6144);
	cr_assert_eq(p->h1.limits.uri_bytes, 700);
	cr_assert_eq(p->h1.limits.fields, 8);
	cr_assert_eq(p->body_size, 9);
	cr_assert_eq(p->requests_per_connection, 10);
	cr_assert_eq(p->ntrusted, 2);
	cr_assert(addr_from_ip(TEXT("10.1.2.3"), 0, &peer));
	cr_assert(port_trusts(p, &peer));
	cr_assert(addr_from_ip(TEXT("192.0.2.1"), 0, &peer));
	cr_assert(port_trusts(p, &peer));
	cr_assert(addr_from_ip(TEXT("192.0.2.2"), 0, &peer));
	cr_assert_not(port_trusts(p, &peer));
	rig_stop();
}

Test(reload, tls_contexts_are_made_anew_only_for_other_options)
{
	struct cert cert =
	    cert_make(rig_directory(), "a", "a.test", CERT_ECDSA);
	const char *format = ONE_WORKER
	    "listeners: { https: { address: \"127.0.0.1:0\", tls: { "
	    "certificates: [{ cert: %s, key: %s }]%s } } }\n" ON_ADMIN NO_LOG
		TEAPOT;
	static const char *const options[] = { "", ", min_version: \"1.3\"",
		", session_tickets: false",
		", ciphers: ECDHE-ECDSA-AES128-GCM-SHA256",
		", ciphersuites: TLS_AES_128_GCM_SHA256", ", curves: P-256" };
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { https: { address: \"127.0.0.1:0\", tls: { "
	    "certificates: [{ cert: %s, key: %s }] } } }\n" ON_ADMIN NO_LOG
		TEAPOT,
	    cert.cert, cert.key);
	struct port *p = port_named(control->workers[0], "https");
	struct tls_context *context = p->context;
	char *key;

	cr_assert(p->has_tls);
	cr_assert_not_null(context);
	for (unsigned i = 0; i < 6; i++) {
		key = keep_printf("%s", p->context_key);
		context = p->context;
		rig_write(
		    "%s", keep_printf(format, cert.cert, cert.key, options[i]));
		rig_signal(SIGHUP);
		RIG_UNTIL(control->report.succeeded == i + 1);
		RIG_UNTIL(control->generations == 1);
		if (i == 0)
			cr_assert_eq(p->context, context);
		else
			cr_assert_str_neq(p->context_key, key);
		cr_assert_not_null(p->context);
	}
	rig_reload(ONE_WORKER "listeners: { https: { address: "
			      "\"127.0.0.1:0\" } }\n" ON_ADMIN NO_LOG TEAPOT);
	RIG_UNTIL(control->generations == 1);
	cr_assert_not(p->has_tls);
	cr_assert_eq(rig_get(rig_port("https"), "/").status, 418);
	rig_stop();
}

Test(reload, faults_of_tls_stand_at_their_place)
{
	struct cert cert =
	    cert_make(rig_directory(), "a", "a.test", CERT_ECDSA);
	struct cert rsa = cert_make(rig_directory(), "b", "b.test", CERT_RSA);
	struct control *control = rig_start(ONE_WORKER PLAIN);

	rig_reload(ONE_WORKER
	    "listeners:\n  one: { address: \"127.0.0.1:0\", tls: { "
	    "certificates: [{ cert: %s, key: %s }] } }\n"
	    "  two:\n    address: \"127.0.0.1:0\"\n    tls: { "
	    "certificates: [\n      { cert: %s,\n        key: %s },\n"
	    "      { cert: %s/log,\n        key: %s },\n"
	    "      { cert: %s,\n        key: %s }] }\n" ON_ADMIN NO_LOG TEAPOT,
	    cert.cert, cert.key, cert.cert, cert.key, rig_directory(), cert.key,
	    cert.cert, rsa.key);
	cr_assert_eq(control->report.nerrors, 2);
	cr_assert_not_null(strstr(control->report.errors[0],
	    keep_printf("test.yaml:9:15: %s/log: ", rig_directory())));
	cr_assert_not_null(strstr(control->report.errors[1],
	    keep_printf("test.yaml:12:14: %s: ", rsa.key)));
	rig_reload(ONE_WORKER
	    "listeners:\n  one: { address: \"127.0.0.1:0\", tls: { "
	    "certificates: [{ cert: %s, key: %s }], ciphers: nonsense } }\n" ON_ADMIN
		NO_LOG TEAPOT,
	    cert.cert, cert.key);
	cr_assert_eq(control->report.nerrors, 1);
	cr_assert_not_null(
	    strstr(control->report.errors[0], "listeners.one.tls.ciphers: "));
	rig_stop();
}

Test(reload, a_listener_that_is_gone_closes_and_may_come_back)
{
	struct control *control = rig_start(
	    "workers: 2\n"
	    "listeners: { a: { address: \"127.0.0.1:0\" }, "
	    "b: { address: \"127.0.0.1:0\" } }\n" ON_ADMIN NO_LOG TEAPOT);
	int port = rig_port("b"), fd = rig_dial(port), other;

	cr_assert_eq(
	    rig_ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 418);
	rig_reload("workers: 2\nlisteners: { a: { address: \"127.0.0.1:0\" } "
		   "}\n" ON_ADMIN NO_LOG TEAPOT);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(control->ndoors, 2);
	other = socket(AF_INET, SOCK_STREAM, 0);
	close(other);
	/* A kept connection is told with its next response. */
	cr_assert_not_null(
	    strstr(rig_ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").head,
		"Connection: close"));
	rig_must_end(fd);
	RIG_UNTIL(port_named(control->workers[0], "b") == NULL &&
	    port_named(control->workers[1], "b") == NULL);
	rig_reload(
	    "workers: 2\nlisteners: { a: { address: \"127.0.0.1:0\" }, "
	    "b: { address: \"127.0.0.1:%d\" } }\n" ON_ADMIN NO_LOG TEAPOT,
	    port);
	cr_assert(control->report.ok);
	cr_assert_eq(rig_port("b"), port);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(rig_get(port, "/").status, 418);
	rig_stop();
}

Test(reload, an_address_given_up_may_be_had_again_before_all_have_closed_it)
{
	struct origin *o = origin_new("a");
	int port = origin_port(o);
	struct control *control;
	struct door *first;

	origin_kill(o);
	control = rig_start(
	    "workers: 2\nlisteners: { a: { address: "
	    "\"127.0.0.1:0\" }, b: { address: "
	    "[\"127.0.0.1:%d\", \"unix:%s/s\"] } }\n" ON_ADMIN NO_LOG TEAPOT,
	    port, rig_directory());
	first = control->snapshot->listeners[1].doors[0];
	cr_assert_eq(first->refs, 1);
	cr_assert_eq(first->n, 2);
	/* No worker turns while control does all this. */
	rig_write("workers: 2\nlisteners: { a: { address: \"127.0.0.1:0\" } "
		  "}\n" ON_ADMIN NO_LOG TEAPOT);
	rig_signal(SIGHUP);
	while (control->report.succeeded < 1)
		rig_turn_one(2);
	cr_assert(first->left);
	cr_assert_not(control->snapshot->listeners[0].doors[0]->left);
	rig_write(
	    "workers: 2\nlisteners: { a: { address: \"127.0.0.1:0\" }, "
	    "b: { address: [\"127.0.0.1:%d\", \"unix:%s/s\"] } }\n" ON_ADMIN
		NO_LOG TEAPOT,
	    port, rig_directory());
	rig_signal(SIGHUP);
	while (control->report.succeeded + control->report.failed < 2)
		rig_turn_one(2);
	cr_assert(control->report.ok);
	cr_assert_neq(control->snapshot->listeners[1].doors[0], first);
	cr_assert_eq(control->ndoors, 6);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(control->ndoors, 4);
	cr_assert_eq(rig_get(port, "/").status, 418);
	cr_assert_eq(access(keep_printf("%s/s", rig_directory()), F_OK), 0,
	    "the path is the new door's");
	rig_stop();
	cr_assert_eq(access(keep_printf("%s/s", rig_directory()), F_OK), -1);
}

Test(reload, a_door_passes_from_one_name_to_another)
{
	struct origin *o = origin_new("a");
	int port = origin_port(o), fd;
	struct control *control;
	struct door *door;

	origin_kill(o);
	control = rig_start(ONE_WORKER
	    "listeners: { a: { address: "
	    "\"127.0.0.1:%d\" } }\n" ON_ADMIN NO_LOG TEAPOT,
	    port);
	door = control->snapshot->listeners[0].doors[0];
	fd = rig_dial(port);
	rig_reload(ONE_WORKER "listeners: { b: { address: "
			      "\"127.0.0.1:%d\" } }\n" ON_ADMIN NO_LOG TEAPOT,
	    port);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(control->snapshot->listeners[0].doors[0], door);
	cr_assert_eq(port_at(control->workers[0], door->key),
	    port_named(control->workers[0], "b"));
	cr_assert_null(port_at(control->workers[0], "none"));
	cr_assert_eq(
	    rig_ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 418);
	rig_stop();
}

Test(reload, doors_that_are_gone_are_given_up_and_no_others)
{
	struct control *control;
	struct door *a, *b, *c;

	control = rig_start(
	    "workers: 2\nlisteners: { "
	    "a: { address: \"127.0.0.1:0\" }, "
	    "b: { address: \"127.0.0.1:0\" }, "
	    "c: { address: \"127.0.0.1:0\" } }\n" ON_ADMIN NO_LOG TEAPOT);
	a = control->snapshot->listeners[0].doors[0];
	b = control->snapshot->listeners[1].doors[0];
	c = control->snapshot->listeners[2].doors[0];
	cr_assert_not(a->left || b->left || c->left);
	rig_write("workers: 2\nlisteners: { b: { address: \"127.0.0.1:0\" } "
		  "}\n" ON_ADMIN NO_LOG TEAPOT);
	rig_signal(SIGHUP);
	while (control->report.succeeded < 1)
		rig_turn_one(2);
	cr_assert(a->left && c->left);
	cr_assert_not(b->left);
	/* What was given up may be closed already: it is not touched. */
	doors_shut(control, 1);
	cr_assert_eq(rig_get(rig_port("b"), "/").status, 418);
	rig_stop();
}

Test(reload, one_network_may_be_trusted)
{
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\", "
	    "trusted_proxies: [10.0.0.0/8] } }\n" ON_ADMIN NO_LOG TEAPOT);
	struct port *p = port_named(control->workers[0], "http");
	struct addr peer;

	cr_assert(addr_from_ip(TEXT("10.1.2.3"), 0, &peer));
	cr_assert(port_trusts(p, &peer));
	cr_assert(addr_from_ip(TEXT("11.1.2.3"), 0, &peer));
	cr_assert_not(port_trusts(p, &peer));
	rig_stop();
}

Test(reload, port_0_is_another_port_for_each_listener)
{
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { a: { address: \"127.0.0.1:0\" }, "
	    "b: { address: \"127.0.0.1:0\" } }\n" ON_ADMIN NO_LOG TEAPOT);

	cr_assert_eq(control->ndoors, 3);
	cr_assert_neq(rig_port("a"), rig_port("b"));
	cr_assert_eq(rig_get(rig_port("a"), "/").status, 418);
	cr_assert_eq(rig_get(rig_port("b"), "/").status, 418);
	rig_stop();
}

Test(reload, gates_are_kept_by_name)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct gate *gate = control->snapshot->listeners[0].gate;

	cr_assert_eq(control->ngates, 2);
	cr_assert_str_eq(gate->name, "http");
	cr_assert_str_eq(control->gates[1]->name, "admin");
	rig_reload(ONE_WORKER PLAIN);
	cr_assert_eq(control->ngates, 2);
	cr_assert_eq(control->snapshot->listeners[0].gate, gate);
	rig_stop();
}

Test(reload, a_request_under_way_keeps_the_old_snapshot_until_its_answer)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "routes: [{ to: [\"127.0.0.1:%d\"] }]\n",
	    origin_port(o));
	struct snapshot *old = control->snapshot;
	struct lease *lease = control->workers[0]->lease;
	int fd = rig_dial(rig_port("http"));

	origin_reply(o, (struct reply){ .delay_ms = 300, .text = "x" });
	rig_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	RIG_UNTIL(origin_requests(o) == 1);
	cr_assert_eq(lease->uses, 2);
	rig_reload(ONE_WORKER PLAIN);
	cr_assert(control->report.ok);
	rig_turn();
	cr_assert_eq(control->generations, 2);
	cr_assert(old->replaced);
	cr_assert_eq(old->leases, 1);
	cr_assert_eq(lease->uses, 1);
	cr_assert_str_eq(rig_answer(fd).body, "x");
	RIG_UNTIL(control->generations == 1);
	close(fd);
	rig_stop();
}

/* Else a worker would stand still for a new snapshot with thousands of them. */
Test(reload, counters_of_new_routes_and_servers_wait_for_their_first_request)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct stats *stats = control->workers[0]->stats;
	struct snapshot *s;
	int fd;

	rig_reload(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "routes: [{ name: new, to: [\"127.0.0.1:%d\"] }]\n",
	    origin_port(o));
	RIG_UNTIL(control->generations == 1);
	s = control->snapshot;
	cr_assert_null(stats_block(stats, STATS_ROUTES, s->routes[0].slot));
	cr_assert_null(
	    stats_block(stats, STATS_SERVERS, s->upstreams[0].server_slots[0]));
	fd = rig_dial(rig_port("http"));
	cr_assert_eq(
	    rig_ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
	cr_assert_not_null(stats_block(stats, STATS_ROUTES, s->routes[0].slot));
	cr_assert_not_null(
	    stats_block(stats, STATS_SERVERS, s->upstreams[0].server_slots[0]));
	close(fd);
	rig_stop();
}

Test(reload, slots_of_servers_follow_the_roster)
{
	struct control *control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "routes: [{ name: r, to: [\"127.0.0.1:1\", \"127.0.0.1:2\", "
	    "\"127.0.0.1:3\"] }]\n");
	struct snap_upstream *u = &control->snapshot->upstreams[0];

	cr_assert_eq(u->roster->n, 3);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(
		    u->roster->members[i].server, u->group->beings[i]->server);
		cr_assert_eq(u->server_slots[i], u->group->beings[i]->slot);
		cr_assert_neq(u->server_slots[i], u->server_slots[(i + 1) % 3]);
	}
	cr_assert_eq(u->slot, u->group->slot);
	cr_assert_eq(u->board, u->group->board);
	cr_assert_eq(u->breaker, u->group->breaker);
	cr_assert_not(u->unresolved);
	cr_assert_eq(u->group->refs, 1);
	rig_stop();
}

Test(reload, an_upstream_that_no_route_names_any_more_goes)
{
	struct control *control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { a: [\"127.0.0.1:1\"], b: [\"127.0.0.1:2\"], "
	    "c: [\"127.0.0.1:3\"] }\n"
	    "routes: [{ path: /a, to: a }, { path: /b, to: b }, "
	    "{ path: /c, to: c }]\n");
	struct group *b = group_find(control, "b");

	cr_assert_not_null(b);
	cr_assert_not_null(group_find(control, "a"));
	rig_reload(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { b: [\"127.0.0.1:2\"] }\nroutes: [{ to: b }]\n");
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(group_find(control, "b"), b);
	cr_assert_eq(b->refs, 1);
	cr_assert_null(group_find(control, "a"));
	cr_assert_null(group_find(control, "c"));
	rig_stop();
}
