/* proxy/admin, requests and access_file: what control tells and keeps. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "base/clock.h"
#include "base/writer.h"
#include "conf/conf.h"
#include "proxy/access_file.h"
#include "proxy/admin.h"
#include "proxy/exchange.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/rates.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/origin.h"

TestSuite(admin, .timeout = 60);

static struct rig_answer
ask(const char *method, const char *path, const char *host)
{
	int fd = rig_dial(rig_port("admin"));
	struct rig_answer a = rig_ask(fd,
	    keep_printf("%s %s HTTP/1.1\r\nHost: %s\r\n"
			"Connection: close\r\n\r\n",
		method, path, host));

	close(fd);
	return a;
}

static void
must_be(const char *path, int status, const char *type, const char *text)
{
	struct rig_answer a = ask("GET", path, "127.0.0.1");

	cr_assert_eq(a.status, status, "%s: %s", path, a.head);
	cr_assert_not_null(
	    strstr(a.head, keep_printf("Content-Type: %s\r\n", type)), "%s: %s",
	    path, a.head);
	cr_assert_not_null(strstr(a.body, text), "%s: %s", path, a.body);
}

Test(admin, each_page_is_what_it_should_be)
{
	struct control *control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: [\"127.0.0.1:1\"] }\nroutes: [{ to: u }]\n");

	control->all_probed = true;
	must_be("/healthz", 200, "text/plain; charset=utf-8", "ok\n");
	must_be("/readyz", 200, "text/plain; charset=utf-8", "ready\n");
	control->all_probed = false;
	must_be("/stats", 200, "application/json", "\"upstreams\"");
	must_be("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8",
	    "fairlead_build_info");
	must_be("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8",
	    "process_open_fds");
	must_be("/config", 200, "application/json", "\"upstreams\"");
	must_be("/config/schema", 200, "application/json", "draft-07");
	must_be("/upstreams", 200, "application/json", "127.0.0.1:1");
	must_be("/upstreams/u", 200, "application/json", "127.0.0.1:1");
	must_be("/routes", 200, "application/json", "\"upstream\":\"u\"");
	must_be("/routes", 200, "application/json", "}\n");
	must_be("/none", 404, "application/problem+json", "}\n");
	must_be("/requests", 200, "application/json",
	    "{\"workers_silent\":0,\"requests\":[]}\n");
	must_be("/upstreams/none", 404, "application/problem+json",
	    "{\"status\":404,\"detail\":\"there is /stats");
	must_be("/upstream", 404, "application/problem+json", "404");
	must_be("/", 404, "application/problem+json", "404");
	must_be("/requests?older=x", 400, "application/problem+json",
	    "older is a duration");
	rig_stop();
}

Test(admin, readyz_says_what_is_missing_line_by_line)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct rig_answer a;

	control->workers_ready = 0;
	a = ask("GET", "/readyz", "localhost");
	cr_assert_eq(a.status, 503);
	cr_assert_str_eq(a.body, "starting\n");
	control->workers_ready = 1;
	rig_stop();
}

Test(admin, only_its_own_hosts_and_reading_methods_are_served)
{
	rig_start(ONE_WORKER PLAIN);
	cr_assert_eq(ask("GET", "/healthz", "localhost").status, 200);
	cr_assert_eq(ask("GET", "/healthz", "localhost:99").status, 200);
	cr_assert_eq(ask("GET", "/healthz", "10.0.0.1:99").status, 200);
	cr_assert_eq(ask("GET", "/healthz", "[::1]:99").status, 200);
	cr_assert_eq(ask("GET", "/healthz", "[::1]").status, 200);
	cr_assert_eq(ask("GET", "/healthz", "evil.test").status, 403);
	cr_assert_eq(ask("GET", "/healthz", "localhost.evil.test").status, 403);
	cr_assert_eq(ask("GET", "/healthz", "1.2.3").status, 403);
	cr_assert_eq(ask("POST", "/healthz", "localhost").status, 405);
	cr_assert_eq(ask("DELETE", "/healthz", "localhost").status, 405);
	cr_assert_eq(ask("POST", "/none", "evil.test").status, 403);
	rig_stop();
}

Test(admin, http10_needs_no_host)
{
	int fd;

	rig_start(ONE_WORKER PLAIN);
	fd = rig_dial(rig_port("admin"));
	cr_assert_eq(rig_ask(fd, "GET /healthz HTTP/1.0\r\n\r\n").status, 200);
	close(fd);
	rig_stop();
}

Test(admin, samples_make_rates)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	unsigned slot = control->snapshot->routes[0].slot;
	uint64_t now = loop_now(control->loop) + 100 * CLOCK_S;

	admin_sample(control, now);
	cr_assert_eq(rig_get(rig_port("http"), "/").status, 418);
	admin_sample(control, now + CLOCK_S);
	cr_assert_float_eq(
	    stats_rate(control->rates, STATS_ROUTES, slot), 1, 0.01);
	rig_stop();
}

/* Requests under way at two workers, one of them older. */
static struct origin *
hold_two(struct control **control, int fds[2])
{
	struct origin *o = origin_new("a");
	struct exchange *x;

	origin_reply(o, (struct reply){ .silent = true });
	*control = rig_start(
	    "workers: 2\n" ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: [{ address: \"127.0.0.1:%d\", name: s }] }\n"
	    "routes: [{ name: r, to: u }]\n",
	    origin_port(o));
	for (unsigned i = 0; i < 2; i++) {
		fds[i] = rig_dial(rig_port("http"));
		rig_send(fds[i],
		    keep_printf("GET /%u HTTP/1.1\r\nHost: a\r\n\r\n", i));
		RIG_UNTIL(origin_requests(o) == i + 1);
	}
	x = TAILQ_FIRST(&(*control)->workers[0]->exchanges);
	cr_assert_not_null(x, "one each");
	x->began -= 100 * CLOCK_S;
	return o;
}

static json_t *
requests(const char *path)
{
	struct rig_answer a = ask("GET", path, "localhost");

	cr_assert_eq(a.status, 200);
	return rig_json(a.body);
}

static size_t
listed(const json_t *doc)
{
	return json_array_size(json_object_get(doc, "requests"));
}

Test(admin, requests_under_way_are_listed_by_all_workers)
{
	struct control *control;
	int fds[2];
	json_t *doc, *one;
	json_int_t age;
	const char *text;

	hold_two(&control, fds);
	doc = requests("/requests");
	cr_assert_eq(listed(doc), 2);
	cr_assert_eq(
	    json_integer_value(json_object_get(doc, "workers_silent")), 0);
	doc = requests("/requests?older=90s");
	cr_assert_eq(listed(doc), 1);
	one = json_array_get(json_object_get(doc, "requests"), 0);
	cr_assert_eq(json_integer_value(json_object_get(one, "worker")), 0);
	age = json_integer_value(json_object_get(one, "age_ms"));
	cr_assert(age >= 100000 && age < 200000);
	text = json_string_value(json_object_get(one, "phase"));
	cr_assert_str_eq(text, "wait");
	text = json_string_value(json_object_get(one, "method"));
	cr_assert_str_eq(text, "GET");
	text = json_string_value(json_object_get(one, "path"));
	cr_assert(text[0] == '/' && text[1] != '\0');
	text = json_string_value(json_object_get(one, "route"));
	cr_assert_str_eq(text, "r");
	text = json_string_value(json_object_get(one, "upstream"));
	cr_assert_str_eq(text, "u");
	text = json_string_value(json_object_get(one, "server"));
	cr_assert_str_eq(text, "s");
	text = json_string_value(json_object_get(one, "id"));
	cr_assert_eq(strlen(text), 32);
	cr_assert_eq(json_integer_value(json_object_get(one, "attempt")), 1);
	cr_assert_eq(json_integer_value(json_object_get(one, "bytes_in")), 0);
	cr_assert_eq(json_integer_value(json_object_get(one, "bytes_out")), 0);
	doc = requests("/requests?older=300s");
	cr_assert_eq(listed(doc), 0);
	rig_stop_at_once();
}

/* Read until the whole answer is there while worker 1 stands still. */
static char *
answer_without_worker_1(int fd)
{
	static char text[65536];
	size_t n = 0;
	ssize_t more;
	int64_t end = wait_deadline(20000);

	while (strstr(text, "]}") == NULL) {
		rig_turn_one(0);
		rig_turn_one(2);
		more = read(fd, text + n, sizeof(text) - 1 - n);
		if (more > 0)
			n += (size_t)more;
		cr_assert_gt(wait_left(end), 0);
	}
	return text;
}

Test(admin, a_worker_that_keeps_silent_is_counted)
{
	struct control *control;
	int fds[2], fd;
	char *text;

	hold_two(&control, fds);
	fd = rig_dial(rig_port("admin"));
	rig_send(fd, "GET /requests HTTP/1.1\r\nHost: localhost\r\n\r\n");
	text = answer_without_worker_1(fd);
	cr_assert_not_null(strstr(text, "{\"workers_silent\":1,"));
	cr_assert_not_null(strstr(text, "\"worker\":0"));
	cr_assert_null(strstr(text, "\"worker\":1"));
	/* What it says later is for nobody. */
	for (unsigned i = 0; i < 5; i++)
		rig_turn();
	cr_assert_eq(
	    rig_ask(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status,
	    403);
	close(fd);
	rig_stop_at_once();
}

Test(admin, one_who_asks_and_leaves_does_no_harm)
{
	struct control *control;
	int fds[2], fd;

	hold_two(&control, fds);
	fd = rig_dial(rig_port("admin"));
	rig_send(fd, "GET /requests HTTP/1.1\r\nHost: localhost\r\n\r\n");
	while (TAILQ_EMPTY(&control->self->exchanges))
		rig_turn_one(2);
	cr_assert_not_null(TAILQ_FIRST(&control->self->exchanges)->inquiry);
	exchange_cut(TAILQ_FIRST(&control->self->exchanges), END_CLIENT_CLOSED);
	for (unsigned i = 0; i < 5; i++)
		rig_turn();
	close(fd);
	rig_stop_at_once();
}

/* The request breaks behind its head; the workers answer before that is out. */
Test(admin, one_who_asks_and_errs_is_answered_once)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	int fd = rig_dial(rig_port("admin"));

	rig_send(fd,
	    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	    "GET /requests HTTP/1.1\r\nHost: localhost\r\n"
	    "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
	while (TAILQ_EMPTY(&control->self->exchanges))
		rig_turn_one(1);
	rig_turn_one(0);
	cr_assert_eq(rig_answer(fd).status, 200);
	cr_assert_eq(rig_answer(fd).status, 400);
	rig_must_end(fd);
	rig_stop();
}

Test(admin, requests_are_refused_when_nobody_could_answer)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	int fd = rig_dial(rig_port("admin"));

	while (TAILQ_EMPTY(&control->self->clients))
		rig_turn_one(1);
	rig_signal(SIGTERM);
	rig_signal(SIGTERM);
	rig_send(fd, "GET /requests HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert_not_null(
	    strstr(rig_answer(fd).head, "X-Fairlead-Reason: shutdown"));
	rig_stop();
}

/* ---- the access log's files ---- */

Test(admin, logs_are_kept_by_path_and_opened_anew)
{
	struct control *control =
	    rig_start("workers: 2\n" ON_HTTP ON_ADMIN
		      "access_log: { output: %s/one }\n" TEAPOT,
		rig_directory());
	struct ring **one = control->snapshot->rings;
	const char *path = keep_printf("%s/one", rig_directory());

	cr_assert_eq(control->nfiles, 1);
	cr_assert_not_null(one[0]);
	cr_assert_not_null(one[1]);
	cr_assert_neq(one[0], one[1]);
	cr_assert_eq(control->workers[1]->ring, one[1]);
	cr_assert_null(control->self->ring);
	rig_reload("workers: 2\n" PLAIN);
	cr_assert_eq(control->nfiles, 2);
	cr_assert_null(control->snapshot->rings[0]);
	rig_reload("workers: 2\n" ON_HTTP ON_ADMIN
		   "access_log: { output: %s/two }\n" TEAPOT,
	    rig_directory());
	cr_assert_eq(control->nfiles, 3);
	cr_assert_neq(control->snapshot->rings, one);
	rig_reload("workers: 2\n" ON_HTTP ON_ADMIN
		   "access_log: { output: %s/one }\n" TEAPOT,
	    rig_directory());
	cr_assert_eq(control->nfiles, 3);
	cr_assert_eq(control->snapshot->rings, one);
	rig_reload("workers: 2\n" PLAIN);
	cr_assert_eq(control->nfiles, 3);
	cr_assert_eq(access_files_dropped(control), 0);
	cr_assert_eq(rename(path, keep_printf("%s.1", path)), 0);
	rig_signal(SIGUSR1);
	RIG_UNTIL(access(path, F_OK) == 0);
	cr_assert_eq(rig_says("logs are opened anew"), 1);
	rig_stop();
}

/* Lines to a worker's ring until some were dropped; how many. */
static uint64_t
flood(struct ring *ring)
{
	static char line[60000];
	uint64_t n = 0;

	line[sizeof(line) - 1] = '\n';
	while (n < 3)
		n += !ring_put(ring, line, sizeof(line));
	return n;
}

Test(admin, dropped_lines_are_counted_over_all_files)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);
	uint64_t dropped = 0;

	for (unsigned i = 0; i < 2; i++) {
		rig_reload("workers: 2\n" ON_HTTP ON_ADMIN
			   "access_log: { output: %s/%u }\n" TEAPOT,
		    rig_directory(), i);
		dropped += flood(control->snapshot->rings[i]);
		cr_assert_eq(access_files_dropped(control), dropped);
	}
	rig_stop();
}
