/*
 * Where the servers of an upstream come from, one by one: an address that is
 * configured or was found, or a name that is looked up again and again.
 * Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/source.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "discovery/found.h"
#include "net/resolve.h"
#include "proxy/control.h"
#include "proxy/group.h"

static struct source *
source_new(struct group *, const char *text, uint16_t port);
static void source_at(struct source *, const struct addr *);
static void
source_says(struct source *, const char *name, unsigned weight, bool backup);
static void on_addresses(void *, const struct addr *, size_t, const char *);

struct source *
source_of_conf(
    struct group *g, const struct map *known, const struct conf_server *conf)
{
	const struct endpoint *at = &conf->address.endpoint;
	struct source *s = map_get(known, text_of(conf->address.text));

	if (s == NULL) {
		s = source_new(g, conf->address.text, at->port);
		if (!at->is_name)
			source_at(s, &at->addr);
		else {
			char *name = xstrndup(at->host.p, at->host.n);

			s->error = xstrdup("not resolved yet");
			s->watch = resolve_watch_new(g->control->resolver, name,
			    at->port, on_addresses, s);
			free(name);
		}
	}
	source_says(s, conf->name, conf->weight, conf->backup);
	return s;
}

struct source *
source_of_found(
    struct group *g, const struct map *known, const struct found *found)
{
	char printed[ADDR_TEXT_MAX];
	struct source *s;

	addr_print(&found->addr, printed);
	s = map_get(known, text_of(printed));
	if (s == NULL) {
		s = source_new(g, printed, addr_port(&found->addr));
		source_at(s, &found->addr);
	}
	source_says(s, found->name != NULL ? found->name : printed,
	    found->weight, found->backup);
	return s;
}

void
source_free(struct source *s)
{
	resolve_watch_free(s->watch);
	free(s->addrs);
	free(s->error);
	free(s->text);
	free(s->name);
	free(s);
}

static struct source *
source_new(struct group *g, const char *text, uint16_t port)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->group = g;
	s->text = xstrdup(text);
	s->port = port;
	return s;
}

static void
source_at(struct source *s, const struct addr *addr)
{
	s->addrs = xmalloc(sizeof(*s->addrs));
	s->addrs[0] = *addr;
	s->naddrs = 1;
}

static void
source_says(struct source *s, const char *name, unsigned weight, bool backup)
{
	free(s->name);
	s->name = xstrdup(name);
	s->weight = weight;
	s->backup = backup;
	s->kept = true;
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
	group_sources_changed(g);
}
