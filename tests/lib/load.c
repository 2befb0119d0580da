/*
 * The load generator: one thread per connection, so that each is a plain
 * blocking client; the counts are shared under a lock.
 */
#include <pthread.h>
#include <stdio.h>

#include "tests/lib/load.h"
#include "tests/lib/team.h"
#include "tests/lib/wait.h"

struct load {
	struct load_plan plan;
	struct team *team;
	pthread_mutex_t lock; /* all below */
	struct load_result result;
	unsigned begun;
	bool over;
};

static void *load_thread(void *);
static bool next_request(struct load *, unsigned *id);
static void keep_pace(const struct load *, int64_t started, unsigned id);
static bool connect_client(struct load *, struct client *);
static bool one_request(struct load *, struct client *, unsigned id);
static bool
exchange(struct load *, struct client *, struct response *, unsigned id);
static bool note(struct load *, unsigned *count, const char *why);
static bool note_answer(struct load *, struct response *, unsigned id);

struct load *
load_start(const struct load_plan *plan)
{
	struct load *l = keep(sizeof *l);

	l->plan = *plan;
	if (l->plan.connections == 0)
		l->plan.connections = 1;
	if (l->plan.method == NULL)
		l->plan.method = "GET";
	if (l->plan.path == NULL)
		l->plan.path = "/";
	if (l->plan.fields == NULL)
		l->plan.fields = "";
	pthread_mutex_init(&l->lock, NULL);
	l->team = team_start(l->plan.connections, load_thread, l, 0);
	return l;
}

unsigned
load_requests(struct load *l)
{
	unsigned n;

	pthread_mutex_lock(&l->lock);
	n = l->result.requests;
	pthread_mutex_unlock(&l->lock);
	return n;
}

struct load_result *
load_stop(struct load *l)
{
	pthread_mutex_lock(&l->lock);
	l->over = true;
	pthread_mutex_unlock(&l->lock);
	return load_wait(l);
}

struct load_result *
load_wait(struct load *l)
{
	team_wait(l->team);
	return &l->result;
}

struct load_result *
load_run(const struct load_plan *plan)
{
	return load_wait(load_start(plan));
}

char *
load_reasons(const struct load_result *r)
{
	struct bytes b = { 0 };
	unsigned i;

	bytes_printf(&b,
	    "%u requests, %u ok, %u refused, %u unanswered, "
	    "%u cut, %u mixed",
	    r->requests, r->ok, r->refused, r->unanswered, r->cut, r->mixed);
	for (i = 0; i < 600; i++)
		if (r->status[i] > 0)
			bytes_printf(&b, ", %u × %u", r->status[i], i);
	for (i = 0; i < r->nreasons; i++)
		bytes_printf(&b, "\n%s", r->reasons[i]);
	return b.p;
}

static void *
load_thread(void *arg)
{
	struct load *l = arg;
	struct client c = { .fd = -1 };
	int64_t started = wait_now();
	unsigned id;

	while (next_request(l, &id)) {
		keep_pace(l, started, id);
		if (c.fd == -1 && !connect_client(l, &c)) {
			client_close(&c);
			wait_breathe();
			continue;
		}
		if (!one_request(l, &c, id) || l->plan.fresh)
			client_close(&c);
	}
	client_close(&c);
	return NULL;
}

static bool
next_request(struct load *l, unsigned *id)
{
	bool more;

	pthread_mutex_lock(&l->lock);
	more =
	    !l->over && (l->plan.requests == 0 || l->begun < l->plan.requests);
	if (more)
		*id = l->begun++;
	pthread_mutex_unlock(&l->lock);
	return more;
}

/* The id-th request of all is due at its place in the whole. */
static void
keep_pace(const struct load *l, int64_t started, unsigned id)
{
	int64_t due;

	if (l->plan.rate == 0)
		return;
	due = started + (int64_t)id * 1000 / l->plan.rate;
	if (due > wait_now())
		wait_till(due);
}

static bool
connect_client(struct load *l, struct client *c)
{
	bool ok = l->plan.unix_path != NULL
	    ? client_connect_unix(c, l->plan.unix_path)
	    : client_connect(c, l->plan.port);

	if (ok && l->plan.tls != NULL)
		ok = client_tls(c, l->plan.tls);
	return ok || note(l, &l->result.refused, c->why);
}

/* Whether the connection may be used again. */
static bool
one_request(struct load *l, struct client *c, unsigned id)
{
	struct response r = { 0 };
	bool again = exchange(l, c, &r, id) && response_keeps(&r);

	response_free(&r);
	return again;
}

static bool
exchange(struct load *l, struct client *c, struct response *r, unsigned id)
{
	const struct load_plan *p = &l->plan;
	char turn[16];

	snprintf(turn, sizeof turn, "/%u", p->paths > 0 ? id % p->paths : 0);
	if (!client_print(c,
		"%s %s HTTP/1.1\r\nHost: test\r\n"
		"X-Load-Id: %u\r\n%s%s\r\n",
		p->method, p->paths > 0 ? turn : p->path, id, p->fields,
		p->fresh ? "Connection: close\r\n" : ""))
		return note(l, &l->result.unanswered, c->why);
	if (!client_head(c, r))
		return note(l, &l->result.unanswered, c->why);
	if (!client_body(c, r, p->method))
		return note(l, &l->result.cut, c->why);
	return note_answer(l, r, id);
}

/* Always false. */
static bool
note(struct load *l, unsigned *count, const char *why)
{
	pthread_mutex_lock(&l->lock);
	l->result.requests++;
	++*count;
	if (l->result.nreasons < LOAD_REASONS)
		l->result.reasons[l->result.nreasons++] =
		    keep_printf("%s", why);
	pthread_mutex_unlock(&l->lock);
	return false;
}

static bool
note_answer(struct load *l, struct response *r, unsigned id)
{
	char text[64];

	snprintf(text, sizeof text, "X-Load-Id: %u\r\n", id);
	if (r->status / 100 == 2 && !l->plan.opaque && !response_says(r, text))
		return note(l, &l->result.mixed, r->body.p);
	pthread_mutex_lock(&l->lock);
	l->result.requests++;
	l->result.ok += r->status / 100 == 2;
	if (r->status < 600)
		l->result.status[r->status]++;
	if (r->status >= 400 && l->result.nreasons < LOAD_REASONS)
		l->result.reasons[l->result.nreasons++] =
		    keep_printf("%s", r->head.p);
	pthread_mutex_unlock(&l->lock);
	return true;
}
