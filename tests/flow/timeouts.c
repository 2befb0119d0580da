/*
 * Every wait has an end of its own, and says which one it was.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

TestSuite(timeouts, .timeout = 60);

/* The waits that a test is not about stay long. */
static void
start(const char *listener, const char *upstream)
{
	stage_set(&(struct front_settings){
	    .listener = listener, .upstream = upstream });
}

Test(timeouts, header_timeout__slow_bytes_do_not_extend_it)
{
	struct client *c;
	struct response r;
	unsigned i;

	start(", timeouts: { header: 400ms }", "");
	c = dial(f.port);
	cr_assert(client_print(c, "GET /slow HTTP/1.1\r\nHost: t\r\nA: "));
	for (i = 0; i < 200 && client_print(c, "a"); i++)
		wait_till(wait_now() + 20);
	c->eof = c->reset = false;
	cr_assert(client_response(c, &r, "GET"), "%s", c->why);
	must_refuse(&r, 408, "header_timeout");
	must_end(c);
	cr_assert_eq(origin_requests(o), 0);
	must_count(f.d,
	    "fairlead_http_failures_total"
	    "{route=\"_none\",reason=\"header_timeout\"}",
	    1);
	daemon_stop(f.d);
}

Test(timeouts, header_timeout__a_connection_without_a_byte_just_ends)
{
	struct client *c;

	start(", timeouts: { header: 300ms }", "");
	c = dial(f.port);
	must_end(c);
	daemon_stop(f.d);
}

/* From the first byte, which its deadline counts from, too. */
Test(timeouts, header_timeout__its_line_says_how_long_it_took)
{
	struct response r;
	struct client *c;
	json_t *line;

	start(", timeouts: { header: 400ms }", "");
	c = dial(f.port);
	cr_assert(client_print(c, "GET /slow HTTP/1.1\r\n"));
	cr_assert(client_response(c, &r, "GET"), "%s", c->why);
	must_refuse(&r, 408, "header_timeout");
	cr_assert_not_null(line = front_line(&f, 0));
	cr_assert_geq(
	    json_number_value(json_object_get(line, "duration_ms")), 400);
	daemon_stop(f.d);
}

Test(timeouts, keep_alive_connections_end_when_they_are_idle)
{
	struct client *c;

	start(", timeouts: { idle: 300ms }", "");
	c = dial(f.port);
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	must_end(c);
	daemon_stop(f.d);
}

Test(timeouts, body_timeout__a_body_that_stops_is_a_408)
{
	struct client *c;
	struct response r;

	start(", timeouts: { body: 300ms }", "");
	c = dial(f.port);
	cr_assert(client_print(c,
	    "POST /stops HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 100\r\n\r\nabc"));
	cr_assert(client_response(c, &r, "POST"), "%s", c->why);
	must_refuse(&r, 408, "body_timeout");
	must_end(c);
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0));
	front_must_log(&f, "/stops", "body_timeout");
	daemon_stop(f.d);
}

Test(timeouts, body_timeout__a_slow_body_that_moves_is_served)
{
	struct client *c;
	unsigned i;

	start(", timeouts: { body: 1s }, limits: { min_rate: 1B }", "");
	origin_reply(o, (struct reply){ .digest = true });
	c = dial(f.port);
	cr_assert(client_print(c,
	    "POST / HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 20\r\n\r\n"));
	for (i = 0; i < 20; i++) {
		wait_till(wait_now() + 70);
		cr_assert(client_print(c, "a"));
	}
	cr_assert(response_says(answer(c, "POST"), "20 "));
	daemon_stop(f.d);
}

Test(timeouts, too_slow__a_client_that_takes_nothing_is_cut)
{
	struct client c = { .receive_buffer = 4096 };

	start(", timeouts: { body: 500ms }", "");
	origin_reply(o, (struct reply){ .sized = true, .size = 50 << 20 });
	cr_assert(client_connect(&c, f.port));
	cr_assert(client_print(&c, "GET /much HTTP/1.1\r\nHost: t\r\n\r\n"));
	front_must_log(&f, "/much", "too_slow");
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0));
	daemon_stop(f.d);
}

Test(timeouts, response_timeout__a_silent_server_is_a_504)
{
	start("", ", timeouts: { response: 300ms }");
	origin_reply(o, (struct reply){ .path = "/never", .silent = true });
	must_refuse(get(f.port, "/never", ""), 504, "response_timeout");
	front_must_log(&f, "/never", "response_timeout");
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0));
	cr_assert_eq(origin_count(o, "/never"), 1, "it may have been done");
	daemon_stop(f.d);
}

Test(timeouts, response_timeout__interim_heads_do_not_extend_it)
{
	start("", ", timeouts: { response: 500ms }");
	origin_reply(o,
	    (struct reply){
		.path = "/early", .raw = "HTTP/1.1 103 Early\r\n\r\n" });
	must_refuse(get(f.port, "/early", ""), 504, "response_timeout");
	daemon_stop(f.d);
}

Test(timeouts, upstream_idle__a_body_that_stops_is_cut)
{
	struct client *c;
	struct response r;

	start("", ", timeouts: { idle: 300ms }");
	origin_reply(o,
	    (struct reply){ .path = "/stops",
		.raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" });
	c = dial(f.port);
	cr_assert(client_print(c, "GET /stops HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not(client_response(c, &r, "GET"));
	cr_assert(c->eof || c->reset, "%s", c->why);
	front_must_log(&f, "/stops", "upstream_idle");
	daemon_stop(f.d);
}

Test(timeouts, upstream_idle__a_server_that_takes_no_body_is_a_504)
{
	struct client *c;
	char *much = keep(1 << 20);
	struct response r;

	start("", ", timeouts: { idle: 500ms }");
	origin_reply(o,
	    (struct reply){ .path = "/deaf", .unread = true, .silent = true });
	c = dial(f.port);
	cr_assert(client_print(c,
	    "POST /deaf HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 104857600\r\n\r\n"));
	while (client_send_some(c, much, 1 << 20, 200) == 1 << 20)
		;
	cr_assert(client_response(c, &r, "POST"), "%s", c->why);
	must_refuse(&r, 504, "upstream_idle");
	front_must_log(&f, "/deaf", "upstream_idle");
	daemon_stop(f.d);
}

Test(timeouts, pooled_connections_end_when_they_are_idle)
{
	start("", ", pool: { idle_timeout: 300ms }");
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert_eq(origin_open(o), 1);
	cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
	daemon_stop(f.d);
}

Test(timeouts, a_route_may_have_its_own)
{
	stage_set(&(struct front_settings){
	    .route = ", timeouts: { response: 300ms }" });
	origin_reply(o, (struct reply){ .silent = true });
	must_refuse(get(f.port, "/", ""), 504, "response_timeout");
	daemon_stop(f.d);
}

Test(timeouts, handshakes_that_stop_are_cut)
{
	char *directory = daemon_directory();
	struct cert cert = cert_make(directory, "a", "a.test", CERT_ECDSA);
	struct daemon *d;
	struct client *c;

	d = daemon_start_in(directory, NULL,
	    "listeners:\n"
	    "  https:\n"
	    "    address: \"127.0.0.1:0\"\n"
	    "    timeouts: { handshake: 300ms }\n"
	    "    tls: { certificates: [{ cert: %s, key: %s }] }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ path: \"/*\", respond: { status: 200 } }]\n",
	    cert.cert, cert.key);
	c = dial(daemon_port(d, "https"));
	cr_assert(client_send(c, "\x16\x03\x01\x02", 4));
	must_end(c);
	must_count(d,
	    "fairlead_tls_handshake_failures_total"
	    "{listener=\"https\",reason=\"timeout\"}",
	    1);
	daemon_stop(d);
}
