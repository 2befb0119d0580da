#ifndef STATS_PROMETHEUS_H
#define STATS_PROMETHEUS_H

struct buf;
struct stats_view;

/* Content-Type of what follows. */
#define PROMETHEUS_TYPE	"text/plain; version=0.0.4; charset=utf-8"

/*
 * Append the exposition in Prometheus' text format 0.0.4, family by family in
 * the order of metrics.def; families without samples are left out.  Any thread
 * that may read the view.
 */
void	prometheus_render(const struct stats_view *, struct buf *);

#endif
