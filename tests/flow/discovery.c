/*
 * Discovery by file: servers that come and go while requests flow, and what is
 * not believed.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 20000, ROUNDS = 20, CHANGES = 60 };

#define SERVERS "upstreams/up/discovery/servers"
#define UPDATES "upstreams/up/discovery/updates"
#define HELD "upstreams/up/discovery/held_back/why"
#define ERRORS(reason) \
	"fairlead_discovery_errors_total{upstream=\"up\",provider=\"file\"," \
	"reason=\"" reason "\"}"
#define PROBED ", health_check: { type: http, interval: 200ms, path: /probe }"

static struct origin *a, *b, *c, *e;
static char *directory;
static struct daemon *d;

static void
stage(void)
{
	a = origin_new("a");
	b = origin_new("b");
	c = origin_new("c");
	e = origin_new("e");
	directory = daemon_directory();
}

TestSuite(discovery, .init = stage, .timeout = 120);

/* `discover' and `upstream' are further keys, each with a comma before it. */
static char *
yaml(const char *file, const char *discover, const char *upstream)
{
	return keep_printf(
	    "workers: 2\n"
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: { discover: { file: %s, allow: 127.0.0.0/8%s }"
	    "%s } }\n",
	    file, discover, upstream);
}

static void
start(const char *discover, const char *upstream)
{
	d = daemon_start_in(
	    directory, NULL, "%s", yaml("servers.yaml", discover, upstream));
}

static char *
in_directory(const char *name)
{
	return keep_printf("%s/%s", directory, name);
}

static void
write_at(const char *name, const char *text)
{
	FILE *f = fopen(in_directory(name), "w");

	cr_assert_not_null(f);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

static void
rename_to(const char *from, const char *to)
{
	cr_assert_eq(rename(in_directory(from), in_directory(to)), 0);
}

/* By rename, so that no half of it is seen. */
static void
say(const char *text)
{
	write_at("next", text);
	rename_to("next", "servers.yaml");
}

/* A list of these origins; NULL ends them. */
static char *
list(struct origin *const *origins)
{
	char *text = keep_printf("[]\n");

	for (unsigned i = 0; origins[i] != NULL; i++)
		text = keep_printf("%s- 127.0.0.1:%d\n", i == 0 ? "" : text,
		    origin_port(origins[i]));
	return text;
}

#define LIST(...) list((struct origin *[]){ __VA_ARGS__, NULL })

static char *
name_of(struct origin *o)
{
	return keep_printf("127.0.0.1:%d", origin_port(o));
}

static struct response *
ask_front(void)
{
	return get(daemon_port(d, "http"), "/", "");
}

static bool
is_served_by(const char *origin)
{
	char *name = response_field(ask_front(), "x-origin");

	return name != NULL && strcmp(name, origin) == 0;
}

static bool
is_held(void)
{
	return daemon_stat_text(d, HELD) != NULL;
}

static void
must_say_soon(const char *text)
{
	cr_assert(daemon_says(d, 0, text), "%s\n%s", text, daemon_log(d));
}

/* ---- ways to change a file ---- */

Test(discovery, a_file_written_in_place_is_followed)
{
	write_at("servers.yaml", LIST(a));
	start("", "");
	cr_assert(is_served_by("a"));
	write_at("servers.yaml", LIST(b));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	must_tell(d, UPDATES, 2);
	daemon_stop(d);
}

Test(discovery, a_file_put_in_its_place_is_followed_in_yaml_or_json)
{
	say(LIST(a));
	start("", "");
	say(keep_printf("[{\"address\": \"127.0.0.1:%d\", \"weight\": 3,\n"
			"  \"name\": \"bee\", \"backup\": false}]",
	    origin_port(b)));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	cr_assert_eq(json_integer_value(json_object_get(
			 daemon_server(d, "up", "bee"), "weight")),
	    3);
	daemon_stop(d);
}

/* As Kubernetes does it: file -> ..data/file, and ..data is replaced. */
Test(discovery, a_link_swapped_on_the_way_is_followed)
{
	mkdir(in_directory("one"), 0700);
	mkdir(in_directory("two"), 0700);
	write_at("one/servers.yaml", LIST(a));
	write_at("two/servers.yaml", LIST(b));
	cr_assert_eq(symlink("one", in_directory("..data")), 0);
	cr_assert_eq(
	    symlink("..data/servers.yaml", in_directory("servers.yaml")), 0);
	start("", "");
	cr_assert(is_served_by("a"));
	cr_assert_eq(symlink("two", in_directory("..next")), 0);
	rename_to("..next", "..data");
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	write_at("two/servers.yaml", LIST(c));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("c")));
	daemon_stop(d);
}

Test(discovery, without_a_file_it_starts_empty_and_serves_when_it_comes)
{
	start("", "");
	must_refuse(ask_front(), 503, "unresolved");
	must_say_soon(
	    "No such file or directory; there was no good answer yet");
	must_count(d, ERRORS("unreadable"), 1);
	say(LIST(a));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("a")));
	cr_assert_eq(unlink(in_directory("servers.yaml")), 0);
	must_say_soon("the last good answer is kept (servers: 1)");
	cr_assert(is_served_by("a"));
	daemon_stop(d);
}

/* ---- what is not believed ---- */

Test(discovery, a_bad_file_changes_nothing_and_its_line_is_told)
{
	say(LIST(a, b));
	start("", "");
	say(keep_printf("%s- { address: 127.0.0.1:1, wait: 3 }\n", LIST(c)));
	must_say_soon("/servers.yaml:2:27: unknown key 'wait' in servers[1]");
	say("- app.test:80\n");
	must_say_soon("/servers.yaml:1:3: servers[0].address: 'app.test:80': a "
		      "discovered server is an IP address with a port");
	say("[ 127.0.0.1:1\n");
	must_tell(d, SERVERS, 2);
	must_count(d, ERRORS("invalid"), 3);
	say(keep_printf("%s%s", LIST(a), LIST(a)));
	must_say_soon("a second time");
	say(LIST(c));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("c")));
	daemon_stop(d);
}

Test(discovery, an_empty_file_is_no_answer_and_an_empty_list_is_held_back)
{
	say(LIST(a));
	start(", hold: 1h", "");
	say("");
	must_say_soon("/servers.yaml:1:1: the file is empty");
	cr_assert(is_served_by("a"));
	say("[]\n");
	cr_assert(WAIT_FOR(CHANGE_MS, is_held()));
	must_say_soon("an empty answer in place of 1 servers");
	cr_assert(is_served_by("a"));
	say("[]\n");
	cr_assert(WAIT_FOR(CHANGE_MS, !is_held()));
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 503));
	must_refuse(ask_front(), 503, "no_healthy_server");
	daemon_stop(d);
}

Test(discovery, an_empty_list_is_believed_if_that_is_wished)
{
	say(LIST(a, b, c));
	start(", on_empty: apply", "");
	say("[]\n");
	must_tell(d, UPDATES, 2);
	cr_assert_not(is_held());
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 503));
	must_refuse(ask_front(), 503, "no_healthy_server");
	daemon_stop(d);
}

Test(discovery, more_than_half_gone_is_held_back_until_it_is_said_again)
{
	say(LIST(a, b, c, e));
	start(", hold: 1h", "");
	say(LIST(a));
	cr_assert(WAIT_FOR(CHANGE_MS, is_held()));
	must_say_soon("1 servers in place of 4, a loss of more than 50%");
	must_tell(d, SERVERS, 4);
	must_tell(d, "upstreams/up/discovery/held_back/servers", 1);
	say(LIST(a));
	must_tell(d, SERVERS, 1);
	cr_assert_not(is_held());
	must_say_soon("confirmed, servers: 1, came: 0, went: 3");
	daemon_stop(d);
}

Test(discovery, what_is_held_back_is_believed_after_its_time)
{
	say(LIST(a, b, c, e));
	start(", hold: 300ms, max_loss: 10%", "");
	say(LIST(a, b, c));
	must_say_soon("held back until it is confirmed, or for 300 ms");
	must_say_soon("believed after its time, servers: 3");
	must_tell(d, SERVERS, 3);
	daemon_stop(d);
}

Test(discovery, what_nobody_else_may_reach_is_left_out)
{
	say(keep_printf("- 127.0.0.1:%d\n- 169.254.0.1:80\n"
			"- \"[fe80::1]:80\"\n- unix:/run/x\n- 0.0.0.0:1\n",
	    origin_port(a)));
	start("", "");
	must_say_soon("/servers.yaml:2:3: 169.254.0.1:80 is a link-local "
		      "address; left out: 4 (see discover.allow)");
	must_tell(d, SERVERS, 1);
	say(keep_printf("- 127.0.0.1:%d\n- 127.0.0.1:%d\n",
	    daemon_port(d, "http"), origin_port(b)));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	must_say_soon("is a listener of fairlead itself; left out: 1");
	daemon_reload(d, "%s",
	    yaml("servers.yaml", ", max_loss: off, on_empty: apply, drain: 1s",
		", pool: { max_idle: 1 }"));
	cr_assert(is_served_by("b"));
	daemon_stop(d);
}

Test(discovery, loopback_is_refused_unless_it_is_allowed)
{
	say(LIST(a));
	d = daemon_start_in(directory, NULL,
	    "workers: 2\nlisten: \"127.0.0.1:0\"\nto: [{ upstream: up }]\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "upstreams: { up: { discover: { file: servers.yaml } } }\n");
	must_say_soon("is a loopback address; left out: 1");
	must_tell(d, SERVERS, 0);
	daemon_reload(d, "%s", yaml("servers.yaml", "", ""));
	must_tell(d, SERVERS, 1);
	cr_assert(is_served_by("a"));
	daemon_stop(d);
}

/* ---- coming and going ---- */

Test(discovery, a_new_server_waits_for_its_first_good_probe)
{
	say(LIST(a));
	start("", PROBED);
	cr_assert(WAIT_FOR(CHANGE_MS, daemon_is_ready(d)));
	origin_reply(b, (struct reply){ .path = "/probe", .silent = true });
	say(LIST(a, b));
	must_tell(d, SERVERS, 2);
	for (unsigned i = 0; i < 20; i++)
		cr_assert(is_served_by("a"));
	origin_reply(b, (struct reply){ .path = "/probe" });
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	daemon_stop(d);
}

Test(discovery, no_request_fails_while_servers_come_and_go)
{
	struct origin *all[] = { a, b, c, e };
	struct load_result *r;
	struct load *load;

	say(LIST(a, b, c, e));
	start(", max_loss: off", PROBED);
	cr_assert(WAIT_FOR(CHANGE_MS, daemon_is_ready(d)));
	load = load_start(&(struct load_plan){
	    .port = daemon_port(d, "http"), .connections = 8, .rate = 200 });
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct origin *gone = all[i % 4];

		say(LIST(all[(i + 1) % 4], all[(i + 2) % 4], all[(i + 3) % 4]));
		must_tell(d, SERVERS, 3);
		cr_assert(WAIT_FOR(CHANGE_MS, origin_open(gone) == 0));
		origin_kill(gone);
		say(LIST(all[(i + 1) % 4]));
		must_tell(d, SERVERS, 1);
		origin_revive(gone);
		say(LIST(a, b, c, e));
		must_tell(d, SERVERS, 4);
	}
	r = load_stop(load);
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	cr_assert_gt(r->requests, 0);
	daemon_stop(d);
}

/* An exchange that waits at another server keeps the old snapshot meanwhile. */
Test(discovery, a_server_that_left_gets_nothing_and_its_idle_connections_close)
{
	struct client *waits;
	unsigned before;

	say(LIST(a));
	start("", "");
	origin_reply(a, (struct reply){ .path = "/silent", .silent = true });
	waits = dial(daemon_port(d, "http"));
	cr_assert(
	    client_print(waits, "GET /silent HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_count(a, "/silent") == 1));
	say(LIST(a, b));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	cr_assert_gt(origin_open(b), 0);
	say(LIST(a));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_open(b) == 0));
	before = origin_requests(b);
	for (unsigned i = 0; i < 50; i++)
		cr_assert(is_served_by("a"));
	cr_assert_eq(origin_requests(b), before);
	client_abort(waits);
	daemon_stop(d);
}

Test(discovery, what_runs_at_a_server_that_left_may_finish)
{
	struct client *client;
	struct response *r;

	say(LIST(b));
	start(", drain: 1m", "");
	origin_reply(b,
	    (struct reply){ .path = "/slow",
		.sized = true,
		.size = 2000,
		.piece = 100,
		.pace_ms = 50 });
	client = dial(daemon_port(d, "http"));
	cr_assert(
	    client_print(client, "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_count(b, "/slow") == 1));
	say(LIST(a));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("a")));
	r = answer(client, "GET");
	cr_assert_eq(r->status, 200);
	cr_assert_eq(r->body_n, 2000);
	cr_assert(WAIT_FOR(CHANGE_MS, origin_open(b) == 0));
	daemon_stop(d);
}

Test(discovery, drained__what_is_not_done_in_time_ends)
{
	struct client *post, *again, *stream;
	struct response r;

	say(keep_printf("%s- { address: 127.0.0.1:%d, backup: true }\n",
	    LIST(b), origin_port(c)));
	start(", drain: 500ms", "");
	origin_reply(b, (struct reply){ .path = "/post", .silent = true });
	origin_reply(b, (struct reply){ .path = "/again", .silent = true });
	origin_reply(b,
	    (struct reply){ .path = "/stream",
		.sized = true,
		.size = 1000000,
		.piece = 1,
		.pace_ms = 50 });
	post = dial(daemon_port(d, "http"));
	again = dial(daemon_port(d, "http"));
	stream = dial(daemon_port(d, "http"));
	cr_assert(client_print(post,
	    "POST /post HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n"));
	cr_assert(
	    client_print(again, "GET /again HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(
	    client_print(stream, "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_requests(b) == 3));
	cr_assert(client_head(stream, &r));
	say(LIST(a));
	must_refuse(answer(post, "POST"), 503, "drained");
	cr_assert_eq(answer(again, "GET")->status, 200,
	    "what may be sent twice goes to another server");
	cr_assert_not(client_body(stream, &r, "GET"));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_open(b) == 0));
	must_count(d,
	    "fairlead_http_failures_total{route=\"all\","
	    "reason=\"drained\"}",
	    2);
	daemon_stop(d);
}

Test(discovery, a_server_in_its_drain_is_shown_as_draining)
{
	struct client *client;
	json_t *srv;

	say(LIST(b));
	start("", "");
	origin_reply(b, (struct reply){ .path = "/silent", .silent = true });
	client = dial(daemon_port(d, "http"));
	cr_assert(
	    client_print(client, "GET /silent HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_count(b, "/silent") == 1));
	say(LIST(a));
	must_tell(d, UPDATES, 2);
	srv = daemon_server(d, "up", name_of(b));
	cr_assert_str_eq(
	    json_string_value(json_object_get(srv, "state")), "draining");
	must_count(d,
	    "fairlead_upstream_servers{upstream=\"up\",state=\"draining\"}", 1);
	client_abort(client);
	must_count(d,
	    "fairlead_upstream_servers{upstream=\"up\",state=\"draining\"}", 0);
	daemon_stop(d);
}

/* Nobody answers its probes when it returns: what is known is what was known. */
Test(discovery, a_server_that_returns_finds_its_health_and_its_counts)
{
	double before;
	char *sample = keep_printf(
	    "fairlead_upstream_requests_total{upstream=\"up\",server=\"%s\","
	    "code_class=\"2xx\"}",
	    name_of(b));

	say(LIST(a, b));
	start(", max_loss: off",
	    ", health_check: { type: http, path: /probe, interval: 200ms, "
	    "timeout: 1m, unhealthy_threshold: 1 }");
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	origin_reply(b, (struct reply){ .path = "/probe", .status = 500 });
	cr_assert(WAIT_FOR(CHANGE_MS, !daemon_server_up(d, "up", name_of(b))));
	before = daemon_metric(d, sample);
	cr_assert_gt(before, 0);
	say(LIST(a));
	must_tell(d, SERVERS, 1);
	cr_assert_eq(daemon_metric(d, sample), -1, "it is not shown now");
	origin_reply(b, (struct reply){ .path = "/probe", .silent = true });
	say(LIST(a, b));
	must_tell(d, SERVERS, 2);
	cr_assert_not(daemon_server_up(d, "up", name_of(b)));
	cr_assert_eq(daemon_metric(d, sample), before);
	origin_reply(b, (struct reply){ .path = "/probe" });
	daemon_stop(d);
}

Test(discovery, there_are_at_most_five_snapshots_a_second)
{
	int64_t began, took_ms;
	double before;

	say(LIST(a, b));
	start("", "");
	before = daemon_stat(d, "config/snapshots");
	began = wait_now();
	for (unsigned i = 0; i < CHANGES; i++) {
		say(keep_printf("- { address: 127.0.0.1:%d, weight: %u }\n",
		    origin_port(a), i + 2));
		wait_till(wait_now() + 40);
	}
	say(LIST(c, e));
	must_tell(d, "upstreams/up/discovery/servers", 2);
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("e")));
	took_ms = wait_now() - began;
	cr_assert_leq(daemon_stat(d, "config/snapshots") - before,
	    (double)took_ms / 200 + 1);
	cr_assert_gt(daemon_stat(d, UPDATES), 3);
	daemon_stop(d);
}

Test(discovery, a_reload_keeps_what_was_found)
{
	say(LIST(a));
	start("", "");
	write_at("servers.yaml", "- {\n");
	must_say_soon("the last good answer is kept");
	daemon_reload(d, "%s", yaml("servers.yaml", ", drain: 1s", ""));
	cr_assert(is_served_by("a"));
	daemon_reload(d, "%s", yaml("other.yaml", "", ""));
	cr_assert(is_served_by("a"), "until the other file is there");
	write_at("other.yaml", LIST(b));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("b")));
	daemon_reload(d, "%s",
	    keep_printf("workers: 2\nlisteners: { http: { address: "
			"\"127.0.0.1:0\" } }\nadmin: { address: "
			"\"127.0.0.1:0\" }\nto: \"127.0.0.1:%d\"\n",
		origin_port(c)));
	cr_assert(WAIT_FOR(CHANGE_MS, is_served_by("c")));
	daemon_stop(d);
}

Test(discovery, metrics_and_stats_tell_of_it)
{
	say(LIST(a, b));
	start("", "");
	must_count(d,
	    "fairlead_discovery_servers{upstream=\"up\",provider=\"file\"}", 2);
	must_count(d,
	    "fairlead_discovery_updates_total{upstream=\"up\","
	    "provider=\"file\"}",
	    1);
	must_count(d, ERRORS("too_large"), 0);
	cr_assert_gt(daemon_metric(d,
			 "fairlead_discovery_last_success_timestamp_seconds{"
			 "upstream=\"up\",provider=\"file\"}"),
	    1e9);
	cr_assert_str_eq(
	    daemon_stat_text(d, "upstreams/up/discovery/provider"), "file");
	cr_assert_not_null(
	    daemon_stat_text(d, "upstreams/up/discovery/last_success"));
	cr_assert_geq(daemon_stat(d, "upstreams/up/discovery/age_seconds"), 0);
	daemon_stop(d);
}
