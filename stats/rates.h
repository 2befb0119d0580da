#ifndef STATS_RATES_H
#define STATS_RATES_H

#include <stdint.h>

#include "stats/stats.h"

struct stats_view;

/*
 * Rates over the last 10 seconds: a short memory of totals, sampled each
 * second on the control thread, which alone uses it.
 */
struct stats_rates;
struct stats_rates	*stats_rates_new(void);
void			 stats_rates_free(struct stats_rates *);
/* Each second.  What the view no longer has is forgotten. */
void	stats_sample(struct stats_rates *, const struct stats_view *,
	    uint64_t now);

/*
 * Requests per second of a route (STATS_ROUTES) or a server (STATS_SERVERS);
 * 0 until there are two samples of it, or without rates at all (NULL).
 */
double	stats_rate(const struct stats_rates *, enum stats_kind, unsigned slot);
/* The share of its time that a worker was busy, 0..1. */
double	stats_busy(const struct stats_rates *, unsigned worker);

#endif
