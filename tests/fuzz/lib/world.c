/* One worker in the memory kernel; see world.h. */
#include "tests/fuzz/lib/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/addr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "conf/conf.h"
#include "http/h1.h"
#include "net/loop.h"
#include "net/pipe.h"
#include "proxy/access_file.h"
#include "proxy/client.h"
#include "proxy/control.h"
#include "proxy/exchange.h"
#include "proxy/gate.h"
#include "proxy/group.h"
#include "proxy/lease.h"
#include "proxy/port.h"
#include "proxy/route.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "tests/fuzz/lib/kernel.h"

void __wrap_control_lease_home(struct control *, struct lease *);
void __wrap_control_worker_ready(struct control *, struct worker *);
void __wrap_control_worker_drained(struct control *, struct worker *);

static const char text[] =
    "listeners:\n"
    "  main:\n"
    "    address: 127.0.0.1:1\n"
    "    timeouts: { header: 10s, body: 8s, idle: 20s }\n"
    "    limits: { header_size: 4KiB, headers: 40, uri_size: 1KiB,\n"
    "      body_size: 200KiB, requests_per_connection: 9 }\n"
    "routes:\n"
    "- { path: /respond, respond: { status: 200, body: \"ok\" } }\n"
    "- { path: /away, redirect: { path: /there } }\n"
    "- { path: /put/*, methods: [PUT], to: api }\n"
    "- { path: /strip/*, rewrite: { strip_prefix: /strip }, to: api }\n"
    "- { host: t.test, connect: true, upgrade: [echo, websocket],\n"
    "    timeouts: { tunnel_idle: 40s }, to: api }\n"
    "- { path: /*, to: api }\n"
    "upstreams:\n"
    "  api:\n"
    "    servers: [127.0.0.1:2, { address: 127.0.0.1:3, backup: true }]\n"
    "    timeouts: { connect: 2s, response: 5s, idle: 7s }\n"
    "    pool: { max_idle: 2, idle_timeout: 30s }\n"
    "    circuit_breaker: { consecutive_failures: 5, open_for: 1s }\n"
    "admin: off\n"
    "access_log: off\n";

static struct control control;
static struct worker *worker;
static struct plan plan;

/* ---- as much of control as a worker talks to ----------------------------- */

void
__wrap_control_lease_home(struct control *c, struct lease *l)
{
	struct snapshot *s = l->snapshot;

	free(l);
	if (--s->leases == 0 && s->replaced)
		snapshot_free(c, s);
}

void
__wrap_control_worker_ready(struct control *c, struct worker *w)
{
	(void)c;
	(void)w;
}

void
__wrap_control_worker_drained(struct control *c, struct worker *w)
{
	(void)c;
	assert(w->draining && TAILQ_EMPTY(&w->clients));
}

static void
stop(void *loop)
{
	loop_stop(loop);
}

static void
make(void)
{
	struct conf_errors errors = { 0 };

	plan.refs = 1;
	plan.conf = conf_parse("fuzz.yaml", text_of(text), &errors);
	conf_errors_print(&errors, stderr);
	assert(plan.conf != NULL);
	plan.stores =
	    xcalloc(plan.conf->nlisteners, sizeof(struct tls_store *));
	plan.routes = route_compile(plan.conf);
	worker = worker_new(&control, 0, false);
	control.workers = &worker;
	control.nworkers = 1;
	control.loop = worker->loop;
	control.plan = &plan;
	access_file_prepare(&control, plan.conf, &errors);
	conf_errors_fini(&errors);
	kernel_idle(stop, worker->loop);
}

/* ---- a run ----------------------------------------------------------------- */

struct worker *
world_begin(uint64_t seed)
{
	if (worker == NULL)
		make();
	rng_seed(loop_rng(worker->loop), seed);
	worker->draining = worker->drained_told = false;
	worker->next_id = 0;
	for (unsigned i = 0; i < plan.conf->nupstreams; i++)
		group_adopt(&control, &plan.conf->upstreams[i]);
	control.snapshot = snapshot_new(&control, &plan);
	worker_adopt(worker, control.snapshot);
	world_settle();
	return worker;
}

void
world_settle(void)
{
	loop_run(worker->loop);
}

void
world_accept(int fd)
{
	struct port *port = LIST_FIRST(&worker->ports);
	struct addr from;

	addr_from_ip(TEXT("192.0.2.7"), 77, &from);
	worker_accept(port, "", fd, &from);
}

void
world_reload(void)
{
	struct snapshot *old = control.snapshot;

	control.generation++;
	control.snapshot = snapshot_new(&control, &plan);
	old->replaced = true;
	worker_adopt(worker, control.snapshot);
}

void
world_drain(void)
{
	worker_drain(worker);
}

void
world_end(void)
{
	struct group *g;

	assert(TAILQ_EMPTY(&worker->exchanges));
	assert(TAILQ_EMPTY(&worker->clients));
	assert(atomic_load(&worker->connections) == 0);
	assert(atomic_load(&control.gates[0]->connections) == 0);
	LIST_FOREACH (g, &control.groups, entry)
		for (unsigned i = 0; i < g->roster->n; i++)
			assert(
			    server_inflight(g->roster->members[i].server) == 0);
	worker_stop(worker);
	world_settle();
	assert(control.generations == 1 && control.snapshot->leases == 0);
	assert(LIST_EMPTY(&worker->pools) && LIST_EMPTY(&worker->ports));
	snapshot_free(&control, control.snapshot);
	while ((g = LIST_FIRST(&control.groups)) != NULL)
		group_leave(g);
	exchange_spares_fini(worker);
	h1_pool_fini();
	pipe_pool_fini();
	assert(block_count().live_bytes == 0);
	assert(kernel_open() == 0 && kernel_pipes() == 0);
}
