/*
 * The control thread: it starts everything, hears signals and letters, keeps
 * watch over the workers, and ends everything in order.  What serves requests
 * is in worker.c and exchange.c; how the configuration changes in reload.c.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/control.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "health/probe.h"
#include "http/h1.h"
#include "net/fetch.h"
#include "net/notify.h"
#include "net/pipe.h"
#include "net/resolve.h"
#include "net/signals.h"
#include "net/timer.h"
#include "proxy/access_file.h"
#include "proxy/admin.h"
#include "proxy/consul.h"
#include "proxy/crash.h"
#include "proxy/doors.h"
#include "proxy/exchange.h"
#include "proxy/gate.h"
#include "proxy/group.h"
#include "proxy/lease.h"
#include "proxy/reload.h"
#include "proxy/snapshot.h"
#include "proxy/version.h"
#include "proxy/worker.h"
#include "stats/rates.h"
#include "stats/stats.h"
#include "tls/tickets.h"

#define TICK_NS (250 * CLOCK_MS)
#define PUBLISH_NS (200 * CLOCK_MS) /* from one snapshot to the next */
#define TICKETS_NS (60 * CLOCK_S)
#define PROBES_NS (1 * CLOCK_S) /* ready waits no longer for them */
#define LOST_NS (5 * CLOCK_S) /* a worker that does not turn */
#define DEAD_NS (30 * CLOCK_S)
#define PROBES_MOST 256
#define CONTROL_NICE 5 /* a quarter of a core that a worker wants whole */

/* News from a worker's thread. */
struct news {
	struct mail mail;
	struct control *control;
	struct worker *worker;
};

static int start(struct control *, struct plan *, struct conf_errors *);
static int make_workers(struct control *, const struct conf *);
static unsigned cpus_allowed(void);
static int make_tools(struct control *);
static void finish(struct control *);
static void on_signal(void *, int);
static void begin_leave(struct control *);
static void on_leave_at(struct deadline *, bool);
static void begin_drain(struct control *);
static void stop_workers(struct control *);
static void on_stop_at(struct deadline *, bool);
static void on_tick(struct deadline *, bool);
static void watch_workers(struct control *, uint64_t);
static void watch_worker(struct control *, struct worker *);
static void on_publish(struct again *);
static void on_publish_later(void *);
static void tell(struct control *, struct worker *, void (*)(struct mail *));
static void on_lease_home(struct mail *);
static void on_ready(struct mail *);
static void on_drained(struct mail *);
static void on_ended(struct mail *);
static void on_last(struct mail *);

/* What control hears; they wait while it starts. */
static const int signos[] = { SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1,
	SIGUSR2 };
#define SIGNOS (sizeof(signos) / sizeof(signos[0]))

int
control_run(const char *path)
{
	struct conf_errors errors = { 0 };
	struct control control = { .path = path };
	struct plan *plan;

	signals_block(signos, SIGNOS);
	plan = plan_load(path, NULL, &errors);
	if (plan == NULL)
		errors.consequence = "fairlead was not started.";
	conf_errors_print(&errors, stderr);
	if (plan == NULL) {
		conf_errors_fini(&errors);
		return 78;
	}
	conf_errors_fini(&errors);
	errors = (struct conf_errors){
		.path = path,
		.consequence = "fairlead was not started.",
	};
	if (start(&control, plan, &errors) == 0)
		loop_run(control.loop);
	conf_errors_fini(&errors);
	finish(&control);
	return control.status;
}

void
control_lease_home(struct control *control, struct lease *l)
{
	l->home.open = on_lease_home;
	loop_post(control->loop, &l->home);
}

void
control_worker_ready(struct control *control, struct worker *w)
{
	if (!w->is_control)
		tell(control, w, on_ready);
}

void
control_worker_drained(struct control *control, struct worker *w)
{
	tell(control, w, on_drained);
}

void
control_worker_ended(struct control *control, struct worker *w)
{
	tell(control, w, on_ended);
}

void
control_members_changed(struct control *control)
{
	uint64_t since = loop_now(control->loop) - control->published_at;

	if (control->plan == NULL || control->stage > STAGE_LEAVING)
		return;
	if (since >= PUBLISH_NS)
		loop_again(control->loop, &control->publish);
	else if (!control->publish_soon) {
		control->publish_soon = true;
		timer_set(control->publish_later, PUBLISH_NS - since);
	}
}

bool
control_is_ready(const struct control *control)
{
	return control->stage == STAGE_SERVING && control->all_probed &&
	    control->workers_ready == control->nworkers;
}

static int
start(struct control *control, struct plan *plan, struct conf_errors *errors)
{
	control->started_at = clock_now();
	control->started_wall = clock_wall();
	control->status = 1;
	log_setup(plan->conf->log_level, plan->conf->log_format);
	signal(SIGPIPE, SIG_IGN);
	crash_install();
	LIST_INIT(&control->groups);
	control->publish.run = on_publish;
	control->tick.fire = on_tick;
	control->leave_at.fire = on_leave_at;
	control->stop_at.fire = on_stop_at;
	control->self = worker_new(control, UINT32_MAX, true);
	if (control->self == NULL)
		goto fail;
	control->loop = control->self->loop;
	crash_thread(control->self);
	control->signals =
	    signals_new(control->loop, signos, SIGNOS, on_signal, control);
	if (control->signals == NULL || make_tools(control) == -1 ||
	    make_workers(control, plan->conf) == -1)
		goto fail;
	if (!reload_commit(control, plan, errors)) {
		conf_errors_print(errors, stderr);
		plan_unref(plan);
		return -1;
	}
	for (unsigned i = 0; i < control->nworkers; i++)
		if (worker_start(control->workers[i]) == -1)
			log_fatal(
			    "cannot start worker %u: %s", i, strerror(errno));
	/* Of this thread alone, as Linux has it; workers are started by now. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), CONTROL_NICE);
	control->report = (struct reload_report){
		.ok = true,
		.at = control->started_wall,
		.loaded_at = control->started_wall,
	};
	control->stage = STAGE_SERVING;
	control->status = 0;
	deadline_set(control->loop, &control->tick, TICK_NS);
	return 0;

fail:
	log_error("cannot start: %s", strerror(errno));
	plan_unref(plan);
	return -1;
}

static int
make_workers(struct control *control, const struct conf *conf)
{
	control->nworkers = conf->workers != 0 ? conf->workers : cpus_allowed();
	control->workers =
	    xcalloc(control->nworkers, sizeof(*control->workers));
	control->self->id = control->nworkers;
	for (unsigned i = 0; i < control->nworkers; i++) {
		struct worker *w = worker_new(control, i, false);

		if (w == NULL) {
			control->nworkers = i;
			return -1;
		}
		w->tickets = control->tickets;
		control->workers[i] = w;
	}
	return 0;
}

/* The least of CPU affinity and the cgroup's cpu.max. */
static unsigned
cpus_allowed(void)
{
	unsigned n = 1;
	unsigned long long quota, period;
	cpu_set_t set;
	FILE *f;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	f = fopen("/sys/fs/cgroup/cpu.max", "re");
	if (f == NULL)
		return n;
	if (fscanf(f, "%llu %llu", &quota, &period) == 2 && period > 0) {
		unsigned whole = (unsigned)((quota + period - 1) / period);

		if (whole > 0 && whole < n)
			n = whole;
	}
	fclose(f);
	return n;
}

static int
make_tools(struct control *control)
{
	control->resolver =
	    resolver_new(control->loop, getenv("FAIRLEAD_DNS_SERVERS"), NULL);
	if (control->resolver == NULL)
		return -1;
	control->fetcher =
	    fetcher_new(control->loop, "fairlead/" VERSION " (probe)");
	if (control->fetcher == NULL)
		return -1;
	control->prober =
	    prober_new(control->loop, control->fetcher, PROBES_MOST);
	control->publish_later =
	    timer_new(control->loop, on_publish_later, control);
	control->consul = consul_link_new();
	control->notifier = notifier_new(control->loop);
	if (control->notifier == NULL)
		log_warn("cannot watch files: %s; they are looked at every ten "
			 "seconds",
		    strerror(errno));
	control->tickets = tls_tickets_new(clock_now());
	control->rates = stats_rates_new();
	return control->tickets == NULL ? -1 : 0;
}

/* In the order that leaves nothing behind. */
static void
finish(struct control *control)
{
	struct group *g, *next;

	if (control->self == NULL)
		return;
	deadline_clear(&control->tick);
	for (g = LIST_FIRST(&control->groups); g != NULL; g = next) {
		next = LIST_NEXT(g, entry);
		group_leave(g);
	}
	plan_unref(control->plan);
	control->plan = NULL;
	consul_link_free(control->consul);
	if (control->prober != NULL)
		prober_free(control->prober);
	if (control->fetcher != NULL)
		fetcher_free(control->fetcher);
	timer_free(control->publish_later);
	if (control->notifier != NULL)
		notifier_free(control->notifier);
	if (control->resolver != NULL)
		resolver_free(control->resolver);
	if (control->signals != NULL)
		signals_free(control->signals);
	access_files_free(control);
	for (unsigned i = 0; i < control->nworkers; i++)
		worker_free(control->workers[i]);
	free(control->workers);
	exchange_spares_fini(control->self);
	worker_free(control->self);
	if (control->tickets != NULL)
		tls_tickets_free(control->tickets);
	if (control->rates != NULL)
		stats_rates_free(control->rates);
	gates_free(control);
	free(control->doors);
	free(control->own);
	reload_report_clear(&control->report);
	stats_names_fini(&control->names);
	h1_pool_fini();
	block_pool_fini();
	pipe_pool_fini();
}

static void
on_signal(void *arg, int signo)
{
	struct control *control = arg;

	switch (signo) {
	case SIGHUP:
		if (control->stage == STAGE_SERVING)
			reload_start(control);
		else
			log_warn("SIGHUP is ignored: fairlead is shutting "
				 "down");
		break;
	case SIGUSR1:
		access_files_reopen(control);
		break;
	case SIGUSR2:
		log_warn("SIGUSR2 is ignored: a binary upgrade is not "
			 "available; restart instead");
		break;
	default:
		if (control->stage != STAGE_SERVING)
			stop_workers(control);
		else if (control->plan->conf->shutdown_delay_ns > 0)
			begin_leave(control);
		else
			begin_drain(control);
	}
}

/* Whoever asks /readyz has so long to send new connections elsewhere. */
static void
begin_leave(struct control *control)
{
	uint64_t delay = control->plan->conf->shutdown_delay_ns;

	log_info("shutting down in %llu ms: not ready any more, still serving",
	    (unsigned long long)(delay / CLOCK_MS));
	control->stage = STAGE_LEAVING;
	deadline_set(control->loop, &control->leave_at, delay);
}

static void
on_leave_at(struct deadline *d, bool stalled)
{
	(void)stalled;
	begin_drain(CONTAINER_OF(d, struct control, leave_at));
}

static void
begin_drain(struct control *control)
{
	uint64_t timeout = control->plan->conf->shutdown_timeout_ns;

	log_info("shutting down: no new connections; what runs has %llu ms",
	    (unsigned long long)(timeout / CLOCK_MS));
	control->stage = STAGE_DRAINING;
	deadline_set(
	    control->loop, &control->stop_at, timeout == 0 ? 1 : timeout);
	for (unsigned i = 0; i < control->nworkers; i++)
		worker_drain(control->workers[i]);
}

static void
stop_workers(struct control *control)
{
	if (control->stage == STAGE_STOPPING)
		return;
	control->stage = STAGE_STOPPING;
	deadline_clear(&control->leave_at);
	deadline_clear(&control->stop_at);
	for (unsigned i = 0; i < control->nworkers; i++)
		worker_stop(control->workers[i]);
}

static void
on_stop_at(struct deadline *d, bool stalled)
{
	struct control *control = CONTAINER_OF(d, struct control, stop_at);

	(void)stalled;
	log_warn("shutting down: time is over, ending what still runs");
	stop_workers(control);
}

/* Four times a second: what has to be looked at rather than heard of. */
static void
on_tick(struct deadline *d, bool stalled)
{
	struct control *control = CONTAINER_OF(d, struct control, tick);
	uint64_t now = loop_now(control->loop);
	bool probed = true;
	struct group *g;

	(void)stalled;
	deadline_set(control->loop, &control->tick, TICK_NS);
	if (control->stage == STAGE_STOPPING) {
		watch_workers(control, now);
		return;
	}
	LIST_FOREACH (g, &control->groups, entry) {
		group_watch_breaker(g, now);
		group_watch_departed(g, now);
		probed = probed && group_is_probed(g);
	}
	if (probed || now - control->started_at > PROBES_NS)
		control->all_probed = true;
	if (now - control->last_second >= CLOCK_S) {
		control->last_second = now;
		if (control->plan->conf->admin_on)
			admin_sample(control, now);
		watch_workers(control, now);
	}
	if (now - control->last_ticket_turn >= TICKETS_NS) {
		control->last_ticket_turn = now;
		tls_tickets_turn(control->tickets, now);
	}
}

/* Who stood still with the others has been away like them. */
static void
watch_workers(struct control *control, uint64_t now)
{
	if (loop_was_away_since(control->loop, now - LOST_NS))
		return;
	for (unsigned i = 0; i < control->nworkers; i++)
		if (!control->workers[i]->ended)
			watch_worker(control, control->workers[i]);
}

/* DESIGN 8.17: a worker that does not turn is named; one that never will ends us. */
static void
watch_worker(struct control *control, struct worker *w)
{
	uint64_t now = loop_now(control->loop);
	uint64_t since = worker_ping(w, now);

	if (since == 0 || now < since + LOST_NS) {
		if (atomic_exchange(&w->stuck, false)) {
			log_warn("worker %u: turns again", w->id);
			worker_listen(w);
		}
		return;
	}
	if (now > since + DEAD_NS)
		abort();
	if (atomic_exchange(&w->stuck, true))
		return;
	if (control->nworkers > 1)
		doors_shut(control, w->id);
	log_error("worker %u: has not turned for %llu s, at exchange %llu; new "
		  "connections go to the others",
	    w->id, (unsigned long long)((now - since) / CLOCK_S),
	    (unsigned long long)atomic_load_explicit(
		&w->at_exchange, memory_order_relaxed));
}

static void
on_publish(struct again *a)
{
	struct control *control = CONTAINER_OF(a, struct control, publish);

	if (control->plan != NULL && control->stage <= STAGE_LEAVING)
		reload_publish(control);
}

static void
on_publish_later(void *arg)
{
	struct control *control = arg;

	control->publish_soon = false;
	control_members_changed(control);
}

static void
tell(struct control *control, struct worker *w, void (*open)(struct mail *))
{
	struct news *n = xcalloc(1, sizeof(*n));

	n->mail.open = open;
	n->control = control;
	n->worker = w;
	loop_post(control->loop, &n->mail);
}

static void
on_lease_home(struct mail *mail)
{
	struct lease *l = (struct lease *)mail;
	struct control *control = l->worker->control;
	struct snapshot *s = l->snapshot;

	free(l);
	if (--s->leases == 0 &&
	    (s->replaced || control->stage == STAGE_STOPPING))
		snapshot_free(control, s);
}

static void
on_ready(struct mail *mail)
{
	struct news *n = (struct news *)mail;

	n->control->workers_ready++;
	free(n);
}

static void
on_drained(struct mail *mail)
{
	struct news *n = (struct news *)mail;
	struct control *control = n->control;

	free(n);
	if (++control->workers_drained == control->nworkers)
		stop_workers(control);
}

/* The last worker's end is ours: admin goes with it. */
static void
on_ended(struct mail *mail)
{
	struct news *n = (struct news *)mail;
	struct control *control = n->control;

	pthread_join(n->worker->thread, NULL);
	n->worker->ended = true;
	free(n);
	if (++control->workers_ended < control->nworkers)
		return;
	worker_end(control->self);
	tell(control, control->self, on_last);
}

/*
 * Behind the letter that brings control's own lease home.  A builder reads what
 * would be freed now: the loop runs until its letter is here.
 */
static void
on_last(struct mail *mail)
{
	struct news *n = (struct news *)mail;
	struct control *control = n->control;

	free(n);
	control->over = true;
	if (!control->loading)
		loop_stop(control->loop);
}
