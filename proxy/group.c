/*
 * An upstream on the control thread: which servers it has now (addresses as
 * configured, names as resolved), what the probes say of them, and the board,
 * balancer and breaker that its workers share.  A new configuration or a new
 * answer from DNS changes the members; everything known of those that stay is
 * kept.
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
#include "base/mem.h"
#include "conf/conf.h"
#include "health/probe.h"
#include "net/resolve.h"
#include "proxy/control.h"
#include "proxy/worker.h"
#include "stats/stats.h"

static struct group *group_of(struct control *, const char *);
static void adopt_sources(struct group *);
static struct source *source_of(struct group *, const struct conf_server *);
static void source_free(struct source *);
static void on_addresses(void *, const struct addr *, size_t, const char *);
static void rebuild(struct group *, bool);
static unsigned
add_members(struct group *, struct source *, struct member *, unsigned, bool);
static struct being *
being_of(struct group *, struct source *, const struct addr *, bool);
static struct being_list *shelf_of(struct group *, const struct addr *);
static struct being *
being_new(struct group *, struct source *, const struct addr *, bool);
static void being_free(struct being *);
static void drop_departed(struct group *);
static void adopt_probe(struct being *);
static void on_probe(void *, const struct probe_result *);
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

bool
group_is_probed(const struct group *g)
{
	for (unsigned i = 0; i < g->nbeings; i++)
		if (g->beings[i]->probe != NULL && !g->beings[i]->checked)
			return false;
	return true;
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

/* Sources that stay keep what they resolved to. */
static void
adopt_sources(struct group *g)
{
	struct source **old = g->sources;
	unsigned nold = g->nsources;

	g->sources = xcalloc(g->conf->nservers + 1, sizeof(*g->sources));
	for (unsigned i = 0; i < g->conf->nservers; i++) {
		const struct conf_server *conf = &g->conf->servers[i];
		struct source *s = NULL;

		for (unsigned k = 0; k < nold && s == NULL; k++) {
			if (old[k] == NULL ||
			    strcmp(old[k]->text, conf->address.text) != 0)
				continue;
			s = old[k];
			s->conf = conf;
			old[k] = NULL;
		}
		g->nsources = i;
		g->sources[i] = s != NULL ? s : source_of(g, conf);
	}
	g->nsources = g->conf->nservers;
	for (unsigned k = 0; k < nold; k++)
		if (old[k] != NULL)
			source_free(old[k]);
	free(old);
}

static struct source *
source_of(struct group *g, const struct conf_server *conf)
{
	const struct endpoint *at = &conf->address.endpoint;
	struct source *s = xcalloc(1, sizeof(*s));

	s->group = g;
	s->text = xstrdup(conf->address.text);
	s->port = at->port;
	s->conf = conf;
	if (!at->is_name) {
		s->addrs = xmalloc(sizeof(*s->addrs));
		s->addrs[0] = at->addr;
		s->naddrs = 1;
	} else {
		char *name = xstrndup(at->host.p, at->host.n);

		s->error = xstrdup("not resolved yet");
		s->watch = resolve_watch_new(
		    g->control->resolver, name, at->port, on_addresses, s);
		free(name);
	}
	return s;
}

static void
source_free(struct source *s)
{
	resolve_watch_free(s->watch);
	free(s->addrs);
	free(s->error);
	free(s->text);
	free(s);
}

/* DNS says something new; what served goes on serving when it only failed. */
static void
on_addresses(void *arg, const struct addr *addrs, size_t n, const char *error)
{
	struct source *s = arg;
	struct group *g = s->group;

	free(s->error);
	s->error = error != NULL ? xstrdup(error) : NULL;
	if (error != NULL)
		log_warn("upstream %s, server %s: %s: %s", g->name, s->text,
		    n > 0 ? "cannot be resolved anew, its addresses are kept"
			  : "cannot be resolved",
		    error);
	else
		log_info("upstream %s, server %s: resolved to %zu address%s",
		    g->name, s->text, n, n == 1 ? "" : "es");
	s->addrs = xrealloc(s->addrs, (n + 1) * sizeof(*s->addrs));
	if (n > 0)
		memcpy(s->addrs, addrs, n * sizeof(*s->addrs));
	s->naddrs = (unsigned)n;
	rebuild(g, g->nbeings > 0);
	control_members_changed(g->control);
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
	g->unresolved = n == 0 && g->nsources > 0;
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
			.weight = s->conf->weight,
			.backup = s->conf->backup,
		};
	}
	return n;
}

static struct being *
being_of(
    struct group *g, struct source *s, const struct addr *addr, bool serves)
{
	struct being *b;

	LIST_FOREACH (b, shelf_of(g, addr), shelf)
		if (addr_equal(&b->server->addr, addr))
			return b;
	return being_new(g, s, addr, serves);
}

static struct being_list *
shelf_of(struct group *g, const struct addr *addr)
{
	return &g->shelves[addr_hash(addr) % GROUP_SHELVES];
}

static struct being *
being_new(
    struct group *g, struct source *s, const struct addr *addr, bool serves)
{
	struct being *b = xcalloc(1, sizeof(*b));
	char printed[ADDR_TEXT_MAX], *key;
	const char *name = s->conf->name;

	if (s->watch != NULL) {
		addr_print(addr, printed);
		name = printed;
	}
	b->server = server_new(g->board, g->name, name, addr);
	b->group = g;
	b->source = s;
	key = xasprintf("%s/%s", g->name, name);
	b->slot = stats_slot(&g->control->names, STATS_SERVERS, key);
	free(key);
	if (serves && g->conf->probe.on)
		verdict_await(b->server);
	verdict_init(&b->verdict, b->server);
	g->beings = xrealloc(g->beings, (g->nbeings + 1) * sizeof(*g->beings));
	g->beings[g->nbeings++] = b;
	LIST_INSERT_HEAD(shelf_of(g, addr), b, shelf);
	return b;
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
			being_free(g->beings[i]);
	}
	g->nbeings = kept;
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
	free(g->sources);
	free(g->beings);
	roster_unref(g->roster);
	for (unsigned i = 0; i < 2; i++)
		balancer_free(g->balancers[i]);
	breaker_free(g->breaker);
	board_unref(g->board);
	LIST_REMOVE(g, entry);
	free(g->name);
	free(g);
}
