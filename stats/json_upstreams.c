/*
 * The upstreams of /stats, and GET /upstreams, which is nothing else: their
 * circuit breakers, and their servers with the state and the reason for it.
 */
#include "balancer/server.h"
#include "base/clock.h"
#include "base/json.h"
#include "stats/json.h"
#include "stats/json_put.h"
#include "stats/sum.h"
#include "stats/view.h"

static void put_upstream(
    struct json *, const struct stats_view *, const struct view_upstream *);
static void put_breaker(struct json *, const struct breaker_look *);
static void put_discovery(
    struct json *, const struct stats_view *, const struct view_discovery *);
static void put_server(
    struct json *, const struct stats_view *, const struct view_server *);
static void put_check(struct json *, const struct view_server *);

void
stats_render_upstreams(const struct stats_view *view, struct buf *to)
{
	struct json j;

	json_init_buf(&j, to);
	json_open(&j);
	json_put_upstreams(&j, view);
	json_close(&j);
	json_end(&j);
}

bool
stats_render_upstream(
    const struct stats_view *view, struct text name, struct buf *to)
{
	struct json j;
	unsigned i;

	for (i = 0; i < view->nupstreams; i++)
		if (text_equal(text_of(view->upstreams[i].name), name))
			break;
	if (i == view->nupstreams)
		return false;
	json_init_buf(&j, to);
	put_upstream(&j, view, &view->upstreams[i]);
	json_end(&j);
	return true;
}

void
json_put_upstreams(struct json *j, const struct stats_view *view)
{
	unsigned i;

	json_key(j, "upstreams");
	json_open(j);
	for (i = 0; i < view->nupstreams; i++) {
		json_key(j, view->upstreams[i].name);
		put_upstream(j, view, &view->upstreams[i]);
	}
	json_close(j);
}

static void
put_upstream(struct json *j, const struct stats_view *view,
    const struct view_upstream *u)
{
	unsigned i;

	json_open(j);
	json_put_string(j, "policy", u->policy);
	put_breaker(j, &u->breaker);
	if (u->discovery != NULL)
		put_discovery(j, view, u->discovery);
	json_put_latency(j, view, STATS_UPSTREAMS, u->slot,
	    offsetof(struct stats_upstream, duration));
	json_put_ends(j, "retries", view, STATS_UPSTREAMS, u->slot,
	    offsetof(struct stats_upstream, retries));
	json_key(j, "servers");
	json_open_list(j);
	for (i = 0; i < u->nservers; i++)
		put_server(j, view, &u->servers[i]);
	json_close_list(j);
	json_close(j);
}

static void
put_breaker(struct json *j, const struct breaker_look *b)
{
	char cause[128];

	json_put_string(
	    j, "circuit", b->on ? breaker_state_name(b->state) : "off");
	if (!b->on)
		return;
	json_key(j, "circuit_breaker");
	json_open(j);
	json_put_number(j, "opened", b->to[BREAKER_OPEN]);
	json_put_number(j, "rejected", b->rejected);
	if (b->cause != CAUSE_NONE) {
		breaker_cause_print(b, cause, sizeof(cause));
		json_put_string(j, "why", cause);
	}
	if (b->state == BREAKER_OPEN)
		json_put_ms(j, "half_open_in_ms", b->left_ns);
	json_close(j);
}

static void
put_discovery(struct json *j, const struct stats_view *view,
    const struct view_discovery *d)
{
	uint64_t now = view->started_at + view->uptime_ns;

	json_key(j, "discovery");
	json_open(j);
	json_put_string(j, "provider", d->provider);
	json_put_moment(j, "last_success", d->last_success / CLOCK_S);
	if (d->last_success != 0)
		json_put_number(j, "age_seconds",
		    now > d->last_success ? (now - d->last_success) / CLOCK_S
					  : 0);
	json_put_number(j, "servers", d->servers);
	json_put_number(j, "updates", d->updates);
	json_put_string(j, "error", d->error);
	json_put_string(j, "refused", d->refused);
	if (d->held != NULL) {
		json_key(j, "held_back");
		json_open(j);
		json_put_number(j, "servers", d->held_servers);
		json_put_string(j, "why", d->held);
		if (d->held_left_ns != 0)
			json_put_ms(j, "believed_in_ms", d->held_left_ns);
		json_close(j);
	}
	json_close(j);
}

static void
put_server(struct json *j, const struct stats_view *view,
    const struct view_server *srv)
{
	json_open(j);
	json_put_string(j, "name", srv->name);
	json_put_bool(j, "up", srv->up);
	json_put_string(j, "state", view_state_word(srv->state));
	json_put_string(j, "why", srv->why);
	json_put_moment(j, "since", srv->since_at / CLOCK_S);
	json_put_number(j, "weight", srv->weight);
	json_put_bool(j, "backup", srv->backup);
	json_put_number(j, "in_flight",
	    srv->server == NULL ? 0 : server_inflight(srv->server));
	json_put_number(j, "requests", sum_server_requests(srv));
	json_put_rate(j, view, STATS_SERVERS, srv->slot);
	json_put_number(j, "failures", sum_server_failures(srv));
	json_put_latency(j, view, STATS_SERVERS, srv->slot,
	    offsetof(struct stats_server, duration));
	put_check(j, srv);
	json_close(j);
}

/* Absent until there was one. */
static void
put_check(struct json *j, const struct view_server *srv)
{
	if (srv->checked) {
		json_key(j, "last_check");
		json_open(j);
		json_put_bool(j, "ok", srv->check_ok);
		json_put_ms(j, "ms", srv->check_ns);
		json_put_string(j, "detail", srv->check_detail);
		json_close(j);
	}
	if (srv->availability >= 0) {
		json_key(j, "availability");
		json_fixed(j, srv->availability, 4);
	}
}
