#ifndef STATS_JSON_PUT_H
#define STATS_JSON_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/stats.h"

struct json;
struct stats_view;

/* A key with its value, in the units and forms that all of /stats has. */
void	json_put_number(struct json *, const char *key, uint64_t);
void	json_put_bool(struct json *, const char *key, bool);
void	json_put_string(struct json *, const char *key, const char *);
void	json_put_strings(struct json *, const char *key, const char *const *,
	    unsigned n);
/* Milliseconds, to the microsecond. */
void	json_put_ms(struct json *, const char *key, uint64_t ns);
/*
 * A point of time in Unix seconds, null for 0; not in ns, since certificates
 * may end in the year 9999.
 */
void	json_put_moment(struct json *, const char *key, uint64_t seconds);

/* "rate": requests per second. */
void	json_put_rate(struct json *, const struct stats_view *,
	    enum stats_kind, unsigned slot);
/* "latency_ms": of the histogram at that offset of the kind's block. */
void	json_put_latency(struct json *, const struct stats_view *,
	    enum stats_kind, unsigned slot, size_t at);
/* An array of counters by end; those at 0 are left out. */
void	json_put_ends(struct json *, const char *key,
	    const struct stats_view *, enum stats_kind, unsigned slot,
	    size_t at);
/* "upstreams": all of them. */
void	json_put_upstreams(struct json *, const struct stats_view *);

#endif
