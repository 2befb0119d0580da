/*
 * The admin listener's answers: paths to renderers.  An admin request is an
 * ordinary exchange on the control thread, so what it asks about is this
 * thread's own and needs no lock.  GET and HEAD only: nothing here changes
 * anything.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/admin.h"

#include "base/json.h"
#include "conf/conf.h"
#include "http/head.h"
#include "net/loop.h"
#include "proxy/control.h"
#include "proxy/exchange.h"
#include "proxy/reply.h"
#include "proxy/requests.h"
#include "proxy/routes_json.h"
#include "proxy/snapshot.h"
#include "proxy/view.h"
#include "proxy/worker.h"
#include "stats/json.h"
#include "stats/prometheus.h"
#include "stats/rates.h"

#define JSON_TYPE TEXT("application/json")
#define PLAIN_TYPE TEXT("text/plain; charset=utf-8")

static void get_healthz(struct exchange *);
static void get_readyz(struct exchange *);
static void get_stats(struct exchange *);
static void get_metrics(struct exchange *);
static void get_config(struct exchange *);
static void get_schema(struct exchange *);
static void get_upstreams(struct exchange *);
static void get_routes(struct exchange *);
static void get_requests(struct exchange *);
static bool get_upstream(struct exchange *);
static void render(struct exchange *,
    void (*)(const struct stats_view *, struct buf *), struct text);
static bool host_is_ours(struct text);
static void problem(struct exchange *, unsigned, const char *);

static const struct {
	const char *path;
	void (*get)(struct exchange *);
} pages[] = {
	{ "/healthz", get_healthz },
	{ "/readyz", get_readyz },
	{ "/stats", get_stats },
	{ "/metrics", get_metrics },
	{ "/config", get_config },
	{ "/config/schema", get_schema },
	{ "/upstreams", get_upstreams },
	{ "/routes", get_routes },
	{ "/requests", get_requests },
};

void
admin_answer(struct exchange *x)
{
	const struct head *q = x->request;

	if (!host_is_ours(q->host)) {
		problem(x, 403,
		    "the admin endpoint is asked by IP address or "
		    "as localhost");
		return;
	}
	if (q->method != METHOD_GET && q->method != METHOD_HEAD) {
		problem(x, 405, "only GET and HEAD are allowed here");
		return;
	}
	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (text_equal(q->path, text_of(pages[i].path))) {
			pages[i].get(x);
			return;
		}
	if (!get_upstream(x))
		problem(x, 404,
		    "there is /stats, /metrics, /healthz, /readyz, "
		    "/config, /config/schema, /upstreams, /routes and "
		    "/requests");
}

void
admin_sample(struct control *control, uint64_t now)
{
	struct stats_view view;
	struct arena arena = { 0 };

	view_fill(control, &view, &arena);
	stats_sample(control->rates, &view, now);
	arena_fini(&arena);
}

static void
get_healthz(struct exchange *x)
{
	struct buf body = { 0 };

	buf_append_text(&body, TEXT("ok\n"));
	reply(x, 200, NULL, PLAIN_TYPE, &body);
}

static void
get_readyz(struct exchange *x)
{
	const struct control *control = x->worker->control;
	struct stats_view view;
	struct buf body = { 0 };

	view_fill(control, &view, &x->arena);
	if (view.ready)
		buf_append_text(&body, TEXT("ready\n"));
	for (unsigned i = 0; !view.ready && i < view.nnot_ready; i++) {
		buf_append_text(&body, text_of(view.not_ready[i]));
		buf_append_text(&body, TEXT("\n"));
	}
	reply(x, view.ready ? 200 : 503, NULL, PLAIN_TYPE, &body);
}

static void
get_stats(struct exchange *x)
{
	render(x, stats_render_json, JSON_TYPE);
}

static void
get_metrics(struct exchange *x)
{
	render(x, prometheus_render, TEXT(PROMETHEUS_TYPE));
}

static void
get_upstreams(struct exchange *x)
{
	render(x, stats_render_upstreams, JSON_TYPE);
}

static void
render(struct exchange *x,
    void (*renderer)(const struct stats_view *, struct buf *), struct text type)
{
	struct stats_view view;
	struct buf body = { 0 };

	view_fill(x->worker->control, &view, &x->arena);
	view_fill_process(&view);
	renderer(&view, &body);
	reply(x, 200, NULL, type, &body);
}

static void
get_config(struct exchange *x)
{
	struct buf body = { 0 };

	conf_print(x->worker->control->plan->conf, &body);
	reply(x, 200, NULL, JSON_TYPE, &body);
}

static void
get_schema(struct exchange *x)
{
	struct buf body = { 0 };

	conf_schema(&body);
	reply(x, 200, NULL, JSON_TYPE, &body);
}

static void
get_routes(struct exchange *x)
{
	struct buf body = { 0 };

	routes_render(x->worker->control->plan, &body);
	reply(x, 200, NULL, JSON_TYPE, &body);
}

/* Workers must be asked: the answer comes when all have written their part. */
static void
get_requests(struct exchange *x)
{
	uint64_t older_ns = 0;

	if (!requests_parse_query(x->request->query, &older_ns)) {
		problem(x, 400, "older is a duration such as 5s or 250ms");
		return;
	}
	requests_ask(x, older_ns);
}

/* /upstreams/NAME */
static bool
get_upstream(struct exchange *x)
{
	struct text prefix = TEXT("/upstreams/");
	struct stats_view view;
	struct buf body = { 0 };

	if (!text_starts(x->request->path, prefix))
		return false;
	view_fill(x->worker->control, &view, &x->arena);
	if (!stats_render_upstream(
		&view, text_from(x->request->path, prefix.n), &body)) {
		buf_clear(&body);
		return false;
	}
	reply(x, 200, NULL, JSON_TYPE, &body);
	return true;
}

/* A page in a browser must not reach us under a name of its own (rebinding). */
static bool
host_is_ours(struct text host)
{
	struct text bare = host;
	struct addr ip;

	if (host.n == 0 || text_equal(host, TEXT("localhost")))
		return true;
	if (bare.p[0] == '[' && bare.n > 2)
		bare = (struct text){ host.p + 1, host.n - 2 };
	return addr_from_ip(bare, 0, &ip);
}

/* RFC 9457. */
static void
problem(struct exchange *x, unsigned status, const char *detail)
{
	struct buf body = { 0 };
	struct json j;

	json_init_buf(&j, &body);
	json_open(&j);
	json_key(&j, "status");
	json_u64(&j, status);
	json_key(&j, "detail");
	json_cstring(&j, detail);
	json_close(&j);
	json_end(&j);
	buf_append_text(&body, TEXT("\n"));
	reply(x, status, NULL, TEXT("application/problem+json"), &body);
}
