/*
 * Connections to servers, one worker's.  An idle one keeps its event; what
 * wakes it while it idles can only be its end, or bytes nobody asked for: it
 * is closed either way.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "proxy/pool.h"

#include "balancer/server.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/hash.h"
#include "base/mem.h"
#include "health/verdict.h"
#include "proxy/worker.h"
#include "stats/stats.h"

#define WARM_NS CLOCK_S /* for what cannot be sent twice */
#define KEPT_MOST 3600 /* seconds of a server's word that count */

static struct pool *pool_new(struct worker *, struct server *, unsigned);
static struct pool_list *shelf_of(struct worker *, const struct server *);
static void pool_unref(struct pool *);
static int connect_link(struct link *);
static bool shed(struct worker *);
static void link_close(struct link *);
static void link_free(struct grave *);
static uint64_t idle_limit(const struct pool *, unsigned);
static bool link_is_quiet(struct link *);
static void link_unlist(struct link *);
static void link_outcome(struct link *, int, bool, bool);
static void opening_writable(struct conn *);
static void opening_failed(struct conn *, int);
static void opening_expired(struct conn *, bool);
static void opening_readable(struct conn *);
static void idle_event(struct conn *);
static void idle_failed(struct conn *, int);
static void idle_expired(struct conn *, bool);

static const struct conn_ops opening_ops = {
	.readable = opening_readable,
	.writable = opening_writable,
	.failed = opening_failed,
	.expired = opening_expired,
};
static const struct conn_ops idle_ops = {
	.readable = idle_event,
	.writable = idle_event,
	.failed = idle_failed,
	.expired = idle_expired,
};

struct pool *
pool_get(struct worker *w, struct server *server, unsigned slot)
{
	struct pool *p;

	LIST_FOREACH (p, shelf_of(w, server), shelf)
		if (p->server == server)
			break;
	if (p == NULL)
		p = pool_new(w, server, slot);
	p->refs++;
	p->leases++;
	return p;
}

void
pool_unref_lease(struct pool *p)
{
	if (--p->leases == 0)
		pool_close_idle(p);
	pool_unref(p);
}

struct stats_server *
pool_stats(struct pool *p)
{
	if (p->stats == NULL)
		p->stats = stats_server(p->worker->stats, p->slot);
	return p->stats;
}

struct link *
pool_take(struct pool *p, bool warm)
{
	uint64_t now = loop_now(p->worker->loop);
	struct link *l;

	while ((l = TAILQ_FIRST(&p->idle)) != NULL && !link_is_quiet(l))
		link_close(l);
	if (l == NULL || (warm && now - l->since > WARM_NS))
		return NULL;
	link_unlist(l);
	counter_add(&p->stats->active, 1);
	p->refs++;
	l->reused = true;
	return l;
}

struct link *
pool_connect(struct pool *p, uint64_t timeout_ns,
    void (*connected)(void *, int, bool, bool), void *arg)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->pool = p;
	l->connected = connected;
	l->arg = arg;
	l->grave.free = link_free;
	if (connect_link(l) == -1 &&
	    (errno != EMFILE || !shed(p->worker) || connect_link(l) == -1)) {
		free(l);
		return NULL;
	}
	conn_deadline(&l->conn, timeout_ns);
	server_count(&p->server->connections_opened);
	counter_add(&pool_stats(p)->active, 1);
	p->refs++;
	return l;
}

void
link_cancel(struct link *l)
{
	l->connected = NULL;
	link_give(l, false, 0);
}

void
link_give(struct link *l, bool keep, unsigned kept_s)
{
	struct pool *p = l->pool;
	uint64_t limit_ns = idle_limit(p, kept_s);

	counter_take(&p->stats->active, 1);
	if (!keep || limit_ns == 0 || p->leases == 0 ||
	    p->nidle >= p->max_idle || p->worker->draining || p->server->left ||
	    !link_is_quiet(l)) {
		conn_close(&l->conn);
		loop_bury(p->worker->loop, &l->grave);
	} else {
		l->conn.ops = &idle_ops;
		l->conn.owner = l;
		l->since = loop_now(p->worker->loop);
		conn_deadline(&l->conn, limit_ns);
		TAILQ_INSERT_HEAD(&p->idle, l, entry);
		p->nidle++;
		counter_add(&p->stats->idle, 1);
	}
	pool_unref(p);
}

void
pools_close_left(struct worker *w)
{
	struct pool *p;

	LIST_FOREACH (p, &w->pools, entry)
		if (p->server->left)
			pool_close_idle(p);
}

void
pool_close_idle(struct pool *p)
{
	struct link *l;

	while ((l = TAILQ_FIRST(&p->idle)) != NULL)
		link_close(l);
}

static struct pool *
pool_new(struct worker *w, struct server *server, unsigned slot)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->worker = w;
	p->server = server_ref(server);
	p->slot = slot;
	TAILQ_INIT(&p->idle);
	LIST_INSERT_HEAD(&w->pools, p, entry);
	LIST_INSERT_HEAD(shelf_of(w, server), p, shelf);
	return p;
}

static struct pool_list *
shelf_of(struct worker *w, const struct server *server)
{
	return &w->shelves[hash_mix((uintptr_t)server) % POOL_SHELVES];
}

static void
pool_unref(struct pool *p)
{
	if (--p->refs > 0)
		return;
	pool_close_idle(p);
	LIST_REMOVE(p, entry);
	LIST_REMOVE(p, shelf);
	server_unref(p->server);
	free(p);
}

static int
connect_link(struct link *l)
{
	return conn_connect(&l->conn, l->pool->worker->loop,
	    &l->pool->server->addr, &opening_ops, l);
}

/* Out of descriptors: what idles gives way to what is needed. */
static bool
shed(struct worker *w)
{
	bool any = false;
	struct pool *p;

	LIST_FOREACH (p, &w->pools, entry) {
		any = any || p->nidle > 0;
		pool_close_idle(p);
	}
	errno = EMFILE;
	return any;
}

/* An idle one. */
static void
link_close(struct link *l)
{
	link_unlist(l);
	conn_close(&l->conn);
	loop_bury(l->pool->worker->loop, &l->grave);
}

static void
link_unlist(struct link *l)
{
	TAILQ_REMOVE(&l->pool->idle, l, entry);
	l->pool->nidle--;
	counter_take(&l->pool->stats->idle, 1);
}

/*
 * How long it may idle; 0: not at all.  A server may say anything, and each
 * duration has a list in the loop: whole minutes are exact enough for long ones.
 */
static uint64_t
idle_limit(const struct pool *p, unsigned kept_s)
{
	uint64_t s = kept_s < KEPT_MOST ? kept_s : KEPT_MOST;

	if (s == 0)
		return p->idle_ns;
	s--;
	if (s > 60)
		s -= s % 60;
	return s * CLOCK_S < p->idle_ns ? s * CLOCK_S : p->idle_ns;
}

/* Nothing to read, and not at its end: fit for a request. */
static bool
link_is_quiet(struct link *l)
{
	struct buf bytes = { 0 };

	if (!l->conn.can_read)
		return true;
	if (conn_read(&l->conn, &bytes, 1) == -1 && errno == EAGAIN)
		return true;
	buf_clear(&bytes);
	return false;
}

static void
link_free(struct grave *grave)
{
	free(CONTAINER_OF(grave, struct link, grave));
}

static void
link_outcome(struct link *l, int error, bool timed_out, bool stalled)
{
	void (*connected)(void *, int, bool, bool) = l->connected;

	l->connected = NULL;
	conn_deadline(&l->conn, 0);
	if (connected != NULL)
		connected(l->arg, error, timed_out, stalled);
}

static void
opening_writable(struct conn *c)
{
	link_outcome(c->owner, 0, false, false);
}

static void
opening_failed(struct conn *c, int error)
{
	link_outcome(c->owner, error, false, false);
}

static void
opening_expired(struct conn *c, bool stalled)
{
	link_outcome(c->owner, ETIMEDOUT, true, stalled);
}

/* A server that speaks first is heard when it was asked. */
static void
opening_readable(struct conn *c)
{
	(void)c;
}

static void
idle_event(struct conn *c)
{
	if (!link_is_quiet(c->owner))
		link_close(c->owner);
}

static void
idle_failed(struct conn *c, int error)
{
	(void)error;
	link_close(c->owner);
}

static void
idle_expired(struct conn *c, bool stalled)
{
	(void)stalled;
	link_close(c->owner);
}
