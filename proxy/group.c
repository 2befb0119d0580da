/*
 * An upstream on the control thread: which servers it has now (addresses as
 * configured, names as resolved), what the probes say of them, and the board,
 * balancer and breaker that its workers share.  A new configuration, discovery or
 * a new answer from DNS changes the members; everything known of those that stay is
 * kept, and for a while also of those that left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/group.h"

#include "balancer/balancer.h"
#include "balancer/board.h"
#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "discovery/discovery.h"
#include "health/probe.h"
#include "proxy/control.h"
#include "proxy/discover.h"
#include "proxy/source.h"
#include "proxy/worker.h"
#include "stats/stats.h"

#define REMEMBERED_NS (600 * CLOCK_S) /* one that left */
#define REMEMBERED_MOST 256 /* of those that drain no more */

static unsigned cut_departed(struct group *, uint64_t);
static struct group *group_of(struct control *, const char *);
static void adopt_discovery(struct group *);
static void on_members(void *);
static void adopt_sources(struct group *);
static void rebuild(struct group *, bool);
static unsigned
add_members(struct group *, struct source *, struct member *, unsigned, bool);
static struct being *
being_of(struct group *, struct source *, const struct addr *, bool);
static struct being *
being_found(struct group *, const char *name, const struct addr *);
static struct being_list *shelf_of(struct group *, const struct addr *);
static void being_returns(struct being *);
static struct being *
being_new(struct group *, const char *name, const struct addr *, bool);
static void being_joins(struct being *);
static void being_free(struct being *);
static void drop_departed(struct group *);
static void being_leaves(struct being *);
static void adopt_probe(struct being *);
static void on_probe(void *, const struct probe_result *);
static void forget_departed(struct group *, unsigned);
static void group_free(struct group *);

struct group *
group_adopt(struct control *control, const struct conf_upstream *conf)
{
	struct group *g = group_of(control, conf->name);
	bool serves = g->conf != NULL && g->nbeings > 0;

	g->conf = conf;
	if (g->balancers[conf->policy] == NULL)
		g->balancers[conf->policy] = balancer_new(conf->policy);
	if (g->breaker == NULL)
		g->breaker = breaker_new(&conf->breaker);
	breaker_configure(g->breaker, &conf->breaker);
	g->adopting = true;
	adopt_discovery(g);
	g->adopting = false;
	adopt_sources(g);
	rebuild(g, serves);
	return g;
}

struct group *
group_find(struct control *control, const char *name)
{
	struct group *g;

	LIST_FOREACH (g, &control->groups, entry)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

void
group_leave(struct group *g)
{
	g->conf = NULL;
	discovery_free(g->discovery);
	g->discovery = NULL;
	while (g->nsources > 0)
		source_free(g->sources[--g->nsources]);
	for (unsigned i = 0; i < g->nbeings; i++) {
		probe_free(g->beings[i]->probe);
		g->beings[i]->probe = NULL;
	}
	if (g->refs == 0)
		group_free(g);
}

void
group_unref(struct group *g)
{
	if (--g->refs == 0 && g->conf == NULL)
		group_free(g);
}

void
group_sources_changed(struct group *g)
{
	rebuild(g, g->nbeings > 0);
	control_members_changed(g->control);
}

bool
group_is_probed(const struct group *g)
{
	if (g->discovery != NULL && g->discovery->trust.good == NULL)
		return false;
	for (unsigned i = 0; i < g->nbeings; i++)
		if (g->beings[i]->probe != NULL && !g->beings[i]->checked)
			return false;
	return true;
}

void
group_watch_departed(struct group *g, uint64_t now)
{
	unsigned quiet = cut_departed(g, now);

	for (unsigned i = 0; i < g->ndeparted; i++) {
		struct being *b = g->departed[i];

		if (server_inflight(b->server) != 0 ||
		    (quiet <= REMEMBERED_MOST &&
			now - b->left_at < REMEMBERED_NS))
			continue;
		forget_departed(g, i--);
		being_free(b);
		quiet--;
	}
}

void
group_watch_breaker(struct group *g, uint64_t now)
{
	struct breaker_look look;
	char cause[128];

	if (g->breaker == NULL)
		return;
	breaker_look(g->breaker, now, &look);
	if (look.to[BREAKER_OPEN] != g->logged.to[BREAKER_OPEN]) {
		breaker_cause_print(&look, cause, sizeof(cause));
		log_warn(
		    "upstream %s: circuit breaker opened: %s", g->name, cause);
	}
	if (look.to[BREAKER_HALF_OPEN] != g->logged.to[BREAKER_HALF_OPEN])
		log_info("upstream %s: circuit breaker is half open: trials "
			 "are admitted",
		    g->name);
	if (look.to[BREAKER_CLOSED] != g->logged.to[BREAKER_CLOSED])
		log_info("upstream %s: circuit breaker closed", g->name);
	g->logged = look;
}

/* End what has had its time; at how many nothing runs. */
static unsigned
cut_departed(struct group *g, uint64_t now)
{
	const struct control *control = g->control;
	struct server **over = xcalloc(g->ndeparted + 1, sizeof(*over));
	unsigned n = 0, quiet = 0;

	for (unsigned i = 0; i < g->ndeparted; i++) {
		struct being *b = g->departed[i];

		if (server_inflight(b->server) == 0)
			quiet++;
		else if (now >= b->cut_at)
			over[n++] = b->server;
		if (now >= b->cut_at)
			b->cut_at = UINT64_MAX;
	}
	for (unsigned i = 0; n > 0 && i < control->nworkers; i++)
		worker_cut(control->workers[i], over, n);
	free(over);
	return quiet;
}

static struct group *
group_of(struct control *control, const char *name)
{
	struct group *g = group_find(control, name);

	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->control = control;
	g->name = xstrdup(name);
	g->slot = stats_slot(&control->names, STATS_UPSTREAMS, name);
	g->board = board_new();
	LIST_INSERT_HEAD(&control->groups, g, entry);
	return g;
}

/* The provider of before goes on while it is the one to ask. */
static void
adopt_discovery(struct group *g)
{
	const struct discover_options *options = &g->conf->discover;

	if (g->discovery != NULL &&
	    (!options->on || !discover_fits(g->discovery, options))) {
		discovery_free(g->discovery);
		g->discovery = NULL;
	}
	if (!options->on)
		return;
	if (g->discovery != NULL) {
		discovery_configure(g->discovery, options);
		return;
	}
	g->discovery = discover_new(g->control, g->conf, on_members, g);
	discovery_start(g->discovery);
}

static void
on_members(void *arg)
{
	struct group *g = arg;

	if (g->adopting)
		return;
	adopt_sources(g);
	group_sources_changed(g);
}

/*
 * Sources that stay keep what they resolved to.  Until the first discovery all
 * of those before stay.
 */
static void
adopt_sources(struct group *g)
{
	const struct found_set *set = NULL;
	struct source **old = g->sources;
	unsigned nold = g->nsources;
	struct map known = { 0 };

	if (g->discovery != NULL && (set = g->discovery->trust.good) == NULL)
		return;
	for (unsigned i = 0; i < nold; i++) {
		old[i]->kept = false;
		map_set(&known, text_of(old[i]->text), old[i]);
	}
	g->nsources = set != NULL ? set->n : g->conf->nservers;
	g->sources = xcalloc(g->nsources + 1, sizeof(*g->sources));
	for (unsigned i = 0; i < g->nsources; i++)
		g->sources[i] = set != NULL
		    ? source_of_found(g, &known, &set->v[i])
		    : source_of_conf(g, &known, &g->conf->servers[i]);
	for (unsigned i = 0; i < nold; i++)
		if (!old[i]->kept)
			source_free(old[i]);
	map_fini(&known);
	free(old);
}

/* From sources to members and a roster. */
static void
rebuild(struct group *g, bool serves)
{
	struct member *members;
	unsigned most = 0, n = 0;

	for (unsigned i = 0; i < g->nsources; i++)
		most += g->sources[i]->naddrs;
	members = xcalloc(most + 1, sizeof(*members));
	for (unsigned i = 0; i < g->nbeings; i++)
		g->beings[i]->kept = false;
	for (unsigned i = 0; i < g->nsources; i++)
		n = add_members(g, g->sources[i], members, n, serves);
	drop_departed(g);
	roster_unref(g->roster);
	g->roster = roster_new(members, n);
	g->unresolved = n == 0 &&
	    (g->discovery != NULL ? g->discovery->trust.good == NULL
				  : g->nsources > 0);
	free(members);
}

/* An address that another source has already is one server, not two. */
static unsigned
add_members(struct group *g, struct source *s, struct member *members,
    unsigned n, bool serves)
{
	for (unsigned i = 0; i < s->naddrs; i++) {
		struct being *b = being_of(g, s, &s->addrs[i], serves);

		if (b->kept)
			continue;
		b->kept = true;
		b->source = s;
		b->member = n;
		adopt_probe(b);
		members[n++] = (struct member){
			.server = b->server,
			.weight = s->weight,
			.backup = s->backup,
		};
	}
	return n;
}

/* A member, or one that was not long ago, or a new one. */
static struct being *
being_of(
    struct group *g, struct source *s, const struct addr *addr, bool serves)
{
	char printed[ADDR_TEXT_MAX];
	const char *name = s->name;
	struct being *b;

	if (s->watch != NULL) {
		addr_print(addr, printed);
		name = printed;
	}
	b = being_found(g, name, addr);
	if (b == NULL)
		b = being_new(g, name, addr, serves);
	else if (b->source == NULL)
		being_returns(b);
	return b;
}

/* One that is a member already goes before one of this name. */
static struct being *
being_found(struct group *g, const char *name, const struct addr *addr)
{
	struct being *b, *found = NULL;

	LIST_FOREACH (b, shelf_of(g, addr), shelf) {
		if (!addr_equal(&b->server->addr, addr))
			continue;
		if (b->kept)
			return b;
		if (strcmp(b->server->name, name) == 0)
			found = b;
	}
	return found;
}

static struct being_list *
shelf_of(struct group *g, const struct addr *addr)
{
	return &g->shelves[addr_hash(addr) % GROUP_SHELVES];
}

/* Its health and its counts are as it left them. */
static void
being_returns(struct being *b)
{
	struct group *g = b->group;
	unsigned i = 0;

	while (g->departed[i] != b)
		i++;
	forget_departed(g, i);
	if (!g->conf->probe.on)
		verdict_forget(b->server);
	verdict_return(b->server);
	being_joins(b);
}

static struct being *
being_new(
    struct group *g, const char *name, const struct addr *addr, bool serves)
{
	struct being *b = xcalloc(1, sizeof(*b));
	char *key;

	b->server = server_new(g->board, g->name, name, addr);
	b->group = g;
	key = xasprintf("%s/%s", g->name, name);
	b->slot = stats_slot(&g->control->names, STATS_SERVERS, key);
	free(key);
	if (serves && g->conf->probe.on)
		verdict_await(b->server);
	verdict_init(&b->verdict, b->server);
	LIST_INSERT_HEAD(shelf_of(g, addr), b, shelf);
	being_joins(b);
	return b;
}

static void
being_joins(struct being *b)
{
	struct group *g = b->group;

	g->beings = xrealloc(g->beings, (g->nbeings + 1) * sizeof(*g->beings));
	g->beings[g->nbeings++] = b;
}

static void
being_free(struct being *b)
{
	LIST_REMOVE(b, shelf);
	probe_free(b->probe);
	server_unref(b->server);
	free(b);
}

static void
drop_departed(struct group *g)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->nbeings; i++) {
		if (g->beings[i]->kept)
			g->beings[kept++] = g->beings[i];
		else
			being_leaves(g->beings[i]);
	}
	g->nbeings = kept;
}

/* What runs at it may go on, for a time if discovery took it away. */
static void
being_leaves(struct being *b)
{
	const struct discover_options *discover = &b->group->conf->discover;
	struct group *g = b->group;

	probe_free(b->probe);
	b->probe = NULL;
	b->source = NULL;
	b->left_at = loop_now(g->control->loop);
	b->cut_at = discover->on ? b->left_at + discover->drain_ns : UINT64_MAX;
	verdict_leave(b->server);
	g->departed =
	    xrealloc(g->departed, (g->ndeparted + 1) * sizeof(*g->departed));
	g->departed[g->ndeparted++] = b;
}

static void
forget_departed(struct group *g, unsigned index)
{
	g->ndeparted--;
	memmove(g->departed + index, g->departed + index + 1,
	    (g->ndeparted - index) * sizeof(*g->departed));
}

static void
adopt_probe(struct being *b)
{
	const struct probe_options *options = &b->group->conf->probe;

	if (!options->on) {
		if (b->probe != NULL) {
			probe_free(b->probe);
			b->probe = NULL;
			b->checked = false;
			verdict_forget(b->server);
			verdict_init(&b->verdict, b->server);
		}
	} else if (b->probe == NULL)
		b->probe = probe_new(b->group->control->prober,
		    &b->server->addr, options, on_probe, b);
	else
		probe_configure(b->probe, options);
}

static void
on_probe(void *arg, const struct probe_result *r)
{
	struct being *b = arg;
	struct group *g = b->group;
	bool first = !b->checked;

	b->checked = true;
	b->check_ok = r->ok;
	b->check_ns = r->duration_ns;
	snprintf(b->check_detail, sizeof(b->check_detail), "%s", r->detail);
	histogram_note(&stats_upstream(g->control->self->stats, g->slot)->check,
	    r->duration_ns);
	if (verdict_probe(
		&b->verdict, &g->conf->probe, r->ok, r->detail, clock_wall())) {
		if (!r->ok)
			log_warn("upstream %s, server %s: down: %s", g->name,
			    b->server->name, b->server->why);
		else if (!first)
			log_info("upstream %s, server %s: up: %s", g->name,
			    b->server->name, b->server->why);
	}
	probe_hurry(b->probe, verdict_is_turning(&b->verdict));
}

static void
group_free(struct group *g)
{
	while (g->nsources > 0)
		source_free(g->sources[--g->nsources]);
	while (g->nbeings > 0)
		being_free(g->beings[--g->nbeings]);
	while (g->ndeparted > 0)
		being_free(g->departed[--g->ndeparted]);
	discovery_free(g->discovery);
	free(g->sources);
	free(g->beings);
	free(g->departed);
	roster_unref(g->roster);
	for (unsigned i = 0; i < 2; i++)
		balancer_free(g->balancers[i]);
	breaker_free(g->breaker);
	board_unref(g->board);
	LIST_REMOVE(g, entry);
	free(g->name);
	free(g);
}
