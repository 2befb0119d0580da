/*
 * A worker: one thread, one loop.  What other threads want of it comes as
 * letters; what it wants of control goes as letters too.  The control thread
 * has a worker of its own, for admin, whose loop is control's.
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/worker.h"

#include "balancer/server.h"
#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/mem.h"
#include "http/h1.h"
#include "net/loop.h"
#include "net/pipe.h"
#include "net/timer.h"
#include "proxy/client.h"
#include "proxy/control.h"
#include "proxy/crash.h"
#include "proxy/exchange.h"
#include "proxy/gate.h"
#include "proxy/lease.h"
#include "proxy/pool.h"
#include "proxy/port.h"
#include "proxy/snapshot.h"
#include "stats/stats.h"

#define TRIM_LEAST (1 << 20) /* bytes: less is not worth the walk */
#define LEVEL_BELOW 16 /* connections: up to here kept exactly even */

/* A letter from control. */
struct order {
	struct mail mail;
	struct worker *worker;
	struct snapshot *snapshot;
};

/* Servers whose time to finish is over. */
struct cut {
	struct mail mail;
	struct worker *worker;
	unsigned n;
	struct server *servers[]; /* references */
};

/* A connection that another worker accepted. */
struct handover {
	struct mail mail;
	struct worker *worker;
	struct worker *from; /* NULL: it came back */
	struct gate *gate;
	char *door; /* its key: names change */
	int fd;
	struct addr peer;
	uint64_t source; /* as the gate knows it */
};

static void *worker_main(void *);
static void count_pass(void *, uint64_t);
static void shed(void *);
static void order(struct worker *, struct snapshot *, void (*)(struct mail *));
static void on_adopt(struct mail *);
static void on_cut(struct mail *);
static bool is_cut(const struct cut *, const struct server *);
static void on_drain(struct mail *);
static void on_ping(struct mail *);
static void on_listen(struct mail *);
static void on_stop(struct mail *);
static void adopt(struct worker *, struct snapshot *);
static void close_idle_clients(struct worker *);
static struct worker *least_loaded(struct worker *);
static void hand_over(struct port *, struct worker *, const char *, int,
    const struct addr *, uint64_t);
static void on_handover(struct mail *);
static bool may_enter(struct handover *, const struct port *);
static void hand_back(struct handover *);
static unsigned connections_of(struct worker *);

struct worker *
worker_new(struct control *control, unsigned id, bool is_control)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->id = id;
	w->is_control = is_control;
	w->control = control;
	w->loop = loop_new();
	if (w->loop == NULL) {
		free(w);
		return NULL;
	}
	w->stats = stats_new();
	w->shed = timer_new(w->loop, shed, w);
	loop_on_pass(w->loop, count_pass, w->stats);
	TAILQ_INIT(&w->clients);
	TAILQ_INIT(&w->exchanges);
	LIST_INIT(&w->pools);
	w->shelves = xcalloc(POOL_SHELVES, sizeof(*w->shelves));
	LIST_INIT(&w->ports);
	return w;
}

int
worker_start(struct worker *w)
{
	char name[16];
	int error = pthread_create(&w->thread, NULL, worker_main, w);

	if (error != 0) {
		errno = error;
		return -1;
	}
	snprintf(name, sizeof(name), "worker %u", w->id);
	pthread_setname_np(w->thread, name);
	return 0;
}

void
worker_free(struct worker *w)
{
	timer_free(w->shed);
	loop_free(w->loop);
	stats_free(w->stats);
	free(w->shelves);
	free(w);
}

void
worker_adopt(struct worker *w, struct snapshot *snapshot)
{
	snapshot->leases++;
	if (w->is_control)
		adopt(w, snapshot);
	else
		order(w, snapshot, on_adopt);
}

void
worker_cut(struct worker *w, struct server *const *servers, unsigned n)
{
	struct cut *cut = xcalloc(1, sizeof(*cut) + n * sizeof(*servers));

	cut->mail.open = on_cut;
	cut->worker = w;
	cut->n = n;
	for (unsigned i = 0; i < n; i++)
		cut->servers[i] = server_ref(servers[i]);
	loop_post(w->loop, &cut->mail);
}

void
worker_drain(struct worker *w)
{
	order(w, NULL, on_drain);
}

uint64_t
worker_ping(struct worker *w, uint64_t now)
{
	if (atomic_load(&w->pinged))
		return w->asked_at;
	w->asked_at = now;
	w->ping.open = on_ping;
	atomic_store(&w->pinged, true);
	loop_post(w->loop, &w->ping);
	return 0;
}

void
worker_listen(struct worker *w)
{
	order(w, NULL, on_listen);
}

void
worker_stop(struct worker *w)
{
	order(w, NULL, on_stop);
}

void
worker_end(struct worker *w)
{
	struct exchange *x, *next;
	struct client *c;
	struct pool *p;

	w->draining = w->drained_told = true;
	ports_close(w);
	for (x = TAILQ_FIRST(&w->exchanges); x != NULL; x = next) {
		next = TAILQ_NEXT(x, entry);
		if (x->phase < PHASE_ANSWER)
			exchange_fail(x, END_SHUTDOWN);
	}
	while ((x = TAILQ_FIRST(&w->exchanges)) != NULL)
		exchange_cut(x, END_SHUTDOWN);
	while ((c = TAILQ_FIRST(&w->clients)) != NULL)
		client_end(c);
	LIST_FOREACH (p, &w->pools, entry)
		pool_close_idle(p);
	lease_give(w->lease);
	w->lease = NULL;
	ports_free(w);
}

/*
 * The kernel spreads connections by hash, which a few long-lived ones make
 * uneven: whoever has more than the least loaded hands the new one over.  A few
 * are kept exactly even; of many, an eighth more is near enough.
 */
void
worker_accept(struct port *p, const char *door, int fd, const struct addr *peer)
{
	struct worker *w = p->worker, *to = w;
	unsigned mine = connections_of(w);
	enum stats_reject why;
	uint64_t source;

	why = gate_enter(p, peer, &source);
	if (why != REJECT_COUNT) {
		counter_add(&p->stats->rejected[why], 1);
		close(fd);
		return;
	}
	if (!w->is_control && !w->draining)
		to = least_loaded(w);
	if (connections_of(to) + (mine < LEVEL_BELOW ? 0 : mine / 8) >= mine)
		to = w;
	atomic_fetch_add_explicit(&to->connections, 1, memory_order_relaxed);
	if (to == w)
		client_new(p, fd, peer, source);
	else
		hand_over(p, to, door, fd, peer, source);
}

void
worker_check_drained(struct worker *w)
{
	if (!w->draining || w->drained_told || !TAILQ_EMPTY(&w->clients))
		return;
	w->drained_told = true;
	control_worker_drained(w->control, w);
}

const char *
worker_date(struct worker *w)
{
	uint64_t wall = clock_wall();

	if (wall / CLOCK_S != w->date_second) {
		w->date_second = wall / CLOCK_S;
		clock_http_date(w->date, wall);
	}
	return w->date;
}

void
worker_shed_later(struct worker *w)
{
	if (w->sheds)
		return;
	w->sheds = true;
	timer_set(w->shed, CLOCK_S);
}

/*
 * What a burst has left behind goes when nobody needed it for a second.  The
 * kernel gets its pages back once most of it has gone: malloc keeps those
 * between what is still in use.
 */
static void
shed(void *arg)
{
	struct worker *w = arg;
	size_t spare = block_count().free_bytes;

	if (w->most_spare < spare)
		w->most_spare = spare;
	w->sheds = exchange_spares_shed(w);
	w->sheds |= h1_pool_shed();
	w->sheds |= block_pool_shed();
	if (w->sheds)
		timer_set(w->shed, CLOCK_S);
	spare = block_count().free_bytes;
	if (w->most_spare > TRIM_LEAST && spare < w->most_spare / 4) {
		malloc_trim(0);
		w->most_spare = spare;
	}
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	crash_thread(w);
	loop_run(w->loop);
	exchange_spares_fini(w);
	h1_pool_fini();
	block_pool_fini();
	pipe_pool_fini();
	control_worker_ended(w->control, w);
	return NULL;
}

/* As long as a pass takes, so long may one who is ready have to wait. */
static void
count_pass(void *arg, uint64_t ns)
{
	struct stats *stats = arg;

	counter_add(&stats->busy_ns, ns);
	histogram_note(&stats->loop_lag, ns);
}

static void
order(struct worker *w, struct snapshot *snapshot, void (*open)(struct mail *))
{
	struct order *o = xcalloc(1, sizeof(*o));

	o->mail.open = open;
	o->worker = w;
	o->snapshot = snapshot;
	loop_post(w->loop, &o->mail);
}

static void
on_adopt(struct mail *mail)
{
	struct order *o = (struct order *)mail;

	adopt(o->worker, o->snapshot);
	free(o);
}

/* Each is looked at once: the server it tries next may be one of them. */
static void
on_cut(struct mail *mail)
{
	struct cut *cut = (struct cut *)mail;
	struct exchange *x, *next;

	for (x = TAILQ_FIRST(&cut->worker->exchanges); x != NULL; x = next) {
		next = TAILQ_NEXT(x, entry);
		if (x->attempt.in_flight && is_cut(cut, x->attempt.server))
			exchange_drained(x);
	}
	for (unsigned i = 0; i < cut->n; i++)
		server_unref(cut->servers[i]);
	free(cut);
}

static bool
is_cut(const struct cut *cut, const struct server *server)
{
	for (unsigned i = 0; i < cut->n; i++)
		if (cut->servers[i] == server)
			return true;
	return false;
}

static void
on_drain(struct mail *mail)
{
	struct order *o = (struct order *)mail;
	struct worker *w = o->worker;

	free(o);
	w->draining = true;
	ports_close(w);
	close_idle_clients(w);
	worker_check_drained(w);
}

static void
on_ping(struct mail *mail)
{
	struct worker *w = CONTAINER_OF(mail, struct worker, ping);

	atomic_store(&w->pinged, false);
}

static void
on_listen(struct mail *mail)
{
	struct order *o = (struct order *)mail;

	if (!o->worker->draining)
		ports_listen(o->worker);
	free(o);
}

static void
on_stop(struct mail *mail)
{
	struct order *o = (struct order *)mail;
	struct worker *w = o->worker;

	free(o);
	worker_end(w);
	loop_stop(w->loop);
}

static void
adopt(struct worker *w, struct snapshot *snapshot)
{
	struct lease *old = w->lease;
	struct exchange *x;

	w->lease = lease_new(w, snapshot);
	w->ring = w->is_control ? NULL : snapshot->rings[w->id];
	ports_adopt(w);
	pools_close_left(w);
	TAILQ_FOREACH (x, &w->exchanges, entry)
		if (x->phase >= PHASE_ANSWER)
			exchange_detach(x);
	if (old != NULL)
		lease_give(old);
	else
		control_worker_ready(w->control, w);
}

static void
close_idle_clients(struct worker *w)
{
	struct client *c, *next;

	for (c = TAILQ_FIRST(&w->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		client_close_soon(c);
	}
}

static struct worker *
least_loaded(struct worker *w)
{
	struct worker *least = w;

	for (unsigned i = 0; i < w->control->nworkers; i++) {
		struct worker *other = w->control->workers[i];

		if (connections_of(other) < connections_of(least) &&
		    !atomic_load_explicit(&other->stuck, memory_order_relaxed))
			least = other;
	}
	return least;
}

static void
hand_over(struct port *p, struct worker *to, const char *door, int fd,
    const struct addr *peer, uint64_t source)
{
	struct handover *h = xcalloc(1, sizeof(*h));

	h->mail.open = on_handover;
	h->worker = to;
	h->from = p->worker;
	h->gate = p->gate;
	h->door = xstrdup(door);
	h->fd = fd;
	h->peer = *peer;
	h->source = source;
	loop_post(to->loop, &h->mail);
}

static void
on_handover(struct mail *mail)
{
	struct handover *h = (struct handover *)mail;
	struct worker *w = h->worker;
	struct port *p = port_at(w, h->door);

	if (p == NULL && h->from != NULL) {
		hand_back(h);
		return;
	}
	if (may_enter(h, p))
		client_new(p, h->fd, &h->peer, h->source);
	else {
		close(h->fd);
		atomic_fetch_sub_explicit(
		    &w->connections, 1, memory_order_relaxed);
	}
	free(h->door);
	free(h);
}

/* Meanwhile its door may be gone, or another listener's, with another gate. */
static bool
may_enter(struct handover *h, const struct port *p)
{
	enum stats_reject why;

	if (p != NULL && p->gate == h->gate)
		return true;
	gate_leave(h->gate, h->source);
	if (p == NULL)
		return false;
	why = gate_enter(p, &h->peer, &h->source);
	if (why != REJECT_COUNT)
		counter_add(&p->stats->rejected[why], 1);
	return why == REJECT_COUNT;
}

/* To who has the newer snapshot already, or the older one still. */
static void
hand_back(struct handover *h)
{
	struct worker *to = h->from;

	atomic_fetch_sub_explicit(
	    &h->worker->connections, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&to->connections, 1, memory_order_relaxed);
	h->worker = to;
	h->from = NULL;
	loop_post(to->loop, &h->mail);
}

static unsigned
connections_of(struct worker *w)
{
	return atomic_load_explicit(&w->connections, memory_order_relaxed);
}
