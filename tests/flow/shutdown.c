/*
 * The end: what runs is finished, what idles is closed, and nobody waits
 * longer than he was told to.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/lib/certs.h"
#include "tests/lib/load.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

TestSuite(shutdown, .timeout = 60);

static void
start(const char *timeout)
{
	stage_set(&(struct front_settings){ .workers = 2,
	    .top = keep_printf("shutdown: { timeout: %s }\n", timeout) });
}

/* A request that the server has and does not answer yet. */
static struct client *
hang(struct reply reply)
{
	struct client *c = dial(f.port);
	unsigned before = origin_requests(o);

	reply.path = "/hang";
	origin_reply(o, reply);
	cr_assert(client_print(c, "GET /hang HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(WAIT_FOR(5000, origin_requests(o) > before));
	return c;
}

static void
must_exit(int code)
{
	int status = daemon_wait(f.d, 20000);

	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == code, "%#x: %s",
	    (unsigned)status, daemon_log(f.d));
}

static void
drains_at(int signal)
{
	struct client *busy, *idle, again = { 0 };
	struct response *r;

	start("20s");
	idle = dial(f.port);
	(void)ask(idle, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	busy = hang((struct reply){ .delay_ms = 500, .text = "done" });
	daemon_signal(f.d, signal);
	must_end(idle);
	cr_assert(WAIT_FOR(5000, !client_connect(&again, f.port)),
	    "new connections are refused");
	r = answer(busy, "GET");
	cr_assert_str_eq(r->body.p, "done");
	cr_assert_str_eq(response_field(r, "connection"), "close");
	must_end(busy);
	must_exit(0);
}

Test(shutdown, term_lets_requests_finish)
{
	drains_at(SIGTERM);
}

Test(shutdown, int_lets_requests_finish)
{
	drains_at(SIGINT);
}

Test(shutdown, quit_lets_requests_finish)
{
	drains_at(SIGQUIT);
}

Test(shutdown, a_second_signal_ends_at_once)
{
	struct client *c;

	start("60s");
	c = hang((struct reply){ .silent = true });
	daemon_signal(f.d, SIGTERM);
	cr_assert(daemon_says(f.d, 0, "shutting down"));
	daemon_signal(f.d, SIGTERM);
	must_exit(0);
	while (client_more(c))
		;
	cr_assert(c->eof || c->reset);
}

Test(shutdown, shutdown__what_is_not_done_in_time_is_a_503)
{
	struct client *c;
	struct response r;

	start("300ms");
	c = hang((struct reply){ .silent = true });
	daemon_signal(f.d, SIGTERM);
	cr_assert(client_response(c, &r, "GET"), "%s", c->why);
	must_refuse(&r, 503, "shutdown");
	must_end(c);
	must_exit(0);
	front_must_log(&f, "/hang", "shutdown");
}

Test(shutdown, connections_without_a_request_do_not_hold_it_up)
{
	struct client *c;
	int64_t begun;

	start("20s");
	c = dial(f.port);
	begun = wait_now();
	daemon_signal(f.d, SIGTERM);
	must_exit(0);
	must_end(c);
	cr_assert_lt(wait_now() - begun, 5000 * wait_scale());
}

Test(shutdown, nor_do_tls_connections_without_one)
{
	char *directory = daemon_directory();
	struct cert cert = cert_make(directory, "a", "a.test", CERT_ECDSA);
	struct client c = { 0 };
	int64_t begun;

	f.d = daemon_start_in(directory, NULL,
	    "listeners:\n"
	    "  https: { address: \"127.0.0.1:0\", tls: { certificates: "
	    "[{ cert: %s, key: %s }] } }\n"
	    "access_log: off\n"
	    "admin: off\n"
	    "routes: [{ path: \"/*\", respond: { status: 204 } }]\n",
	    cert.cert, cert.key);
	cr_assert(client_connect_tls(
		      &c, daemon_port(f.d, "https"), &(struct tls_wish){ 0 }),
	    "%s", c.why);
	begun = wait_now();
	daemon_signal(f.d, SIGTERM);
	must_exit(0);
	cr_assert_lt(wait_now() - begun, 5000 * wait_scale());
}

Test(shutdown, not_ready_while_it_drains)
{
	struct client *c, *admin;
	struct response *r;

	start("20s");
	cr_assert(WAIT_FOR(10000, daemon_is_ready(f.d)));
	c = hang((struct reply){ .delay_ms = 1000, .text = "done" });
	daemon_signal(f.d, SIGTERM);
	cr_assert(daemon_says(f.d, 0, "shutting down"));
	admin = dial(daemon_port(f.d, "admin"));
	r = ask(admin, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert_eq(r->status, 503);
	cr_assert(response_says(r, "draining"), "%s", r->body.p);
	cr_assert_str_eq(answer(c, "GET")->body.p, "done");
	must_exit(0);
}

static void
start_with_delay(const char *delay)
{
	stage_set(&(struct front_settings){ .workers = 2,
	    .top = keep_printf(
		"shutdown: { delay: %s, timeout: 20s }\n", delay) });
	cr_assert(WAIT_FOR(10000, daemon_is_ready(f.d)));
	daemon_signal(f.d, SIGTERM);
	cr_assert(daemon_says(f.d, 0, "still serving"));
}

static struct response *
ask_readyz(void)
{
	return ask(dial(daemon_port(f.d, "admin")),
	    "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

Test(shutdown, in_the_delay_it_serves_on_and_is_not_ready)
{
	struct response *r;
	struct client *c;

	start_with_delay("2s");
	c = dial(f.port);
	r = ask_readyz();
	cr_assert_eq(r->status, 503);
	cr_assert(response_says(r, "draining"), "%s", r->body.p);
	r = ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_assert_eq(r->status, 200);
	cr_assert_null(response_field(r, "connection"), "it is kept");
	daemon_signal(f.d, SIGHUP);
	cr_assert(daemon_says(f.d, 0, "SIGHUP is ignored"));
	cr_assert_eq(get(f.port, "/", "")->status, 200, "a new connection");
	must_end(c);
	must_exit(0);
	cr_assert(daemon_says(f.d, 0, "no new connections"));
}

Test(shutdown, after_the_delay_requests_finish)
{
	struct response *r;
	struct client *c;

	start_with_delay("500ms");
	c = hang((struct reply){ .delay_ms = 1500, .text = "done" });
	r = answer(c, "GET");
	cr_assert_str_eq(r->body.p, "done");
	cr_assert_str_eq(response_field(r, "connection"), "close");
	must_end(c);
	must_exit(0);
}

Test(shutdown, a_second_signal_ends_the_delay_at_once)
{
	int64_t begun;

	start_with_delay("1h");
	begun = wait_now();
	daemon_signal(f.d, SIGTERM);
	must_exit(0);
	cr_assert_lt(wait_now() - begun, 10000 * wait_scale());
}

Test(shutdown, no_request_under_way_fails_under_load)
{
	struct load_result *r;
	struct load *l;

	start("20s");
	origin_reply(o, (struct reply){ .delay_ms = 20 });
	l = load_start(&(struct load_plan){
	    .port = f.port, .connections = 16, .rate = 500 });
	cr_assert(WAIT_FOR(10000, load_requests(l) > 100));
	daemon_signal(f.d, SIGTERM);
	must_exit(0);
	r = load_stop(l);
	cr_assert_eq(r->cut, 0, "%s", load_reasons(r));
	cr_assert_eq(r->status[503], 0, "%s", load_reasons(r));
}

Test(shutdown, a_closed_pipe_is_survived)
{
	start("1s");
	daemon_signal(f.d, SIGPIPE);
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	daemon_stop(f.d);
}
