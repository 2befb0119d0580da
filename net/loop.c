/*
 * The event loop of one thread, over libevent.  It adds four things that a
 * proxy wants and libevent lacks: time taken once per pass, deadlines that
 * cost nothing to move, a ready list for what no edge will wake again, and
 * a burial ground so that nothing dies under its own callback.  It also
 * notices when the thread itself was away (DESIGN 8.8).
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "net/loop.h"

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/rng.h"

#define AWAY_NS (250 * CLOCK_MS) /* later than this: we stood still */
#define GRACE_NS (50 * CLOCK_MS) /* to read what waited meanwhile */

/* All deadlines of one duration: the order of setting is the order of firing. */
struct deadline_list {
	TAILQ_HEAD(, deadline) queue;
	struct loop *loop;
	struct event timer;
	uint64_t ns;
	uint64_t due; /* when the timer fires; 0: not armed */
};

struct loop {
	struct event_base *base;
	uint64_t now; /* 0: not taken yet in this pass */
	uint64_t back_at; /* the end of the last absence's grace */
	TAILQ_HEAD(, again) ready;
	struct grave *graves;
	struct deadline_list **lists;
	unsigned nlists, last_list;
	struct mailbox mailbox;
	struct event mail;
	struct rng rng;
	void (*on_pass)(void *, uint64_t);
	void *on_pass_arg;
	bool stopping;
	/* written by this loop, read by any thread, relaxed */
	_Atomic uint64_t turns;
};

static void pass_end(struct loop *);
static void run_ready(struct loop *);
static void empty_graves(struct loop *);
static void on_mail(evutil_socket_t, short, void *);
static struct deadline_list *list_of(struct loop *, uint64_t);
static struct deadline_list *list_add(struct loop *, uint64_t);
static void list_arm(struct deadline_list *, uint64_t);
static void list_fired(evutil_socket_t, short, void *);
static void list_sweep(struct deadline_list *, uint64_t);
static void notice_absence(struct loop *, uint64_t);

struct loop *
loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();

	if (config == NULL || mailbox_init(&loop->mailbox) == -1)
		goto fail;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	if (loop->base == NULL)
		goto fail_mailbox;
	event_config_free(config);
	TAILQ_INIT(&loop->ready);
	rng_seed_random(&loop->rng);
	event_assign(&loop->mail, loop->base, loop->mailbox.fd,
	    EV_READ | EV_PERSIST, on_mail, loop);
	event_add(&loop->mail, NULL);
	return loop;

fail_mailbox:
	mailbox_fini(&loop->mailbox);
fail:
	if (config != NULL)
		event_config_free(config);
	free(loop);
	return NULL;
}

void
loop_free(struct loop *loop)
{
	empty_graves(loop);
	event_del(&loop->mail);
	for (unsigned i = 0; i < loop->nlists; i++) {
		event_del(&loop->lists[i]->timer);
		free(loop->lists[i]);
	}
	free(loop->lists);
	event_base_free(loop->base);
	mailbox_fini(&loop->mailbox);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	while (!loop->stopping) {
		int flags = EVLOOP_ONCE;

		if (!TAILQ_EMPTY(&loop->ready))
			flags |= EVLOOP_NONBLOCK;
		event_base_loop(loop->base, flags);
		run_ready(loop);
		empty_graves(loop);
		pass_end(loop);
	}
	loop->stopping = false;
}

void
loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

const char *
loop_library(void)
{
	return event_get_version();
}

uint64_t
loop_now(struct loop *loop)
{
	if (loop->now == 0)
		loop->now = clock_now();
	return loop->now;
}

struct rng *
loop_rng(struct loop *loop)
{
	return &loop->rng;
}

void
loop_post(struct loop *loop, struct mail *mail)
{
	mailbox_post(&loop->mailbox, mail);
}

void
loop_on_pass(struct loop *loop, void (*on_pass)(void *, uint64_t), void *arg)
{
	loop->on_pass = on_pass;
	loop->on_pass_arg = arg;
}

void
loop_again(struct loop *loop, struct again *a)
{
	if (again_is_listed(a))
		return;
	TAILQ_INSERT_TAIL(&loop->ready, a, link);
}

void
loop_again_cancel(struct loop *loop, struct again *a)
{
	if (!again_is_listed(a))
		return;
	TAILQ_REMOVE(&loop->ready, a, link);
	a->link.tqe_prev = NULL;
}

void
loop_bury(struct loop *loop, struct grave *grave)
{
	grave->next = loop->graves;
	loop->graves = grave;
}

void
deadline_set(struct loop *loop, struct deadline *d, uint64_t after_ns)
{
	struct deadline_list *list;

	deadline_clear(d);
	if (after_ns == 0)
		return;
	list = list_of(loop, after_ns);
	d->list = list;
	d->at = loop_now(loop) + after_ns;
	TAILQ_INSERT_TAIL(&list->queue, d, link);
	if (list->due == 0)
		list_arm(list, d->at);
}

void
deadline_clear(struct deadline *d)
{
	if (d->list == NULL)
		return;
	TAILQ_REMOVE(&d->list->queue, d, link);
	d->list = NULL;
}

bool
loop_was_away_since(struct loop *loop, uint64_t since_ns)
{
	notice_absence(loop, loop_now(loop));
	return loop->back_at > since_ns;
}

uint64_t
loop_turns(const struct loop *loop)
{
	return atomic_load_explicit(&loop->turns, memory_order_relaxed);
}

/* Single writer: plain load and store are enough. */
static void
pass_end(struct loop *loop)
{
	uint64_t began = loop->now, spent;

	atomic_store_explicit(
	    &loop->turns, loop_turns(loop) + 1, memory_order_relaxed);
	if (began == 0)
		return;
	spent = clock_now() - began;
	loop->now = 0;
	if (loop->on_pass != NULL)
		loop->on_pass(loop->on_pass_arg, spent);
}

/* What is listed while this runs waits for the next pass. */
static void
run_ready(struct loop *loop)
{
	struct again end = { 0 };
	struct again *a;

	if (TAILQ_EMPTY(&loop->ready))
		return;
	TAILQ_INSERT_TAIL(&loop->ready, &end, link);
	while ((a = TAILQ_FIRST(&loop->ready)) != &end) {
		TAILQ_REMOVE(&loop->ready, a, link);
		a->link.tqe_prev = NULL;
		a->run(a);
	}
	TAILQ_REMOVE(&loop->ready, &end, link);
}

static void
empty_graves(struct loop *loop)
{
	while (loop->graves != NULL) {
		struct grave *grave = loop->graves;

		loop->graves = grave->next;
		grave->free(grave);
	}
}

static void
on_mail(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	loop_now(loop);
	mailbox_run(&loop->mailbox);
}

/* Few durations are in use at once: the last one used, else a look at each. */
static struct deadline_list *
list_of(struct loop *loop, uint64_t ns)
{
	if (loop->last_list < loop->nlists &&
	    loop->lists[loop->last_list]->ns == ns)
		return loop->lists[loop->last_list];
	for (unsigned i = 0; i < loop->nlists; i++) {
		if (loop->lists[i]->ns == ns) {
			loop->last_list = i;
			return loop->lists[i];
		}
	}
	return list_add(loop, ns);
}

/* A list that stands empty with no timer set is taken over. */
static struct deadline_list *
list_add(struct loop *loop, uint64_t ns)
{
	struct deadline_list *list;

	for (unsigned i = 0; i < loop->nlists; i++) {
		list = loop->lists[i];
		if (list->due == 0 && TAILQ_EMPTY(&list->queue)) {
			list->ns = ns;
			return list;
		}
	}
	list = xcalloc(1, sizeof(*list));
	TAILQ_INIT(&list->queue);
	list->loop = loop;
	list->ns = ns;
	evtimer_assign(&list->timer, loop->base, list_fired, list);
	loop->lists =
	    xrealloc(loop->lists, (loop->nlists + 1) * sizeof(*loop->lists));
	loop->lists[loop->nlists++] = list;
	return list;
}

/* `at' is to come.  A timer that fires early is armed again by list_fired. */
static void
list_arm(struct deadline_list *list, uint64_t at)
{
	uint64_t wait_us = (at - loop_now(list->loop)) / CLOCK_US;
	struct timeval tv = {
		.tv_sec = (time_t)(wait_us / 1000000),
		.tv_usec = (suseconds_t)(wait_us % 1000000),
	};

	list->due = at;
	evtimer_add(&list->timer, &tv);
}

static void
list_fired(evutil_socket_t fd, short what, void *arg)
{
	struct deadline_list *list = arg;
	struct loop *loop = list->loop;
	uint64_t now = loop_now(loop);
	struct deadline *head;

	(void)fd;
	(void)what;
	notice_absence(loop, now);
	if (now < loop->back_at) {
		list_arm(list, loop->back_at);
		return;
	}
	list_sweep(list, now);
	/* Not before: one that is set again as it fires is not the head. */
	list->due = 0;
	head = TAILQ_FIRST(&list->queue);
	if (head != NULL)
		list_arm(list, head->at);
}

static void
list_sweep(struct deadline_list *list, uint64_t now)
{
	uint64_t back_at = list->loop->back_at;
	struct deadline *d;

	while ((d = TAILQ_FIRST(&list->queue)) != NULL && d->at <= now) {
		deadline_clear(d);
		d->fire(d, d->at <= back_at);
	}
}

/*
 * The loop sleeps no longer than to its next timer.  If any armed timer is
 * overdue by more than AWAY_NS, this thread was away: everything that runs
 * out before the grace is over ran out behind our back.
 */
static void
notice_absence(struct loop *loop, uint64_t now)
{
	for (unsigned i = 0; i < loop->nlists; i++) {
		uint64_t due = loop->lists[i]->due;

		if (due != 0 && due + AWAY_NS < now && now > loop->back_at) {
			loop->back_at = now + GRACE_NS;
			return;
		}
	}
}
