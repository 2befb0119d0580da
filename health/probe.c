/*
 * Active probes: one per server, each with a schedule of its own, all over one
 * fetcher.  A probe rests until its time comes, waits for a turn while too many
 * are under way, runs, and judges the answer.  The next one is due an interval
 * after the last one *began*, jitter only making it earlier: so a server that
 * dies is known to be down within interval x threshold + timeout.  Control
 * thread.
 */
#include <sys/queue.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/probe.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "health/options.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "net/timer.h"

#define BODY_MOST (8 * 1024)
#define DETAIL_MAX 256
#define HURRY_NS (1 * CLOCK_S)
#define REPEAT_NS (250 * CLOCK_MS) /* after a failure of our own */
#define MANY 16 /* probes; beyond, the start is spread */
#define SPREAD_NS (500 * CLOCK_MS)

enum probe_state { PROBE_RESTS, PROBE_WAITS, PROBE_RUNS };

struct prober {
	struct loop *loop;
	struct fetcher *fetcher;
	unsigned most;
	unsigned running;
	unsigned probes;
	TAILQ_HEAD(, probe) waiting; /* for a turn, in order */
};

struct probe {
	TAILQ_ENTRY(probe) link; /* in `waiting' */
	struct prober *prober;
	struct addr addr;
	struct probe_options options; /* its strings are in `texts' */
	struct arena texts;
	void (*on_result)(void *, const struct probe_result *);
	void *arg;
	struct timer *timer; /* set while it rests */
	struct fetch *fetch; /* while it runs */
	enum probe_state state;
	uint64_t began; /* the last one; 0: none yet */
	bool hurry;
};

static struct probe_options complete(const struct probe_options *);
static void adopt(struct probe *, const struct probe_options *);
static char *keep(struct arena *, const char *);
static bool
options_equal(const struct probe_options *, const struct probe_options *);
static bool same_string(const char *, const char *);
static void stop(struct probe *);
static uint64_t first_wait(struct prober *);
static uint64_t next_wait(struct probe *);
static void on_time(void *);
static void give_turns(struct prober *);
static void run(struct probe *);
static void on_fetched(void *, const struct fetch_result *);
static bool judge(const struct probe_options *, const struct fetch_result *,
    char[DETAIL_MAX]);
static bool status_expected(const struct probe_options *, unsigned);
static bool
body_expected(const struct probe_options *, const struct fetch_result *);
static void
explain_status(const struct probe_options *, unsigned, char[DETAIL_MAX]);

struct prober *
prober_new(struct loop *loop, struct fetcher *fetcher, unsigned most)
{
	struct prober *pr = xcalloc(1, sizeof(*pr));

	assert(most > 0);
	pr->loop = loop;
	pr->fetcher = fetcher;
	pr->most = most;
	TAILQ_INIT(&pr->waiting);
	return pr;
}

void
prober_free(struct prober *pr)
{
	assert(pr->probes == 0);
	free(pr);
}

struct probe *
probe_new(struct prober *pr, const struct addr *addr,
    const struct probe_options *options,
    void (*on_result)(void *, const struct probe_result *), void *arg)
{
	struct probe_options wanted = complete(options);
	struct probe *p = xcalloc(1, sizeof(*p));

	assert(addr->len > 0);
	p->prober = pr;
	p->addr = *addr;
	p->on_result = on_result;
	p->arg = arg;
	p->timer = timer_new(pr->loop, on_time, p);
	adopt(p, &wanted);
	pr->probes++;
	timer_set(p->timer, first_wait(pr));
	return p;
}

void
probe_configure(struct probe *p, const struct probe_options *options)
{
	struct probe_options wanted = complete(options);

	if (options_equal(&p->options, &wanted))
		return;
	stop(p);
	adopt(p, &wanted);
	timer_set(p->timer, 0);
}

void
probe_hurry(struct probe *p, bool hurry)
{
	if (p->hurry == hurry)
		return;
	p->hurry = hurry;
	if (p->state == PROBE_RESTS && p->began != 0)
		timer_set(p->timer, next_wait(p));
}

void
probe_now(struct probe *p)
{
	if (p->state == PROBE_RESTS)
		timer_set(p->timer, 0);
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	stop(p);
	p->prober->probes--;
	timer_free(p->timer);
	arena_fini(&p->texts);
	free(p);
}

/* The options with what they leave open filled in. */
static struct probe_options
complete(const struct probe_options *options)
{
	static const struct status_range usual = { 200, 399 };
	struct probe_options o = *options;

	assert(o.interval_ns > 0 && o.timeout_ns > 0);
	if (o.path == NULL)
		o.path = "/";
	if (o.expect_statuses == 0) {
		o.expect_status = &usual;
		o.expect_statuses = 1;
	}
	return o;
}

/* A copy: the configuration they come from may be freed before the probe. */
static void
adopt(struct probe *p, const struct probe_options *from)
{
	struct probe_options *to = &p->options;
	size_t bytes = from->expect_statuses * sizeof(*from->expect_status);
	struct status_range *ranges;

	arena_reset(&p->texts);
	ranges = arena_alloc(&p->texts, bytes);
	memcpy(ranges, from->expect_status, bytes);
	*to = *from;
	to->path = keep(&p->texts, from->path);
	to->host = keep(&p->texts, from->host);
	to->expect_body = keep(&p->texts, from->expect_body);
	to->expect_status = ranges;
}

static char *
keep(struct arena *texts, const char *string)
{
	return string == NULL ? NULL : arena_strdup(texts, string);
}

/* What a probe does and when; thresholds are the verdict's. */
static bool
options_equal(const struct probe_options *a, const struct probe_options *b)
{
	return a->type == b->type && a->port == b->port &&
	    a->interval_ns == b->interval_ns &&
	    a->timeout_ns == b->timeout_ns &&
	    a->jitter_percent == b->jitter_percent &&
	    same_string(a->path, b->path) && same_string(a->host, b->host) &&
	    same_string(a->expect_body, b->expect_body) &&
	    a->expect_statuses == b->expect_statuses &&
	    memcmp(a->expect_status, b->expect_status,
		a->expect_statuses * sizeof(*a->expect_status)) == 0;
}

static bool
same_string(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* Back to rest; the caller sets or frees the timer. */
static void
stop(struct probe *p)
{
	struct prober *pr = p->prober;

	if (p->state == PROBE_WAITS)
		TAILQ_REMOVE(&pr->waiting, p, link);
	if (p->state == PROBE_RUNS) {
		fetch_cancel(p->fetch);
		pr->running--;
		give_turns(pr);
	}
	p->state = PROBE_RESTS;
}

static uint64_t
first_wait(struct prober *pr)
{
	if (pr->probes <= MANY)
		return 0;
	return rng_below(loop_rng(pr->loop), SPREAD_NS);
}

static uint64_t
next_wait(struct probe *p)
{
	const struct probe_options *o = &p->options;
	struct loop *loop = p->prober->loop;
	uint64_t interval = o->interval_ns, now = loop_now(loop), due;

	if (p->hurry && interval > HURRY_NS)
		interval = HURRY_NS;
	due = p->began + interval -
	    rng_below(loop_rng(loop), interval / 100 * o->jitter_percent + 1);
	return due > now ? due - now : 0;
}

static void
on_time(void *arg)
{
	struct probe *p = arg;

	p->state = PROBE_WAITS;
	TAILQ_INSERT_TAIL(&p->prober->waiting, p, link);
	give_turns(p->prober);
}

static void
give_turns(struct prober *pr)
{
	struct probe *p;

	while (
	    pr->running < pr->most && (p = TAILQ_FIRST(&pr->waiting)) != NULL) {
		TAILQ_REMOVE(&pr->waiting, p, link);
		run(p);
	}
}

static void
run(struct probe *p)
{
	const struct probe_options *o = &p->options;
	struct prober *pr = p->prober;
	struct fetch_request request = {
		.to = p->addr,
		.tcp_only = o->type == PROBE_TCP,
		.path = o->path,
		.host = o->host,
		.timeout_ns = o->timeout_ns,
		.body_most = BODY_MOST,
	};

	if (o->port != 0 && !addr_is_unix(&p->addr))
		addr_set_port(&request.to, o->port);
	p->state = PROBE_RUNS;
	p->began = loop_now(pr->loop);
	pr->running++;
	p->fetch = fetch_start(pr->fetcher, &request, on_fetched, p);
}

/* on_result may free the probe: it is the last to touch it. */
static void
on_fetched(void *arg, const struct fetch_result *fetched)
{
	struct probe *p = arg;
	struct prober *pr = p->prober;
	char detail[DETAIL_MAX];
	struct probe_result result = {
		.detail = detail,
		.duration_ns = fetched->total_ns,
	};

	p->state = PROBE_RESTS;
	pr->running--;
	if (fetched->local)
		timer_set(p->timer, REPEAT_NS);
	else {
		timer_set(p->timer, next_wait(p));
		result.ok = judge(&p->options, fetched, detail);
		p->on_result(p->arg, &result);
	}
	give_turns(pr);
}

static bool
judge(const struct probe_options *o, const struct fetch_result *fetched,
    char detail[DETAIL_MAX])
{
	if (!fetched->ok) {
		snprintf(detail, DETAIL_MAX, "%s", fetched->error);
		return false;
	}
	if (o->type == PROBE_TCP) {
		snprintf(detail, DETAIL_MAX, "connected");
		return true;
	}
	if (!status_expected(o, fetched->status)) {
		explain_status(o, fetched->status, detail);
		return false;
	}
	if (!body_expected(o, fetched)) {
		snprintf(detail, DETAIL_MAX, "body does not contain '%s'",
		    o->expect_body);
		return false;
	}
	snprintf(detail, DETAIL_MAX, "%u", fetched->status);
	return true;
}

static bool
status_expected(const struct probe_options *o, unsigned status)
{
	for (unsigned i = 0; i < o->expect_statuses; i++) {
		if (status >= o->expect_status[i].from &&
		    status <= o->expect_status[i].to)
			return true;
	}
	return false;
}

static bool
body_expected(const struct probe_options *o, const struct fetch_result *fetched)
{
	return o->expect_body == NULL ||
	    memmem(fetched->body, fetched->n, o->expect_body,
		strlen(o->expect_body)) != NULL;
}

static void
explain_status(
    const struct probe_options *o, unsigned status, char detail[DETAIL_MAX])
{
	int n = snprintf(detail, DETAIL_MAX, "status %u, expected ", status);

	for (unsigned i = 0; i < o->expect_statuses && n < DETAIL_MAX; i++) {
		struct status_range r = o->expect_status[i];
		const char *comma = i > 0 ? "," : "";
		size_t room = DETAIL_MAX - (size_t)n;

		if (r.from == r.to)
			n += snprintf(detail + n, room, "%s%u", comma, r.from);
		else
			n += snprintf(
			    detail + n, room, "%s%u-%u", comma, r.from, r.to);
	}
}
