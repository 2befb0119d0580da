/*
 * The access log: one line of valid JSON for each request, whatever it held.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/load.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

static void
stage(void)
{
	stage_set(&(struct front_settings){ .workers = 2 });
}

TestSuite(access_log, .init = stage, .fini = stage_strike, .timeout = 60);

static json_t *
number_of(unsigned i, const char *key)
{
	json_t *line = front_line(&f, i), *value;

	cr_assert_not_null(line);
	value = json_object_get(line, key);
	cr_assert(json_is_number(value), "%s is no number", key);
	return value;
}

Test(access_log, a_line_tells_who_what_where_and_how_long)
{
	struct client *c = dial(f.port);

	origin_reply(o, (struct reply){ .text = "hello", .delay_ms = 30 });
	(void)ask(c,
	    "POST /a/b?c=d&e HTTP/1.1\r\nHost: shop.test:81\r\n"
	    "User-Agent: flow/1\r\nReferer: http://r.test/\r\n"
	    "Content-Length: 3\r\n\r\nabc");
	cr_assert_str_eq(front_line_text(&f, 0, "client_ip"), "127.0.0.1");
	cr_assert_str_eq(front_line_text(&f, 0, "listener"), "http");
	cr_assert_str_eq(front_line_text(&f, 0, "protocol"), "HTTP/1.1");
	cr_assert_str_eq(front_line_text(&f, 0, "method"), "POST");
	cr_assert_not_null(strstr(front_line_text(&f, 0, "host"), "shop.test"));
	cr_assert_str_eq(front_line_text(&f, 0, "path"), "/a/b");
	cr_assert_str_eq(front_line_text(&f, 0, "query"), "c=d&e");
	cr_assert_str_eq(front_line_text(&f, 0, "route"), "all");
	cr_assert_str_eq(front_line_text(&f, 0, "upstream"), "up");
	cr_assert_str_eq(front_line_text(&f, 0, "server"),
	    keep_printf("127.0.0.1:%d", origin_port(o)));
	cr_assert_str_eq(front_line_text(&f, 0, "user_agent"), "flow/1");
	cr_assert_str_eq(front_line_text(&f, 0, "referer"), "http://r.test/");
	cr_assert_eq(strlen(front_line_text(&f, 0, "ts")), 24);
	cr_assert_eq(json_integer_value(number_of(0, "status")), 200);
	cr_assert_geq(json_integer_value(number_of(0, "bytes_in")), 3);
	cr_assert_geq(json_integer_value(number_of(0, "bytes_out")), 5);
	cr_assert_geq(json_number_value(number_of(0, "duration_ms")), 30);
	cr_assert_geq(json_number_value(number_of(0, "ttfb_ms")), 30);
	cr_assert_eq(json_integer_value(number_of(0, "config_generation")), 1);
}

/* front_line() parses each line strictly, doubled keys included. */
Test(access_log, hostile_requests_leave_valid_lines)
{
	static const char *const hostile[] = {
		"GET /\"quote HTTP/1.1\r\nHost: t\r\n\r\n",
		"GET /%22%0a?q=\"\\\"&<script> HTTP/1.1\r\nHost: t\r\n\r\n",
		("GET /a HTTP/1.1\r\nHost: t\r\nUser-Agent: \"\\\t\x80\xff"
		 "\xc3\x28\r\n\r\n"),
		"GET /b HTTP/1.1\r\nHost: t\r\nReferer: \xe2\x82\r\n\r\n",
		"GET /\x80\xfe HTTP/1.1\r\nHost: t\r\n\r\n",
		"{\"a\":1} / HTTP/1.1\r\nHost: t\r\n\r\n",
		"GET /c HTTP/1.1\r\nHost: \"t\\\r\n\r\n",
		"\x01\x02\x03\r\n\r\n",
		"GET /../\\ HTTP/1.1\r\nHost: t\r\n\r\n",
	};
	unsigned n = sizeof hostile / sizeof *hostile, i;
	struct response r;
	struct client *c;

	for (i = 0; i < n; i++) {
		c = dial(f.port);
		cr_assert(client_print(c, "%s", hostile[i]));
		cr_assert(client_response(c, &r, "GET"), "%s", c->why);
		client_close(c);
		cr_assert_not_null(
		    front_line(&f, i), "no line for %s", hostile[i]);
	}
}

Test(access_log, nothing_is_lost_under_load_and_every_id_is_there_once)
{
	struct load_result *r = load_run(&(struct load_plan){
	    .port = f.port, .connections = 16, .requests = 3000 });
	char *text;
	unsigned n = 0;

	cr_assert_eq(r->ok, 3000, "%s", load_reasons(r));
	cr_assert_not_null(front_line(&f, 2999));
	for (text = keep_file(f.access_log);
	     (text = strchr(text, '\n')) != NULL; text++)
		n++;
	cr_assert_eq(n, 3000);
	must_count(f.d, "fairlead_log_lines_dropped_total{sink=\"access\"}", 0);
}

Test(access_log, usr1_reopens_the_file)
{
	char *old = keep_printf("%s.1", f.access_log);
	struct stat st;

	(void)get(f.port, "/first", "");
	cr_assert_not_null(front_line(&f, 0));
	cr_assert_eq(rename(f.access_log, old), 0);
	daemon_signal(f.d, SIGUSR1);
	cr_assert(WAIT_FOR(5000, access(f.access_log, F_OK) == 0));
	(void)get(f.port, "/second", "");
	cr_assert_str_eq(front_line_text(&f, 0, "path"), "/second");
	cr_assert_null(strstr(keep_file(old), "/second"));
	cr_assert_eq(stat(f.access_log, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0640);
}

Test(access_log, every_attempt_is_listed_when_there_was_more_than_one)
{
	struct origin *dead = origin_new("dead");
	struct front two =
	    front_of(&(struct front_settings){ 0 }, dead, o, NULL);
	json_t *attempts = NULL;
	unsigned i;

	origin_kill(dead);
	for (i = 0; i < 4 && attempts == NULL; i++) {
		cr_assert_eq(get(two.port, "/", "")->status, 200);
		attempts = json_object_get(front_line(&two, i), "attempts");
	}
	cr_assert_eq(json_array_size(attempts), 2);
	cr_assert_str_eq(json_string_value(json_object_get(
			     json_array_get(attempts, 0), "reason")),
	    "connect_failure");
	daemon_stop(two.d);
}

Test(access_log, stdout_is_the_default_and_a_route_may_be_left_out)
{
	struct daemon *d = daemon_start(
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "routes:\n"
	    "  - { name: say, path: /say, respond: { status: 204 } }\n"
	    "  - { name: hush, path: /hush, access_log: off, "
	    "respond: { status: 204 } }\n");

	(void)get(daemon_port(d, "http"), "/hush", "");
	(void)get(daemon_port(d, "http"), "/say", "");
	cr_assert(WAIT_FOR(5000, strstr(keep_file(d->out), "/say") != NULL));
	cr_assert_null(strstr(keep_file(d->out), "/hush"));
	daemon_stop(d);
}
