/*
 * A real WebSocket server and real clients, Debian's node-ws, with fairlead
 * between them: bytes both ways, sessions held across reloads, and what they
 * keep alive.
 *
 * WEBSOCKET_LONG=1 takes the sizes of the long proof (`make soak-websocket').
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/peer.h"
#include "tests/lib/wait.h"

enum { CONTROL_MS = 1800000 };

/* What the allocators may keep of all those reloads. */
enum { RELOADS_KIB = 16 * 1024 };

static struct peer *server, *clients;
static struct daemon *d;
static char *directory;
static bool is_long;

TestSuite(websocket, .timeout = 7200);

static unsigned
size(unsigned brief, unsigned full)
{
	return is_long ? full : brief;
}

static void
report(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (is_long)
		vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* `routes' of them, of which one is asked for. */
static char *
yaml(unsigned routes)
{
	struct bytes b = { 0 };

	bytes_printf(&b,
	    "workers: 2\n"
	    "listeners:\n"
	    "  http: { address: \"127.0.0.1:0\" }\n"
	    "  https: { address: \"127.0.0.1:0\", tls: { certificates: "
	    "[{ cert: t.pem, key: t.key }] } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: { output: \"%s/access.json\" }\n"
	    "shutdown: { timeout: 1s }\n"
	    "upstreams: { up: [\"127.0.0.1:%d\"] }\n"
	    "routes:\n"
	    "  - { name: all, path: \"/*\", to: up }\n",
	    directory, server->port);
	for (unsigned i = 1; i < routes; i++)
		bytes_printf(&b,
		    "  - { name: r%u, host: h%u.test, path: \"/p%u/*\", "
		    "to: up }\n",
		    i, i, i);
	return b.p;
}

/* Not faster than the log tells: 20 lines of a kind a second. */
static void
reload(unsigned routes)
{
	int64_t began = wait_now();

	daemon_reload(d, "%s", yaml(routes));
	wait_till(began + 60);
}

static void
stage(unsigned routes)
{
	const char *root = getenv("FAIRLEAD_ROOT");
	char *script = keep_printf(
	    "%s/tests/oracles/websocket.js", root == NULL ? "." : root);

	is_long = getenv("WEBSOCKET_LONG") != NULL;
	directory = daemon_directory();
	(void)cert_make(directory, "t", "t", CERT_ECDSA);
	setenv("NODE_PATH", "/usr/share/nodejs", 1);
	server = peer_new("server", directory);
	clients = peer_new("clients", directory);
	peer_run(server, "node", script, keep_printf("%d", server->port), NULL);
	peer_run(
	    clients, "node", script, keep_printf("%d", clients->port), NULL);
	d = daemon_start_in(directory, NULL, "%s", yaml(size(20, routes)));
}

static void
strike(void)
{
	daemon_stop(d);
	peer_stop(server);
	peer_stop(clients);
}

/* Have the clients do that; what they say of it. */
static char *
have(const char *fmt, ...)
{
	struct client *c = keep(sizeof *c);
	struct response r = { 0 };
	char *path;
	va_list ap;

	va_start(ap, fmt);
	cr_assert_geq(vasprintf(&path, fmt, ap), 0);
	va_end(ap);
	c->ms = CONTROL_MS;
	cr_assert(client_connect(c, clients->port), "%s", c->why);
	cr_assert(client_print(c, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path) &&
		client_response(c, &r, "GET"),
	    "%s: %s", path, c->why);
	client_close(c);
	free(path);
	cr_assert(
	    r.body_n > 3 && memcmp(r.body.p, "ok ", 3) == 0, "%s", r.body.p);
	return r.body.p + 3;
}

/* As the address of the plain listener. */
static char *
url(void)
{
	return keep_printf("ws://127.0.0.1:%d/", daemon_port(d, "http"));
}

static void
pass(const char *to)
{
	char *text = have("/pass?url=%s&bytes=%llu", to,
	    (unsigned long long)size(8, 1024) << 20);

	report("%.5s: %s", to, text);
	must_count(d, "fairlead_websocket_sessions{route=\"all\"}", 0);
	report("fairlead's RSS: %ld KiB\n", daemon_rss(d));
}

Test(websocket, bytes_pass_both_ways)
{
	stage(1);
	pass(url());
	strike();
}

Test(websocket, bytes_pass_both_ways_over_tls)
{
	stage(1);
	pass(keep_printf("wss://127.0.0.1:%d/", daemon_port(d, "https")));
	strike();
}

Test(websocket, sessions_are_held_across_reloads)
{
	unsigned i, n, reloads;

	stage(1);
	n = size(60, 1000);
	reloads = size(8, 100);
	(void)have("/open?url=%s&n=%u", url(), n);
	for (i = 0; i < reloads; i++) {
		reload(1 + i % 2);
		if (i % 10 == 0)
			(void)have("/say");
	}
	(void)have("/say");
	must_count(d, "fairlead_websocket_sessions{route=\"all\"}", n);
	report("%u reloads: %s", reloads, have("/close"));
	must_count(d, "fairlead_websocket_sessions{route=\"all\"}", 0);
	strike();
}

/* How much memory so many tunnels cost, each after so many reloads. */
static long
cost(unsigned tunnels, unsigned reloads, unsigned routes)
{
	double alive, most = 0;
	long before;
	unsigned i, k;

	for (i = 0; i < size(4, 30); i++)
		reload(routes + i % 2);
	before = daemon_rss(d);
	for (i = 0; i < tunnels; i++) {
		for (k = 0; k < reloads; k++)
			reload(routes + i % 2);
		alive = daemon_metric(d, "fairlead_config_generations");
		if (alive > most)
			most = alive;
		(void)have("/open?url=%s&n=1", url());
		cr_assert_leq(alive, 3, "%.0f configurations alive", alive);
	}
	(void)have("/say");
	must_count(d, "fairlead_config_generations", 1);
	must_count(d, "fairlead_websocket_sessions{route=\"all\"}", tunnels);
	report("%u tunnels, %u reloads of %u routes before each: at most %.0f "
	       "generations alive, RSS %ld -> %ld KiB\n",
	    tunnels, reloads, routes, most, before, daemon_rss(d));
	return daemon_rss(d) - before;
}

Test(websocket, one_after_each_reload_keeps_no_configuration)
{
	unsigned tunnels, routes;
	long without, with;

	stage(2000);
	tunnels = size(12, 500);
	routes = size(20, 2000);
	without = cost(tunnels, 0, routes);
	(void)have("/close");
	strike();
	stage(2000);
	with = cost(tunnels, 1, routes);
	(void)have("/close");
	strike();
	report("the reloads' share: %ld KiB\n", with - without);
	cr_assert(daemon_is_sanitized() || with - without < RELOADS_KIB,
	    "%ld KiB with reloads, %ld without", with, without);
}
