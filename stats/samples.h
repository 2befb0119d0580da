#ifndef STATS_SAMPLES_H
#define STATS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "stats/exposition.h"
#include "stats/stats.h"
#include "stats/view.h"

/*
 * Where the samples of each family come from: the sources that metrics.def
 * names, declared by it.  A row without its source does not link.
 */
struct scrape {
	struct exposition	 out;
	const struct stats_view	*view;
	const struct metric	*metric;	/* the row at work */
};

/* A row of metrics.def. */
struct metric {
	struct family	 family;
	void		(*put)(struct scrape *);
	enum stats_kind	 kind;	/* ROUTES, UPSTREAMS, LISTENERS */
	size_t		 at;	/* in the kind's block, or in the view */
	void		(*server)(struct scrape *, const char *upstream,
			    const struct view_server *);
	void		(*upstream)(struct scrape *,
			    const struct view_upstream *);
};

#define ROUTES(shape, member)	 sample_##shape(struct scrape *)
#define UPSTREAMS(shape, member) sample_##shape(struct scrape *)
#define LISTENERS(shape, member) sample_##shape(struct scrape *)
#define SERVERS(name)							\
	sample_server_##name(struct scrape *, const char *,		\
	    const struct view_server *)
#define BREAKERS(name)							\
	sample_breaker_##name(struct scrape *, const struct view_upstream *)
#define DISCOVERIES(name)						\
	sample_discovery_##name(struct scrape *, const struct view_upstream *)
#define NUMBER(member)		 sample_number(struct scrape *)
#define TIME(member)		 sample_time(struct scrape *)
#define FROM(name)		 sample_##name(struct scrape *)
#define METRIC(name, type, labels, source, help)	void source;
#include "stats/metrics.def"
#undef ROUTES
#undef UPSTREAMS
#undef LISTENERS
#undef SERVERS
#undef BREAKERS
#undef DISCOVERIES
#undef NUMBER
#undef TIME
#undef FROM
#undef METRIC

/* Call the row's own source for each server, each breaker, each discovery. */
void	sample_servers(struct scrape *);
void	sample_breakers(struct scrape *);
void	sample_discoveries(struct scrape *);

static inline double
sample_seconds(uint64_t ns)
{
	return (double)ns / (double)CLOCK_S;
}

#endif
