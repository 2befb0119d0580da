/*
 * /metrics: each row of metrics.def becomes a family, in the table's order,
 * over one view, so that samples of a name stay together.  exposition.c knows
 * the format, the sample_*.c files where the numbers are.
 */
#include "stats/prometheus.h"
#include "stats/samples.h"

#define MEMBER(shape, KIND, type, member) \
	.put = sample_##shape, .kind = STATS_##KIND, \
	.at = offsetof(struct stats_##type, member)
#define ROUTES(shape, member) MEMBER(shape, ROUTES, route, member)
#define UPSTREAMS(shape, member) MEMBER(shape, UPSTREAMS, upstream, member)
#define LISTENERS(shape, member) MEMBER(shape, LISTENERS, listener, member)
#define SERVERS(name) .put = sample_servers, .server = sample_server_##name
#define BREAKERS(name) .put = sample_breakers, .upstream = sample_breaker_##name
#define DISCOVERIES(name) \
	.put = sample_discoveries, .upstream = sample_discovery_##name
#define NUMBER(member) \
	.put = sample_number, .at = offsetof(struct stats_view, member)
#define TIME(member) \
	.put = sample_time, .at = offsetof(struct stats_view, member)
#define FROM(name) .put = sample_##name
#define METRIC(name, type, labels, source, help) \
	{ .family = { #name, FAMILY_##type, labels, help }, source },
static const struct metric metrics[] = {
#include "stats/metrics.def"
};

void
prometheus_render(const struct stats_view *view, struct buf *to)
{
	struct scrape s = { .out.to = to, .view = view };
	unsigned i;

	for (i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
		s.metric = &metrics[i];
		exposition_begin(&s.out, &s.metric->family);
		s.metric->put(&s);
	}
}
