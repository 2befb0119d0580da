/*
 * How a reload goes: a builder thread reads files and parses certificates,
 * which may take long, and mails its plan; control opens new sockets, adopts
 * members, makes a snapshot and posts it to the workers.  Everything that can
 * fail comes before anything that changes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "proxy/access_file.h"
#include "proxy/consul.h"
#include "proxy/control.h"
#include "proxy/discover.h"
#include "proxy/doors.h"
#include "proxy/group.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"

#define BUILDER_NICE 10 /* behind workers, and behind control */

/* One run of the builder; the letter brings it back. */
struct build {
	struct mail mail;
	pthread_t thread;
	struct control *control;
	const struct plan *old; /* stays alive meanwhile */
	struct plan *plan;
	struct conf_errors errors;
};

static void *build_main(void *);
static void on_built(struct mail *);
static void take_over(struct control *, struct build *);
static bool fixed_keys_stay(
    const struct control *, const struct conf *, struct conf_errors *);
static void adopt_groups(struct control *, const struct conf *);
static void leave_groups(struct control *, const struct conf *);
static bool is_named(const struct conf *, const char *);
static void report(struct control *, const struct conf_errors *);

void
reload_start(struct control *control)
{
	struct build *b;
	int error;

	if (control->loading) {
		control->load_again = true;
		return;
	}
	log_info("reloading %s", control->path);
	b = xcalloc(1, sizeof(*b));
	b->mail.open = on_built;
	b->control = control;
	b->old = control->plan;
	control->loading = true;
	error = pthread_create(&b->thread, NULL, build_main, b);
	if (error == 0)
		return;
	log_error("reload: cannot make a thread: %s", strerror(error));
	control->loading = false;
	free(b);
}

bool
reload_commit(
    struct control *control, struct plan *plan, struct conf_errors *errors)
{
	const struct conf *conf = plan->conf;
	struct plan *old = control->plan;

	if (!fixed_keys_stay(control, conf, errors) ||
	    access_file_prepare(control, conf, errors) == -1 ||
	    doors_prepare(control, plan, errors) == -1)
		return false;
	log_setup(conf->log_level, conf->log_format);
	discover_own(control);
	consul_link_adopt(control, &conf->consul);
	adopt_groups(control, conf);
	control->plan = plan;
	control->generation++;
	reload_publish(control);
	doors_leave(control);
	leave_groups(control, conf);
	doors_announce(control, plan);
	plan_unref(old);
	return true;
}

void
reload_publish(struct control *control)
{
	struct snapshot *old = control->snapshot;
	struct snapshot *s = snapshot_new(control, control->plan);

	control->snapshot = s;
	control->snapshots++;
	control->published_at = loop_now(control->loop);
	for (unsigned i = 0; i < control->nworkers; i++)
		worker_adopt(control->workers[i], s);
	worker_adopt(control->self, s);
	if (old == NULL)
		return;
	old->replaced = true;
	if (old->leases == 0)
		snapshot_free(control, old);
}

static void *
build_main(void *arg)
{
	struct build *b = arg;

	pthread_setname_np(pthread_self(), "builder");
	setpriority(PRIO_PROCESS, (id_t)gettid(), BUILDER_NICE);
	b->errors.consequence = "The running configuration was not changed.";
	b->plan = plan_load(b->control->path, b->old, &b->errors);
	loop_post(b->control->loop, &b->mail);
	return NULL;
}

static void
on_built(struct mail *mail)
{
	struct build *b = (struct build *)mail;
	struct control *control = b->control;

	/* The letter was its last act; what it leaves must be gone before us. */
	pthread_join(b->thread, NULL);
	control->loading = false;
	if (control->stage == STAGE_SERVING)
		take_over(control, b);
	else
		plan_unref(b->plan);
	conf_errors_fini(&b->errors);
	free(b);
	if (control->over)
		loop_stop(control->loop);
	if (!control->load_again || control->stage != STAGE_SERVING)
		return;
	control->load_again = false;
	reload_start(control);
}

static void
take_over(struct control *control, struct build *b)
{
	if (b->plan == NULL || !reload_commit(control, b->plan, &b->errors))
		plan_unref(b->plan);
	report(control, &b->errors);
}

/* What a running process cannot change. */
static bool
fixed_keys_stay(const struct control *control, const struct conf *conf,
    struct conf_errors *errors)
{
	struct conf_place place = conf->workers_place;

	if (control->plan == NULL ||
	    control->plan->conf->workers == conf->workers)
		return true;
	if (place.file == NULL)
		place.file = conf->path;
	conf_error_at(errors, place,
	    "workers: cannot change while running (%u threads serve); restart "
	    "to change it",
	    control->nworkers);
	return false;
}

static void
adopt_groups(struct control *control, const struct conf *conf)
{
	for (unsigned i = 0; i < conf->nupstreams; i++)
		group_adopt(control, &conf->upstreams[i]);
}

static void
leave_groups(struct control *control, const struct conf *conf)
{
	struct group *g, *next;

	for (g = LIST_FIRST(&control->groups); g != NULL; g = next) {
		next = LIST_NEXT(g, entry);
		if (g->conf != NULL && !is_named(conf, g->name))
			group_leave(g);
	}
}

static bool
is_named(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->nupstreams; i++)
		if (strcmp(conf->upstreams[i].name, name) == 0)
			return true;
	return false;
}

static void
report(struct control *control, const struct conf_errors *errors)
{
	struct reload_report *r = &control->report;

	reload_report_clear(r);
	r->ok = errors->nerrors == 0;
	r->at = clock_wall();
	if (r->ok) {
		r->succeeded++;
		r->loaded_at = r->at;
		log_info("reloaded %s: generation %llu, %s", control->path,
		    (unsigned long long)control->generation,
		    control->plan->conf->hash);
		return;
	}
	r->failed++;
	conf_errors_print(errors, stderr);
	log_error("reload of %s failed with %u error%s; the running "
		  "configuration was not changed",
	    control->path, errors->nerrors, errors->nerrors == 1 ? "" : "s");
	r->errors = xcalloc(errors->n + 1, sizeof(*r->errors));
	for (unsigned i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->v[i];

		if (!e->warning)
			r->errors[r->nerrors++] =
			    xasprintf("%s:%u:%u: %s", e->place.file,
				e->place.line, e->place.column, e->message);
	}
}

void
reload_report_clear(struct reload_report *r)
{
	for (unsigned i = 0; i < r->nerrors; i++)
		free(r->errors[i]);
	free(r->errors);
	r->errors = NULL;
	r->nerrors = 0;
}
