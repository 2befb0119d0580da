/*
 * What Consul says, in the words of discovery.  Its instances have no names
 * here: an ID is one agent's own, and without being told Consul takes the
 * service's name, so that all of a service may have the same.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/consul_provider.h"

#include "base/container.h"
#include "base/log.h"
#include "base/mem.h"
#include "discovery/consul_answer.h"
#include "discovery/discovery.h"

struct consul_provider {
	struct provider provider;
	struct discovery *discovery;
	struct loop *loop;
	struct fetcher *fetcher;
	const struct consul_agent *agent;
	unsigned version; /* of the agent, that is asked */
	struct consul_wish wish;
	const struct consul_rules *rules;
	struct consul_source *source; /* NULL: not started */
	struct found *last; /* the answer; NULL: none, or not a good one */
	unsigned nlast;
	char *left_out; /* of it, in words; NULL: nobody */
	struct arena texts;
};

static const char *copy(struct arena *, const char *);
static void start(struct provider *, struct discovery *);
static void again(struct provider *);
static void provider_free(struct provider *);
static void
note_left_out(struct consul_provider *, const struct consul_answer *);
static void on_answer(void *, const struct consul_answer *);
static void on_failure(void *, enum consul_failure, const char *);
static bool same(const char *, const char *);

static const struct provider_ops provider_ops = {
	.name = "consul",
	.start = start,
	.again = again,
	.free = provider_free,
};

static const struct consul_ops source_ops = { on_answer, on_failure };

struct provider *
discovery_consul_new(struct loop *loop, struct fetcher *fetcher,
    const struct consul_agent *agent, const struct consul_wish *wish,
    const struct consul_rules *rules)
{
	struct consul_provider *p = xcalloc(1, sizeof(*p));

	p->provider.ops = &provider_ops;
	p->loop = loop;
	p->fetcher = fetcher;
	p->agent = agent;
	p->wish = (struct consul_wish){
		.service = copy(&p->texts, wish->service),
		.tag = copy(&p->texts, wish->tag),
		.datacenter = copy(&p->texts, wish->datacenter),
		.near = copy(&p->texts, wish->near),
		.filter = copy(&p->texts, wish->filter),
		.passing = wish->passing,
	};
	p->rules = rules;
	return &p->provider;
}

bool
discovery_consul_fits(
    const struct provider *provider, const struct consul_wish *wish)
{
	const struct consul_wish *mine;

	if (provider->ops != &provider_ops || wish->service == NULL)
		return false;
	mine = &((const struct consul_provider *)provider)->wish;
	return same(mine->service, wish->service) &&
	    same(mine->tag, wish->tag) &&
	    same(mine->datacenter, wish->datacenter) &&
	    same(mine->near, wish->near) && same(mine->filter, wish->filter) &&
	    mine->passing == wish->passing;
}

static const char *
copy(struct arena *arena, const char *text)
{
	return text != NULL ? arena_strdup(arena, text) : NULL;
}

static void
start(struct provider *provider, struct discovery *discovery)
{
	struct consul_provider *p =
	    CONTAINER_OF(provider, struct consul_provider, provider);

	p->discovery = discovery;
	p->version = p->agent->version;
	p->source = consul_source_new(
	    p->loop, p->fetcher, p->agent, &p->wish, p->rules, &source_ops, p);
}

/* A query that waits goes on waiting, unless there is another one to ask. */
static void
again(struct provider *provider)
{
	struct consul_provider *p =
	    CONTAINER_OF(provider, struct consul_provider, provider);

	if (p->version != p->agent->version)
		consul_source_again(p->source);
	p->version = p->agent->version;
	if (p->last != NULL)
		discovery_repeat(p->discovery, p->last, p->nlast);
}

static void
provider_free(struct provider *provider)
{
	struct consul_provider *p =
	    CONTAINER_OF(provider, struct consul_provider, provider);

	consul_source_free(p->source);
	free(p->last);
	free(p->left_out);
	arena_fini(&p->texts);
	free(p);
}

/*
 * Never as said anew: an index that moved is no word about the service, least
 * of all while a Consul that lost everything hears of it again.  So what is
 * held back is confirmed by time alone.
 */
static void
on_answer(void *arg, const struct consul_answer *a)
{
	struct consul_provider *p = arg;

	note_left_out(p, a);
	free(p->last);
	p->last = xcalloc(a->n + 1, sizeof(*p->last));
	p->nlast = a->n;
	for (unsigned i = 0; i < a->n; i++) {
		p->last[i].addr = a->v[i].addr;
		p->last[i].weight = a->v[i].weight;
	}
	discovery_answer(p->discovery, p->last, p->nlast, false);
}

/* Consul takes host names and services without a port as well. */
static void
note_left_out(struct consul_provider *p, const struct consul_answer *a)
{
	char *now = a->left_out == 0
	    ? NULL
	    : xasprintf("%s; left out: %u", a->why, a->left_out);

	if (now != NULL && !same(now, p->left_out))
		log_warn("upstream %s: discovery by consul: %s",
		    p->discovery->upstream, now);
	free(p->left_out);
	p->left_out = now;
}

static void
on_failure(void *arg, enum consul_failure failure, const char *what)
{
	static const enum discovery_error errors[] = {
		[CONSUL_UNREACHABLE] = DISCOVERY_UNREACHABLE,
		[CONSUL_DENIED] = DISCOVERY_DENIED,
		[CONSUL_STATUS] = DISCOVERY_STATUS,
		[CONSUL_TOO_LARGE] = DISCOVERY_TOO_LARGE,
		[CONSUL_INVALID] = DISCOVERY_INVALID,
	};
	struct consul_provider *p = arg;

	free(p->last);
	p->last = NULL;
	discovery_fail(p->discovery, errors[failure], "%s", what);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
