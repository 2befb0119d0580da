/* proxy/pool and upstream: connections to servers, and who is chosen. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/proxy/rig.h"

#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "proxy/group.h"
#include "proxy/lease.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/origin.h"

TestSuite(pool, .timeout = 60);

/* How a connect went. */
static struct {
	unsigned n;
	int error;
	bool timed_out, stalled;
} outcome;

static void
connected(void *arg, int error, bool timed_out, bool stalled)
{
	cr_assert_eq(arg, &outcome);
	outcome.n++;
	outcome.error = error;
	outcome.timed_out = timed_out;
	outcome.stalled = stalled;
}

static struct control *control;
static struct worker *w;
static struct origin *o;

static struct pool *
start(void)
{
	o = origin_new("a");
	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: { servers: [\"127.0.0.1:%d\"], "
	    "pool: { max_idle: 2, idle_timeout: 100s } } }\n"
	    "routes: [{ to: u }]\n",
	    origin_port(o));
	w = control->workers[0];
	return w->lease->upstreams[0].pools[0];
}

static struct link *
connect_one(struct pool *p)
{
	unsigned n = outcome.n, accepted = origin_accepted(o);
	struct link *l = pool_connect(p, 50 * CLOCK_S, connected, &outcome);

	cr_assert_not_null(l);
	cr_assert_eq(outcome.n, n, "in a later turn");
	cr_assert_not_null(l->conn.deadline.list);
	RIG_UNTIL(outcome.n > n);
	cr_assert_eq(outcome.n, n + 1);
	if (outcome.error == 0)
		RIG_UNTIL(origin_accepted(o) > accepted);
	return l;
}

static uint64_t
active(const struct pool *p)
{
	return counter_get(&p->stats->active);
}

static uint64_t
idle(const struct pool *p)
{
	return counter_get(&p->stats->idle);
}

Test(pool, keeps_the_newest_and_no_more_than_it_may)
{
	struct pool *p = start();
	struct link *l[3];

	cr_assert_eq(p->max_idle, 2);
	cr_assert_eq(p->idle_ns, 100 * CLOCK_S);
	cr_assert_eq(p->refs, 1);
	cr_assert_eq(p->leases, 1);
	cr_assert_null(pool_take(p, false));
	for (unsigned i = 0; i < 3; i++) {
		l[i] = connect_one(p);
		cr_assert_eq(outcome.error, 0);
		cr_assert_not(outcome.timed_out || outcome.stalled);
		cr_assert_not(l[i]->reused);
		cr_assert_null(l[i]->conn.deadline.list);
	}
	cr_assert_eq(active(p), 3);
	cr_assert_eq(p->refs, 4);
	cr_assert_eq(atomic_load(&p->server->connections_opened), 3);
	for (unsigned i = 0; i < 3; i++)
		link_give(l[i], true, 0);
	cr_assert_eq(active(p), 0);
	cr_assert_eq(idle(p), 2);
	cr_assert_eq(p->nidle, 2);
	cr_assert_eq(p->refs, 1);
	cr_assert_geq(l[0]->conn.deadline.at, loop_now(w->loop) + 99 * CLOCK_S);
	RIG_UNTIL(origin_open(o) == 2);
	cr_assert_eq(pool_take(p, false), l[1]);
	cr_assert(l[1]->reused);
	cr_assert_eq(active(p), 1);
	cr_assert_eq(idle(p), 1);
	cr_assert_eq(pool_take(p, false), l[0]);
	cr_assert_null(pool_take(p, false));
	link_give(l[1], false, 0);
	RIG_UNTIL(origin_open(o) == 1);
	cr_assert_eq(idle(p), 0);
	link_give(l[0], true, 0);
	cr_assert_eq(idle(p), 1);
	rig_stop();
}

Test(pool, what_may_not_be_sent_twice_gets_a_warm_one)
{
	struct pool *p = start();
	struct link *l = connect_one(p);

	link_give(l, true, 0);
	cr_assert_eq(l->since, loop_now(w->loop));
	l->since -= CLOCK_S;
	cr_assert_eq(pool_take(p, true), l);
	link_give(l, true, 0);
	l->since -= CLOCK_S + 1;
	cr_assert_null(pool_take(p, true));
	cr_assert_eq(p->nidle, 1);
	cr_assert_eq(pool_take(p, false), l);
	link_give(l, false, 0);
	rig_stop();
}

/* How long a connection is kept that the server closes after so many seconds. */
static uint64_t
kept(struct pool *p, unsigned seconds)
{
	struct link *l = connect_one(p);

	link_give(l, true, seconds);
	if (p->nidle == 0)
		return 0;
	cr_assert_eq(pool_take(p, false), l);
	link_give(l, true, seconds);
	seconds = (unsigned)((l->conn.deadline.at - l->since) / CLOCK_S);
	pool_close_idle(p);
	return seconds;
}

Test(pool, leaves_a_connection_a_second_before_its_server_does)
{
	struct pool *p = start();

	cr_assert_eq(kept(p, 0), 100);
	cr_assert_eq(kept(p, 1), 0);
	cr_assert_eq(kept(p, 2), 1);
	cr_assert_eq(kept(p, 60), 59);
	cr_assert_eq(kept(p, 61), 60);
	cr_assert_eq(kept(p, 62), 60, "by whole minutes");
	cr_assert_eq(kept(p, 100), 60);
	cr_assert_eq(kept(p, 121), 100, "and no longer than it may");
	cr_assert_eq(kept(p, 4000000000), 100);
	rig_stop();
}

Test(pool, lets_go_what_the_server_closed_or_said_unasked)
{
	struct pool *p = start();
	struct link *l = connect_one(p), *m = connect_one(p);

	link_give(l, true, 0);
	link_give(m, true, 0);
	origin_close_idle(o);
	RIG_UNTIL(p->nidle == 0);
	cr_assert_eq(idle(p), 0);
	l = connect_one(p);
	link_give(l, true, 0);
	origin_reset_idle(o);
	RIG_UNTIL(p->nidle == 0);
	l = connect_one(p);
	link_give(l, true, 0);
	l->conn.ops->expired(&l->conn, false);
	cr_assert_eq(p->nidle, 0);
	RIG_UNTIL(origin_open(o) == 0);
	l = connect_one(p);
	link_give(l, true, 0);
	for (unsigned i = 0; i < 5; i++)
		rig_turn();
	cr_assert_eq(p->nidle, 1);
	/* Asked in the very moment it ends, before the event is heard of. */
	origin_close_idle(o);
	RIG_UNTIL(origin_open(o) == 0);
	l->conn.can_read = true;
	cr_assert_null(pool_take(p, false));
	cr_assert_eq(p->nidle, 0);
	rig_stop();
}

Test(pool, does_not_keep_what_ended_while_in_use)
{
	struct pool *p = start();
	struct link *l = connect_one(p);

	origin_close_idle(o);
	RIG_UNTIL(l->conn.can_read);
	link_give(l, true, 0);
	cr_assert_eq(p->nidle, 0);
	l = connect_one(p);
	w->draining = true;
	link_give(l, true, 0);
	cr_assert_eq(p->nidle, 0, "nothing is kept while draining");
	w->draining = false;
	rig_stop();
}

Test(pool, says_how_a_connect_failed)
{
	struct pool *p = start();
	struct link *l;

	origin_kill(o);
	l = connect_one(p);
	cr_assert_eq(outcome.error, ECONNREFUSED);
	cr_assert_not(outcome.timed_out || outcome.stalled);
	link_give(l, false, 0);
	cr_assert_eq(active(p), 0);
	l = pool_connect(p, 50 * CLOCK_S, connected, &outcome);
	l->conn.ops->expired(&l->conn, false);
	cr_assert_eq(outcome.error, ETIMEDOUT);
	cr_assert(outcome.timed_out);
	cr_assert_not(outcome.stalled);
	link_give(l, false, 0);
	l = pool_connect(p, 50 * CLOCK_S, connected, &outcome);
	l->conn.ops->expired(&l->conn, true);
	cr_assert(outcome.timed_out && outcome.stalled);
	link_give(l, false, 0);
	l = pool_connect(p, 50 * CLOCK_S, connected, &outcome);
	link_cancel(l);
	rig_turn();
	cr_assert_eq(outcome.n, 3, "nobody waits any more");
	cr_assert_eq(active(p), 0);
	cr_assert_eq(p->refs, 1);
	rig_stop();
}

Test(pool, a_retired_one_closes_its_idle_links_and_goes_with_its_last)
{
	struct pool *p = start();
	struct link *l = connect_one(p), *m = connect_one(p);

	link_give(m, true, 0);
	rig_reload(ONE_WORKER PLAIN);
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(p->leases, 0);
	cr_assert_eq(p->nidle, 0);
	cr_assert_eq(p->refs, 1);
	cr_assert_not(LIST_EMPTY(&w->pools));
	link_give(l, true, 0);
	cr_assert(LIST_EMPTY(&w->pools));
	RIG_UNTIL(origin_open(o) == 0);
	rig_stop();
}

Test(pool, is_kept_from_one_lease_to_the_next)
{
	struct pool *p = start();
	struct link *l = connect_one(p);

	link_give(l, true, 0);
	rig_reload(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: { servers: [\"127.0.0.1:1\", \"127.0.0.1:%d\"], "
	    "pool: { max_idle: 7, idle_timeout: 9s } } }\n"
	    "routes: [{ to: u }]\n",
	    origin_port(o));
	RIG_UNTIL(control->generations == 1);
	cr_assert_eq(w->lease->upstreams[0].pools[1], p);
	cr_assert_neq(w->lease->upstreams[0].pools[0], p);
	cr_assert_eq(p->leases, 1);
	cr_assert_eq(p->refs, 1);
	cr_assert_eq(p->max_idle, 7);
	cr_assert_eq(p->idle_ns, 9 * CLOCK_S);
	cr_assert_eq(pool_take(p, false), l);
	link_give(l, false, 0);
	rig_stop();
}

Test(pool, the_choice_leaves_out_who_was_tried_or_may_not_serve)
{
	struct upstream *u;
	struct serverset tried;
	struct server *srv;

	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: { servers: [\"127.0.0.1:1\", \"127.0.0.1:2\", "
	    "\"127.0.0.1:3\"], balance: { policy: round_robin } } }\n"
	    "routes: [{ to: u }]\n");
	w = control->workers[0];
	u = &w->lease->upstreams[0];
	srv = u->snap->roster->members[1].server;
	verdict_connect_failed(srv, loop_now(w->loop));
	for (unsigned i = 0; i < 6; i++)
		cr_assert_neq(upstream_pick(u, w, NULL), 1);
	serverset_init(&tried, 3);
	serverset_set(&tried, 0);
	for (unsigned i = 0; i < 6; i++)
		cr_assert_eq(upstream_pick(u, w, &tried), 2);
	serverset_set(&tried, 2);
	cr_assert_eq(upstream_pick(u, w, &tried), 1, "a suspect is left");
	serverset_set(&tried, 1);
	cr_assert_eq(upstream_pick(u, w, &tried), -1);
	serverset_fini(&tried);
	rig_stop();
}
