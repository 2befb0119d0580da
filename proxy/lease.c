/*
 * A worker's hold on a snapshot.  The worker swaps its lease between passes;
 * exchanges and handshakes that began under the old one keep it until they
 * end, then it goes home and control frees what nobody reads any more.
 */
#include <stdlib.h>

#include "proxy/lease.h"

#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "proxy/control.h"
#include "proxy/snapshot.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"
#include "stats/stats.h"

static void lease_free(struct lease *);

struct lease *
lease_new(struct worker *w, struct snapshot *snapshot)
{
	const struct conf *conf = snapshot->plan->conf;
	struct lease *l = xcalloc(1, sizeof(*l));

	l->worker = w;
	l->snapshot = snapshot;
	l->uses = 1;
	l->upstreams = xcalloc(conf->nupstreams + 1, sizeof(struct upstream));
	for (unsigned i = 0; i < conf->nupstreams; i++)
		upstream_init(&l->upstreams[i], w, &snapshot->upstreams[i]);
	l->routes = xcalloc(conf->nroutes + 1, sizeof(*l->routes));
	l->no_route = stats_route(w->stats, STATS_SLOT_NONE);
	l->admin = stats_route(w->stats, snapshot->admin_slot);
	return l;
}

struct lease *
lease_take(struct lease *l)
{
	l->uses++;
	return l;
}

void
lease_give(struct lease *l)
{
	if (--l->uses == 0)
		lease_free(l);
}

struct stats_route *
lease_route(struct lease *l, unsigned index)
{
	if (l->routes[index] == NULL)
		l->routes[index] = stats_route(
		    l->worker->stats, l->snapshot->routes[index].slot);
	return l->routes[index];
}

static void
lease_free(struct lease *l)
{
	const struct conf *conf = l->snapshot->plan->conf;

	for (unsigned i = 0; i < conf->nupstreams; i++)
		upstream_fini(&l->upstreams[i]);
	free(l->upstreams);
	free(l->routes);
	control_lease_home(l->worker->control, l);
}
