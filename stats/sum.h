#ifndef STATS_SUM_H
#define STATS_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/stats.h"

struct stats_view;
struct view_server;

/*
 * What all threads of a view counted, for its reader.  `at' is the offset of
 * a struct counter or histogram in the kind's block.
 */
uint64_t	sum_counter(const struct stats_view *, enum stats_kind,
		    unsigned slot, size_t at);
void		sum_histogram(const struct stats_view *, enum stats_kind,
		    unsigned slot, size_t at, struct histogram_sum *);
/* A route's requests of one method by status; false: none. */
bool		sum_codes(const struct stats_view *, unsigned slot,
		    enum method, uint64_t count[STATUS_COUNT]);
/* Attempts at a server that it answered, and that failed. */
uint64_t	sum_server_requests(const struct view_server *);
uint64_t	sum_server_failures(const struct view_server *);

#endif
