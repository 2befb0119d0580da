/* proxy/worker, client and port: connections, and who serves them. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/gate.h"
#include "proxy/group.h"
#include "proxy/lease.h"
#include "proxy/port.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/origin.h"

TestSuite(worker, .timeout = 60);

#define ASK "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct client *
first(struct worker *w)
{
	return TAILQ_FIRST(&w->clients);
}

static struct stats_listener *
counts(struct worker *w)
{
	return LIST_FIRST(&w->ports)->stats;
}

static unsigned
connections(struct control *control, unsigned worker)
{
	return atomic_load(&control->workers[worker]->connections);
}

static unsigned
gate(struct control *control)
{
	return atomic_load(&control->snapshot->listeners[0].gate->connections);
}

Test(worker, few_connections_are_spread_evenly)
{
	struct control *control = rig_start("workers: 3\n" PLAIN);
	int fds[30];

	for (unsigned i = 0; i < 30; i++) {
		fds[i] = rig_dial(rig_port("http"));
		RIG_UNTIL(gate(control) == i + 1);
		rig_turn();
		rig_turn();
		for (unsigned k = 0; k < 3; k++) {
			cr_assert_geq(connections(control, k), (i + 1) / 3);
			cr_assert_leq(connections(control, k), (i + 3) / 3);
		}
	}
	for (unsigned k = 0; k < 3; k++)
		cr_assert_eq(
		    counter_get(&counts(control->workers[k])->accepted), 10);
	for (unsigned i = 0; i < 30; i++)
		close(fds[i]);
	RIG_UNTIL(gate(control) == 0);
	for (unsigned k = 0; k < 3; k++) {
		cr_assert_eq(connections(control, k), 0);
		cr_assert(TAILQ_EMPTY(&control->workers[k]->clients));
		cr_assert_eq(
		    counter_get(&counts(control->workers[k])->connections), 0);
	}
	rig_stop();
}

/* As if `mine' connections were here and `others' there; where goes a new one? */
static bool
is_kept(struct control *control, unsigned mine, unsigned others)
{
	struct worker *w = control->workers[0], *v = control->workers[1];
	struct port *p = LIST_FIRST(&w->ports);
	struct addr peer;
	bool kept;
	int pair[2];

	cr_assert(addr_from_ip(TEXT("192.0.2.1"), 0, &peer));
	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	atomic_store(&w->connections, mine);
	atomic_store(&v->connections, others);
	worker_accept(
	    p, control->snapshot->listeners[0].doors[0]->key, pair[0], &peer);
	kept = !TAILQ_EMPTY(&w->clients);
	cr_assert_eq(connections(control, 0), mine + kept);
	cr_assert_eq(connections(control, 1), others + !kept);
	cr_assert_eq(gate(control), 1);
	RIG_UNTIL(!TAILQ_EMPTY(&w->clients) || !TAILQ_EMPTY(&v->clients));
	cr_assert_eq(gate(control), 1);
	client_end(kept ? first(w) : first(v));
	rig_turn();
	close(pair[1]);
	cr_assert_eq(connections(control, 0), mine);
	cr_assert_eq(connections(control, 1), others);
	atomic_store(&w->connections, 0);
	atomic_store(&v->connections, 0);
	return kept;
}

Test(worker, who_has_more_than_the_least_loaded_hands_over)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);

	cr_assert(is_kept(control, 0, 0));
	cr_assert(is_kept(control, 5, 5));
	cr_assert(is_kept(control, 5, 6));
	cr_assert_not(is_kept(control, 6, 5));
	cr_assert_not(is_kept(control, 15, 14));
	cr_assert(is_kept(control, 16, 14), "an eighth more is near enough");
	cr_assert_not(is_kept(control, 16, 13));
	cr_assert(is_kept(control, 80, 70));
	cr_assert_not(is_kept(control, 80, 69));
	atomic_store(&control->workers[1]->stuck, true);
	cr_assert(is_kept(control, 80, 0), "not to who stands still");
	atomic_store(&control->workers[1]->stuck, false);
	control->workers[0]->draining = true;
	cr_assert(is_kept(control, 80, 0), "nor while draining");
	control->workers[0]->draining = false;
	rig_stop();
}

Test(worker, one_that_was_handed_over_to_no_port_comes_back)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);
	struct worker *w = control->workers[0], *v = control->workers[1];
	char ip[ADDR_IP_MAX];
	struct addr peer;
	int pair[2];

	cr_assert(addr_from_ip(TEXT("192.0.2.1"), 0, &peer));
	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	atomic_store(&w->connections, 3);
	worker_accept(LIST_FIRST(&w->ports),
	    control->snapshot->listeners[0].doors[0]->key, pair[0], &peer);
	cr_assert_eq(connections(control, 1), 1);
	ports_close(v);
	rig_turn_one(1);
	cr_assert_eq(connections(control, 1), 0);
	cr_assert_eq(connections(control, 0), 4);
	cr_assert(TAILQ_EMPTY(&w->clients));
	rig_turn_one(0);
	cr_assert_not(TAILQ_EMPTY(&w->clients));
	cr_assert_eq(gate(control), 1);
	addr_print_bytes(first(w)->ip, ip);
	cr_assert_str_eq(ip, "192.0.2.1");
	client_end(first(w));
	cr_assert_eq(gate(control), 0);
	close(pair[1]);

	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	worker_accept(LIST_FIRST(&w->ports),
	    control->snapshot->listeners[0].doors[0]->key, pair[0], &peer);
	ports_close(w);
	rig_turn_one(1);
	rig_turn_one(0);
	cr_assert(TAILQ_EMPTY(&w->clients), "nobody has that door");
	cr_assert_eq(connections(control, 0), 3);
	cr_assert_eq(connections(control, 1), 0);
	cr_assert_eq(gate(control), 0);
	rig_must_end(pair[1]);
	rig_stop();
}

Test(worker, connections_beyond_the_limit_are_closed_and_counted)
{
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\", limits: { "
	    "max_connections: 2 } } }\n" ON_ADMIN NO_LOG TEAPOT);
	int a = rig_dial(rig_port("http")), b = rig_dial(rig_port("http"));

	RIG_UNTIL(gate(control) == 2);
	rig_must_end(rig_dial(rig_port("http")));
	cr_assert_eq(gate(control), 2);
	cr_assert_eq(
	    counter_get(
		&counts(control->workers[0])->rejected[REJECT_MAX_CONNECTIONS]),
	    1);
	cr_assert_eq(connections(control, 0), 2);
	close(a);
	RIG_UNTIL(gate(control) == 1);
	cr_assert_eq(rig_get(rig_port("http"), "/").status, 418);
	close(b);
	rig_stop();
}

Test(worker, answers_to_pings_at_once)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct worker *w = control->workers[0];

	cr_assert_eq(worker_ping(w, 1000), 0);
	cr_assert_eq(worker_ping(w, 2000), 1000);
	cr_assert_eq(worker_ping(w, 3000), 1000);
	rig_turn_one(0);
	cr_assert_eq(worker_ping(w, 4000), 0);
	cr_assert_eq(worker_ping(w, 5000), 4000);
	rig_turn_one(0);
	rig_stop();
}

Test(worker, date_is_of_this_second)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct worker *w = control->workers[0];
	char before[40], after[40];
	const char *date;

	do {
		clock_http_date(before, clock_wall());
		date = worker_date(w);
		clock_http_date(after, clock_wall());
	} while (strcmp(before, after) != 0);
	cr_assert_str_eq(date, before);
	snprintf(w->date, sizeof(w->date), "still");
	w->date_second = clock_wall() / CLOCK_S;
	date = worker_date(w);
	cr_assert(strcmp(date, "still") == 0 ||
	    clock_wall() / CLOCK_S != w->date_second);
	w->date_second--;
	cr_assert_str_neq(worker_date(w), "still");
	rig_stop();
}

Test(worker, its_passes_are_counted)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct stats *s = control->workers[0]->stats;
	uint64_t busy = counter_get(&s->busy_ns), n = rig_noted(&s->loop_lag);

	cr_assert_eq(rig_get(rig_port("http"), "/").status, 418);
	cr_assert_gt(rig_noted(&s->loop_lag), n);
	cr_assert_gt(counter_get(&s->busy_ns), busy);
	cr_assert_lt(counter_get(&s->busy_ns), 60 * CLOCK_S);
	rig_stop();
}

Test(worker, drains_what_idles_and_tells_once)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);
	struct worker *w = control->workers[0], *v = control->workers[1];
	int fd;

	atomic_store(&v->connections, 9);
	fd = rig_dial(rig_port("http"));
	RIG_UNTIL(!TAILQ_EMPTY(&w->clients));
	cr_assert_eq(rig_ask(fd, ASK).status, 418);
	rig_send(fd, "GET");
	for (unsigned i = 0; i < 5; i++)
		rig_turn();
	worker_check_drained(w);
	rig_turn();
	cr_assert_eq(control->workers_drained, 0, "it does not drain");
	worker_drain(w);
	rig_turn();
	rig_turn();
	cr_assert(w->draining);
	cr_assert(LIST_EMPTY(&LIST_FIRST(&w->ports)->openings));
	cr_assert_eq(control->workers_drained, 0, "a head has begun");
	rig_send(fd, " / HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_not_null(strstr(rig_answer(fd).head, "Connection: close"));
	rig_must_end(fd);
	RIG_UNTIL(control->workers_drained == 1);
	worker_check_drained(w);
	rig_turn();
	cr_assert_eq(control->workers_drained, 1);
	worker_listen(w);
	rig_turn();
	cr_assert_eq(control->stage, STAGE_SERVING);
	atomic_store(&v->connections, 0);
	control->workers_drained = 0;
	w->drained_told = false;
	rig_stop();
}

Test(worker, at_the_end_what_has_no_answer_gets_one)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "routes: [{ to: [\"127.0.0.1:%d\"] }]\n",
	    origin_port(o));
	struct worker *w = control->workers[0];
	int waits = rig_dial(rig_port("http"));
	int half = rig_dial(rig_port("http"));
	struct rig_answer a;

	origin_reply(o, (struct reply){ .silent = true });
	origin_reply(o,
	    (struct reply){ .path = "/half",
		.sized = true,
		.size = 1000,
		.piece = 10,
		.pace_ms = 100 });
	rig_send(waits, ASK);
	rig_send(half, "GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
	RIG_UNTIL(origin_requests(o) == 2);
	RIG_UNTIL(TAILQ_FIRST(&w->exchanges)->phase == PHASE_ANSWER ||
	    TAILQ_LAST(&w->exchanges, exchange_list)->phase == PHASE_ANSWER);
	rig_signal(SIGTERM);
	rig_signal(SIGTERM);
	a = rig_answer(waits);
	cr_assert_eq(a.status, 503);
	cr_assert_not_null(strstr(a.head, "X-Fairlead-Reason: shutdown"));
	rig_stop();
	cr_assert_eq(control->workers_drained, 0);
}

Test(worker, idle_connections_end_in_their_time)
{
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\", timeouts: { "
	    "header: 100s, idle: 200s } } }\n" ON_ADMIN NO_LOG TEAPOT);
	struct worker *w = control->workers[0];
	int fd = rig_dial(rig_port("http"));
	uint64_t now;

	RIG_UNTIL(!TAILQ_EMPTY(&w->clients));
	now = clock_now();
	cr_assert_leq(first(w)->conn.deadline.at, now + 100 * CLOCK_S);
	cr_assert_geq(first(w)->conn.deadline.at, now + 60 * CLOCK_S);
	cr_assert_eq(rig_ask(fd, ASK).status, 418);
	now = clock_now();
	cr_assert_leq(first(w)->conn.deadline.at, now + 200 * CLOCK_S);
	cr_assert_geq(first(w)->conn.deadline.at, now + 160 * CLOCK_S);
	cr_assert_eq(first(w)->requests, 1);
	cr_assert_not(first(w)->trusted);
	cr_assert_not(first(w)->secure);
	cr_assert_eq(rig_ask(fd, ASK).status, 418);
	cr_assert_eq(first(w)->requests, 2);
	cr_assert_eq(counter_get(&counts(w)->requests[PROTOCOL_HTTP_1_1]), 2);
	cr_assert_eq(counter_get(&counts(w)->requests[PROTOCOL_HTTP_1_0]), 0);
	/* Its end is now. */
	first(w)->conn.ops->expired(&first(w)->conn, false);
	rig_must_end(fd);
	cr_assert(TAILQ_EMPTY(&w->clients));
	rig_stop();
}

Test(worker, pipelined_requests_are_all_answered)
{
	int fd;

	rig_start(ONE_WORKER PLAIN);
	fd = rig_dial(rig_port("http"));
	rig_send(fd, ASK ASK);
	cr_assert_eq(rig_answer(fd).status, 418);
	cr_assert_eq(rig_answer(fd).status, 418);
	close(fd);
	rig_stop();
}

Test(worker, protocol_errors_are_counted_and_linger)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct worker *w = control->workers[0];
	int fd = rig_dial(rig_port("http"));
	struct rig_answer a = rig_ask(fd, "GET / HTTP/1.0\r\nA : b\r\n\r\n");
	char more[4096] = { 0 };
	uint64_t now;

	cr_assert_eq(a.status, 400);
	cr_assert_eq(
	    counter_get(&counts(w)->protocol_errors[END_BAD_REQUEST]), 1);
	rig_turn();
	cr_assert_not(TAILQ_EMPTY(&w->clients), "it waits for the client");
	now = clock_now();
	cr_assert_leq(first(w)->conn.deadline.at, now + 2 * CLOCK_S);
	cr_assert_neq(first(w)->conn.deadline.list, NULL);
	for (unsigned i = 0; i < 200; i++) {
		cr_assert_geq(send(fd, more, sizeof(more), MSG_NOSIGNAL), 0);
		rig_turn();
	}
	cr_assert_eq(counter_get(&counts(w)->connections), 1);
	client_close_soon(first(w));
	cr_assert_not(TAILQ_EMPTY(&w->clients), "lingering is no idling");
	shutdown(fd, SHUT_WR);
	RIG_UNTIL(TAILQ_EMPTY(&w->clients));
	close(fd);
	rig_stop();
}

Test(worker, a_connection_is_closed_after_its_last_request)
{
	struct control *control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\", limits: { "
	    "requests_per_connection: 2 } } }\n" ON_ADMIN NO_LOG TEAPOT);
	int fd = rig_dial(rig_port("http"));
	struct rig_answer a = rig_ask(fd, ASK);

	(void)control;
	cr_assert_null(strstr(a.head, "Connection: close"));
	a = rig_ask(fd, ASK);
	cr_assert_not_null(strstr(a.head, "Connection: close"));
	rig_must_end(fd);
	rig_stop();
}
