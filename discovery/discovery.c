/*
 * Between a provider and an upstream: what was answered is cleaned, judged and
 * kept, and what the operator ought to know is said once, when it changes.
 * Control thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/discovery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/timer.h"

static struct found_set *
clean(struct discovery *, const struct found *, unsigned);
static void
note_refused(struct discovery *, const struct found *, enum refusal, unsigned);
static bool learn(char **, const char *);
static void hear(struct discovery *, struct found_set *, bool);
static void on_time(void *);
static void wait_for_held(struct discovery *);
static void applied(struct discovery *, struct found_set *, const char *);
static void log_held(struct discovery *);

struct discovery *
discovery_new(struct loop *loop, const char *upstream,
    struct provider *provider, const struct discover_options *options,
    void (*on_members)(void *), void *arg)
{
	struct discovery *d = xcalloc(1, sizeof(*d));

	d->loop = loop;
	d->provider = provider;
	d->upstream = xstrdup(upstream);
	d->options = options;
	d->on_members = on_members;
	d->arg = arg;
	d->timer = timer_new(loop, on_time, d);
	return d;
}

void
discovery_start(struct discovery *d)
{
	d->provider->ops->start(d->provider, d);
}

void
discovery_free(struct discovery *d)
{
	if (d == NULL)
		return;
	d->provider->ops->free(d->provider);
	timer_free(d->timer);
	trust_fini(&d->trust);
	free(d->upstream);
	free(d->error);
	free(d->refused);
	free(d);
}

void
discovery_configure(struct discovery *d, const struct discover_options *options)
{
	d->options = options;
	wait_for_held(d);
	d->provider->ops->again(d->provider);
}

bool
discovery_doubt(const struct discovery *d, char *to, size_t size)
{
	const struct trust *t = &d->trust;

	if (t->held == NULL)
		return false;
	if (t->doubt == DOUBT_EMPTY)
		snprintf(to, size, "an empty answer in place of %u servers",
		    t->good->n);
	else
		snprintf(to, size,
		    "%u servers in place of %u, a loss of more than %u%%",
		    t->held->n, t->good->n, d->options->max_loss_percent);
	return true;
}

void
discovery_answer(
    struct discovery *d, const struct found *found, unsigned n, bool anew)
{
	if (n > TRUST_SERVERS_MOST) {
		discovery_fail(d, DISCOVERY_TOO_LARGE,
		    "%u servers are more than the %u that are taken", n,
		    TRUST_SERVERS_MOST);
		return;
	}
	d->last_success = clock_wall();
	if (learn(&d->error, NULL))
		log_info("upstream %s: discovery by %s: no more errors",
		    d->upstream, d->provider->ops->name);
	hear(d, clean(d, found, n), anew);
}

void
discovery_repeat(struct discovery *d, const struct found *found, unsigned n)
{
	hear(d, clean(d, found, n), false);
}

void
discovery_fail(
    struct discovery *d, enum discovery_error why, const char *what, ...)
{
	const struct found_set *good = d->trust.good;
	char text[512];
	va_list ap;

	va_start(ap, what);
	vsnprintf(text, sizeof(text), what, ap);
	va_end(ap);
	d->errors[why]++;
	trust_fail(&d->trust);
	wait_for_held(d);
	if (!learn(&d->error, text))
		return;
	if (good == NULL)
		log_warn("upstream %s: discovery by %s: %s; there was no good "
			 "answer yet",
		    d->upstream, d->provider->ops->name, text);
	else
		log_warn("upstream %s: discovery by %s: %s; the last good "
			 "answer is kept (servers: %u)",
		    d->upstream, d->provider->ops->name, text, good->n);
}

void
discovery_same(struct discovery *d)
{
	if (d->error == NULL)
		d->last_success = clock_wall();
}

/* What may be sent to. */
static struct found_set *
clean(struct discovery *d, const struct found *found, unsigned n)
{
	struct found *good = xcalloc(n + 1, sizeof(*good));
	enum refusal why, first_why = REFUSED_NOT;
	unsigned kept = 0, first = 0;
	struct found_set *set;

	for (unsigned i = 0; i < n; i++) {
		why =
		    trust_refuses(d->options, &found[i].addr, d->own, d->nown);
		if (why == REFUSED_NOT)
			good[kept++] = found[i];
		else if (first_why == REFUSED_NOT) {
			first = i;
			first_why = why;
		}
	}
	if (kept < n)
		note_refused(d, &found[first], first_why, n - kept);
	else
		learn(&d->refused, NULL);
	set = found_set_new(good, kept);
	free(good);
	return set;
}

static void
note_refused(struct discovery *d, const struct found *found, enum refusal why,
    unsigned n)
{
	char printed[ADDR_TEXT_MAX], text[512];

	addr_print(&found->addr, printed);
	snprintf(text, sizeof(text), "%.200s%s%s %s; left out: %u",
	    found->place != NULL ? found->place : "",
	    found->place != NULL ? ": " : "", printed, refusal_words(why), n);
	if (learn(&d->refused, text))
		log_warn(
		    "upstream %s: discovery by %s: %s (see discover.allow)",
		    d->upstream, d->provider->ops->name, text);
}

/* True: it is another one than before. */
static bool
learn(char **known, const char *text)
{
	if (*known == NULL && text == NULL)
		return false;
	if (*known != NULL && text != NULL && strcmp(*known, text) == 0)
		return false;
	free(*known);
	*known = text != NULL ? xstrdup(text) : NULL;
	return true;
}

static void
hear(struct discovery *d, struct found_set *set, bool anew)
{
	struct found_set *before = d->trust.good == NULL
	    ? NULL
	    : found_set_new(d->trust.good->v, d->trust.good->n);
	bool held = d->trust.held != NULL;

	switch (
	    trust_hear(&d->trust, d->options, set, anew, loop_now(d->loop))) {
	case TRUST_APPLY:
		applied(d, before, held ? "confirmed, " : "");
		break;
	case TRUST_HOLD:
		log_held(d);
		break;
	case TRUST_SAME:
		if (held)
			log_info("upstream %s: discovery by %s: says again "
				 "what is known (servers: %u)",
			    d->upstream, d->provider->ops->name,
			    d->trust.good->n);
		break;
	case TRUST_HOLD_STILL:
		break;
	}
	found_set_free(before);
	wait_for_held(d);
}

static void
on_time(void *arg)
{
	struct discovery *d = arg;
	struct found_set *before =
	    found_set_new(d->trust.good->v, d->trust.good->n);

	if (trust_wait(&d->trust, d->options, loop_now(d->loop)))
		applied(d, before, "believed after its time, ");
	found_set_free(before);
	wait_for_held(d);
}

static void
wait_for_held(struct discovery *d)
{
	uint64_t left = trust_left(&d->trust, d->options, loop_now(d->loop));

	if (left == UINT64_MAX)
		timer_clear(d->timer);
	else
		timer_set(d->timer, left + CLOCK_MS);
}

static void
applied(struct discovery *d, struct found_set *before, const char *how)
{
	const struct found_set *now = d->trust.good;

	d->updates++;
	log_info("upstream %s: discovery by %s: %sservers: %u, came: %u, "
		 "went: %u",
	    d->upstream, d->provider->ops->name, how, now->n,
	    found_set_missing(now, before), found_set_missing(before, now));
	d->on_members(d->arg);
}

static void
log_held(struct discovery *d)
{
	char doubt[128];

	discovery_doubt(d, doubt, sizeof(doubt));
	if (d->options->hold_ns == 0)
		log_warn("upstream %s: discovery by %s: held back until it is "
			 "confirmed: %s",
		    d->upstream, d->provider->ops->name, doubt);
	else
		log_warn("upstream %s: discovery by %s: held back until it is "
			 "confirmed, or for %llu ms: %s",
		    d->upstream, d->provider->ops->name,
		    (unsigned long long)(d->options->hold_ns / CLOCK_MS),
		    doubt);
}
