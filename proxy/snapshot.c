/*
 * Plans and snapshots.  A plan is made in the builder thread from files alone;
 * a snapshot joins a plan with what is live on the control thread.  Both are
 * immutable once made, and all their counting of references is control's.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/snapshot.h"

#include "balancer/roster.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "proxy/access_file.h"
#include "proxy/control.h"
#include "proxy/doors.h"
#include "proxy/gate.h"
#include "proxy/group.h"
#include "proxy/route.h"
#include "stats/stats.h"
#include "tls/context.h"
#include "tls/store.h"

/* What tls/ is told, and where its faults belong in the file. */
struct tls_load {
	const struct conf_listener *listener;
	struct conf_errors *errors;
};

static struct conf_listener admin_listener(struct conf *);
static bool
load_tls(struct plan *, const struct plan *, unsigned, struct conf_errors *);
static const struct tls_store *old_store(const struct plan *, const char *);
static void on_fault(void *, const struct tls_fault *);
static void check_options(const struct conf_listener *, struct conf_errors *);
static void build_listeners(struct control *, struct snapshot *);
static void build_listener(struct control *, struct snap_listener *,
    const struct conf_listener *, const struct tls_store *);
static void build_upstream(
    struct control *, struct snap_upstream *, const struct conf_upstream *);

struct plan *
plan_load(const char *path, const struct plan *old, struct conf_errors *errors)
{
	struct plan *plan;
	struct conf *conf = conf_load(path, errors);
	bool ok = true;

	if (conf == NULL)
		return NULL;
	plan = xcalloc(1, sizeof(*plan));
	plan->refs = 1;
	plan->conf = conf;
	plan->stores = xcalloc(conf->nlisteners + 1, sizeof(*plan->stores));
	for (unsigned i = 0; i < conf->nlisteners; i++)
		if (conf->listeners[i].tls && !load_tls(plan, old, i, errors))
			ok = false;
	if (!ok || errors->nerrors > 0) {
		plan_unref(plan);
		return NULL;
	}
	plan->routes = route_compile(conf);
	plan->admin = admin_listener(conf);
	return plan;
}

void
plan_unref(struct plan *plan)
{
	if (plan == NULL || --plan->refs > 0)
		return;
	for (unsigned i = 0; i < plan->conf->nlisteners; i++)
		tls_store_free(plan->stores[i]);
	free(plan->stores);
	route_free(plan->routes);
	conf_free(plan->conf);
	free(plan);
}

struct snapshot *
snapshot_new(struct control *control, struct plan *plan)
{
	const struct conf *conf = plan->conf;
	struct snapshot *s = xcalloc(1, sizeof(*s));

	s->generation = control->generation;
	s->plan = plan;
	plan->refs++;
	s->admin_slot = stats_slot(&control->names, STATS_ROUTES, " admin");
	s->response_limits = (struct h1_limits){
		.head_bytes = 65536,
		.fields = 256,
	};
	s->rings = access_file_rings(control, conf->access_log);
	build_listeners(control, s);
	s->upstreams = xcalloc(conf->nupstreams + 1, sizeof(*s->upstreams));
	for (unsigned i = 0; i < conf->nupstreams; i++)
		build_upstream(control, &s->upstreams[i], &conf->upstreams[i]);
	s->routes = xcalloc(conf->nroutes + 1, sizeof(*s->routes));
	for (unsigned i = 0; i < conf->nroutes; i++) {
		s->routes[i].conf = &conf->routes[i];
		s->routes[i].slot = stats_slot(
		    &control->names, STATS_ROUTES, conf->routes[i].name);
	}
	control->generations++;
	return s;
}

void
snapshot_free(struct control *control, struct snapshot *s)
{
	for (unsigned i = 0; i < s->nlisteners; i++) {
		for (unsigned k = 0; k < s->listeners[i].ndoors; k++)
			door_unref(control, s->listeners[i].doors[k]);
		free(s->listeners[i].doors);
	}
	for (unsigned i = 0; i < s->plan->conf->nupstreams; i++) {
		roster_unref(s->upstreams[i].roster);
		free(s->upstreams[i].server_slots);
		group_unref(s->upstreams[i].group);
	}
	free(s->listeners);
	free(s->upstreams);
	free(s->routes);
	plan_unref(s->plan);
	free(s);
	control->generations--;
}

static struct conf_listener
admin_listener(struct conf *conf)
{
	return (struct conf_listener){
		.name = "admin",
		.addresses = &conf->admin_address,
		.naddresses = 1,
		.header_ns = 10 * CLOCK_S,
		.body_ns = 30 * CLOCK_S,
		.idle_ns = 75 * CLOCK_S,
		.max_connections = 256,
		.header_size = 32768,
		.uri_size = 8192,
		.max_headers = 100,
		.body_size = 65536,
	};
}

static bool
load_tls(struct plan *plan, const struct plan *old, unsigned i,
    struct conf_errors *errors)
{
	const struct conf_listener *l = &plan->conf->listeners[i];
	struct tls_certificate_file *files;
	struct tls_load load = { l, errors };
	struct tls_faults faults = { on_fault, &load };

	check_options(l, errors);
	files = xcalloc(l->ncertificates, sizeof(*files));
	for (unsigned k = 0; k < l->ncertificates; k++) {
		files[k].cert = l->certificates[k].cert;
		files[k].key = l->certificates[k].key;
	}
	plan->stores[i] =
	    tls_store_load(files, l->ncertificates, old_store(old, l->name),
		(int64_t)(clock_wall() / CLOCK_S), &faults);
	free(files);
	return plan->stores[i] != NULL;
}

static const struct tls_store *
old_store(const struct plan *old, const char *name)
{
	if (old == NULL)
		return NULL;
	for (unsigned i = 0; i < old->conf->nlisteners; i++)
		if (strcmp(old->conf->listeners[i].name, name) == 0)
			return old->stores[i];
	return NULL;
}

static void
on_fault(void *arg, const struct tls_fault *fault)
{
	const struct tls_load *load = arg;
	const struct conf_certificate *c =
	    &load->listener->certificates[fault->index];
	bool cert = fault->which == TLS_FILE_CERT;
	const char *path = cert ? c->cert : c->key;

	if (fault->warning)
		log_warn("listener %s, certificate %s: %s",
		    load->listener->name, path, fault->message);
	else
		conf_error_at(load->errors, cert ? c->cert_place : c->key_place,
		    "%s: %s", path, fault->message);
}

/* Making a context is how its options are checked. */
static void
check_options(const struct conf_listener *l, struct conf_errors *errors)
{
	static const char *const protocols[] = { "http/1.1", NULL };
	struct tls_settings settings = {
		.options = &l->tls_options,
		.listener = l->name,
		.protocols = protocols,
	};
	struct tls_option_fault fault;
	struct tls_context *context = tls_context_new(&settings, &fault);

	if (context == NULL)
		conf_error_at(errors, l->place, "listeners.%s.tls.%s: %s",
		    l->name, fault.key != NULL ? fault.key : "", fault.message);
	tls_context_free(context);
}

static void
build_listeners(struct control *control, struct snapshot *s)
{
	const struct conf *conf = s->plan->conf;

	s->listeners = xcalloc(conf->nlisteners + 1, sizeof(*s->listeners));
	for (unsigned i = 0; i < conf->nlisteners; i++)
		build_listener(control, &s->listeners[i], &conf->listeners[i],
		    s->plan->stores[i]);
	s->nlisteners = conf->nlisteners;
	if (!conf->admin_on)
		return;
	build_listener(
	    control, &s->listeners[s->nlisteners], &s->plan->admin, NULL);
	s->listeners[s->nlisteners++].is_admin = true;
}

static void
build_listener(struct control *control, struct snap_listener *l,
    const struct conf_listener *conf, const struct tls_store *store)
{
	l->conf = conf;
	l->store = store;
	l->slot = stats_slot(&control->names, STATS_LISTENERS, conf->name);
	l->gate = gate_of(control, conf);
	l->doors = xcalloc(conf->naddresses + 1, sizeof(*l->doors));
	for (unsigned i = 0; i < conf->naddresses; i++) {
		struct door *door =
		    door_find(control, conf, &conf->addresses[i]);

		if (door == NULL)
			continue;
		door->refs++;
		l->doors[l->ndoors++] = door;
	}
}

static void
build_upstream(struct control *control, struct snap_upstream *u,
    const struct conf_upstream *conf)
{
	struct group *g = group_find(control, conf->name);

	u->conf = conf;
	u->group = g;
	g->refs++;
	u->slot = g->slot;
	u->roster = roster_ref(g->roster);
	u->unresolved = g->unresolved;
	u->board = g->board;
	u->balancer = g->balancers[conf->policy];
	u->breaker = g->breaker;
	u->server_slots = xcalloc(g->roster->n + 1, sizeof(unsigned));
	for (unsigned i = 0; i < g->nbeings; i++)
		u->server_slots[g->beings[i]->member] = g->beings[i]->slot;
}
