/*
 * Samples of upstreams' servers and circuit breakers: mostly from what all
 * workers share, struct server and struct breaker.  A server without an
 * address yet has no counters to show.
 */
#include <string.h>

#include "balancer/server.h"
#include "stats/samples.h"
#include "stats/sum.h"

static void put_two(struct scrape *, const char *, const char *, uint64_t);
static void put_three(struct scrape *, const char *, const struct view_server *,
    const char *, uint64_t);
static uint64_t relaxed(const _Atomic uint64_t *);

void
sample_servers(struct scrape *s)
{
	const struct view_upstream *u;
	unsigned i, j;

	for (i = 0; i < s->view->nupstreams; i++) {
		u = &s->view->upstreams[i];
		for (j = 0; j < u->nservers; j++)
			s->metric->server(s, u->name, &u->servers[j]);
	}
}

void
sample_server_in_flight(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	if (srv->server != NULL)
		put_two(s, upstream, srv->name, server_inflight(srv->server));
}

void
sample_server_up(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	put_two(s, upstream, srv->name, srv->up);
}

void
sample_server_draining(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	put_two(s, upstream, srv->name, srv->state == VIEW_DRAINING);
}

void
sample_server_weight(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	put_two(s, upstream, srv->name, srv->weight);
}

void
sample_server_since(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	const char *values[] = { upstream, srv->name };

	if (srv->since_at != 0)
		exposition_real(&s->out, values, sample_seconds(srv->since_at));
}

void
sample_server_opened(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	if (srv->server != NULL)
		put_two(s, upstream, srv->name,
		    relaxed(&srv->server->connections_opened));
}

void
sample_server_connections(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	put_three(s, upstream, srv, "active",
	    sum_counter(s->view, STATS_SERVERS, srv->slot,
		offsetof(struct stats_server, active)));
	put_three(s, upstream, srv, "idle",
	    sum_counter(s->view, STATS_SERVERS, srv->slot,
		offsetof(struct stats_server, idle)));
}

void
sample_server_classes(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	char word[] = "1xx";
	uint64_t n;
	unsigned i;

	for (i = 0; srv->server != NULL && i < SERVER_CLASSES; i++) {
		n = relaxed(&srv->server->requests[i]);
		if (n > 0)
			put_three(s, upstream, srv, word, n);
		word[0]++;
	}
}

void
sample_server_failures(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	uint64_t n;
	unsigned i;

	for (i = 0; srv->server != NULL && i < END_COUNT; i++) {
		n = relaxed(&srv->server->failures[i]);
		if (n > 0)
			put_three(s, upstream, srv, end_row(i)->word, n);
	}
}

void
sample_server_transitions(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	const struct server *server = srv->server;

	if (server == NULL)
		return;
	put_three(s, upstream, srv, "up", relaxed(&server->went_up));
	put_three(s, upstream, srv, "down", relaxed(&server->went_down));
}

void
sample_server_checks(
    struct scrape *s, const char *upstream, const struct view_server *srv)
{
	const struct server *server = srv->server;

	if (server == NULL)
		return;
	put_three(s, upstream, srv, "success", relaxed(&server->probes_ok));
	put_three(s, upstream, srv, "failure", relaxed(&server->probes_failed));
}

/* One sample of a family with two labels. */
static void
put_two(struct scrape *s, const char *first, const char *second, uint64_t n)
{
	const char *values[] = { first, second };

	exposition_u64(&s->out, values, n);
}

/* One sample of a server with a third label. */
static void
put_three(struct scrape *s, const char *upstream, const struct view_server *srv,
    const char *third, uint64_t n)
{
	const char *values[] = { upstream, srv->name, third };

	exposition_u64(&s->out, values, n);
}

void
sample_server_states(struct scrape *s)
{
	const struct view_upstream *u;
	unsigned count[VIEW_STATES];
	unsigned i, j;

	for (i = 0; i < s->view->nupstreams; i++) {
		u = &s->view->upstreams[i];
		memset(count, 0, sizeof(count));
		for (j = 0; j < u->nservers; j++)
			count[u->servers[j].state]++;
		for (j = 0; j < VIEW_STATES; j++)
			put_two(s, u->name, view_state_word(j), count[j]);
	}
}

/* Those that have one. */
void
sample_breakers(struct scrape *s)
{
	unsigned i;

	for (i = 0; i < s->view->nupstreams; i++)
		if (s->view->upstreams[i].breaker.on)
			s->metric->upstream(s, &s->view->upstreams[i]);
}

void
sample_breaker_states(struct scrape *s, const struct view_upstream *u)
{
	unsigned i;

	for (i = 0; i < BREAKER_STATES; i++)
		put_two(
		    s, u->name, breaker_state_name(i), u->breaker.state == i);
}

void
sample_breaker_transitions(struct scrape *s, const struct view_upstream *u)
{
	unsigned i;

	for (i = 0; i < BREAKER_STATES; i++)
		put_two(s, u->name, breaker_state_name(i), u->breaker.to[i]);
}

void
sample_breaker_rejected(struct scrape *s, const struct view_upstream *u)
{
	exposition_u64(&s->out, &u->name, u->breaker.rejected);
}

static uint64_t
relaxed(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}
