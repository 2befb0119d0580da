/*
 * What the papers demand that needs a stage of its own: more than one message,
 * a setting, or a moment.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

TestSuite(duties, .fini = stage_strike, .timeout = 60);

/* RFC 9110 9.3.7, RFC 9112 3.2.4: it asks the server, not for a path. */
Test(duties, an_asterisk_is_routed_as_the_root_and_never_rewritten)
{
	struct client *c;

	stage_set(&(struct front_settings){
	    .route = ", rewrite: { add_prefix: /v1 }" });
	c = dial(f.port);
	cr_assert_eq(
	    ask(c, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n")->status, 200);
	cr_assert(bytes_hold(&origin_seen(o, 0)->head, "OPTIONS * HTTP/1.1"));
}

Test(duties, an_asterisk_is_redirected_to_the_root)
{
	struct client *c;

	stage_set(&(struct front_settings){ .listener = ", redirect: https" });
	c = dial(f.port);
	cr_assert_str_eq(
	    response_field(ask(c, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"),
		"location"),
	    "https://a.test/");
}

/* So often as the origin accepted, fresh connections were taken. */
static void
must_have_accepted(unsigned n)
{
	cr_assert_eq(
	    origin_accepted(o), n, "%u, not %u", origin_accepted(o), n);
}

/* RFC 9112 9.5, C.3 14: who closes first cannot lose a request. */
Test(duties, an_idle_connection_ends_before_its_server_ends_it)
{
	int64_t began;

	stage_plain();
	origin_reply(
	    o, (struct reply){ .fields = "Keep-Alive: timeout=2, max=9\r\n" });
	began = wait_now();
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
	cr_assert_geq(wait_now() - began, 900);
}

Test(duties, a_connection_that_is_kept_a_second_is_not_used_again)
{
	stage_plain();
	origin_reply(
	    o, (struct reply){ .fields = "keep-alive: Timeout=1\r\n" });
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
	origin_reply(
	    o, (struct reply){ .fields = "Keep-Alive: timeout=0\r\n" });
	cr_assert_eq(get(f.port, "/", "")->status, 200);
	cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
}

/* RFC 9110 9.2.2: what may not be sent twice must not be lost. */
Test(duties, a_post_takes_only_a_connection_used_within_a_second)
{
	struct client *c;
	unsigned accepted;
	int64_t began;

	stage_plain();
	c = dial(f.port);
	began = wait_now();
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	cr_assert_eq(ask(c, "POST / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	if (wait_now() - began < 1000)
		must_have_accepted(1);
	wait_till(wait_now() + 1100);
	accepted = origin_accepted(o);
	cr_assert_eq(ask(c, "POST / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	must_have_accepted(accepted + 1);
	wait_till(wait_now() + 1100);
	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	must_have_accepted(accepted + 1);
}

/* C.3 6: routes, rewriting and the server see one path, as it came. */
Test(duties, a_listener_may_allow_what_servers_read_differently)
{
	stage_set(&(struct front_settings){
	    .listener = ", path: { allow: [encoded_slash, parameters] }",
	    .route = ", rewrite: { strip_prefix: /a, add_prefix: /v }" });
	cr_assert_eq(get(f.port, "/a/b%2fc;d=1/%3b", "")->status, 200);
	cr_assert(bytes_hold(
	    &origin_seen(o, 0)->head, "GET /v/b%2Fc;d=1/%3B HTTP/1.1\r\n"));
	must_refuse(get(f.port, "/a%5cb", ""), 400, "bad_request");
	must_refuse(get(f.port, "/a/..;/b", ""), 400, "bad_request");
	must_refuse(get(f.port, "/a/..%2fb", ""), 400, "bad_request");
	front_must_log(&f, "/a/b%2Fc;d=1/%3B", "");
}

/* RFC 9112 3.2: what the operator calls a server is no host. */
Test(duties, a_request_without_a_host_gets_the_servers_address)
{
	struct client *c;

	o = origin_new("a");
	f.d = daemon_start("listeners: { http: { address: \"127.0.0.1:0\" } }\n"
			   "admin: { address: \"127.0.0.1:0\" }\n"
			   "routes: [{ to: up }]\n"
			   "upstreams: { up: { servers: [{ name: my swift one, "
			   "address: \"127.0.0.1:%d\" }] } }\n",
	    origin_port(o));
	c = dial(daemon_port(f.d, "http"));
	cr_assert_eq(ask(c, "GET / HTTP/1.0\r\n\r\n")->status, 200);
	cr_assert_str_eq(origin_field(&origin_seen(o, 0)->head, "host", 0),
	    keep_printf("127.0.0.1:%d", origin_port(o)));
}
