/*
 * proxy/exchange, attempt, relay, reply and log: one request after another,
 * with what it leaves behind.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "limit/breaker.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/group.h"
#include "proxy/lease.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/certs.h"
#include "tests/lib/origin.h"

TestSuite(exchange, .timeout = 60);

#define ASK "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct control *control;
static struct worker *w;
static struct origin *o;

/* One upstream u with o's server and what else, a route r to it. */
static void
start(const char *servers, const char *upstream, const char *route)
{
	o = origin_new("a");
	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN
	    "access_log: { output: %s/access }\n"
	    "upstreams: { u: { servers: [{ address: \"127.0.0.1:%d\", name: "
	    "good }%s]%s } }\n"
	    "routes: [{ name: r, path: /*, to: u%s }]\n",
	    rig_directory(), origin_port(o), servers, upstream, route);
	w = control->workers[0];
}

static struct stats_upstream *
upstream_stats(void)
{
	return w->lease->upstreams[0].stats;
}

static struct server *
server(unsigned i)
{
	return w->lease->snapshot->upstreams[0].roster->members[i].server;
}

static struct pool *
pool(unsigned i)
{
	return w->lease->upstreams[0].pools[i];
}

static uint64_t
failures(unsigned i, enum end why)
{
	return atomic_load(&server(i)->failures[why]);
}

static struct rig_answer
ask(const char *request)
{
	int fd = rig_dial(rig_port("http"));
	struct rig_answer a = rig_ask(fd, request);

	close(fd);
	RIG_UNTIL(TAILQ_EMPTY(&w->clients));
	return a;
}

static bool
says(const char *head, const char *text)
{
	return strstr(head, text) != NULL;
}

/* The last line of the access log, there when all is stopped. */
static json_t *
last_line(void)
{
	char *all = keep_file(keep_printf("%s/access", rig_directory()));
	char *line = all, *next;

	while ((next = strchr(line, '\n')) != NULL && next[1] != '\0')
		line = next + 1;
	return rig_json(line);
}

static const char *
text(const json_t *doc, const char *key)
{
	const char *value = json_string_value(json_object_get(doc, key));

	return value != NULL ? value : "";
}

static double
number(const json_t *doc, const char *key)
{
	const json_t *value = json_object_get(doc, key);

	return json_is_number(value) ? json_number_value(value) : -1;
}

static void
ask_for_hello(void)
{
	start("", "", "");
	origin_reply(o, (struct reply){ .text = "hello", .delay_ms = 30 });
	cr_assert_str_eq(ask("POST /p?q HTTP/1.1\r\nHost: a\r\nReferer: z\r\n"
			     "User-Agent: y\r\nContent-Length: 3\r\n\r\nabc")
			     .body,
	    "hello");
}

Test(exchange, a_good_one_is_counted_everywhere_once)
{
	struct stats_route *r;

	ask_for_hello();
	r = w->lease->routes[0];
	cr_assert_eq(counter_get(&r->requests), 1);
	cr_assert_eq(counter_get(&r->in_flight), 0);
	cr_assert_eq(counter_get(&r->request_bytes), 3);
	cr_assert_eq(counter_get(&r->response_bytes), 5);
	cr_assert_eq(rig_noted(&r->duration), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->duration), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->connect), 1);
	cr_assert_eq(rig_noted(&pool(0)->stats->duration), 1);
	cr_assert_geq(
	    counter_get(&pool(0)->stats->duration.sum_ns), 30 * CLOCK_MS);
	cr_assert_lt(
	    counter_get(&pool(0)->stats->duration.sum_ns), 60 * CLOCK_S);
	cr_assert_lt(
	    counter_get(&upstream_stats()->connect.sum_ns), 60 * CLOCK_S);
	cr_assert_lt(counter_get(&r->duration.sum_ns), 60 * CLOCK_S);
	cr_assert_eq(atomic_load(&server(0)->requests[1]), 1);
	cr_assert_eq(server_inflight(server(0)), 0);
	cr_assert_eq(counter_get(&pool(0)->stats->idle), 1);
	cr_assert_eq(counter_get(&pool(0)->stats->active), 0);
	cr_assert_eq(w->lease->uses, 1);
	cr_assert_eq(w->nspare, 1);
	cr_assert(TAILQ_EMPTY(&w->exchanges));
	cr_assert_eq(atomic_load(&w->at_exchange), 1);
	rig_stop();
}

Test(exchange, a_line_in_the_log_tells_it_all)
{
	json_t *line;

	ask_for_hello();
	rig_stop();
	line = last_line();
	cr_assert_str_eq(text(line, "protocol"), "HTTP/1.1");
	cr_assert_str_eq(text(line, "method"), "POST");
	cr_assert_str_eq(text(line, "host"), "a");
	cr_assert_str_eq(text(line, "path"), "/p");
	cr_assert_str_eq(text(line, "query"), "q");
	cr_assert_str_eq(text(line, "referer"), "z");
	cr_assert_str_eq(text(line, "user_agent"), "y");
	cr_assert_str_eq(text(line, "listener"), "http");
	cr_assert_str_eq(text(line, "client_ip"), "127.0.0.1");
	cr_assert_str_eq(text(line, "route"), "r");
	cr_assert_str_eq(text(line, "upstream"), "u");
	cr_assert_str_eq(text(line, "server"), "good");
	cr_assert_eq(strlen(text(line, "request_id")), 32);
	cr_assert_eq(number(line, "status"), 200);
	cr_assert_eq(number(line, "bytes_in"), 3);
	cr_assert_eq(number(line, "bytes_out"), 5);
	cr_assert_eq(number(line, "config_generation"), 1);
	cr_assert_geq(number(line, "ttfb_ms"), 30);
	cr_assert_lt(number(line, "ttfb_ms"), 60000);
	cr_assert_geq(number(line, "duration_ms"), number(line, "ttfb_ms"));
	cr_assert_lt(number(line, "duration_ms"), 60000);
	cr_assert_geq(number(line, "connect_ms"), 0);
	cr_assert_lt(number(line, "connect_ms"), 60000);
	cr_assert_null(json_object_get(line, "attempts"));
}

Test(exchange, a_kept_connection_tells_no_connect_time)
{
	json_t *line;

	start("", "", "");
	ask(ASK);
	ask("HEAD / HTTP/1.0\r\n\r\n");
	cr_assert_eq(origin_accepted(o), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->connect), 1);
	cr_assert_eq(rig_noted(&upstream_stats()->duration), 2);
	cr_assert_eq(w->nspare, 1);
	rig_stop();
	line = last_line();
	cr_assert_str_eq(text(line, "protocol"), "HTTP/1.0");
	cr_assert_eq(number(line, "connect_ms"), -1);
}

Test(exchange, every_id_is_its_own_hex)
{
	const char *seen[4], *at;

	start("", "", "");
	for (unsigned i = 0; i < 4; i++) {
		at = origin_field(
		    (ask(ASK), &origin_seen(o, i)->head), "X-Request-Id", 0);
		cr_assert_eq(strlen(at), 32);
		cr_assert_eq(strspn(at, "0123456789abcdef"), 32);
		for (unsigned k = 0; k < 16; k++)
			cr_assert(strncmp(at, at + 16, 16) != 0);
		for (unsigned k = 0; k < i; k++)
			cr_assert_str_neq(at, seen[k]);
		seen[i] = at;
	}
	rig_stop();
}

Test(exchange, a_refused_connect_goes_on_to_another_server)
{
	json_t *line, *attempts;

	start(", { address: \"127.0.0.1:1\", name: bad }",
	    ", balance: { policy: round_robin }", "");
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(ask("POST / HTTP/1.1\r\nHost: a\r\n"
				 "Content-Length: 2\r\n\r\nhi")
				 .status,
		    200);
	cr_assert_eq(failures(1, END_CONNECT_FAILURE), 1);
	cr_assert_eq(
	    counter_get(&upstream_stats()->retries[END_CONNECT_FAILURE]), 1);
	cr_assert_gt(atomic_load(&server(1)->suspect_until), loop_now(w->loop));
	cr_assert_eq(server_inflight(server(0)), 0);
	cr_assert_eq(server_inflight(server(1)), 0);
	cr_assert_eq(rig_noted(&upstream_stats()->duration), 3);
	cr_assert_eq(origin_requests(o), 2);
	cr_assert_eq(origin_seen(o, 1)->body.n, 2);
	/* Suspicion is over: it is asked once more, or not. */
	atomic_store(&server(1)->suspect_until, 0);
	rig_stop();
	line = last_line();
	attempts = json_object_get(line, "attempts");
	if (attempts == NULL)
		return;
	cr_assert_eq(json_array_size(attempts), 2);
	cr_assert_str_eq(text(line, "server"), "good");
}

Test(exchange, each_server_is_tried_once_and_all_are_listed)
{
	json_t *line, *attempts;

	o = origin_new("a");
	origin_kill(o);
	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN
	    "access_log: { output: %s/access }\n"
	    "routes: [{ name: r, to: [\"127.0.0.1:1\", \"127.0.0.2:1\", "
	    "\"127.0.0.3:1\", \"127.0.0.4:1\", \"127.0.0.5:1\", "
	    "\"127.0.0.6:1\", \"127.0.0.7:1\", \"127.0.0.8:1\", "
	    "\"127.0.0.9:1\", \"127.0.0.10:1\"] }]\n",
	    rig_directory());
	w = control->workers[0];
	cr_assert_eq(ask(ASK).status, 502);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(failures(i, END_CONNECT_FAILURE), 1);
		cr_assert_eq(server_inflight(server(i)), 0);
	}
	cr_assert_eq(
	    counter_get(&upstream_stats()->retries[END_CONNECT_FAILURE]), 10);
	cr_assert_eq(
	    counter_get(&w->lease->routes[0]->failures[END_CONNECT_FAILURE]),
	    1);
	rig_stop();
	line = last_line();
	attempts = json_object_get(line, "attempts");
	cr_assert_eq(json_array_size(attempts), ATTEMPTS_LOGGED);
	cr_assert_str_eq(
	    text(json_array_get(attempts, 0), "reason"), "connect_failure");
	cr_assert_str_eq(text(line, "server"),
	    text(json_array_get(attempts, ATTEMPTS_LOGGED - 1), "server"));
	cr_assert_eq(number(line, "status"), 502);
	cr_assert_str_eq(text(line, "reason"), "connect_failure");
}

/* What the breaker holds of so many equal requests. */
static struct breaker_look
looked(void)
{
	struct breaker_look look;

	breaker_look(
	    w->lease->snapshot->upstreams[0].breaker, loop_now(w->loop), &look);
	return look;
}

#define BREAKER(on) \
	", circuit_breaker: { consecutive_failures: 1, failure_on: [" on \
	"], open_for: 7s }"

/* Whether one answer of that status opens a breaker that counts `on'. */
static bool
opens(const char *upstream, int status)
{
	start("", upstream, "");
	origin_reply(o, (struct reply){ .status = status, .text = "x" });
	ask(ASK);
	return looked().to[BREAKER_OPEN] == 1;
}

Test(exchange, a_502_is_a_gateway_error)
{
	cr_assert(opens(BREAKER("gateway_error"), 502));
	rig_stop();
}

Test(exchange, a_503_is_a_gateway_error)
{
	cr_assert(opens(BREAKER("gateway_error"), 503));
	rig_stop();
}

Test(exchange, a_504_is_a_gateway_error)
{
	cr_assert(opens(BREAKER("gateway_error"), 504));
	rig_stop();
}

Test(exchange, a_500_is_none)
{
	cr_assert_not(opens(BREAKER("gateway_error"), 500));
	rig_stop();
}

Test(exchange, a_505_is_none)
{
	cr_assert_not(opens(BREAKER("gateway_error"), 505));
	rig_stop();
}

Test(exchange, a_500_is_5xx)
{
	cr_assert(opens(BREAKER("5xx"), 500));
	rig_stop();
}

Test(exchange, a_599_is_5xx)
{
	cr_assert(opens(BREAKER("5xx"), 599));
	rig_stop();
}

Test(exchange, a_503_is_5xx_too)
{
	cr_assert(opens(BREAKER("5xx"), 503));
	rig_stop();
}

Test(exchange, a_499_is_not)
{
	cr_assert_not(opens(BREAKER("5xx"), 499));
	rig_stop();
}

Test(exchange, a_600_is_not)
{
	cr_assert_not(opens(BREAKER("5xx"), 600));
	rig_stop();
}

Test(exchange, an_open_breaker_says_when_to_come_again)
{
	struct rig_answer a;

	cr_assert(opens(BREAKER("5xx"), 500));
	a = ask(ASK);
	cr_assert_eq(a.status, 503);
	cr_assert(says(a.head, "X-Fairlead-Reason: circuit_open\r\n"));
	cr_assert(says(a.head, "Retry-After: 7\r\n"), "%s", a.head);
	cr_assert(says(a.head, "Content-Type: text/plain; charset=utf-8\r\n"));
	cr_assert_str_eq(a.body,
	    "503 circuit_open: the upstream's circuit breaker is open\n");
	cr_assert_eq(origin_requests(o), 1);
	rig_stop();
}

/* A server that never answers: what fires the timeout is the test. */
static struct exchange *
wait_for_answer(const char *upstream, const char *route)
{
	start("", upstream, route);
	origin_reply(o, (struct reply){ .silent = true });
	rig_send(rig_dial(rig_port("http")), ASK);
	RIG_UNTIL(origin_requests(o) == 1);
	return TAILQ_FIRST(&w->exchanges);
}

Test(exchange, a_cut_is_a_reset_for_the_breaker)
{
	start("", BREAKER("reset"), "");
	origin_reply(o, (struct reply){ .raw = "HTTP/1.1 nonsense\r\n\r\n" });
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 1);
	cr_assert_eq(failures(0, END_UPSTREAM_PROTOCOL), 1);
	rig_stop();
}

Test(exchange, a_cut_is_nothing_else_for_it)
{
	start("", BREAKER("connect_failure, timeout, 5xx, gateway_error"), "");
	origin_reply(o, (struct reply){ .raw = "HTTP/1.1 nonsense\r\n\r\n" });
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 0);
	rig_stop();
}

Test(exchange, a_refused_connect_counts_as_one)
{
	start("", BREAKER("connect_failure"), "");
	origin_kill(o);
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 1);
	rig_stop();
}

Test(exchange, a_refused_connect_is_no_timeout)
{
	start("", BREAKER("timeout"), "");
	origin_kill(o);
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 0);
	rig_stop();
}

Test(exchange, the_routes_timeouts_go_before_the_upstreams)
{
	struct exchange *x = wait_for_answer(
	    ", timeouts: { connect: 10s, response: 20s, idle: 30s }", "");

	cr_assert_eq(x->attempt.connect_timeout_ns, 10 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.head_ns, 20 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.idle_ns, 30 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.limits.fields, 256);
	cr_assert_eq(server_inflight(server(0)), 1);
	cr_assert_eq(x->phase, PHASE_WAIT);
	cr_assert_eq(counter_get(&w->lease->routes[0]->in_flight), 1);
	cr_assert_str_eq(exchange_phase_name(x->phase), "wait");
	rig_stop_at_once();
	cr_assert_str_eq(text(last_line(), "reason"), "shutdown");
}

Test(exchange, and_each_for_itself)
{
	struct exchange *x = wait_for_answer(
	    ", timeouts: { connect: 10s, response: 20s, idle: 30s }",
	    ", timeouts: { connect: 1s, response: 2s, idle: 3s }");

	cr_assert_eq(x->attempt.connect_timeout_ns, 1 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.head_ns, 2 * CLOCK_S);
	cr_assert_eq(x->attempt.h1.idle_ns, 3 * CLOCK_S);
	rig_stop_at_once();
}

Test(exchange, a_client_that_leaves_takes_its_request_with_it)
{
	struct exchange *x =
	    wait_for_answer(BREAKER("timeout, reset, 5xx"), "");

	cr_assert_not_null(x);
	exchange_cut(x, END_CLIENT_CLOSED);
	RIG_UNTIL(TAILQ_EMPTY(&w->clients));
	cr_assert_eq(server_inflight(server(0)), 0);
	cr_assert_eq(failures(0, END_CLIENT_CLOSED), 0, "not its fault");
	cr_assert_eq(looked().to[BREAKER_OPEN], 0);
	cr_assert_eq(
	    counter_get(&w->lease->routes[0]->failures[END_CLIENT_CLOSED]), 1);
	cr_assert_eq(counter_get(&w->lease->routes[0]->in_flight), 0);
	RIG_UNTIL(origin_open(o) == 0);
	rig_stop();
	cr_assert_eq(number(last_line(), "ttfb_ms"), -1);
}

Test(exchange, nothing_is_kept_to_be_sent_again_once_there_is_an_answer)
{
	struct exchange *x;
	int fd;

	start("", "", "");
	origin_reply(o,
	    (struct reply){ .early = true,
		.sized = true,
		.size = 100,
		.piece = 1,
		.pace_ms = 100 });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
	    "\r\nab");
	RIG_UNTIL(!TAILQ_EMPTY(&w->exchanges));
	x = TAILQ_FIRST(&w->exchanges);
	RIG_UNTIL(x->phase == PHASE_ANSWER);
	cr_assert_eq(x->replay.n, 0);
	rig_send(fd, "cd");
	RIG_UNTIL(x->bytes_in == 4);
	cr_assert_eq(x->replay.n, 0);
	close(fd);
	rig_stop_at_once();
}

/* A body of n bytes to a server that is silent; the exchange with all of it. */
static struct exchange *
hold_body(size_t n)
{
	char *bytes = keep(n + 1);
	struct exchange *x;
	int fd;

	start("", "", "");
	origin_reply(o, (struct reply){ .silent = true });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    keep_printf(
		"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n));
	memset(bytes, 'b', n);
	rig_send(fd, bytes);
	RIG_UNTIL(!TAILQ_EMPTY(&w->exchanges));
	x = TAILQ_FIRST(&w->exchanges);
	RIG_UNTIL(x->bytes_in == n && x->up != NULL);
	return x;
}

Test(exchange, a_window_of_body_is_kept_to_be_sent_again)
{
	struct exchange *x = hold_body(STREAM_WINDOW);

	cr_assert(x->replayable);
	cr_assert_eq(x->replay.n, STREAM_WINDOW);
	rig_stop_at_once();
}

Test(exchange, and_not_a_byte_more)
{
	struct exchange *x = hold_body(STREAM_WINDOW + 1);

	cr_assert_not(x->replayable);
	cr_assert_eq(x->replay.n, 0);
	rig_stop_at_once();
}

Test(exchange, bodies_pass_both_ways_whole)
{
	int fd;
	struct rig_answer a;
	char *body = keep(200001);

	start("", "", "");
	memset(body, 'b', 200000);
	origin_reply(o, (struct reply){ .digest = true });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n"
	    "\r\n");
	for (size_t n = 0; n < 200000;) {
		ssize_t k = write(fd, body + n, 200000 - n);

		rig_turn();
		n += k > 0 ? (size_t)k : 0;
	}
	a = rig_answer(fd);
	cr_assert(says(a.body, "200000 "), "%s", a.body);
	cr_assert_eq(counter_get(&w->lease->routes[0]->request_bytes), 200000);
	origin_reply(o, (struct reply){ .sized = true, .size = 300000 });
	rig_send(fd, ASK);
	a = rig_answer(fd);
	cr_assert_eq(a.status, 200);
	RIG_UNTIL(counter_get(&w->lease->routes[0]->response_bytes) >= 300000);
	close(fd);
	rig_stop();
}

Test(exchange, body_limits_are_the_routes_before_the_listeners)
{
	start("", "", ", limits: { body_size: 4B }");
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
			 "\r\nabcd")
			 .status,
	    200);
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
			 "\r\nabcde")
			 .status,
	    413);
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n"
			 "4\r\nabcd\r\n0\r\n\r\n")
			 .status,
	    200);
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n"
			 "5\r\nabcde\r\n0\r\n\r\n")
			 .status,
	    413);
	rig_stop();
}

Test(exchange, an_expectation_is_answered_when_there_is_a_server)
{
	int fd;
	struct rig_answer a;

	start("", "", "");
	origin_reply(o, (struct reply){ .digest = true, .no_continue = true });
	fd = rig_dial(rig_port("http"));
	a = rig_ask(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
	    "Expect: 100-continue\r\n\r\n");
	cr_assert_eq(a.status, 100);
	cr_assert_str_eq(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
	a = rig_ask(fd, "hi");
	cr_assert(says(a.body, "2 "));
	cr_assert_null(origin_field(&origin_seen(o, 0)->head, "Expect", 0));
	close(fd);
	rig_stop();
}

Test(exchange, interim_heads_pass_but_100_does_not)
{
	int fd;

	start("", "", "");
	origin_reply(o,
	    (struct reply){ .interim = "HTTP/1.1 100 Continue\r\n\r\n"
				       "HTTP/1.1 103 Early\r\nA: b\r\n\r\n",
		.text = "x" });
	fd = rig_dial(rig_port("http"));
	rig_send(fd, ASK);
	cr_assert_eq(rig_answer(fd).status, 103);
	cr_assert_eq(rig_answer(fd).status, 200);
	close(fd);
	rig_stop();
}

Test(exchange, recycled_ones_are_as_new)
{
	start("", "", "");
	ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
	cr_assert_eq(w->nspare, 1);
	ask(ASK);
	cr_assert_eq(counter_get(&w->lease->routes[0]->request_bytes), 2);
	cr_assert_eq(w->nspare, 1);
	exchange_spare_free(w);
	cr_assert_eq(w->nspare, 0);
	cr_assert_null(w->spare);
	rig_stop();
}

/* ---- answers of our own ---- */

static void
start_routes(const char *routes)
{
	control =
	    rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG "routes:\n%s", routes);
	w = control->workers[0];
}

Test(exchange, a_route_may_answer_by_itself)
{
	struct rig_answer a;

	start_routes("- { path: /a, respond: { status: 201, body: abc, "
		     "headers: { X-One: \"1\", content-type: text/css } } }\n"
		     "- { path: /b, respond: { status: 204 } }\n"
		     "- { path: /c, respond: { status: 304 } }\n"
		     "- { path: /d, respond: { status: 200, body: x } }\n");
	a = ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 201);
	cr_assert_str_eq(a.body, "abc");
	cr_assert(says(a.head, "X-One: 1\r\n"));
	cr_assert(says(a.head, "Content-Type: text/css\r\n"));
	cr_assert(says(a.head, "\r\nDate: "));
	cr_assert_eq(counter_get(&w->lease->routes[0]->response_bytes), 3);
	a = ask("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 204);
	cr_assert_not(says(a.head, "Content-Length"));
	cr_assert_not(says(a.head, "Content-Type"));
	a = ask("GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 304);
	cr_assert_not(says(a.head, "Content-Length"));
	a = ask("GET /d HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert(says(a.head, "Content-Type: text/plain; charset=utf-8\r\n"));
	rig_stop();
}

Test(exchange, head_gets_no_body)
{
	struct rig_answer a;

	start_routes("- { respond: { status: 200, body: abc } }\n");
	a = ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	cr_assert(says(a.head, "Content-Length: 3\r\n"));
	cr_assert_eq(counter_get(&w->lease->routes[0]->requests), 1);
	cr_assert_eq(counter_get(&w->lease->routes[0]->response_bytes), 0);
	rig_stop();
}

static void
must_go(const char *request, const char *location)
{
	struct rig_answer a = ask(request);

	cr_assert(says(a.head, keep_printf("\r\nLocation: %s\r\n", location)),
	    "%s", a.head);
}

Test(exchange, a_redirect_keeps_what_it_does_not_change)
{
	start_routes("- { path: /a, redirect: { scheme: https } }\n"
		     "- { path: /b, redirect: { host: \"b.c:8\" } }\n"
		     "- { path: /c, redirect: { path: /x } }\n"
		     "- { path: /d, redirect: { host: e.f, scheme: https, "
		     "path: /y, status: 301 } }\n");
	must_go("GET /a HTTP/1.1\r\nHost: a:99\r\n\r\n", "https://a/a");
	must_go("GET /a?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "https://a/a?q=1");
	must_go("GET /b? HTTP/1.1\r\nHost: a\r\n\r\n", "http://b.c:8/b?");
	must_go("GET /c HTTP/1.1\r\nHost: a:99\r\n\r\n", "http://a:99/x");
	must_go("GET /d HTTP/1.1\r\nHost: a\r\n\r\n", "https://e.f/y");
	cr_assert_eq(ask("GET /d HTTP/1.1\r\nHost: a\r\n\r\n").status, 301);
	cr_assert_eq(ask("GET /d HTTP/1.0\r\n\r\n").status, 301);
	cr_assert_eq(ask("GET /c HTTP/1.0\r\n\r\n").status, 400);
	rig_stop();
}

Test(exchange, https_is_at_443_or_where_it_listens)
{
	control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\", redirect: https "
	    "} }\n" ON_ADMIN NO_LOG TEAPOT);
	w = control->workers[0];
	must_go("GET /a?b HTTP/1.1\r\nHost: a:80\r\n\r\n", "https://a/a?b");
	cr_assert_eq(ask(ASK).status, 308);
	cr_assert_eq(ask("GET / HTTP/1.0\r\n\r\n").status, 400);
	cr_assert_eq(counter_get(&w->lease->routes[0]->requests), 0);
	cr_assert_eq(counter_get(&w->lease->no_route->requests), 3);
	rig_stop();
}

Test(exchange, https_is_where_the_first_tls_listener_is)
{
	struct cert cert =
	    cert_make(rig_directory(), "a", "a.test", CERT_ECDSA);

	control = rig_start(ONE_WORKER
	    "listeners:\n  http: { address: \"127.0.0.1:0\", redirect: https }\n"
	    "  path: { address: \"unix:%s/s\", tls: { certificates: "
	    "[{ cert: %s, key: %s }] } }\n"
	    "  https: { address: \"127.0.0.1:0\", tls: { certificates: "
	    "[{ cert: %s, key: %s }] } }\n" ON_ADMIN NO_LOG TEAPOT,
	    rig_directory(), cert.cert, cert.key, cert.cert, cert.key);
	w = control->workers[0];
	must_go("GET /a?b HTTP/1.1\r\nHost: a:80\r\n\r\n",
	    keep_printf("https://a:%d/a?b", rig_port("https")));
	must_go("GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
	    keep_printf("https://a:%d/a", rig_port("https")));
	rig_stop();
}

Test(exchange, another_method_is_told_which_are_allowed)
{
	struct rig_answer a;

	start_routes("- { path: /a, methods: [GET, PUT], "
		     "respond: { status: 200 } }\n");
	a = ask("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(a.status, 405);
	cr_assert(says(a.head, "\r\nAllow: GET, HEAD, PUT\r\n"), "%s", a.head);
	cr_assert_not(says(a.head, "Retry-After"));
	a = ask("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 404);
	cr_assert(says(a.head, "X-Fairlead-Reason: no_route\r\n"));
	cr_assert_not(says(a.head, "Allow"));
	cr_assert_eq(counter_get(&w->lease->no_route->requests), 2);
	rig_stop();
}

Test(exchange, the_last_proxy_a_trace_may_reach_answers_it)
{
	start("", "", "");
	cr_assert_eq(ask("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0"
			 "\r\n\r\n")
			 .status,
	    200);
	cr_assert_eq(origin_requests(o), 0);
	cr_assert_eq(ask("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1"
			 "\r\n\r\n")
			 .status,
	    200);
	cr_assert_eq(origin_requests(o), 1);
	rig_stop();
}

Test(exchange, without_any_server_it_says_which_way)
{
	struct rig_answer a;

	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: [{ address: \"127.0.0.1:1\", weight: 0 }] }\n"
	    "routes: [{ to: u }]\n");
	w = control->workers[0];
	a = ask(ASK);
	cr_assert_eq(a.status, 503);
	cr_assert(says(a.head, "X-Fairlead-Reason: no_healthy_server\r\n"));
	cr_assert(says(a.head, "Retry-After: 1\r\n"));
	rig_stop();
}

Test(exchange, weighted_targets_share_by_turns)
{
	unsigned n[2] = { 0 };

	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { a: [\"127.0.0.1:1\"], b: [\"127.0.0.2:1\"] }\n"
	    "routes: [{ to: [{ upstream: a, weight: 3 }, "
	    "{ upstream: b, weight: 1 }] }]\n");
	w = control->workers[0];
	for (unsigned i = 0; i < 8; i++)
		ask(ASK);
	for (unsigned i = 0; i < 2; i++)
		n[i] = (unsigned)rig_noted(
		    &w->lease->upstreams[i].stats->duration);
	cr_assert_eq(n[0], 6);
	cr_assert_eq(n[1], 2);
	cr_assert_eq(atomic_load(&w->lease->snapshot->routes[0].ticket), 8);
	rig_stop();
}
