/*
 * Fairlead's own limits: descriptors that run out are nobody else's fault, and
 * a process that stood still blames no server.
 */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/load.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

enum { DESCRIPTORS = 64, STALL_MS = 2000 };

TestSuite(limits, .timeout = 120);

static void
limit_descriptors(rlim_t n)
{
	struct rlimit limit = { n, n };

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static const char *const held = "GET /held HTTP/1.1\r\nHost: t\r\n\r\n";

/* Let clients in, until one waits for its answer in vain; how many. */
static unsigned
fill_up(struct client *in[DESCRIPTORS])
{
	unsigned n;

	for (n = 0; n < DESCRIPTORS; n++) {
		struct response r = { 0 };

		in[n] = dial(f.port);
		in[n]->ms = 1000;
		cr_assert(
		    client_print(in[n], "GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
		if (!client_response(in[n], &r, "GET"))
			return n;
		cr_assert_eq(r.status, 200);
	}
	cr_assert_fail("%u connections and still descriptors", n);
	return n;
}

/* With few descriptors, and all held by clients; how many those are. */
static unsigned
start_full(const char *upstream, struct client *in[DESCRIPTORS])
{
	limit_descriptors(DESCRIPTORS);
	stage_set(&(struct front_settings){ .upstream = upstream });
	origin_reply(o, (struct reply){ .path = "/held", .silent = true });
	return fill_up(in);
}

/* Those who were let in ask for more servers than there are descriptors. */
Test(limits, descriptor_limit__no_descriptor_left_for_a_server)
{
	struct client *in[DESCRIPTORS];
	struct response r = { 0 };
	unsigned n, i;

	n = start_full(", circuit_breaker: { failure_rate: off, "
		       "consecutive_failures: 1 }",
	    in);
	for (i = 0; i < n; i++) {
		cr_assert(client_print(in[i], "%s", held));
		(void)WAIT_FOR(1000, origin_count(o, "/held") > i);
		if (origin_count(o, "/held") <= i)
			break;
	}
	cr_assert_lt(i, n, "%u requests and still descriptors", n);
	cr_assert_gt(i, 0, "a reserve is left for servers");
	cr_assert(client_response(in[i], &r, "GET"), "%s", in[i]->why);
	must_refuse(&r, 503, "descriptor_limit");
	must_count(f.d,
	    "fairlead_http_failures_total"
	    "{route=\"all\",reason=\"descriptor_limit\"}",
	    1);
	must_count(f.d,
	    "fairlead_circuit_breaker_state{upstream=\"up\","
	    "state=\"closed\"}",
	    1);
	for (i = 0; i <= n; i++)
		client_close(in[i]);
	daemon_stop(f.d);
}

/* Nobody is turned away: who comes waits until there is room. */
Test(limits, running_out_of_descriptors_is_survived)
{
	struct client *in[DESCRIPTORS];
	struct response r = { 0 };
	unsigned n, i;

	n = start_full(", health_check: { type: http, interval: 100ms, "
		       "unhealthy_threshold: 1 }",
	    in);
	cr_assert(daemon_says(f.d, 0, "accepting pauses"));
	for (i = 0; i < n; i++)
		cr_assert_eq(
		    ask(in[i], "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status,
		    200, "one that is there");
	cr_assert(daemon_server_up(
	    f.d, "up", keep_printf("127.0.0.1:%d", origin_port(o))));
	daemon_reload(f.d, "%s", keep_file(f.d->config));
	for (i = 0; i < n; i++)
		client_close(in[i]);
	in[n]->ms = 0;
	cr_assert(client_response(in[n], &r, "GET"), "%s", in[n]->why);
	cr_assert_eq(r.status, 200, "the one that waited");
	cr_assert(daemon_says(f.d, 0, "accepting again"));
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	daemon_stop(f.d);
}

/* It looks ten times a second whether there are any again, and sleeps between. */
Test(limits, waiting_for_descriptors_costs_next_to_nothing)
{
	static const char *const busy =
	    "fairlead_worker_busy_seconds_total{worker=\"0\"}";
	struct client *in[DESCRIPTORS];
	double before;
	int64_t then;

	(void)start_full("", in);
	before = daemon_metric(f.d, busy);
	then = wait_now();
	wait_till(then + 1000);
	cr_assert_lt((daemon_metric(f.d, busy) - before) * 1000,
	    (double)(wait_now() - then) / 2);
	daemon_signal(f.d, SIGKILL);
	(void)daemon_wait(f.d, 10000);
}

/*
 * In a network of our own, where two ports are all there are for connections
 * to one server.  Without the right to have one this cannot be tried.
 */
static bool
own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;
	bool up;

	if (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	up = fd != -1 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return up;
}

static void
leave_two_ports(void)
{
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");

	cr_assert_not_null(range);
	cr_assert_gt(fprintf(range, "20000 20001\n"), 0);
	cr_assert_eq(fclose(range), 0);
}

Test(limits, local_resource__no_port_left_for_a_server)
{
	struct client c[3] = { 0 };
	struct response r = { 0 };
	const char *path;
	unsigned i;

	if (!own_network())
		cr_skip_test("no network of our own");
	stage_set(
	    &(struct front_settings){ .top = "# the clients need no port\n" });
	origin_reply(o, (struct reply){ .path = "/held", .silent = true });
	path = keep_printf("%s/s", f.d->directory);
	daemon_reload(f.d,
	    "workers: 1\n"
	    "listeners: { local: { address: \"unix:%s\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: { output: \"%s\" }\n"
	    "routes: [{ path: \"/*\", to: [\"127.0.0.1:%d\"] }]\n",
	    path, f.access_log, origin_port(o));
	leave_two_ports();
	for (i = 0; i < 3; i++) {
		cr_assert(client_connect_unix(&c[i], path), "%s", c[i].why);
		cr_assert(client_print(&c[i], "%s", held));
		if (i < 2)
			cr_assert(WAIT_FOR(5000, origin_requests(o) > i));
	}
	cr_assert(client_response(&c[2], &r, "GET"), "%s", c[2].why);
	must_refuse(&r, 503, "local_resource");
	front_must_log(&f, "/held", "local_resource");
	daemon_signal(f.d, SIGKILL);
	(void)daemon_wait(f.d, 10000);
}

static void
stand_still(int ms)
{
	daemon_signal(f.d, SIGSTOP);
	wait_till(wait_now() + ms);
	daemon_signal(f.d, SIGCONT);
}

Test(limits, stalled__a_timeout_that_passed_in_a_stall_blames_no_server)
{
	struct client *c;
	struct response r;

	stage_set(&(struct front_settings){
	    .upstream = keep_printf(", timeouts: { response: %dms }, "
				    "circuit_breaker: { failure_rate: off, "
				    "consecutive_failures: 1 }",
		STALL_MS / 2) });
	origin_reply(o, (struct reply){ .path = "/never", .silent = true });
	c = dial(f.port);
	cr_assert(client_print(c, "GET /never HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(o, 0));
	stand_still(STALL_MS);
	cr_assert(client_response(c, &r, "GET"), "%s", c->why);
	must_refuse(&r, 503, "stalled");
	front_must_log(&f, "/never", "stalled");
	cr_assert_eq(get(f.port, "/", "")->status, 200,
	    "the breaker must not have opened");
	daemon_stop(f.d);
}

/* An answer that came meanwhile is read before any deadline is looked at. */
Test(limits, an_answer_that_came_during_a_stall_is_delivered)
{
	struct client *c;
	struct response r;

	stage_set(&(struct front_settings){
	    .upstream =
		keep_printf(", timeouts: { response: %dms }", STALL_MS / 2) });
	origin_reply(o,
	    (struct reply){ .path = "/slow", .delay_ms = 200, .text = "here" });
	c = dial(f.port);
	cr_assert(client_print(c, "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(o, 0));
	stand_still(STALL_MS);
	cr_assert(client_response(c, &r, "GET"), "%s", c->why);
	cr_assert_eq(r.status, 200);
	daemon_stop(f.d);
}

/* Done-when 7: probes that timed out while we stood still say nothing. */
Test(limits, no_server_changes_state_by_a_stall_under_load)
{
	char *sample;
	struct load *l;

	stage_set(&(struct front_settings){
	    .upstream = ", health_check: { type: http, interval: 100ms, "
			"timeout: 300ms, unhealthy_threshold: 1 }" });
	l = load_start(&(struct load_plan){
	    .port = f.port, .connections = 8, .rate = 200 });
	cr_assert(WAIT_FOR(10000, load_requests(l) > 100));
	stand_still(STALL_MS);
	cr_assert(WAIT_FOR(10000, load_requests(l) > 400));
	cr_assert_eq(load_stop(l)->status[503], 0);
	sample =
	    keep_printf("fairlead_server_transitions_total"
			"{upstream=\"up\",server=\"127.0.0.1:%d\",to=\"down\"}",
		origin_port(o));
	cr_assert_leq(daemon_metric(f.d, sample), 0);
	daemon_stop(f.d);
}

/* Never stuck, never silent: what is under way can be asked for. */
Test(limits, requests_under_way_are_listed_by_age)
{
	struct client *c;

	stage_plain();
	origin_reply(o, (struct reply){ .path = "/never", .silent = true });
	c = dial(f.port);
	cr_assert(client_print(c, "GET /never HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(o, 0));
	cr_assert(WAIT_FOR(10000,
	    strstr(daemon_admin(f.d, "/requests?older=100ms"), "\"all\"") !=
		NULL));
	cr_assert_null(
	    strstr(daemon_admin(f.d, "/requests?older=1h"), "\"all\""));
	client_abort(c);
	cr_assert(WAIT_FOR(10000,
	    strstr(daemon_admin(f.d, "/requests?older=0s"), "\"all\"") ==
		NULL));
	daemon_stop(f.d);
}
