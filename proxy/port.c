/*
 * A worker's ends of the listeners.  At each new snapshot every port takes over
 * its listener's settings in place, opens the doors that are new and leaves
 * those that are gone; a socket that did not change is not touched.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/port.h"

#include "base/mem.h"
#include "conf/conf.h"
#include "net/listen.h"
#include "net/loop.h"
#include "proxy/gate.h"
#include "proxy/lease.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tls/context.h"

/* One door that a port accepts on. */
struct opening {
	LIST_ENTRY(opening) entry;
	struct port *port;
	const struct door *door; /* identity; in the current snapshot */
	struct acceptor *acceptor;
	bool wanted;
};

static const char *const protocols[] = { "http/1.1", NULL };

static struct port *port_of(struct worker *, const struct snap_listener *);
static void port_adopt(struct port *, const struct snap_listener *, unsigned);
static void adopt_tls(struct port *, const struct conf_listener *);
static char *tls_key(const struct tls_options *);
static void port_leave(struct port *);
static bool move_opening(struct worker *, struct port *, const struct door *);
static void open_door(struct port *, struct door *);
static void close_unwanted(struct port *);
static void close_opening(struct opening *);
static void on_accept(void *, int, const struct addr *);

void
ports_adopt(struct worker *w)
{
	const struct snapshot *s = w->lease->snapshot;
	struct opening *o;
	struct port *p, *next;

	LIST_FOREACH (p, &w->ports, entry) {
		p->gone = true;
		LIST_FOREACH (o, &p->openings, entry)
			o->wanted = false;
	}
	for (unsigned i = 0; i < s->nlisteners; i++)
		if (s->listeners[i].is_admin == w->is_control)
			port_adopt(
			    port_of(w, &s->listeners[i]), &s->listeners[i], i);
	LIST_FOREACH (p, &w->ports, entry)
		close_unwanted(p);
	for (p = LIST_FIRST(&w->ports); p != NULL; p = next) {
		next = LIST_NEXT(p, entry);
		if (p->gone && !p->left)
			port_leave(p);
	}
}

void
ports_close(struct worker *w)
{
	struct port *p;

	LIST_FOREACH (p, &w->ports, entry)
		while (!LIST_EMPTY(&p->openings))
			close_opening(LIST_FIRST(&p->openings));
}

void
ports_listen(struct worker *w)
{
	struct port *p;
	struct opening *o;

	LIST_FOREACH (p, &w->ports, entry)
		LIST_FOREACH (o, &p->openings, entry)
			acceptor_listen(o->acceptor);
}

void
ports_free(struct worker *w)
{
	struct port *p, *next;

	for (p = LIST_FIRST(&w->ports); p != NULL; p = next) {
		next = LIST_NEXT(p, entry);
		if (!p->left)
			port_leave(p);
	}
}

void
port_unref(struct port *p)
{
	if (--p->refs > 0)
		return;
	LIST_REMOVE(p, entry);
	tls_context_free(p->context);
	free(p->context_key);
	free(p->trusted);
	free(p->name);
	free(p);
}

struct port *
port_at(struct worker *w, const char *door)
{
	struct port *p;
	struct opening *o;

	LIST_FOREACH (p, &w->ports, entry)
		LIST_FOREACH (o, &p->openings, entry)
			if (strcmp(o->door->key, door) == 0)
				return p;
	return NULL;
}

bool
port_trusts(const struct port *p, const struct addr *peer)
{
	for (unsigned i = 0; i < p->ntrusted; i++)
		if (cidr_contains(&p->trusted[i], peer))
			return true;
	return false;
}

static struct port *
port_of(struct worker *w, const struct snap_listener *l)
{
	struct port *p;

	LIST_FOREACH (p, &w->ports, entry)
		if (strcmp(p->name, l->conf->name) == 0)
			return p;
	p = xcalloc(1, sizeof(*p));
	p->worker = w;
	p->name = xstrdup(l->conf->name);
	p->is_admin = l->is_admin;
	p->gone = true;
	LIST_INSERT_HEAD(&w->ports, p, entry);
	return p;
}

static void
port_adopt(struct port *p, const struct snap_listener *l, unsigned index)
{
	const struct conf_listener *conf = l->conf;

	if (p->refs == 0 || p->left)
		p->refs++;
	p->gone = p->left = false;
	p->index = index;
	p->redirect_https = conf->redirect_https;
	p->h1 = (struct h1_settings){
		.limits = {
			.head_bytes = conf->header_size,
			.uri_bytes = conf->uri_size,
			.fields = conf->max_headers,
		},
		.path_grants = conf->path_grants,
		.head_ns = conf->header_ns,
		.idle_ns = conf->body_ns,
		.min_rate = conf->min_rate == UINT64_MAX ? 0 : conf->min_rate,
	};
	p->handshake_ns = conf->handshake_ns;
	p->keepalive_ns = conf->idle_ns;
	p->body_size = conf->body_size;
	p->max_connections = conf->max_connections;
	p->per_ip = conf->per_ip;
	p->requests_per_connection = conf->requests_per_connection;
	p->trusted = xrealloc(
	    p->trusted, (conf->ntrusted_proxies + 1) * sizeof(*p->trusted));
	if (conf->ntrusted_proxies > 0)
		memcpy(p->trusted, conf->trusted_proxies,
		    conf->ntrusted_proxies * sizeof(*p->trusted));
	p->ntrusted = conf->ntrusted_proxies;
	p->gate = l->gate;
	p->sources = l->gate->sources;
	p->stats = stats_listener(p->worker->stats, l->slot);
	adopt_tls(p, conf);
	for (unsigned i = 0; i < l->ndoors; i++)
		if (!move_opening(p->worker, p, l->doors[i]))
			open_door(p, l->doors[i]);
}

/* Certificates come with each session; only other options need a context. */
static void
adopt_tls(struct port *p, const struct conf_listener *conf)
{
	struct tls_settings settings = {
		.options = &conf->tls_options,
		.listener = conf->name,
		.protocols = protocols,
		.tickets = p->worker->tickets,
	};
	struct tls_option_fault fault;
	char *key;

	p->has_tls = conf->tls;
	if (!conf->tls)
		return;
	key = tls_key(&conf->tls_options);
	if (p->context_key != NULL && strcmp(key, p->context_key) == 0) {
		free(key);
		return;
	}
	free(p->context_key);
	p->context_key = key;
	tls_context_free(p->context);
	p->context = tls_context_new(&settings, &fault);
}

static char *
tls_key(const struct tls_options *o)
{
	return xasprintf("%d|%d|%s|%s|%s", (int)o->min_version,
	    o->session_tickets, o->ciphers != NULL ? o->ciphers : "",
	    o->ciphersuites != NULL ? o->ciphersuites : "",
	    o->curves != NULL ? o->curves : "");
}

/*
 * Its connections are told with their next response, or time out; it ends with
 * the last.
 */
static void
port_leave(struct port *p)
{
	p->left = true;
	port_unref(p);
}

/* The door is open already, maybe under another listener's name. */
static bool
move_opening(struct worker *w, struct port *to, const struct door *door)
{
	struct port *p;
	struct opening *o;

	LIST_FOREACH (p, &w->ports, entry)
		LIST_FOREACH (o, &p->openings, entry)
			if (o->door == door) {
				LIST_REMOVE(o, entry);
				LIST_INSERT_HEAD(&to->openings, o, entry);
				o->port = to;
				o->wanted = true;
				return true;
			}
	return false;
}

static void
open_door(struct port *p, struct door *door)
{
	unsigned at = p->is_admin ? 0 : p->worker->id;
	struct opening *o = xcalloc(1, sizeof(*o));

	o->port = p;
	o->door = door;
	o->wanted = true;
	o->acceptor =
	    acceptor_new(p->worker->loop, door->fds[at], on_accept, o);
	door->fds[at] = -1;
	if (p->is_admin)
		acceptor_for_admin(o->acceptor);
	LIST_INSERT_HEAD(&p->openings, o, entry);
}

static void
close_unwanted(struct port *p)
{
	struct opening *o, *next;

	for (o = LIST_FIRST(&p->openings); o != NULL; o = next) {
		next = LIST_NEXT(o, entry);
		if (!o->wanted)
			close_opening(o);
	}
}

static void
close_opening(struct opening *o)
{
	LIST_REMOVE(o, entry);
	acceptor_free(o->acceptor);
	free(o);
}

static void
on_accept(void *arg, int fd, const struct addr *peer)
{
	struct opening *o = arg;

	worker_accept(o->port, o->door->key, fd, peer);
}
