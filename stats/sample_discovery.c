/* Samples of discovery: of upstreams that are told who their servers are. */
#include "stats/samples.h"

static const char *const reasons[] = {
#define DISCOVERY_ERROR(name, word) #word,
#include "discovery/errors.def"
#undef DISCOVERY_ERROR
};

void
sample_discoveries(struct scrape *s)
{
	for (unsigned i = 0; i < s->view->nupstreams; i++)
		if (s->view->upstreams[i].discovery != NULL)
			s->metric->upstream(s, &s->view->upstreams[i]);
}

void
sample_discovery_updates(struct scrape *s, const struct view_upstream *u)
{
	const char *values[] = { u->name, u->discovery->provider };

	exposition_u64(&s->out, values, u->discovery->updates);
}

void
sample_discovery_errors(struct scrape *s, const struct view_upstream *u)
{
	const char *values[] = { u->name, u->discovery->provider, NULL };

	for (unsigned i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		values[2] = reasons[i];
		exposition_u64(&s->out, values, u->discovery->errors[i]);
	}
}

void
sample_discovery_success(struct scrape *s, const struct view_upstream *u)
{
	const char *values[] = { u->name, u->discovery->provider };

	if (u->discovery->last_success != 0)
		exposition_real(&s->out, values,
		    sample_seconds(u->discovery->last_success));
}

void
sample_discovery_servers(struct scrape *s, const struct view_upstream *u)
{
	const char *values[] = { u->name, u->discovery->provider };

	exposition_u64(&s->out, values, u->discovery->servers);
}
