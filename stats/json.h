#ifndef STATS_JSON_H
#define STATS_JSON_H

#include <stdbool.h>

#include "base/text.h"

struct buf;
struct stats_view;

/* Append GET /stats, schema 1. */
void	stats_render_json(const struct stats_view *, struct buf *);
/* Append GET /upstreams. */
void	stats_render_upstreams(const struct stats_view *, struct buf *);
/* Append GET /upstreams/U; false: there is none of that name. */
bool	stats_render_upstream(const struct stats_view *, struct text name,
	    struct buf *);

#endif
