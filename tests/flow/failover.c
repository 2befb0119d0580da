/*
 * When a server cannot be reached, or a pooled connection is no longer good:
 * what is tried again, and what must not be.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/front.h"
#include "tests/lib/wait.h"

static struct origin *a, *b;
static struct front f;

TestSuite(failover, .timeout = 60);

static void
start(const char *upstream)
{
	a = origin_new("a");
	b = origin_new("b");
	f = front_of(
	    &(struct front_settings){ .upstream = upstream }, a, b, NULL);
}

Test(failover, connect_failure__another_server_gets_it_whatever_the_method)
{
	struct client *c;
	struct response *r;
	unsigned i;

	start("");
	origin_kill(a);
	origin_reply(b, (struct reply){ .digest = true });
	c = dial(f.port);
	for (i = 0; i < 6; i++) {
		r = ask(c,
		    "POST / HTTP/1.1\r\nHost: t\r\n"
		    "Content-Length: 5\r\n\r\nhello");
		cr_assert_eq(r->status, 200);
		cr_assert(response_says(r, "5 "));
	}
	cr_assert_eq(origin_requests(b), 6);
	cr_assert_gt(
	    daemon_metric(f.d,
		keep_printf(
		    "fairlead_upstream_failures_total{upstream=\"up\","
		    "server=\"127.0.0.1:%d\",reason=\"connect_failure\"}",
		    origin_port(a))),
	    0);
	daemon_stop(f.d);
}

Test(failover, connect_failure__with_all_servers_refusing_it_is_a_502)
{
	json_t *line, *attempts;

	start("");
	origin_kill(a);
	origin_kill(b);
	must_refuse(get(f.port, "/none", ""), 502, "connect_failure");
	front_must_log(&f, "/none", "connect_failure");
	line = front_line(&f, 0);
	attempts = json_object_get(line, "attempts");
	cr_assert_eq(json_array_size(attempts), 2, "each server once");
	origin_revive(b);
	cr_assert(WAIT_FOR(10000, get(f.port, "/", "")->status == 200));
	daemon_stop(f.d);
}

/* A listener whose queue is full: the kernel drops what comes. */
static int
deaf_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), i, filler;
	socklen_t n = sizeof in;

	cr_assert_eq(bind(fd, (struct sockaddr *)&in, n), 0);
	cr_assert_eq(listen(fd, 0), 0);
	getsockname(fd, (struct sockaddr *)&in, &n);
	for (i = 0; i < 4; i++) {
		filler = socket(
		    AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(filler, (struct sockaddr *)&in, n);
	}
	return ntohs(in.sin_port);
}

Test(failover, connect_timeout__a_deaf_server_is_a_504)
{
	int deaf = deaf_port();
	struct daemon *d;

	d = daemon_start("listeners: { http: { address: \"127.0.0.1:0\" } }\n"
			 "admin: { address: \"127.0.0.1:0\" }\n"
			 "access_log: off\n"
			 "routes: [{ name: all, path: \"/*\", to: up }]\n"
			 "upstreams:\n"
			 "  up: { servers: [\"127.0.0.1:%d\"], "
			 "timeouts: { connect: 300ms } }\n",
	    deaf);
	must_refuse(
	    get(daemon_port(d, "http"), "/", ""), 504, "connect_timeout");
	daemon_stop(d);
}

Test(failover, connect_timeout__another_server_gets_it)
{
	int deaf = deaf_port();
	struct daemon *d;
	unsigned i;

	a = origin_new("a");
	d = daemon_start(
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams:\n"
	    "  up: { servers: [\"127.0.0.1:%d\", \"127.0.0.1:%d\"], "
	    "timeouts: { connect: 300ms } }\n",
	    deaf, origin_port(a));
	for (i = 0; i < 4; i++)
		cr_assert_eq(get(daemon_port(d, "http"), "/", "")->status, 200);
	cr_assert_eq(origin_requests(a), 4);
	daemon_stop(d);
}

/* The connection is good when it is taken and ends as the request arrives. */
static const struct reply gone_when_reused = { .path = "/gone",
	.raw = "",
	.cut = CUT_FIN,
	.reused_only = true };

Test(failover, stale__a_get_is_sent_again_on_a_fresh_connection)
{
	a = origin_new("a");
	f = front_of(&(struct front_settings){ 0 }, a, NULL);
	origin_reply(a, gone_when_reused);
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert_eq(get(f.port, "/gone", "")->status, 200);
	cr_assert_eq(origin_count(a, "/gone"), 2);
	cr_assert_eq(origin_accepted(a), 2);
	daemon_stop(f.d);
}

Test(failover, stale__a_post_that_went_out_is_not_sent_again)
{
	struct client *c;

	a = origin_new("a");
	f = front_of(&(struct front_settings){ 0 }, a, NULL);
	origin_reply(a, gone_when_reused);
	c = dial(f.port);
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	must_refuse(ask(c,
			"POST /gone HTTP/1.1\r\nHost: t\r\n"
			"Content-Length: 1\r\n\r\nx"),
	    502, "stale");
	cr_assert_eq(origin_count(a, "/gone"), 1);
	front_must_log(&f, "/gone", "stale");
	daemon_stop(f.d);
}

/* Before `a', almost always first, which says nothing to /dying, and another. */
static struct daemon *
stage_dying(int other, const char *more)
{
	a = origin_new("a");
	origin_reply(
	    a, (struct reply){ .path = "/dying", .raw = "", .cut = CUT_FIN });
	return daemon_start(
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "workers: 1\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: {\n"
	    "  timeouts: { connect: 1s },\n"
	    "  balance: { policy: round_robin }, servers: [\n"
	    "  { address: \"127.0.0.1:%d\", weight: 256 },\n"
	    "  { address: \"127.0.0.1:%d\"%s }] } }\n",
	    origin_port(a), other, more);
}

/* The other one is `b'; the connection to `a' is in the pool. */
static struct daemon *
stage_dying_and_b(const char *more)
{
	struct daemon *d;

	b = origin_new("b");
	d = stage_dying(origin_port(b), more);
	cr_assert_eq(get(daemon_port(d, "http"), "/", "")->status, 200);
	return d;
}

Test(failover, stale__a_dying_server_does_not_get_it_twice)
{
	struct daemon *d = stage_dying_and_b("");

	cr_assert_eq(origin_requests(a), 1);
	cr_assert_eq(get(daemon_port(d, "http"), "/dying", "")->status, 200);
	cr_assert_eq(origin_count(a, "/dying"), 1);
	cr_assert_eq(origin_count(b, "/dying"), 1);
	daemon_stop(d);
}

Test(failover, stale__no_backup_is_called_for_it)
{
	struct daemon *d = stage_dying_and_b(", backup: true");

	origin_reply(a, gone_when_reused);
	cr_assert_eq(get(daemon_port(d, "http"), "/gone", "")->status, 200);
	cr_assert_eq(origin_count(a, "/gone"), 2);
	cr_assert_eq(origin_requests(b), 0);
	daemon_stop(d);
}

/* The other one never got it, so that this is still the one repetition. */
Test(failover, connect_timeout__a_lost_get_goes_back_where_it_was)
{
	struct daemon *d = stage_dying(deaf_port(), "");
	struct client *c = dial(daemon_port(d, "http"));

	cr_assert(client_print(c, "GET /dying HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(a, 0));
	origin_reply(a, (struct reply){ .path = "/dying" });
	cr_assert_eq(answer(c, "GET")->status, 200);
	cr_assert_eq(origin_count(a, "/dying"), 2);
	daemon_stop(d);
}

/*
 * The connection is gone before fairlead, which stands still, hears of it:
 * nothing of the request can have reached anybody.
 */
Test(failover, stale_unsent__any_method_is_sent_on_a_fresh_connection)
{
	struct client *c;

	a = origin_new("a");
	f = front_of(&(struct front_settings){ 0 }, a, NULL);
	c = dial(f.port);
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	daemon_signal(f.d, SIGSTOP);
	origin_reset_idle(a);
	cr_assert(client_print(c,
	    "POST /sent HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 1\r\n\r\nx"));
	daemon_signal(f.d, SIGCONT);
	cr_assert_eq(answer(c, "POST")->status, 200);
	cr_assert_eq(origin_count(a, "/sent"), 1);
	daemon_stop(f.d);
}

Test(failover, idle_connections_that_a_server_closed_are_not_used)
{
	struct client *c;
	unsigned i;

	a = origin_new("a");
	f = front_of(&(struct front_settings){ 0 }, a, NULL);
	c = dial(f.port);
	for (i = 0; i < 5; i++) {
		cr_assert_eq(ask(c,
				 "POST / HTTP/1.1\r\nHost: t\r\n"
				 "Content-Length: 1\r\n\r\nx")
				 ->status,
		    200);
		origin_close_idle(a);
		cr_assert(WAIT_FOR(5000,
		    daemon_metric(f.d,
			keep_printf(
			    "fairlead_upstream_connections{upstream=\"up\","
			    "server=\"127.0.0.1:%d\",state=\"idle\"}",
			    origin_port(a))) == 0));
	}
	cr_assert_eq(origin_accepted(a), 5);
	daemon_stop(f.d);
}

Test(failover, unresolved__a_name_without_address_is_a_state)
{
	struct daemon *d;
	struct response *r;

	d = daemon_start("listeners: { http: { address: \"127.0.0.1:0\" } }\n"
			 "admin: { address: \"127.0.0.1:0\" }\n"
			 "access_log: off\n"
			 "routes: [{ name: all, path: \"/*\", to: up }]\n"
			 "upstreams: { up: [\"nowhere.invalid:80\"] }\n");
	r = get(daemon_port(d, "http"), "/", "");
	must_refuse(r, 503, "unresolved");
	daemon_stop(d);
}
