/*
 * Rates: totals remembered for the last ten seconds, by kind and slot.  A
 * series that a sample did not touch is dropped, so what left the
 * configuration costs nothing.  A total that went back (another server under
 * an old name) gives 0, not nonsense.  Control thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/rates.h"
#include "stats/sum.h"
#include "stats/view.h"

#define SAMPLES 11 /* ten intervals of a second */
#define WORKERS STATS_KINDS /* one more kind of series: busy time */

struct series {
	uint64_t at[SAMPLES], total[SAMPLES];
	unsigned n; /* ever taken */
	bool seen; /* in the present sample */
};

struct table {
	struct series **v;
	unsigned n;
};

struct stats_rates {
	struct table tables[WORKERS + 1];
};

static void
route_note(struct stats_rates *, const struct stats_view *, unsigned, uint64_t);
static void
servers_note(struct stats_rates *, const struct view_upstream *, uint64_t);
static void
worker_note(struct stats_rates *, const struct view_worker *, uint64_t);
static void series_note(struct table *, unsigned, uint64_t, uint64_t);
static void table_reserve(struct table *, unsigned);
static void table_sweep(struct table *);
static double rate_of(const struct table *, unsigned);

struct stats_rates *
stats_rates_new(void)
{
	return xcalloc(1, sizeof(struct stats_rates));
}

void
stats_sample(struct stats_rates *r, const struct stats_view *view, uint64_t now)
{
	unsigned i, kind;

	route_note(r, view, STATS_SLOT_NONE, now);
	for (i = 0; i < view->nroutes; i++)
		route_note(r, view, view->routes[i].slot, now);
	for (i = 0; i < view->nupstreams; i++)
		servers_note(r, &view->upstreams[i], now);
	for (i = 0; i < view->nworkers; i++)
		worker_note(r, &view->workers[i], now);
	for (kind = 0; kind <= WORKERS; kind++)
		table_sweep(&r->tables[kind]);
}

double
stats_rate(const struct stats_rates *r, enum stats_kind kind, unsigned slot)
{
	return r == NULL ? 0 : rate_of(&r->tables[kind], slot);
}

double
stats_busy(const struct stats_rates *r, unsigned worker)
{
	double busy;

	if (r == NULL)
		return 0;
	busy = rate_of(&r->tables[WORKERS], worker) / (double)CLOCK_S;
	return busy < 1 ? busy : 1;
}

void
stats_rates_free(struct stats_rates *r)
{
	unsigned i, kind;

	if (r == NULL)
		return;
	for (kind = 0; kind <= WORKERS; kind++) {
		for (i = 0; i < r->tables[kind].n; i++)
			free(r->tables[kind].v[i]);
		free(r->tables[kind].v);
	}
	free(r);
}

static void
route_note(struct stats_rates *r, const struct stats_view *view, unsigned slot,
    uint64_t now)
{
	series_note(&r->tables[STATS_ROUTES], slot, now,
	    sum_counter(view, STATS_ROUTES, slot,
		offsetof(struct stats_route, requests)));
}

static void
servers_note(struct stats_rates *r, const struct view_upstream *u, uint64_t now)
{
	unsigned i;

	for (i = 0; i < u->nservers; i++)
		series_note(&r->tables[STATS_SERVERS], u->servers[i].slot, now,
		    sum_server_requests(&u->servers[i]));
}

static void
worker_note(struct stats_rates *r, const struct view_worker *w, uint64_t now)
{
	if (!w->control)
		series_note(&r->tables[WORKERS], w->id, now,
		    counter_get(&w->stats->busy_ns));
}

static void
series_note(struct table *t, unsigned slot, uint64_t now, uint64_t total)
{
	struct series *s;

	table_reserve(t, slot + 1);
	if (t->v[slot] == NULL)
		t->v[slot] = xcalloc(1, sizeof(*s));
	s = t->v[slot];
	s->at[s->n % SAMPLES] = now;
	s->total[s->n % SAMPLES] = total;
	s->n++;
	s->seen = true;
}

static void
table_reserve(struct table *t, unsigned n)
{
	if (n <= t->n)
		return;
	t->v = xrealloc(t->v, n * sizeof(*t->v));
	memset(t->v + t->n, 0, (n - t->n) * sizeof(*t->v));
	t->n = n;
}

/* Forget what the sample that ends here did not see. */
static void
table_sweep(struct table *t)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (t->v[i] == NULL)
			continue;
		if (!t->v[i]->seen) {
			free(t->v[i]);
			t->v[i] = NULL;
		} else
			t->v[i]->seen = false;
	}
}

static double
rate_of(const struct table *t, unsigned slot)
{
	const struct series *s = slot < t->n ? t->v[slot] : NULL;
	unsigned first, last;

	if (s == NULL || s->n < 2)
		return 0;
	last = (s->n - 1) % SAMPLES;
	first = s->n < SAMPLES ? 0 : s->n % SAMPLES;
	if (s->total[last] < s->total[first] || s->at[last] <= s->at[first])
		return 0;
	return (double)(s->total[last] - s->total[first]) * (double)CLOCK_S /
	    (double)(s->at[last] - s->at[first]);
}
