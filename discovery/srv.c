/*
 * SRV records as servers (RFC 2782).  fairlead has two tiers, so that what is
 * not of the lowest priority is a backup, as in nginx.  Every address of a
 * target is a server with the record's weight.  Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/srv.h"

#include "base/mem.h"
#include "discovery/trust.h"
#include "net/dns_query.h"

#define WEIGHT_MOST 256u

/* What the weights of one tier are like. */
struct tier {
	unsigned most;
	bool has_zero;
};

static struct srv_host *host_of(struct srv *, const char *);
static void learn_additional(struct srv *, const struct dns_message *);
static void host_add(struct srv_host *, const struct addr *);
static int by_priority(const void *, const void *);
static void tiers_of(const struct srv *, struct tier[2]);
static bool is_backup(const struct srv *, const struct srv_record *);
static unsigned weight_in(const struct tier *, unsigned);

struct srv *
srv_new(const struct dns_reply *reply)
{
	const struct dns_records *records = &reply->records;
	struct srv *srv = xcalloc(1, sizeof(*srv));

	srv->ttl_s = records->ttl_s;
	srv->v = xcalloc(records->n + 1, sizeof(*srv->v));
	srv->hosts = xcalloc(records->n + 1, sizeof(*srv->hosts));
	for (unsigned i = 0; i < records->n; i++) {
		const struct dns_record *r = records->v[i];

		if (*r->target == '\0')
			continue;
		srv->v[srv->n++] = (struct srv_record){
			.priority = r->priority,
			.weight = r->weight,
			.port = r->port,
			.host = host_of(srv, r->target),
		};
	}
	qsort(srv->v, srv->n, sizeof(*srv->v), by_priority);
	learn_additional(srv, reply->message);
	return srv;
}

void
srv_free(struct srv *srv)
{
	if (srv == NULL)
		return;
	for (unsigned i = 0; i < srv->nhosts; i++) {
		free(srv->hosts[i].name);
		free(srv->hosts[i].addrs);
	}
	map_fini(&srv->by_name);
	free(srv->hosts);
	free(srv->v);
	free(srv);
}

void
srv_learn(struct srv *srv, struct srv_host *host, const struct dns_reply *reply)
{
	const struct dns_records *records = &reply->records;

	for (unsigned i = 0; i < records->n; i++)
		host_add(host, &records->v[i]->addr);
	if (records->ttl_s < srv->ttl_s)
		srv->ttl_s = records->ttl_s;
}

void
srv_keep(struct srv_host *host, const struct srv *before, sa_family_t family)
{
	const struct srv_host *old = before == NULL
	    ? NULL
	    : map_get(&before->by_name, text_of(host->name));

	for (unsigned i = 0; old != NULL && i < old->naddrs; i++)
		if (old->addrs[i].u.sa.sa_family == family)
			host_add(host, &old->addrs[i]);
}

struct found *
srv_found(const struct srv *srv, unsigned *n)
{
	struct found *found = xcalloc(TRUST_SERVERS_MOST + 1, sizeof(*found));
	struct tier tiers[2] = { { 0 } };
	bool backup;

	tiers_of(srv, tiers);
	*n = 0;
	for (unsigned i = 0; i < srv->n; i++) {
		const struct srv_record *r = &srv->v[i];

		backup = is_backup(srv, r);
		for (unsigned k = 0; k < r->host->naddrs; k++) {
			struct found *f = &found[*n];

			if (*n > TRUST_SERVERS_MOST)
				return found;
			f->addr = r->host->addrs[k];
			addr_set_port(&f->addr, r->port);
			f->weight = weight_in(&tiers[backup], r->weight);
			f->backup = backup;
			f->place = r->host->name;
			++*n;
		}
	}
	return found;
}

static struct srv_host *
host_of(struct srv *srv, const char *name)
{
	struct srv_host *host = map_get(&srv->by_name, text_of(name));

	if (host != NULL)
		return host;
	host = &srv->hosts[srv->nhosts++];
	host->name = xstrdup(name);
	map_set(&srv->by_name, text_of(host->name), host);
	return host;
}

static void
learn_additional(struct srv *srv, const struct dns_message *m)
{
	struct srv_host *host;

	for (const struct dns_record *r = m->v; r < m->v + m->n; r++) {
		if (!r->additional || (r->type != DNS_A && r->type != DNS_AAAA))
			continue;
		host = map_get(&srv->by_name, text_of(r->name));
		if (host == NULL)
			continue;
		host_add(host, &r->addr);
		host->told = true;
		if (r->ttl_s < srv->ttl_s)
			srv->ttl_s = r->ttl_s;
	}
}

static void
host_add(struct srv_host *host, const struct addr *addr)
{
	host->addrs =
	    xrealloc(host->addrs, (host->naddrs + 1) * sizeof(*host->addrs));
	host->addrs[host->naddrs++] = *addr;
}

/* In whatever order they came, so that of equal addresses the same one counts. */
static int
by_priority(const void *a, const void *b)
{
	const struct srv_record *r = a, *s = b;

	if (r->priority != s->priority)
		return (int)r->priority - (int)s->priority;
	if (r->weight != s->weight)
		return (int)s->weight - (int)r->weight;
	if (r->port != s->port)
		return (int)r->port - (int)s->port;
	return strcmp(r->host->name, s->host->name);
}

static void
tiers_of(const struct srv *srv, struct tier tiers[2])
{
	for (unsigned i = 0; i < srv->n; i++) {
		struct tier *tier = &tiers[is_backup(srv, &srv->v[i])];

		if (srv->v[i].weight > tier->most)
			tier->most = srv->v[i].weight;
		if (srv->v[i].weight == 0)
			tier->has_zero = true;
	}
}

static bool
is_backup(const struct srv *srv, const struct srv_record *r)
{
	return r->priority != srv->v[0].priority;
}

/* Never 0, which would be none at all. */
static unsigned
weight_in(const struct tier *tier, unsigned weight)
{
	unsigned least = tier->has_zero ? 2 : 1, share;

	if (weight == 0)
		return 1;
	if (!tier->has_zero && tier->most <= WEIGHT_MOST)
		return weight;
	share = (weight * WEIGHT_MOST + tier->most / 2) / tier->most;
	return share > least ? share : least;
}
