/*
 * Where Consul's agent is.  A host name goes the way of all names, through the
 * control thread's resolver, which waits for nothing; curl is told addresses
 * only.  Those who ask find the addresses here when they ask, so that a new
 * answer of DNS needs no word to them.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/consul.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/resolve.h"
#include "proxy/control.h"
#include "proxy/snapshot.h"

static bool same(const struct conf_consul *, const struct conf_consul *);
static bool same_text(const char *, const char *);
static void find(struct control *, const struct conf_url *);
static void
on_addresses(void *, const struct addr *, size_t, const char *error);
static void set_addresses(struct consul_link *, const struct addr *, size_t);
static void set_problem(struct consul_link *, const char *error);

struct consul_link *
consul_link_new(void)
{
	return xcalloc(1, sizeof(struct consul_link));
}

void
consul_link_adopt(struct control *control, const struct conf_consul *conf)
{
	struct consul_link *l = control->consul;
	const struct plan *old = control->plan;
	const struct conf_consul *before =
	    old != NULL ? &old->conf->consul : NULL;

	if (before == NULL || !same_text(before->url.text, conf->url.text))
		find(control, &conf->url);
	if (before == NULL || !same(before, conf))
		l->agent.version++;
	l->rules = consul_rules_usual;
	l->rules.wait_ns = conf->wait_ns;
	l->rules.stale = conf->stale;
	l->tls = (struct fetch_tls){
		.name = l->name,
		.ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key,
	};
	l->agent.host = conf->url.text;
	l->agent.token = conf->token;
	l->agent.tls = conf->url.tls ? &l->tls : NULL;
}

void
consul_link_free(struct consul_link *l)
{
	if (l == NULL)
		return;
	resolve_watch_free(l->watch);
	free(l->addrs);
	free(l->problem);
	free(l->name);
	free(l);
}

static bool
same(const struct conf_consul *a, const struct conf_consul *b)
{
	return same_text(a->url.text, b->url.text) &&
	    a->url.tls == b->url.tls && same_text(a->token, b->token) &&
	    a->wait_ns == b->wait_ns && a->stale == b->stale &&
	    same_text(a->ca, b->ca) && same_text(a->cert, b->cert) &&
	    same_text(a->key, b->key);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
find(struct control *control, const struct conf_url *url)
{
	struct consul_link *l = control->consul;
	const struct endpoint *at = &url->endpoint;

	resolve_watch_free(l->watch);
	l->watch = NULL;
	free(l->name);
	l->name =
	    xstrndup(url->text, (size_t)(strrchr(url->text, ':') - url->text));
	set_addresses(l, &at->addr, at->is_name ? 0 : 1);
	set_problem(l, NULL);
	if (at->is_name)
		l->watch = resolve_watch_new(
		    control->resolver, l->name, at->port, on_addresses, l);
}

/* What served goes on serving when DNS only failed. */
static void
on_addresses(void *arg, const struct addr *addrs, size_t n, const char *error)
{
	struct consul_link *l = arg;

	set_addresses(l, addrs, n);
	if (error == NULL)
		return;
	log_warn("discovery.consul: %s: %s", l->name, error);
	set_problem(l, error);
}

static void
set_addresses(struct consul_link *l, const struct addr *addrs, size_t n)
{
	free(l->addrs);
	l->addrs = xcalloc(n + 1, sizeof(*addrs));
	for (size_t i = 0; i < n; i++)
		l->addrs[i] = addrs[i];
	l->agent.to = l->addrs;
	l->agent.n = (unsigned)n;
}

static void
set_problem(struct consul_link *l, const char *error)
{
	free(l->problem);
	l->problem = error != NULL ? xasprintf("%s: %s", l->name, error) : NULL;
	l->agent.problem = l->problem;
}
