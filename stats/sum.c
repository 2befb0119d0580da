/*
 * Summing over threads, at the time of reading: the price of counters that
 * cost nothing to count.  Runs on the control thread for a scrape.
 */
#include <assert.h>
#include <string.h>

#include "balancer/server.h"
#include "stats/sum.h"
#include "stats/view.h"

static_assert(END_COUNT <= SERVER_REASONS, "a server counts every end");

static const void *
member_of(const struct stats *, enum stats_kind, unsigned, size_t);
static uint64_t total_of(const _Atomic uint64_t *, unsigned);

uint64_t
sum_counter(const struct stats_view *view, enum stats_kind kind, unsigned slot,
    size_t at)
{
	const struct counter *c;
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < view->nworkers; i++) {
		c = member_of(view->workers[i].stats, kind, slot, at);
		if (c != NULL)
			n += counter_get(c);
	}
	return n;
}

void
sum_histogram(const struct stats_view *view, enum stats_kind kind,
    unsigned slot, size_t at, struct histogram_sum *to)
{
	const struct histogram *h;
	unsigned i;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < view->nworkers; i++) {
		h = member_of(view->workers[i].stats, kind, slot, at);
		if (h != NULL)
			histogram_sum_add(to, h);
	}
}

bool
sum_codes(const struct stats_view *view, unsigned slot, enum method method,
    uint64_t count[STATUS_COUNT])
{
	const struct stats_route *r;
	bool met = false;
	unsigned i;

	memset(count, 0, STATUS_COUNT * sizeof(*count));
	for (i = 0; i < view->nworkers; i++) {
		r = member_of(view->workers[i].stats, STATS_ROUTES, slot, 0);
		if (r != NULL && stats_codes_add(r, method, count))
			met = true;
	}
	return met;
}

uint64_t
sum_server_requests(const struct view_server *srv)
{
	if (srv->server == NULL)
		return 0;
	return total_of(srv->server->requests, SERVER_CLASSES);
}

uint64_t
sum_server_failures(const struct view_server *srv)
{
	if (srv->server == NULL)
		return 0;
	return total_of(srv->server->failures, SERVER_REASONS);
}

static const void *
member_of(const struct stats *s, enum stats_kind kind, unsigned slot, size_t at)
{
	const char *block = stats_block(s, kind, slot);

	return block == NULL ? NULL : block + at;
}

static uint64_t
total_of(const _Atomic uint64_t *v, unsigned n)
{
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		total += atomic_load_explicit(&v[i], memory_order_relaxed);
	return total;
}
