/*
 * GET /stats: schema 1 of SURFACES, whose fields stay; new ones may be
 * added.  Durations are milliseconds here, as people read them.  Control
 * thread.
 */
#include "base/clock.h"
#include "base/json.h"
#include "stats/json.h"
#include "stats/json_put.h"
#include "stats/rates.h"
#include "stats/sum.h"
#include "stats/view.h"

/* A counter of a route, summed. */
#define ROUTE_SUM(view, slot, member) \
	sum_counter( \
	    view, STATS_ROUTES, slot, offsetof(struct stats_route, member))

static void put_config(struct json *, const struct view_config *);
static void put_routes(struct json *, const struct stats_view *);
static void
put_route(struct json *, const struct stats_view *, const char *, unsigned);
static void put_codes(struct json *, const struct stats_view *, unsigned);
static void put_listeners(struct json *, const struct stats_view *);
static void put_listener(
    struct json *, const struct stats_view *, const struct view_listener *);
static void put_tls(struct json *, const struct view_listener *);
static void put_expiry(struct json *, int64_t);
static void put_workers(struct json *, const struct stats_view *);
static uint64_t
worker_requests(const struct stats_view *, const struct view_worker *);
static void put_worker(
    struct json *, const struct stats_view *, const struct view_worker *);

void
stats_render_json(const struct stats_view *view, struct buf *to)
{
	struct json j;

	json_init_buf(&j, to);
	json_open(&j);
	json_put_number(&j, "schema", 1);
	json_put_string(&j, "version", view->version);
	json_put_number(&j, "uptime_seconds", view->uptime_ns / CLOCK_S);
	json_put_bool(&j, "ready", view->ready);
	json_put_strings(&j, "not_ready", view->not_ready, view->nnot_ready);
	put_config(&j, &view->config);
	put_routes(&j, view);
	json_put_upstreams(&j, view);
	put_listeners(&j, view);
	put_workers(&j, view);
	json_put_number(&j, "access_lines_dropped", view->access_lines_dropped);
	json_close(&j);
	json_end(&j);
}

static void
put_config(struct json *j, const struct view_config *c)
{
	json_key(j, "config");
	json_open(j);
	json_put_string(j, "file", c->file);
	json_put_string(j, "hash", c->hash);
	json_put_number(j, "generation", c->generation);
	json_put_number(j, "generations", c->generations);
	json_put_number(j, "snapshots", c->snapshots);
	json_put_moment(j, "loaded_at", c->loaded_at / CLOCK_S);
	json_key(j, "last_reload");
	json_open(j);
	json_put_bool(j, "ok", c->reload_ok);
	json_put_moment(j, "at", c->reload_at / CLOCK_S);
	json_put_strings(j, "errors", c->errors, c->nerrors);
	json_close(j);
	json_close(j);
}

/* ---- routes ---- */

static void
put_routes(struct json *j, const struct stats_view *view)
{
	unsigned i;

	json_key(j, "routes");
	json_open(j);
	for (i = 0; i < view->nroutes; i++)
		put_route(j, view, view->routes[i].name, view->routes[i].slot);
	put_route(j, view, "_none", STATS_SLOT_NONE);
	json_close(j);
}

static void
put_route(struct json *j, const struct stats_view *view, const char *name,
    unsigned slot)
{
	json_key(j, name);
	json_open(j);
	json_put_number(j, "requests", ROUTE_SUM(view, slot, requests));
	json_put_rate(j, view, STATS_ROUTES, slot);
	json_put_number(j, "in_flight", ROUTE_SUM(view, slot, in_flight));
	json_put_number(
	    j, "websocket_sessions", ROUTE_SUM(view, slot, websockets));
	put_codes(j, view, slot);
	json_put_latency(j, view, STATS_ROUTES, slot,
	    offsetof(struct stats_route, duration));
	json_put_ends(j, "failures", view, STATS_ROUTES, slot,
	    offsetof(struct stats_route, failures));
	json_put_number(j, "bytes_in", ROUTE_SUM(view, slot, request_bytes));
	json_put_number(j, "bytes_out", ROUTE_SUM(view, slot, response_bytes));
	json_close(j);
}

/* By hundreds: {"2xx": 7, "5xx": 1}; "0": no status was sent. */
static void
put_codes(struct json *j, const struct stats_view *view, unsigned slot)
{
	static const char *const word[CODE_CLASSES] = { "0", "1xx", "2xx",
		"3xx", "4xx", "5xx" };
	uint64_t count[STATUS_COUNT], total[CODE_CLASSES] = { 0 };
	unsigned method, i;

	for (method = 0; method < METHOD_COUNT; method++) {
		if (!sum_codes(view, slot, method, count))
			continue;
		for (i = 0; i < STATUS_COUNT; i++)
			total[i / 100] += count[i];
	}
	json_key(j, "codes");
	json_open(j);
	for (i = 0; i < CODE_CLASSES; i++)
		if (total[i] > 0)
			json_put_number(j, word[i], total[i]);
	json_close(j);
}

/* ---- listeners, workers ---- */

static void
put_listeners(struct json *j, const struct stats_view *view)
{
	unsigned i;

	json_key(j, "listeners");
	json_open(j);
	for (i = 0; i < view->nlisteners; i++)
		put_listener(j, view, &view->listeners[i]);
	json_close(j);
}

static void
put_listener(struct json *j, const struct stats_view *view,
    const struct view_listener *l)
{
	json_key(j, l->name);
	json_open(j);
	json_put_string(
	    j, "address", l->naddresses > 0 ? l->addresses[0] : NULL);
	json_put_strings(j, "addresses", l->addresses, l->naddresses);
	json_put_number(j, "connections",
	    sum_counter(view, STATS_LISTENERS, l->slot,
		offsetof(struct stats_listener, connections)));
	json_put_number(j, "accepted",
	    sum_counter(view, STATS_LISTENERS, l->slot,
		offsetof(struct stats_listener, accepted)));
	if (l->tls)
		put_tls(j, l);
	json_close(j);
}

static void
put_tls(struct json *j, const struct view_listener *l)
{
	int64_t first = INT64_MAX;
	unsigned i;

	for (i = 0; i < l->ncertificates; i++)
		if (l->certificates[i].not_after_s < first)
			first = l->certificates[i].not_after_s;
	json_key(j, "tls");
	json_open(j);
	if (l->ncertificates > 0)
		put_expiry(j, first);
	json_key(j, "certificates");
	json_open_list(j);
	for (i = 0; i < l->ncertificates; i++) {
		json_open(j);
		json_put_string(
		    j, "common_name", l->certificates[i].common_name);
		put_expiry(j, l->certificates[i].not_after_s);
		json_close(j);
	}
	json_close_list(j);
	json_close(j);
}

static void
put_expiry(struct json *j, int64_t seconds)
{
	json_put_moment(j, "not_after", seconds > 0 ? (uint64_t)seconds : 0);
}

static void
put_workers(struct json *j, const struct stats_view *view)
{
	const struct view_worker *w;
	unsigned i;

	json_key(j, "workers");
	json_open_list(j);
	for (i = 0; i < view->nworkers; i++) {
		w = &view->workers[i];
		if (!w->control)
			put_worker(j, view, w);
	}
	json_close_list(j);
}

/* Ended by this worker, over all that is shown. */
static uint64_t
worker_requests(const struct stats_view *view, const struct view_worker *w)
{
	const struct stats_route *r;
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i <= view->nroutes; i++) {
		r = stats_block(w->stats, STATS_ROUTES,
		    i < view->nroutes ? view->routes[i].slot : STATS_SLOT_NONE);
		if (r != NULL)
			n += counter_get(&r->requests);
	}
	return n;
}

static void
put_worker(
    struct json *j, const struct stats_view *view, const struct view_worker *w)
{
	struct histogram_sum lag = { 0 };

	histogram_sum_add(&lag, &w->stats->loop_lag);
	json_open(j);
	json_put_number(j, "id", w->id);
	json_put_number(j, "requests", worker_requests(view, w));
	json_key(j, "busy");
	json_fixed(j, stats_busy(view->rates, w->id), 2);
	json_put_ms(j, "lag_ms_p99", histogram_sum_quantile(&lag, 0.99));
	json_close(j);
}
