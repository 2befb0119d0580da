/*
 * From the live structures to the plain data that stats/ renders: the one place
 * that knows both.  Control thread.
 */
#include <string.h>

#include "proxy/view.h"

#include "balancer/balancer.h"
#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/addr.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "discovery/discovery.h"
#include "health/verdict.h"
#include "limit/breaker.h"
#include "proxy/access_file.h"
#include "proxy/control.h"
#include "proxy/group.h"
#include "proxy/snapshot.h"
#include "proxy/source.h"
#include "proxy/version.h"
#include "proxy/worker.h"
#include "stats/process.h"
#include "tls/context.h"
#include "tls/store.h"

static void fill_config(const struct control *, struct view_config *);
static void
fill_ready(const struct control *, struct stats_view *, struct arena *);
static void
fill_routes(const struct control *, struct stats_view *, struct arena *);
static void
fill_upstreams(const struct control *, struct stats_view *, struct arena *);
static void fill_upstream(const struct control *, const struct snap_upstream *,
    struct view_upstream *, struct arena *);
static void fill_server(const struct being *, const struct member *, uint64_t,
    struct view_server *, struct arena *);
static void fill_departed(const struct group *, const struct being *, uint64_t,
    struct view_upstream *, struct view_server *, struct arena *);
static void fill_discovery(
    const struct discovery *, uint64_t, struct view_upstream *, struct arena *);
static void fill_unresolved(const struct source *, struct view_server *);
static enum view_state state_of(enum verdict_state);
static void
fill_listeners(const struct control *, struct stats_view *, struct arena *);
static void fill_listener(
    const struct snap_listener *, struct view_listener *, struct arena *);
static void
fill_workers(const struct control *, struct stats_view *, struct arena *);

void
view_fill(
    const struct control *control, struct stats_view *view, struct arena *arena)
{
	*view = (struct stats_view){
		.version = VERSION,
		.revision = REVISION,
		.openssl = tls_library(),
		.started_at = control->started_wall,
		.uptime_ns = clock_now() - control->started_at,
		.rates = control->rates,
		.access_lines_dropped = access_files_dropped(control),
	};
	fill_config(control, &view->config);
	fill_ready(control, view, arena);
	fill_routes(control, view, arena);
	fill_upstreams(control, view, arena);
	fill_listeners(control, view, arena);
	fill_workers(control, view, arena);
}

void
view_fill_process(struct stats_view *view)
{
	process_read(&view->process);
}

static void
fill_config(const struct control *control, struct view_config *v)
{
	const struct reload_report *r = &control->report;

	*v = (struct view_config){
		.file = control->path,
		.hash = control->plan->conf->hash,
		.generation = control->snapshot->generation,
		.loaded_at = r->loaded_at,
		.generations = control->generations,
		.snapshots = control->snapshots,
		.reload_ok = r->ok,
		.reload_at = r->at,
		.errors = (const char *const *)r->errors,
		.nerrors = r->nerrors,
		.reloads_ok = r->succeeded,
		.reloads_failed = r->failed,
	};
}

static void
fill_ready(
    const struct control *control, struct stats_view *view, struct arena *arena)
{
	const char **why = arena_alloc(arena, 3 * sizeof(*why));
	unsigned n = 0;

	view->ready = control_is_ready(control);
	if (control->stage > STAGE_SERVING)
		why[n++] = "draining";
	if (control->workers_ready < control->nworkers)
		why[n++] = "starting";
	else if (!control->all_probed)
		why[n++] = "waiting for the first health checks";
	view->not_ready = why;
	view->nnot_ready = n;
}

static void
fill_routes(
    const struct control *control, struct stats_view *view, struct arena *arena)
{
	const struct conf *conf = control->plan->conf;
	struct view_route *v =
	    arena_zalloc(arena, (conf->nroutes + 1) * sizeof(*v));

	for (unsigned i = 0; i < conf->nroutes; i++) {
		v[i].name = conf->routes[i].name;
		v[i].slot = control->snapshot->routes[i].slot;
	}
	view->routes = v;
	view->nroutes = conf->nroutes;
}

static void
fill_upstreams(
    const struct control *control, struct stats_view *view, struct arena *arena)
{
	unsigned n = control->plan->conf->nupstreams;
	struct view_upstream *v = arena_zalloc(arena, (n + 1) * sizeof(*v));

	for (unsigned i = 0; i < n; i++)
		fill_upstream(
		    control, &control->snapshot->upstreams[i], &v[i], arena);
	view->upstreams = v;
	view->nupstreams = n;
}

static void
fill_upstream(const struct control *control, const struct snap_upstream *u,
    struct view_upstream *v, struct arena *arena)
{
	const struct group *g = u->group;
	unsigned most = g->nbeings + g->nsources + g->ndeparted;
	struct view_server *servers =
	    arena_zalloc(arena, (most + 1) * sizeof(*servers));
	unsigned n = 0;

	v->name = u->conf->name;
	v->slot = u->slot;
	v->policy = balancer_policy_name(u->conf->policy);
	breaker_look(u->breaker, loop_now(control->loop), &v->breaker);
	for (unsigned i = 0; i < g->nbeings; i++)
		fill_server(g->beings[i],
		    &g->roster->members[g->beings[i]->member],
		    loop_now(control->loop), &servers[n++], arena);
	for (unsigned i = 0; i < g->nsources; i++)
		if (g->sources[i]->naddrs == 0)
			fill_unresolved(g->sources[i], &servers[n++]);
	v->servers = servers;
	v->nservers = n;
	for (unsigned i = 0; i < g->ndeparted; i++)
		fill_departed(g, g->departed[i], loop_now(control->loop), v,
		    &servers[v->nservers], arena);
	fill_discovery(g->discovery, loop_now(control->loop), v, arena);
}

static void
fill_server(const struct being *b, const struct member *m, uint64_t now,
    struct view_server *v, struct arena *arena)
{
	enum verdict_state state = verdict_state(b->server, m->weight, now);
	char why[SERVER_WHY_MAX];

	verdict_why(b->server, state, why, sizeof(why));
	*v = (struct view_server){
		.name = b->server->name,
		.slot = b->slot,
		.server = b->server,
		.weight = m->weight,
		.backup = m->backup,
		.up = atomic_load_explicit(&b->server->verdict,
			  memory_order_relaxed) != SERVER_DOWN,
		.state = state_of(state),
		.why = why[0] != '\0' ? arena_strdup(arena, why) : NULL,
		.since_at = atomic_load_explicit(
		    &b->server->changed_at, memory_order_relaxed),
		.checked = b->checked,
		.check_ok = b->check_ok,
		.check_ns = b->check_ns,
		.check_detail = b->check_detail,
		.availability = -1,
	};
}

/* As long as something goes on there, and if nobody has its name now. */
static void
fill_departed(const struct group *g, const struct being *b, uint64_t now,
    struct view_upstream *u, struct view_server *v, struct arena *arena)
{
	if (server_inflight(b->server) == 0)
		return;
	for (unsigned i = 0; i < g->nbeings; i++)
		if (strcmp(g->beings[i]->server->name, b->server->name) == 0)
			return;
	fill_server(b, &(struct member){ .weight = 0 }, now, v, arena);
	v->why = "left; finishes what runs";
	u->nservers++;
}

static void
fill_discovery(const struct discovery *d, uint64_t now, struct view_upstream *u,
    struct arena *arena)
{
	struct view_discovery *v;
	char doubt[128];
	uint64_t left;

	if (d == NULL)
		return;
	v = arena_zalloc(arena, sizeof(*v));
	v->provider = d->provider->ops->name;
	v->last_success = d->last_success;
	v->servers = d->trust.good != NULL ? d->trust.good->n : 0;
	v->updates = d->updates;
	v->errors = d->errors;
	v->error = d->error;
	v->refused = d->refused;
	if (discovery_doubt(d, doubt, sizeof(doubt))) {
		left = trust_left(&d->trust, d->options, now);
		v->held = arena_strdup(arena, doubt);
		v->held_servers = d->trust.held->n;
		v->held_left_ns = left == UINT64_MAX ? 0 : left;
	}
	u->discovery = v;
}

static void
fill_unresolved(const struct source *s, struct view_server *v)
{
	*v = (struct view_server){
		.name = s->text,
		.slot = stats_slot(
		    &s->group->control->names, STATS_SERVERS, s->text),
		.weight = s->weight,
		.backup = s->backup,
		.state = VIEW_UNRESOLVED,
		.why = s->error,
		.availability = -1,
	};
}

static enum view_state
state_of(enum verdict_state state)
{
	switch (state) {
	case VERDICT_UNHEALTHY:
	case VERDICT_SUSPECT:
		return VIEW_UNHEALTHY;
	case VERDICT_DRAINING:
		return VIEW_DRAINING;
	default:
		return VIEW_HEALTHY;
	}
}

static void
fill_listeners(
    const struct control *control, struct stats_view *view, struct arena *arena)
{
	const struct snapshot *s = control->snapshot;
	struct view_listener *v =
	    arena_zalloc(arena, (s->nlisteners + 1) * sizeof(*v));

	for (unsigned i = 0; i < s->nlisteners; i++)
		fill_listener(&s->listeners[i], &v[i], arena);
	view->listeners = v;
	view->nlisteners = s->nlisteners;
}

static void
fill_listener(
    const struct snap_listener *l, struct view_listener *v, struct arena *arena)
{
	const char **where =
	    arena_zalloc(arena, (l->ndoors + 1) * sizeof(*where));
	unsigned n = l->store != NULL ? tls_store_count(l->store) : 0;
	struct view_certificate *c = arena_zalloc(arena, (n + 1) * sizeof(*c));
	char printed[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < l->ndoors; i++) {
		addr_print(&l->doors[i]->real, printed);
		where[i] = arena_strdup(arena, printed);
	}
	for (unsigned i = 0; i < n; i++) {
		const struct tls_facts *facts = tls_store_facts(l->store, i);

		c[i].common_name = facts->common_name;
		c[i].not_after_s = facts->not_after;
	}
	v->name = l->conf->name;
	v->slot = l->slot;
	v->addresses = where;
	v->naddresses = l->ndoors;
	v->tls = l->store != NULL;
	v->certificates = c;
	v->ncertificates = n;
}

static void
fill_workers(
    const struct control *control, struct stats_view *view, struct arena *arena)
{
	struct view_worker *v =
	    arena_zalloc(arena, (control->nworkers + 1) * sizeof(*v));

	for (unsigned i = 0; i < control->nworkers; i++) {
		v[i].id = i;
		v[i].stats = control->workers[i]->stats;
	}
	v[control->nworkers] = (struct view_worker){
		.id = control->nworkers,
		.control = true,
		.stats = control->self->stats,
	};
	view->workers = v;
	view->nworkers = control->nworkers + 1;
}
