/*
 * Discovery by DNS, asked of real servers: dnsmasq, which sends the addresses
 * of targets along where it has them, and unbound, which does not.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/peer.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 30000, REQUESTS = 40, MANY = 100 };

#define SERVERS "upstreams/up/discovery/servers"
#define HELD "upstreams/up/discovery/held_back/why"
#define ERRORS(reason) \
	"fairlead_discovery_errors_total{upstream=\"up\",provider=\"dns\"," \
	"reason=\"" reason "\"}"
#define SRV "name: _web._tcp.x.test"

static struct origin *a, *b, *c;
static struct daemon *d;
static struct peer *server;
static bool is_unbound;

static void
stage(void)
{
	a = origin_new("a");
	b = origin_new("b");
	c = origin_new("c");
}

TestSuite(dns, .init = stage, .timeout = 180);

static void
need(const char *program)
{
	if (system(keep_printf("PATH=$PATH:/usr/sbin command -v %s > /dev/null",
		program)) != 0)
		cr_skip_test("%s is not installed", program);
	setenv("PATH", keep_printf("%s:/usr/sbin", getenv("PATH")), 1);
	is_unbound = strcmp(program, "unbound") == 0;
	server = peer_new(program, daemon_directory());
}

static void
write_config(const char *text)
{
	FILE *f = fopen(keep_printf("%s/config", server->directory), "we");

	cr_assert_not_null(f, "%s", strerror(errno));
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

static void
run_server(void)
{
	char *path = keep_printf("%s/config", server->directory);

	if (is_unbound)
		peer_run(server, "unbound", "-d", "-p", "-c", path, NULL);
	else
		peer_run(server, "dnsmasq", "--keep-in-foreground",
		    keep_printf("--conf-file=%s", path), NULL);
}

/* Its port stays ours. */
static void
kill_server(void)
{
	cr_assert_eq(kill(server->pid, SIGKILL), 0);
	cr_assert_eq(waitpid(server->pid, NULL, 0), server->pid);
}

/* Lines of dnsmasq's configuration. */
static void
dnsmasq(const char *records)
{
	write_config(
	    keep_printf("port=%d\nlisten-address=127.0.0.1\nbind-interfaces\n"
			"user=root\npid-file=\nno-resolv\nno-hosts\n"
			"local=/test/\nlocal-ttl=1\n%s",
		server->port, records));
	run_server();
}

/* Lines of a zone, each with its quotes. */
static char *
unbound(const char *records)
{
	return keep_printf(
	    "server:\n  interface: 127.0.0.1@%d\n  port: %d\n"
	    "  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n"
	    "  directory: \"%s\"\n  pidfile: \"\"\n  use-syslog: no\n"
	    "  logfile: \"\"\n  so-reuseport: no\n  num-threads: 1\n"
	    "  auto-trust-anchor-file: \"\"\n  module-config: \"iterator\"\n"
	    "  local-zone: \"test.\" static\n%s"
	    "remote-control:\n  control-enable: no\n",
	    server->port, server->port, server->directory, records);
}

/* `discover' are further keys, each with a comma before it. */
static char *
yaml(const char *dns, const char *discover)
{
	return keep_printf(
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: { balance: { policy: round_robin }, "
	    "discover: { dns: { %s }, allow: [127.0.0.0/8, '::1/128']%s } } }\n"
	    "discovery: { dns: { servers: \"127.0.0.1:%d\", "
	    "min_ttl: 200ms } }\n",
	    dns, discover, server->port);
}

static void
start(const char *dns, const char *discover)
{
	d = daemon_start("%s", yaml(dns, discover));
}

static bool
has_servers(int n)
{
	return daemon_stat(d, SERVERS) == n;
}

static struct response *
ask_front(void)
{
	return get(daemon_port(d, "http"), "/", "");
}

/* How many of REQUESTS each of a, b and c answers. */
static void
count(unsigned counts[3])
{
	const char *name;

	memset(counts, 0, 3 * sizeof(*counts));
	for (unsigned i = 0; i < REQUESTS; i++) {
		name = response_field(ask_front(), "x-origin");
		cr_assert_not_null(name);
		counts[*name - 'a']++;
	}
}

static char *
srv_host(struct origin *o, const char *target, int priority, int weight)
{
	return keep_printf("srv-host=_web._tcp.x.test,%s.x.test,%d,%d,%d\n",
	    target, origin_port(o), priority, weight);
}

static char *
srv_data(struct origin *o, const char *target, int priority, int weight)
{
	return keep_printf("  local-data: '_web._tcp.x.test. 1 IN SRV %d %d %d "
			   "%s.x.test.'\n",
	    priority, weight, origin_port(o), target);
}

#define A_HOST "host-record=h.x.test,127.0.0.1\n"
#define A_DATA "  local-data: 'h.x.test. 1 IN A 127.0.0.1'\n"

Test(dns, srv_gives_ports_weights_and_tiers_and_changes_are_followed)
{
	unsigned counts[3];

	need("dnsmasq");
	dnsmasq(keep_printf("%s%s%s" A_HOST, srv_host(a, "h", 10, 3),
	    srv_host(b, "h", 10, 1), srv_host(c, "h", 20, 9)));
	start(SRV, ", max_loss: off");
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(3)));
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 200));
	count(counts);
	cr_assert_eq(counts[0], 30, "a: %u of 40", counts[0]);
	cr_assert_eq(counts[1], 10, "b: %u of 40", counts[1]);
	kill_server();
	dnsmasq(keep_printf("%s" A_HOST, srv_host(c, "h", 20, 9)));
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(1)));
	cr_assert(WAIT_FOR(CHANGE_MS, (count(counts), counts[2] == 40)));
	daemon_stop(d);
	peer_stop(server);
}

Test(dns, a_and_aaaa_are_servers_at_the_configured_port)
{
	need("dnsmasq");
	dnsmasq(A_HOST "host-record=h.x.test,::1,127.0.0.9\n");
	start(keep_printf("name: h.x.test, type: A, port: %d", origin_port(a)),
	    "");
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(2)));
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 200));
	daemon_reload(d, "%s",
	    yaml(keep_printf(
		     "name: h.x.test, type: AAAA, port: %d", origin_port(a)),
		", max_loss: off"));
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(1)));
	daemon_stop(d);
	peer_stop(server);
}

Test(dns, what_does_not_fit_a_datagram_comes_by_tcp)
{
	char *records = keep_printf(A_HOST);

	need("dnsmasq");
	for (int i = 0; i < MANY; i++)
		records =
		    keep_printf("%ssrv-host=_web._tcp.x.test,h.x.test,%d,1,1\n",
			records, 20000 + i);
	dnsmasq(records);
	start(SRV, "");
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(MANY)));
	daemon_stop(d);
	peer_stop(server);
}

Test(dns, no_request_fails_while_the_dns_is_away)
{
	unsigned counts[3];

	need("dnsmasq");
	dnsmasq(keep_printf("%s" A_HOST, srv_host(a, "h", 0, 0)));
	start(SRV, "");
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 200));
	kill_server();
	cr_assert(
	    WAIT_FOR(CHANGE_MS, daemon_metric(d, ERRORS("unreachable")) > 1));
	count(counts);
	cr_assert_eq(counts[0], REQUESTS);
	dnsmasq(keep_printf(
	    "%s%s" A_HOST, srv_host(a, "h", 0, 0), srv_host(b, "h", 0, 0)));
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(2)));
	cr_assert(WAIT_FOR(CHANGE_MS, (count(counts), counts[1] == 20)));
	daemon_stop(d);
	peer_stop(server);
}

Test(dns, targets_without_addresses_beside_them_are_asked_for)
{
	unsigned counts[3];

	need("unbound");
	write_config(
	    unbound(keep_printf("%s" A_DATA, srv_data(a, "h", 10, 5))));
	run_server();
	start(SRV, "");
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(1)));
	write_config(unbound(keep_printf(
	    "%s%s" A_DATA, srv_data(a, "h", 10, 5), srv_data(b, "h", 10, 5))));
	cr_assert_eq(kill(server->pid, SIGHUP), 0);
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(2)));
	cr_assert(WAIT_FOR(CHANGE_MS, (count(counts), counts[1] == 20)));
	daemon_stop(d);
	peer_stop(server);
}

Test(dns, the_root_as_target_is_an_empty_answer_and_no_name_is_an_error)
{
	char *records;

	need("unbound");
	records = unbound(keep_printf("%s" A_DATA, srv_data(a, "h", 0, 0)));
	write_config(records);
	run_server();
	start(SRV, "");
	cr_assert(WAIT_FOR(CHANGE_MS, has_servers(1)));
	write_config(
	    unbound("  local-data: '_web._tcp.x.test. 1 IN SRV 0 0 0 .'\n"));
	cr_assert_eq(kill(server->pid, SIGHUP), 0);
	cr_assert(WAIT_FOR(CHANGE_MS, daemon_stat_text(d, HELD) != NULL));
	cr_assert_eq(ask_front()->status, 200, "it is held back");
	write_config(unbound(""));
	cr_assert_eq(kill(server->pid, SIGHUP), 0);
	cr_assert(
	    WAIT_FOR(CHANGE_MS, daemon_metric(d, ERRORS("not_found")) > 0));
	cr_assert_eq(ask_front()->status, 200, "the last good one is kept");
	daemon_stop(d);
	peer_stop(server);
}

Test(dns, without_servers_of_its_own_the_systems_are_asked_and_a_reload_moves)
{
	const char *env[] = { "FAIRLEAD_DNS_SERVERS", NULL, NULL };
	struct peer *dead = peer_new("nobody", daemon_directory());
	char *text, *cut;

	need("dnsmasq");
	dnsmasq(keep_printf("%s" A_HOST, srv_host(a, "h", 0, 0)));
	env[1] = keep_printf("127.0.0.1:%d", dead->port);
	text = yaml(SRV, "");
	cut = keep_printf("%s", text);
	*strstr(cut, "discovery: {") = '\0';
	d = daemon_start_in(daemon_directory(), env, "%s", cut);
	cr_assert(
	    WAIT_FOR(CHANGE_MS, daemon_metric(d, ERRORS("unreachable")) > 0));
	must_refuse(ask_front(), 503, "unresolved");
	daemon_reload(d, "%s", text);
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 200));
	daemon_stop(d);
	peer_stop(server);
	close(dead->holder);
}
