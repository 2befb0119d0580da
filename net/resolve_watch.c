/*
 * The second half of net/resolve.h: a name that is watched.  Keeps the last
 * good set of addresses whatever the DNS does, and tells of changes only.  When
 * the AAAA records could not be learned, those that it had stay.  Control
 * thread.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/resolve.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "net/loop.h"
#include "net/timer.h"

#define TTL_MOST_S 300
#define RETRY_LEAST_S 1
#define RETRY_MOST_S 24 /* with the jitter of a quarter: 30 */

struct watch {
	struct resolver *resolver;
	char *name;
	uint16_t port;
	void (*on_change)(void *, const struct addr *, size_t, const char *);
	void *arg;
	struct timer *timer;
	struct ask *ask; /* NULL: the timer is set */
	struct addr *addrs; /* the last good set, sorted */
	size_t n;
	char *error; /* of the last answer; NULL: none */
	unsigned retry_s; /* the wait after the next failure */
	bool told; /* on_change was called once */
};

static void ask(void *);
static void on_answer(void *, const struct resolve_answer *);
static uint64_t next_wait(struct watch *, const struct resolve_answer *);
static bool learn_addrs(struct watch *, const struct resolve_answer *);
static size_t copy_v6(struct addr *, const struct addr *, size_t);
static bool learn_error(struct watch *, const char *);

struct watch *
resolve_watch_new(struct resolver *r, const char *name, uint16_t port,
    void (*on_change)(void *, const struct addr *, size_t, const char *),
    void *arg)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->resolver = r;
	w->name = xstrdup(name);
	w->port = port;
	w->on_change = on_change;
	w->arg = arg;
	w->retry_s = RETRY_LEAST_S;
	w->timer = timer_new(resolver_loop(r), ask, w);
	ask(w);
	return w;
}

void
resolve_watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	if (w->ask != NULL)
		resolve_cancel(w->ask);
	timer_free(w->timer);
	free(w->addrs);
	free(w->error);
	free(w->name);
	free(w);
}

static void
ask(void *arg)
{
	struct watch *w = arg;

	w->ask = resolve_start(w->resolver, w->name, w->port, on_answer, w);
}

/* on_change may free the watch: it is the last to touch it. */
static void
on_answer(void *arg, const struct resolve_answer *answer)
{
	struct watch *w = arg;
	bool changed = !w->told;

	w->ask = NULL;
	w->told = true;
	if (learn_addrs(w, answer))
		changed = true;
	if (learn_error(w, answer->error))
		changed = true;
	timer_set(w->timer, next_wait(w, answer));
	if (changed)
		w->on_change(w->arg, w->addrs, w->n, w->error);
}

static uint64_t
next_wait(struct watch *w, const struct resolve_answer *answer)
{
	struct rng *rng = loop_rng(resolver_loop(w->resolver));
	uint64_t wait = answer->ttl_s;

	if (answer->error == NULL) {
		w->retry_s = RETRY_LEAST_S;
		return (wait < TTL_MOST_S ? wait : TTL_MOST_S) * CLOCK_S;
	}
	wait = w->retry_s * CLOCK_S;
	w->retry_s *= 2;
	if (w->retry_s > RETRY_MOST_S)
		w->retry_s = RETRY_MOST_S;
	return wait + rng_below(rng, wait / 4);
}

/* True: the set is another one now. */
static bool
learn_addrs(struct watch *w, const struct resolve_answer *answer)
{
	struct addr *set;
	size_t n;

	if (answer->n == 0)
		return false;
	set = xcalloc(answer->n + w->n, sizeof(*set));
	memcpy(set, answer->addrs, answer->n * sizeof(*set));
	n = answer->n;
	if (answer->error != NULL)
		n += copy_v6(set + n, w->addrs, w->n);
	if (n == w->n && memcmp(set, w->addrs, n * sizeof(*set)) == 0) {
		free(set);
		return false;
	}
	free(w->addrs);
	w->addrs = set;
	w->n = n;
	return true;
}

/* Those of one kind; appended to the other, the whole is sorted again. */
static size_t
copy_v6(struct addr *to, const struct addr *from, size_t from_n)
{
	size_t n = 0;

	for (size_t i = 0; i < from_n; i++) {
		if (from[i].u.sa.sa_family == AF_INET6)
			to[n++] = from[i];
	}
	return n;
}

/* True: the error is another one now. */
static bool
learn_error(struct watch *w, const char *error)
{
	if (error == NULL && w->error == NULL)
		return false;
	if (error != NULL && w->error != NULL && strcmp(error, w->error) == 0)
		return false;
	free(w->error);
	w->error = error == NULL ? NULL : xstrdup(error);
	return true;
}
