/* proxy/control: what it watches, and how it ends. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "base/clock.h"
#include "proxy/group.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/rates.h"
#include "tests/lib/bytes.h"
#include "tests/lib/origin.h"

TestSuite(control, .timeout = 60);

static void
tick(struct control *control)
{
	control->tick.fire(&control->tick, false);
}

/* A server that accepts and says nothing. */
static const char *
probed_by(struct origin *o)
{
	return keep_printf(
	    "workers: 1\n" ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: { servers: [\"127.0.0.1:%d\"], health_check: "
	    "{ type: http, interval: 60s, timeout: 30s } } }\n"
	    "routes: [{ to: u }]\n",
	    origin_port(o));
}

Test(control, is_ready_when_the_probes_have_answered_or_had_a_second)
{
	struct origin *o = origin_new("a");
	struct control *control;

	origin_reply(o, (struct reply){ .silent = true });
	control = rig_start("%s", probed_by(o));
	cr_assert_eq(control->workers_ready, 1);
	control->all_probed = false;
	control->started_at = loop_now(control->loop);
	tick(control);
	cr_assert_not(control_is_ready(control), "a second is not over");
	control->started_at -= 2 * CLOCK_S;
	tick(control);
	cr_assert(control_is_ready(control));
	rig_stop();
}

Test(control, is_ready_as_soon_as_the_probes_have_answered)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start("%s", probed_by(o));

	RIG_UNTIL(group_is_probed(group_find(control, "u")));
	control->all_probed = false;
	control->started_at = loop_now(control->loop);
	tick(control);
	cr_assert(control_is_ready(control));
	control->workers_ready--;
	cr_assert_not(control_is_ready(control));
	control->workers_ready++;
	control->stage = STAGE_DRAINING;
	cr_assert_not(control_is_ready(control));
	control->stage = STAGE_SERVING;
	rig_stop();
}

Test(control, ticks_on_by_itself)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);

	RIG_UNTIL(control->all_probed);
	control->all_probed = false;
	RIG_UNTIL(control->all_probed);
	rig_stop();
}

Test(control, looks_at_its_workers_each_second)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	uint64_t now = loop_now(control->loop);
	struct worker *w = control->workers[0];

	control->last_second = now - CLOCK_S + 1;
	tick(control);
	cr_assert_not(atomic_load(&w->pinged));
	control->last_second = now - CLOCK_S;
	tick(control);
	cr_assert(atomic_load(&w->pinged));
	cr_assert_eq(control->last_second, now);
	cr_assert_eq(w->asked_at, now);
	rig_turn_one(0);
	cr_assert_not(atomic_load(&w->pinged));
	w->ended = true;
	control->last_second = now - CLOCK_S;
	tick(control);
	cr_assert_not(atomic_load(&w->pinged), "who has ended turns no more");
	w->ended = false;
	rig_stop();
}

Test(control, takes_a_sample_of_all_figures_each_second)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	unsigned slot = control->snapshot->routes[0].slot;

	RIG_UNTIL(rig_get(rig_port("http"), "/").status == 418 &&
	    stats_rate(control->rates, STATS_ROUTES, slot) > 0);
	rig_stop();
}

Test(control, makes_a_new_ticket_key_each_minute)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	uint64_t now = loop_now(control->loop);

	control->last_ticket_turn = now - 60 * CLOCK_S + 1;
	tick(control);
	cr_assert_neq(control->last_ticket_turn, now);
	control->last_ticket_turn = now - 60 * CLOCK_S;
	tick(control);
	cr_assert_eq(control->last_ticket_turn, now);
	rig_stop();
}

/* Control's next tick sees a worker that has been asked so long ago. */
static void
stand_still(struct control *control, unsigned worker, uint64_t ns)
{
	struct worker *w = control->workers[worker];
	uint64_t now = loop_now(control->loop);

	w->asked_at = now - ns;
	atomic_store(&w->pinged, true);
	control->last_second = now - CLOCK_S;
	tick(control);
}

Test(control, relieves_a_worker_that_does_not_turn)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);
	struct worker *w = control->workers[1];
	int fds[24];

	stand_still(control, 1, 5 * CLOCK_S - 1);
	cr_assert_not(atomic_load(&w->stuck));
	stand_still(control, 1, 5 * CLOCK_S);
	cr_assert(atomic_load(&w->stuck));
	cr_assert_eq(rig_says("worker 1: has not turned for 5 s"), 1);
	stand_still(control, 1, 30 * CLOCK_S);
	cr_assert_eq(rig_says("worker 1: has not turned"), 1, "said once");
	for (unsigned i = 0; i < 24; i++)
		fds[i] = rig_dial(rig_port("http"));
	RIG_UNTIL(atomic_load(&control->workers[0]->connections) == 24);
	for (unsigned i = 0; i < 24; i++)
		close(fds[i]);
	RIG_UNTIL(atomic_load(&control->workers[0]->connections) == 0);

	atomic_store(&w->pinged, false);
	control->last_second = loop_now(control->loop) - CLOCK_S;
	tick(control);
	cr_assert_not(atomic_load(&w->stuck));
	cr_assert_eq(rig_says("worker 1: turns again"), 1);
	rig_turn();
	for (unsigned i = 0; i < 24; i++)
		fds[i] = rig_dial(rig_port("http"));
	RIG_UNTIL(atomic_load(&w->connections) == 12);
	rig_stop_at_once();
	cr_assert_eq(rig_says("worker 0"), 0);
}

Test(control, relieves_a_worker_of_no_door_that_others_share)
{
	struct control *control = rig_start(
	    "workers: 2\nlisteners: { http: { address: [\"127.0.0.1:0\", "
	    "\"unix:%s/s\"] } }\n" ON_ADMIN NO_LOG TEAPOT,
	    rig_directory());
	struct door *shared = control->snapshot->listeners[0].doors[1];
	int accepts = 0;
	socklen_t n = sizeof(accepts);

	stand_still(control, 0, 6 * CLOCK_S);
	cr_assert_eq(rig_get(rig_port("admin"), "/healthz").status, 200);
	cr_assert_eq(shared->n, 2);
	cr_assert_eq(getsockopt(shared->sockets[1], SOL_SOCKET, SO_ACCEPTCONN,
			 &accepts, &n),
	    0);
	cr_assert(accepts);
	rig_stop();
}

Test(control, ends_when_a_worker_will_never_turn, .signal = SIGABRT)
{
	struct control *control = rig_start("workers: 2\n" PLAIN);

	stand_still(control, 1, 30 * CLOCK_S + 1);
}

Test(control, keeps_the_only_worker_listening)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);

	stand_still(control, 0, 6 * CLOCK_S);
	cr_assert(atomic_load(&control->workers[0]->stuck));
	cr_assert_eq(rig_get(rig_port("http"), "/").status, 418);
	rig_stop();
}

Test(control, believes_who_stood_still_with_it)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);

	/* A tick that is late by more than 250 ms tells of an absence. */
	rig_turn();
	wait_till(wait_now() + 700);
	rig_turn();
	stand_still(control, 0, 6 * CLOCK_S);
	cr_assert_not(atomic_load(&control->workers[0]->stuck));
	rig_stop();
}

Test(control, watches_on_while_it_stops)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct worker *w = control->workers[0];

	rig_signal(SIGTERM);
	rig_signal(SIGTERM);
	cr_assert_eq(control->stage, STAGE_STOPPING);
	w->asked_at = loop_now(control->loop) - 6 * CLOCK_S;
	atomic_store(&w->pinged, true);
	control->all_probed = false;
	tick(control);
	cr_assert(atomic_load(&w->stuck));
	cr_assert_not(control->all_probed, "and does nothing else");
	rig_stop();
}

Test(control, drains_until_the_last_request_is_done)
{
	struct origin *o = origin_new("a");
	struct control *control = rig_start(
	    "workers: 2\nshutdown: { timeout: 1h }\n" ON_HTTP ON_ADMIN NO_LOG
	    "routes: [{ to: [\"127.0.0.1:%d\"] }]\n",
	    origin_port(o));
	int busy = rig_dial(rig_port("http"));
	int idle = rig_dial(rig_port("http"));

	origin_reply(o, (struct reply){ .delay_ms = 300, .text = "done" });
	rig_send(busy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	RIG_UNTIL(origin_requests(o) == 1);
	rig_signal(SIGINT);
	cr_assert_eq(control->stage, STAGE_DRAINING);
	cr_assert_geq(
	    control->stop_at.at, loop_now(control->loop) + 3599 * CLOCK_S);
	rig_must_end(idle);
	cr_assert_eq(control->stage, STAGE_DRAINING);
	cr_assert_str_eq(rig_answer(busy).body, "done");
	rig_must_end(busy);
	RIG_UNTIL(control->stage == STAGE_STOPPING);
	cr_assert_null(control->stop_at.list);
	rig_stop();
	cr_assert_eq(control->status, 0);
	cr_assert_eq(rig_says("what runs has 3600000 ms"), 1);
}

Test(control, waits_no_longer_than_it_may)
{
	struct control *control =
	    rig_start("workers: 1\nshutdown: { timeout: 0s }\n" PLAIN);
	int fd = rig_dial(rig_port("http"));

	rig_send(fd, "GET / HTTP/1.1\r\n");
	RIG_UNTIL(control->workers[0]->connections == 1);
	rig_turn();
	rig_signal(SIGTERM);
	RIG_UNTIL(control->stage == STAGE_STOPPING);
	cr_assert_eq(rig_says("time is over"), 1);
	rig_stop();
}

Test(control, hears_signals_by_its_loop)
{
	struct control *control;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	control = rig_start(ONE_WORKER PLAIN);
	kill(getpid(), SIGUSR2);
	RIG_UNTIL(rig_says("SIGUSR2 is ignored") == 1);
	kill(getpid(), SIGHUP);
	RIG_UNTIL(control->report.succeeded == 1);
	kill(getpid(), SIGPIPE);
	kill(getpid(), SIGQUIT);
	RIG_UNTIL(control->stage > STAGE_SERVING);
	rig_signal(SIGHUP);
	cr_assert_not(control->loading, "not any more");
	rig_stop();
}

Test(control, publishes_changed_members_once_and_not_while_draining)
{
	struct control *control = rig_start(ONE_WORKER PLAIN);
	struct snapshot *first = control->snapshot, *second;
	uint64_t published_at = control->published_at;

	control_members_changed(control);
	control_members_changed(control);
	cr_assert_eq(control->snapshot, first, "not under the caller's feet");
	RIG_UNTIL(control->snapshot != first);
	cr_assert_geq(control->published_at - published_at, 200 * CLOCK_MS,
	    "five a second are enough");
	cr_assert_eq(control->snapshots, 2);
	second = control->snapshot;
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(control->snapshot, second);
	cr_assert_eq(second->leases, 2);
	cr_assert_eq(second->generation, 1);
	RIG_UNTIL(
	    loop_now(control->loop) - control->published_at > 200 * CLOCK_MS);
	control->stage = STAGE_DRAINING;
	control_members_changed(control);
	rig_turn();
	cr_assert_eq(control->snapshot, second);
	cr_assert_not(again_is_listed(&control->publish));
	cr_assert_not(control->publish_soon);
	control->stage = STAGE_SERVING;
	control_members_changed(control);
	control->stage = STAGE_DRAINING;
	rig_turn();
	cr_assert_eq(control->snapshot, second);
	control->stage = STAGE_SERVING;
	rig_stop();
}

Test(control, does_not_start_where_a_port_is_taken)
{
	struct origin *o = origin_new("a");
	struct control *control =
	    rig_refused("workers: 2\nlisteners: { http: { address: "
			"\"127.0.0.1:%d\" } }\n" NO_LOG TEAPOT,
		origin_port(o));

	cr_assert_eq(control->status, 1);
	cr_assert_eq(rig_says("test.yaml:2:"), 1);
	cr_assert_eq(rig_says("in use"), 1);
}

Test(control, has_a_worker_for_each_cpu_it_may_use)
{
	struct control *control = rig_start(PLAIN);
	cpu_set_t set;
	unsigned long long quota, period;
	unsigned n;
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");

	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	n = (unsigned)CPU_COUNT(&set);
	if (f != NULL && fscanf(f, "%llu %llu", &quota, &period) == 2)
		while (n > 1 && (n - 1) * period >= quota)
			n--;
	cr_assert_eq(control->nworkers, n);
	cr_assert_eq(control->self->id, n);
	for (unsigned i = 0; i < n; i++) {
		cr_assert_eq(control->workers[i]->id, i);
		cr_assert_not(control->workers[i]->is_control);
		cr_assert_eq(control->workers[i]->tickets, control->tickets);
	}
	rig_stop();
}
