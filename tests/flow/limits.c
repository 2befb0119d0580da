/*
 * Fairlead's own limits: descriptors that run out are nobody else's fault, and
 * a process that stood still blames no server.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { DESCRIPTORS = 64, STALL_MS = 2000 };

TestSuite(limits, .timeout = 120);

static struct origin *o;
static struct front f;

static void
limit_descriptors(rlim_t n)
{
	struct rlimit limit = { n, n };

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/*
 * Hold one more request, each of which needs two descriptors of fairlead's,
 * until one is answered or none is accepted any more.
 */
static bool
fill_up(struct client *held[], unsigned n)
{
	struct response r = { 0 };
	unsigned i;

	for (i = 0; i < n; i++) {
		held[i] = dial(f.port);
		held[i]->ms = 1000;
		cr_assert(client_print(
		    held[i], "GET /held HTTP/1.1\r\nHost: t\r\n\r\n"));
		(void)WAIT_FOR(1000, origin_requests(o) > i);
		if (origin_requests(o) > i)
			continue;
		if (!client_response(held[i], &r, "GET"))
			return false;
		must_refuse(&r, 503, "local_resource");
		return true;
	}
	cr_assert_fail("%u requests and still descriptors", n);
	return false;
}

/* Whether an odd or an even number is left decides which call fails first. */
Test(limits, local_resource__no_descriptor_left_for_a_server)
{
	struct client *held[DESCRIPTORS];
	bool seen = false;
	unsigned idle;

	limit_descriptors(DESCRIPTORS);
	for (idle = 0; idle < 2 && !seen; idle++) {
		o = origin_new("a");
		origin_reply(
		    o, (struct reply){ .path = "/held", .silent = true });
		f = front_of(
		    &(struct front_settings){
			.upstream = ", circuit_breaker: { failure_rate: off, "
				    "consecutive_failures: 1 }" },
		    o, NULL);
		if (idle > 0)
			(void)dial(f.port);
		seen = fill_up(held, DESCRIPTORS / 2);
		daemon_signal(f.d, SIGKILL);
		(void)daemon_wait(f.d, 10000);
	}
	cr_assert(seen, "accept always failed first");
}

/* Both processes have the same limit; fairlead needs more for itself. */
Test(limits, running_out_of_descriptors_is_survived)
{
	struct client held[2 * DESCRIPTORS - 20];
	size_t n = sizeof held / sizeof *held, i;

	limit_descriptors(2 * DESCRIPTORS);
	o = origin_new("a");
	f = front_of(&(struct front_settings){ 0 }, o, NULL);
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	for (i = 0; i < n; i++) {
		held[i] = (struct client){ .ms = 1000 };
		cr_assert(client_connect(&held[i], f.port));
	}
	for (i = 0; i < n; i++)
		client_close(&held[i]);
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	daemon_stop(f.d);
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

	o = origin_new("a");
	origin_reply(o, (struct reply){ .path = "/never", .silent = true });
	f = front_of(
	    &(struct front_settings){
		.upstream = keep_printf(", timeouts: { response: %dms }, "
					"circuit_breaker: { failure_rate: off, "
					"consecutive_failures: 1 }",
		    STALL_MS / 2) },
	    o, NULL);
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

	o = origin_new("a");
	origin_reply(o,
	    (struct reply){ .path = "/slow", .delay_ms = 200, .text = "here" });
	f = front_of(
	    &(struct front_settings){
		.upstream = keep_printf(
		    ", timeouts: { response: %dms }", STALL_MS / 2) },
	    o, NULL);
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

	o = origin_new("a");
	f = front_of(
	    &(struct front_settings){
		.upstream = ", health_check: { type: http, interval: 100ms, "
			    "timeout: 300ms, unhealthy_threshold: 1 }" },
	    o, NULL);
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

	o = origin_new("a");
	origin_reply(o, (struct reply){ .path = "/never", .silent = true });
	f = front_of(&(struct front_settings){ 0 }, o, NULL);
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
