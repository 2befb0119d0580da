/*
 * Servers from the DNS.  Of SRV records the targets' addresses may come along;
 * what does not is asked for, a few names at a time.  A family of a target that
 * cannot be learned keeps what it had, so that nobody mistakes a lost packet
 * for servers that were removed; that there is none is taken at its word.
 *
 * A round is: the name, then its targets, then one answer to discovery.  The
 * least time to live of all of it says when the next one begins; after a
 * failure it is a growing, jittered wait.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/dns.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "discovery/discovery.h"
#include "discovery/srv.h"
#include "net/dns_query.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "net/timer.h"

#define AT_ONCE 32 /* names asked for; dnsmasq forwards 150 for all */
#define TTL_MOST (300 * CLOCK_S)
#define NOTHING_MOST (60 * CLOCK_S)
#define RETRY_LEAST CLOCK_S
#define RETRY_MOST (24 * CLOCK_S) /* with the jitter of a quarter: 30 s */

/* One question for a target. */
struct host_query {
	struct dns *dns;
	struct dns_query *query; /* NULL: free */
	struct srv_host *host;
	sa_family_t family;
};

struct dns {
	struct provider provider;
	struct discovery *discovery;
	struct loop *loop;
	struct resolver *resolver;
	struct resolver *own; /* NULL: it is the system's */
	struct discover_dns options; /* our copy */
	struct timer *timer; /* for the next round */
	struct dns_query *query; /* for the name */
	struct srv *srv; /* of the round; NULL: none, or still the name */
	struct srv *last; /* of the last good one */
	struct host_query hosts[AT_ONCE];
	unsigned running; /* of hosts */
	unsigned next; /* to ask: twice its index, and one for AAAA */
	bool silent; /* no server answers in this round */
	char *gap, *told_gap; /* of this round, and told last; or NULL */
	uint64_t retry; /* after the next failure */
};

static void dns_start(struct provider *, struct discovery *);
static void dns_again(struct provider *);
static void dns_free(struct provider *);
static bool text_same(const char *, const char *);
static void ask(void *);
static void on_reply(void *, struct dns_reply *);
static void answer_addresses(struct dns *, const struct dns_reply *);
static void failed(struct dns *, const struct dns_reply *);
static void ask_hosts(struct dns *);
static void ask_host(struct dns *, struct srv_host *, sa_family_t);
static void on_host(void *, struct dns_reply *);
static void missed(struct dns *, struct srv_host *, sa_family_t, const char *);
static void round_over(struct dns *);
static void set_timer(struct dns *, uint32_t ttl_s);
static void tell_gap(struct dns *);
static uint64_t ttl_wait(const struct dns *, uint32_t ttl_s);
static uint64_t retry_wait(struct dns *);

static const struct provider_ops dns_ops = {
	.name = "dns",
	.start = dns_start,
	.again = dns_again,
	.free = dns_free,
};

static const char *const type_names[] = {
	[DISCOVER_DNS_A] = "A",
	[DISCOVER_DNS_AAAA] = "AAAA",
	[DISCOVER_DNS_SRV] = "SRV",
};

struct provider *
discovery_dns_new(struct loop *loop, struct resolver *system,
    const struct discover_dns *options)
{
	struct dns *d = xcalloc(1, sizeof(*d));

	d->provider.ops = &dns_ops;
	d->loop = loop;
	d->options = *options;
	d->options.name = xstrdup(options->name);
	d->resolver = system;
	if (options->servers != NULL) {
		d->options.servers = xstrdup(options->servers);
		d->own = resolver_new(loop, options->servers, NULL);
		d->resolver = d->own;
	}
	d->retry = RETRY_LEAST;
	d->timer = timer_new(loop, ask, d);
	return &d->provider;
}

bool
discovery_dns_fits(struct provider *p, const struct discover_dns *options)
{
	const struct discover_dns *now;

	if (p->ops != &dns_ops || !options->on)
		return false;
	now = &CONTAINER_OF(p, struct dns, provider)->options;
	return strcmp(now->name, options->name) == 0 &&
	    now->type == options->type && now->port == options->port &&
	    now->min_ttl_ns == options->min_ttl_ns &&
	    text_same(now->servers, options->servers);
}

static void
dns_start(struct provider *p, struct discovery *discovery)
{
	struct dns *d = CONTAINER_OF(p, struct dns, provider);

	d->discovery = discovery;
	if (d->resolver != NULL)
		ask(d);
	else
		discovery_fail(discovery, DISCOVERY_INVALID, "cannot ask %s",
		    d->options.servers);
}

/* The answer of a round that is under way will do. */
static void
dns_again(struct provider *p)
{
	struct dns *d = CONTAINER_OF(p, struct dns, provider);

	if (d->resolver != NULL && d->query == NULL && d->srv == NULL)
		timer_set(d->timer, 0);
}

static void
dns_free(struct provider *p)
{
	struct dns *d = CONTAINER_OF(p, struct dns, provider);

	if (d->query != NULL)
		dns_query_cancel(d->query);
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (d->hosts[i].query != NULL)
			dns_query_cancel(d->hosts[i].query);
	if (d->own != NULL)
		resolver_free(d->own);
	timer_free(d->timer);
	srv_free(d->srv);
	srv_free(d->last);
	free(d->gap);
	free(d->told_gap);
	free((void *)(uintptr_t)d->options.name);
	free((void *)(uintptr_t)d->options.servers);
	free(d);
}

static bool
text_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static void
ask(void *arg)
{
	static const enum dns_type types[] = {
		[DISCOVER_DNS_A] = DNS_A,
		[DISCOVER_DNS_AAAA] = DNS_AAAA,
		[DISCOVER_DNS_SRV] = DNS_SRV,
	};
	struct dns *d = arg;

	d->query = dns_query_start(
	    d->resolver, d->options.name, types[d->options.type], on_reply, d);
}

static void
on_reply(void *arg, struct dns_reply *reply)
{
	struct dns *d = arg;

	d->query = NULL;
	if (reply->outcome != REPLY_FOUND)
		failed(d, reply);
	else if (d->options.type != DISCOVER_DNS_SRV)
		answer_addresses(d, reply);
	else {
		d->srv = srv_new(reply);
		d->next = 0;
		d->silent = false;
		ask_hosts(d);
	}
}

static void
answer_addresses(struct dns *d, const struct dns_reply *reply)
{
	const struct dns_records *records = &reply->records;
	struct found *found = xcalloc(records->n, sizeof(*found));

	for (unsigned i = 0; i < records->n; i++) {
		found[i].addr = records->v[i]->addr;
		addr_set_port(&found[i].addr, (uint16_t)d->options.port);
		found[i].weight = 1;
	}
	d->retry = RETRY_LEAST;
	timer_set(d->timer, ttl_wait(d, records->ttl_s));
	discovery_answer(d->discovery, found, records->n, false);
	free(found);
}

/* That there is nothing may be known for longer than we should wait. */
static void
failed(struct dns *d, const struct dns_reply *reply)
{
	static const enum discovery_error errors[] = {
		[REPLY_NOTHING] = DISCOVERY_NOT_FOUND,
		[REPLY_REFUSED] = DISCOVERY_STATUS,
		[REPLY_SILENT] = DISCOVERY_UNREACHABLE,
		[REPLY_INVALID] = DISCOVERY_INVALID,
	};
	uint64_t least = reply->nothing_ttl_s * CLOCK_S;
	uint64_t wait = retry_wait(d);

	if (least > NOTHING_MOST)
		least = NOTHING_MOST;
	timer_set(d->timer, wait > least ? wait : least);
	discovery_fail(d->discovery, errors[reply->outcome], "%s %s: %s",
	    type_names[d->options.type], d->options.name, reply->error);
}

static void
ask_hosts(struct dns *d)
{
	while (d->running < AT_ONCE && d->next < 2 * d->srv->nhosts) {
		struct srv_host *host = &d->srv->hosts[d->next / 2];
		sa_family_t family = d->next % 2 ? AF_INET6 : AF_INET;

		d->next++;
		if (host->told)
			continue;
		if (d->silent)
			missed(d, host, family, "not asked for");
		else
			ask_host(d, host, family);
	}
	if (d->running == 0)
		round_over(d);
}

static void
ask_host(struct dns *d, struct srv_host *host, sa_family_t family)
{
	struct host_query *h = d->hosts;

	while (h->query != NULL)
		h++;
	h->dns = d;
	h->host = host;
	h->family = family;
	h->query = dns_query_start(d->resolver, host->name,
	    family == AF_INET ? DNS_A : DNS_AAAA, on_host, h);
	d->running++;
}

static void
on_host(void *arg, struct dns_reply *reply)
{
	struct host_query *h = arg;
	struct dns *d = h->dns;

	h->query = NULL;
	d->running--;
	if (reply->outcome == REPLY_SILENT)
		d->silent = true;
	if (reply->outcome == REPLY_FOUND)
		srv_learn(d->srv, h->host, reply);
	else if (reply->outcome != REPLY_NOTHING)
		missed(d, h->host, h->family, reply->error);
	ask_hosts(d);
}

static void
missed(
    struct dns *d, struct srv_host *host, sa_family_t family, const char *why)
{
	srv_keep(host, d->last, family);
	if (d->gap == NULL)
		d->gap = xasprintf("%s %s: %s",
		    family == AF_INET ? "A" : "AAAA", host->name, why);
}

static void
round_over(struct dns *d)
{
	struct srv *srv = d->srv;
	struct found *found;
	unsigned n;

	d->srv = NULL;
	found = srv_found(srv, &n);
	set_timer(d, srv->ttl_s);
	if (n == 0 && srv->n > 0) {
		discovery_fail(d->discovery,
		    d->gap ? DISCOVERY_UNREACHABLE : DISCOVERY_NOT_FOUND,
		    "SRV %s: no target has an address%s%s", d->options.name,
		    d->gap ? ": " : "", d->gap ? d->gap : "");
		srv_free(srv);
	} else {
		tell_gap(d);
		srv_free(d->last);
		d->last = srv;
		discovery_answer(d->discovery, found, n, false);
	}
	free(d->gap);
	d->gap = NULL;
	free(found);
}

/* What was not learned is asked for soon again. */
static void
set_timer(struct dns *d, uint32_t ttl_s)
{
	uint64_t wait = ttl_wait(d, ttl_s), retry;

	if (d->gap == NULL)
		d->retry = RETRY_LEAST;
	else if ((retry = retry_wait(d)) < wait)
		wait = retry;
	timer_set(d->timer, wait);
}

/* Once, as it changes. */
static void
tell_gap(struct dns *d)
{
	if (text_same(d->gap, d->told_gap))
		return;
	if (d->gap != NULL)
		log_warn("upstream %s: discovery by dns: %s; the target keeps "
			 "the addresses that it had",
		    d->discovery->upstream, d->gap);
	free(d->told_gap);
	d->told_gap = d->gap != NULL ? xstrdup(d->gap) : NULL;
}

/* A little late: a cache on the way has forgotten it by then. */
static uint64_t
ttl_wait(const struct dns *d, uint32_t ttl_s)
{
	uint64_t wait = ttl_s * CLOCK_S;

	if (wait > TTL_MOST)
		wait = TTL_MOST;
	if (wait < d->options.min_ttl_ns)
		wait = d->options.min_ttl_ns;
	return wait + rng_below(loop_rng(d->loop), wait / 10);
}

/* Longer each time, until retry is set back. */
static uint64_t
retry_wait(struct dns *d)
{
	uint64_t wait = d->retry;

	d->retry = wait * 2 < RETRY_MOST ? wait * 2 : RETRY_MOST;
	return wait + rng_below(loop_rng(d->loop), wait / 4);
}
