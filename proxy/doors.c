/*
 * Listening sockets, kept by address: a reload opens the new ones before it
 * changes anything, and never touches one that stays, since closing a
 * SO_REUSEPORT socket resets what is queued on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/doors.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/listen.h"
#include "proxy/control.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"

static char *key_of(const struct conf_listener *, const struct conf_address *);
static struct door *find(const struct control *, const char *, bool left);
static bool prepare(struct control *, const struct conf_listener *,
    const struct conf_address *, unsigned, struct listen_error *);
static int listen_at(struct door *, const struct conf_address *,
    const struct door *, struct listen_error *);
static bool prepare_listener(
    struct control *, const struct conf_listener *, struct conf_errors *);
static void
prepare_admin(struct control *, const struct plan *, struct conf_errors *);
static void door_free(struct control *, struct door *);
static void door_announce(struct door *, const char *);

int
doors_prepare(struct control *control, const struct plan *plan,
    struct conf_errors *errors)
{
	const struct conf *conf = plan->conf;
	unsigned had = control->ndoors;
	bool ok = true;

	for (unsigned i = 0; i < conf->nlisteners; i++)
		if (!prepare_listener(control, &conf->listeners[i], errors))
			ok = false;
	if (ok && conf->admin_on)
		prepare_admin(control, plan, errors);
	if (ok && errors->nerrors == 0)
		return 0;
	while (control->ndoors > had)
		door_free(control, control->doors[control->ndoors - 1]);
	return -1;
}

struct door *
door_find(struct control *control, const struct conf_listener *l,
    const struct conf_address *at)
{
	char *key = key_of(l, at);
	struct door *door = find(control, key, false);

	free(key);
	return door;
}

void
door_unref(struct control *control, struct door *door)
{
	if (--door->refs == 0)
		door_free(control, door);
}

void
doors_leave(struct control *control)
{
	const struct snapshot *s = control->snapshot;

	for (unsigned i = 0; i < control->ndoors; i++)
		control->doors[i]->left = true;
	for (unsigned i = 0; i < s->nlisteners; i++)
		for (unsigned k = 0; k < s->listeners[i].ndoors; k++)
			s->listeners[i].doors[k]->left = false;
}

void
doors_announce(struct control *control, const struct plan *plan)
{
	const struct conf *conf = plan->conf;

	for (unsigned i = 0; i < conf->nlisteners; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		for (unsigned k = 0; k < l->naddresses; k++)
			door_announce(
			    door_find(control, l, &l->addresses[k]), l->name);
	}
	if (conf->admin_on)
		door_announce(
		    door_find(control, &plan->admin, &conf->admin_address),
		    plan->admin.name);
}

void
doors_shut(struct control *control, unsigned worker)
{
	for (unsigned i = 0; i < control->ndoors; i++) {
		const struct door *door = control->doors[i];

		/* A worker may have closed what was given up. */
		if (door->left || control->stage > STAGE_LEAVING)
			continue;
		if (!addr_is_unix(&door->real) && door->n == control->nworkers)
			listen_leave(door->sockets[worker]);
	}
}

/* Port 0 is another port for each listener. */
static char *
key_of(const struct conf_listener *l, const struct conf_address *at)
{
	if (!at->endpoint.is_any && addr_is_unix(&at->endpoint.addr))
		return xstrdup(at->text);
	if (at->endpoint.port == 0)
		return xasprintf("%s %s", l->name, at->text);
	return xstrdup(at->text);
}

static struct door *
find(const struct control *control, const char *key, bool left)
{
	for (unsigned i = 0; i < control->ndoors; i++)
		if (control->doors[i]->left == left &&
		    strcmp(control->doors[i]->key, key) == 0)
			return control->doors[i];
	return NULL;
}

static bool
prepare(struct control *control, const struct conf_listener *l,
    const struct conf_address *at, unsigned n, struct listen_error *error)
{
	char *key = key_of(l, at);
	struct door *door;

	if (find(control, key, false) != NULL) {
		free(key);
		return true;
	}
	door = xcalloc(1, sizeof(*door));
	door->key = key;
	door->n = n;
	door->fds = xcalloc(n, sizeof(*door->fds));
	door->sockets = xcalloc(n, sizeof(*door->sockets));
	if (listen_at(door, at, find(control, key, true), error) == -1) {
		free(door->fds);
		free(door->sockets);
		free(key);
		free(door);
		return false;
	}
	memcpy(door->sockets, door->fds, n * sizeof(*door->sockets));
	control->doors = xrealloc(
	    control->doors, (control->ndoors + 1) * sizeof(*control->doors));
	control->doors[control->ndoors++] = door;
	return true;
}

/* Workers may not have closed yet what was given up. */
static int
listen_at(struct door *door, const struct conf_address *at,
    const struct door *given_up, struct listen_error *error)
{
	if (given_up == NULL)
		return listen_prepare(
		    &at->endpoint, door->fds, door->n, &door->real, error);
	door->real = given_up->real;
	return listen_again(
	    &at->endpoint, door->fds, door->n, &door->real, error);
}

static bool
prepare_listener(struct control *control, const struct conf_listener *l,
    struct conf_errors *errors)
{
	struct listen_error error;
	bool ok = true;

	for (unsigned k = 0; k < l->naddresses; k++) {
		if (prepare(control, l, &l->addresses[k], control->nworkers,
			&error))
			continue;
		conf_error_at(errors, l->addresses[k].place, "%s", error.text);
		ok = false;
	}
	return ok;
}

/* A default address that is taken is no reason not to serve. */
static void
prepare_admin(struct control *control, const struct plan *plan,
    struct conf_errors *errors)
{
	const struct conf *conf = plan->conf;
	struct listen_error error;

	if (prepare(control, &plan->admin, &conf->admin_address, 1, &error))
		return;
	if (conf->admin_is_default)
		log_warn("admin: %s; there is no admin endpoint", error.text);
	else
		conf_error_at(
		    errors, conf->admin_address.place, "%s", error.text);
}

static void
door_announce(struct door *door, const char *listener)
{
	char where[ADDR_TEXT_MAX];

	if (door == NULL || door->announced)
		return;
	door->announced = true;
	addr_print(&door->real, where);
	dprintf(STDERR_FILENO, "listening on %s (%s)\n", where, listener);
}

/*
 * Descriptors that no worker took are closed; a unix path goes with it, unless
 * it is another door's by now.
 */
static void
door_free(struct control *control, struct door *door)
{
	const struct addr no_path = { 0 };
	bool shared;

	for (unsigned i = 0; i < control->ndoors; i++)
		if (control->doors[i] == door)
			control->doors[i] = control->doors[--control->ndoors];
	shared = find(control, door->key, false) != NULL ||
	    find(control, door->key, true) != NULL;
	listen_discard(door->fds, door->n, shared ? &no_path : &door->real);
	free(door->fds);
	free(door->sockets);
	free(door->key);
	free(door);
}
