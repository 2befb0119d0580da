/*
 * The join of discovery/, which knows no configuration, and of conf/, which
 * knows the syntax of servers.  To listen on any address is to listen on each
 * that this machine has.
 */
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/discover.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "discovery/consul_provider.h"
#include "discovery/discovery.h"
#include "discovery/dns.h"
#include "discovery/file.h"
#include "proxy/consul.h"
#include "proxy/control.h"
#include "proxy/group.h"
#include "proxy/snapshot.h"

static struct provider *
provider_of(struct control *, const struct discover_options *);
static void
read_servers(struct discovery *, const char *path, struct text, bool anew);
static void tell_faults(struct discovery *, const struct conf_errors *);
static void add_own(struct control *, const struct addr *);
static void
add_interfaces(struct control *, const struct ifaddrs *, const struct addr *);
static bool is_any(const struct addr *);

struct discovery *
discover_new(struct control *control, const struct conf_upstream *conf,
    void (*on_members)(void *), void *arg)
{
	struct discovery *d = discovery_new(control->loop, conf->name,
	    provider_of(control, &conf->discover), &conf->discover, on_members,
	    arg);

	d->own = control->own;
	d->nown = control->nown;
	return d;
}

bool
discover_fits(const struct discovery *d, const struct discover_options *options)
{
	return discovery_file_fits(d->provider, options->file) ||
	    discovery_consul_fits(d->provider, &options->consul) ||
	    discovery_dns_fits(d->provider, &options->dns);
}

void
discover_own(struct control *control)
{
	struct ifaddrs *interfaces = NULL;
	struct group *g;

	if (getifaddrs(&interfaces) == -1)
		log_warn("cannot list this machine's addresses: a listener on "
			 "any address is not recognised by discovery");
	control->nown = 0;
	for (unsigned i = 0; i < control->ndoors; i++) {
		const struct door *door = control->doors[i];

		add_own(control, &door->real);
		if (is_any(&door->real))
			add_interfaces(control, interfaces, &door->real);
	}
	if (interfaces != NULL)
		freeifaddrs(interfaces);
	LIST_FOREACH (g, &control->groups, entry)
		if (g->discovery != NULL) {
			g->discovery->own = control->own;
			g->discovery->nown = control->nown;
		}
}

static struct provider *
provider_of(struct control *control, const struct discover_options *options)
{
	const struct consul_link *l = control->consul;

	if (options->file != NULL)
		return discovery_file_new(control->loop, control->notifier,
		    options->file, read_servers);
	if (options->dns.on)
		return discovery_dns_new(
		    control->loop, control->resolver, &options->dns);
	return discovery_consul_new(control->loop, control->fetcher, &l->agent,
	    &options->consul, &l->rules);
}

static void
read_servers(
    struct discovery *d, const char *path, struct text bytes, bool anew)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_servers(path, bytes, d->upstream, &errors);
	const struct conf_upstream *u;
	struct found *found;

	if (conf == NULL) {
		tell_faults(d, &errors);
		conf_errors_fini(&errors);
		return;
	}
	u = conf->upstreams;
	found = arena_zalloc(&conf->arena, (u->nservers + 1) * sizeof(*found));
	for (unsigned i = 0; i < u->nservers; i++) {
		const struct conf_server *s = &u->servers[i];

		found[i].addr = s->address.endpoint.addr;
		found[i].weight = s->weight;
		found[i].backup = s->backup;
		found[i].name = s->name != s->address.text ? s->name : NULL;
		found[i].place = arena_printf(&conf->arena, "%s:%u:%u",
		    s->address.place.file, s->address.place.line,
		    s->address.place.column)
				     .p;
	}
	discovery_answer(d, found, u->nservers, anew);
	conf_errors_fini(&errors);
	conf_free(conf);
}

/* The first one in full. */
static void
tell_faults(struct discovery *d, const struct conf_errors *errors)
{
	const struct conf_error *e = errors->v;
	char more[32] = "";

	while (e->warning)
		e++;
	if (errors->nerrors > 1)
		snprintf(more, sizeof(more), " (faults: %u)", errors->nerrors);
	discovery_fail(d, DISCOVERY_INVALID, "%s:%u:%u: %s%s%s%s",
	    e->place.file, e->place.line, e->place.column, e->message,
	    e->hint != NULL ? ": " : "", e->hint != NULL ? e->hint : "", more);
}

static void
add_own(struct control *control, const struct addr *addr)
{
	control->own =
	    xrealloc(control->own, (control->nown + 1) * sizeof(*control->own));
	control->own[control->nown++] = *addr;
}

static void
add_interfaces(
    struct control *control, const struct ifaddrs *i, const struct addr *door)
{
	struct addr at;

	for (; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL)
			continue;
		memset(&at, 0, sizeof(at));
		if (i->ifa_addr->sa_family == AF_INET)
			at.len = sizeof(at.u.in);
		else if (i->ifa_addr->sa_family == AF_INET6)
			at.len = sizeof(at.u.in6);
		else
			continue;
		memcpy(&at.u, i->ifa_addr, at.len);
		if (at.u.sa.sa_family == AF_INET6)
			at.u.in6.sin6_scope_id = 0;
		addr_set_port(&at, addr_port(door));
		add_own(control, &at);
	}
}

static bool
is_any(const struct addr *addr)
{
	static const uint8_t v4[16] = { [10] = 255, [11] = 255 };
	static const uint8_t v6[16];
	uint8_t ip[16];

	return addr_bytes(addr, ip) &&
	    (memcmp(ip, v4, 16) == 0 || memcmp(ip, v6, 16) == 0);
}
