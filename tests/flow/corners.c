/*
 * Corners where two things happen at once: a reload and an old request, an end
 * and a beginning, a client that stalls and a server that is done.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CERTIFICATES = 300, RENAMES = 60 };

TestSuite(corners, .timeout = 60);

Test(corners, an_empty_chunked_body_ends_on_a_fresh_connection)
{
	struct origin *a = origin_new("a");
	struct front f = front_of(
	    &(struct front_settings){
		.upstream = ", timeouts: { response: 2s }" },
	    a, NULL);
	struct client *c = dial(f.port);
	struct response *r;

	r = ask(c,
	    "PUT /empty HTTP/1.1\r\nHost: t\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	cr_assert_eq(r->status, 200);
	cr_assert(origin_seen(a, 0)->whole);
	daemon_stop(f.d);
}

Test(corners, trailers_wait_for_a_connection_as_they_came)
{
	struct origin *a = origin_new("a");
	struct front f = front_of(&(struct front_settings){ 0 }, a, NULL);
	struct client *c = dial(f.port);
	struct bytes b = { 0 };
	char *body = keep(40000);
	struct response *r;

	memset(body, 'x', 40000);
	origin_reply(a, (struct reply){ .digest = true });
	bytes_printf(&b,
	    "PUT /t HTTP/1.1\r\nHost: t\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
	    40000);
	bytes_add(&b, body, 40000);
	bytes_printf(&b, "\r\n0\r\n");
	for (unsigned i = 0; i < 12; i++)
		bytes_printf(&b, "X-Sum-%u: %.1000s\r\n", i, body);
	bytes_printf(&b, "\r\n");
	daemon_signal(f.d, SIGSTOP);
	cr_assert(client_send(c, b.p, b.n));
	daemon_signal(f.d, SIGCONT);
	r = answer(c, "PUT");
	cr_assert_eq(r->status, 200);
	cr_assert(bytes_hold(&origin_seen(a, 0)->body,
	    keep_printf("\r\nX-Sum-11: %.1000s\r\n\r\n", body)));
	daemon_stop(f.d);
}

/* The server ends an idle connection, and nobody is there after it. */
Test(corners, a_lost_request_is_not_tried_without_end)
{
	struct origin *a = origin_new("a");
	struct front f = front_of(&(struct front_settings){ 0 }, a, NULL);
	struct client *c = dial(f.port);
	int status;

	cr_assert_eq(ask(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	daemon_signal(f.d, SIGSTOP);
	cr_assert_eq(waitpid(f.d->pid, &status, WUNTRACED), f.d->pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert(client_print(c, "GET /lost HTTP/1.1\r\nHost: t\r\n\r\n"));
	origin_kill(a);
	daemon_signal(f.d, SIGCONT);
	must_refuse(answer(c, "GET"), 502, "connect_failure");
	daemon_stop(f.d);
}

/* One listener more than `http', or none: all else stays. */
static char *
with(const char *listener, struct origin *o)
{
	return keep_printf("workers: 2\n"
			   "listeners:\n"
			   "  http: { address: \"127.0.0.1:0\" }\n"
			   "%s"
			   "admin: { address: \"127.0.0.1:0\" }\n"
			   "access_log: off\n"
			   "routes: [{ name: all, path: \"/*\", to: up }]\n"
			   "upstreams: { up: [\"127.0.0.1:%d\"] }\n",
	    listener, origin_port(o));
}

/* The door is there again while an old request still holds the old snapshot. */
Test(corners, a_listener_that_comes_back_listens_again)
{
	struct origin *a = origin_new("a");
	char *directory = daemon_directory();
	char *path = keep_printf("%s/extra.sock", directory);
	char *more = keep_printf("  tcp: { address: \"127.0.0.1:0\" }\n"
				 "  extra: { address: \"unix:%s\" }\n",
	    path);
	struct daemon *d;
	struct client *slow, c = { 0 };
	struct response r;

	origin_reply(a,
	    (struct reply){
		.path = "/slow", .delay_ms = 1500, .sized = true, .size = 4 });
	d = daemon_start_in(directory, NULL, "%s", with(more, a));
	slow = dial(daemon_port(d, "http"));
	cr_assert(client_print(slow, "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert_not_null(origin_seen(a, 0));
	daemon_reload(d, "%s", with("", a));
	daemon_reload(d, "%s", with(more, a));
	cr_assert_eq(get(daemon_port(d, "tcp"), "/", "")->status, 200);
	cr_assert(client_connect_unix(&c, path), "%s", c.why);
	cr_assert_eq(ask(&c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	client_close(&c);
	cr_assert(client_response(slow, &r, "GET"), "%s", slow->why);
	must_tell(d, "config/generations", 1);
	cr_assert(client_connect_unix(&c, path), "its path went: %s", c.why);
	daemon_stop(d);
}

static const char gone_yaml[] =
    "workers: 1\nlisteners:\n"
    "  http: { address: \"127.0.0.1:0\" }\n  %s: { address: \"127.0.0.1:0\" }\n"
    "admin: { address: \"127.0.0.1:0\" }\naccess_log: off\n"
    "routes: [{ name: all, path: \"/*\", to: up },\n"
    "  { name: inner, listeners: [%s], path: /inner, "
    "respond: { status: 204 } }]\n"
    "upstreams: { up: { servers: [\"127.0.0.1:%d\"] } }\n";

/* Its place in the configuration is another one's now. */
Test(corners, a_connection_of_a_gone_listener_is_on_no_listener)
{
	struct origin *a = origin_new("a");
	struct daemon *d =
	    daemon_start(gone_yaml, "one", "one", origin_port(a));
	struct client *c = dial(daemon_port(d, "one"));

	cr_assert_eq(
	    ask(c, "GET /inner HTTP/1.1\r\nHost: t\r\n\r\n")->status, 204);
	daemon_reload(d, gone_yaml, "two", "two", origin_port(a));
	cr_assert_eq(
	    ask(c, "GET /inner HTTP/1.1\r\nHost: t\r\n\r\n")->status, 200);
	must_end(c);
	daemon_stop(d);
}

Test(corners, the_last_response_of_a_gone_listener_may_be_cut)
{
	struct origin *a = origin_new("a");
	struct daemon *d =
	    daemon_start(gone_yaml, "one", "one", origin_port(a));
	struct client *c = dial(daemon_port(d, "one"));
	struct response r;

	origin_reply(a,
	    (struct reply){ .path = "/slow",
		.sized = true,
		.size = 4,
		.piece = 1,
		.pace_ms = 500,
		.cut = CUT_RST,
		.cut_at = 3 });
	cr_assert(client_print(c, "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(client_head(c, &r));
	daemon_reload(d, gone_yaml, "two", "two", origin_port(a));
	cr_assert_not(client_body(c, &r, "GET"));
	daemon_stop(d);
}

Test(corners, a_reload_under_way_does_not_outlive_the_process)
{
	struct origin *a = origin_new("a");
	char *directory = daemon_directory();
	struct bytes more = { 0 };
	struct daemon *d;
	unsigned i;

	(void)cert_series(directory, CERTIFICATES);
	bytes_printf(&more,
	    "  https:\n"
	    "    address: \"127.0.0.1:0\"\n"
	    "    tls:\n"
	    "      certificates:\n");
	for (i = 0; i < CERTIFICATES; i++)
		bytes_printf(
		    &more, "        - { cert: c%u.pem, key: series.key }\n", i);
	d = daemon_start_in(directory, NULL, "%s", with(more.p, a));
	daemon_signal(d, SIGHUP);
	cr_assert(daemon_says(d, 0, "reloading"));
	daemon_stop(d);
}

/* Whatever of it was still here or in the kernel when the client stalled. */
Test(corners, a_response_cut_at_its_end_never_looks_whole)
{
	struct origin *a = origin_new("a");
	struct front f = front_of(
	    &(struct front_settings){
		.listener = ", timeouts: { body: 100ms }" },
	    a, NULL);
	unsigned i, cut = 0;

	for (i = 0; i < 24; i++) {
		uint64_t size = 2300000 + i * 30000;
		struct client c = { .receive_buffer = 4096 };
		uint64_t got = 0;

		origin_reply(a,
		    (struct reply){ .path = keep_printf("/%u", i),
			.sized = true,
			.size = size,
			.until_close = true });
		cr_assert(client_connect(&c, f.port));
		cr_assert(client_print(&c, "GET /%u HTTP/1.0\r\n\r\n", i));
		cr_assert_not_null(front_line(&f, i));
		while (client_more(&c)) {
			got += c.in.n;
			bytes_drop(&c.in, c.in.n);
		}
		if (strcmp(front_line_text(&f, i, "reason"), "too_slow") == 0) {
			cut++;
			cr_assert(c.reset, "%llu of %llu bytes, then FIN",
			    (unsigned long long)got, (unsigned long long)size);
		}
		client_close(&c);
	}
	cr_assert_gt(cut, 0);
	daemon_stop(f.d);
}

/* Workers take over one after the other, and hand connections to each other. */
Test(corners, no_connection_fails_while_its_listener_changes_its_name)
{
	struct origin *a = origin_new("a");
	char *directory = daemon_directory();
	char *path = keep_printf("%s/s.sock", directory);
	struct load_result *r;
	struct load *l[2];
	struct daemon *d;
	unsigned i;
	static const char yaml[] =
	    "workers: 4\nlisteners:\n"
	    "  %s: { address: \"unix:%s\" }\n"
	    "admin: { address: \"127.0.0.1:0\" }\naccess_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: { servers: [\"127.0.0.1:%d\"] } }\n";

	d = daemon_start_in(directory, NULL, yaml, "one", path, origin_port(a));
	for (i = 0; i < 2; i++)
		l[i] = load_start(&(struct load_plan){
		    .unix_path = path, .fresh = true, .connections = 16 });
	for (i = 0; i < RENAMES; i++) {
		daemon_write_config(
		    d, yaml, i % 2 ? "one" : "two", path, origin_port(a));
		daemon_signal(d, SIGHUP);
		cr_assert(WAIT_FOR(10000,
		    (unsigned)daemon_stat(d, "config/generation") == i + 2));
	}
	for (i = 0; i < 2; i++) {
		r = load_stop(l[i]);
		cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	}
	daemon_stop(d);
}

/* HTTP/1.0 needs no Host, and then there is no place to point to. */
Test(corners, a_redirect_without_a_host_is_refused)
{
	struct daemon *d =
	    daemon_start("workers: 1\n"
			 "listeners:\n"
			 "  http: { address: \"127.0.0.1:0\" }\n"
			 "admin: { address: \"127.0.0.1:0\" }\n"
			 "access_log: off\n"
			 "routes:\n"
			 "  - { redirect: { scheme: https } }\n");
	struct client *c = dial(daemon_port(d, "http"));

	must_refuse(ask(c, "GET / HTTP/1.0\r\n\r\n"), 400, "bad_request");
	daemon_stop(d);
}
