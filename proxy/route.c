/*
 * The route table: PURE.  Routes are spread into entries of one host and one
 * path pattern each, grouped by host and sorted so that the first entry that
 * fits is the most specific.  Immutable once compiled; any worker reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/route.h"

#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"

struct entry {
	struct text path; /* exact, or the prefix without "*" */
	bool any_path, exact;
	unsigned conditions; /* beyond host and path */
	int route;
};

struct group {
	struct text host; /* "x.y", "*.x.y", or "" for any */
	struct entry *entries;
	unsigned n, cap;
};

struct route_table {
	const struct conf *conf;
	struct group **groups;
	unsigned ngroups;
	struct map by_host;
	struct group *any;
	bool named, wild; /* there are groups of hosts, of wildcards */
};

static void add_route(struct route_table *, int);
static void add_host(struct route_table *, int, struct text);
static struct group *group_of(struct route_table *, struct text);
static void
add_entry(struct group *, const struct conf_route *, int, const char *);
static int more_specific(const void *, const void *);
static int asked_first(const void *, const void *);
static bool in_group(const struct route_table *, const struct group *,
    const struct route_query *, struct route_answer *);
static bool path_fits(const struct entry *, struct text);
static bool listener_fits(const struct conf_route *, unsigned);
static bool method_fits(const struct conf_route *, const struct route_query *);
static struct group *next_group(const struct route_table *, struct text *);
static uint64_t stride_of(unsigned);
static unsigned common_factor(unsigned, unsigned);
static size_t allow_add(char *, size_t, size_t, const char *);

struct route_table *
route_compile(const struct conf *conf)
{
	struct route_table *t = xcalloc(1, sizeof(*t));

	t->conf = conf;
	for (unsigned i = 0; i < conf->nroutes; i++)
		add_route(t, (int)i);
	for (unsigned i = 0; i < t->ngroups; i++)
		qsort(t->groups[i]->entries, t->groups[i]->n,
		    sizeof(struct entry), more_specific);
	if (t->ngroups > 1)
		qsort(
		    t->groups, t->ngroups, sizeof(struct group *), asked_first);
	t->any = map_get(&t->by_host, TEXT(""));
	return t;
}

void
route_free(struct route_table *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->ngroups; i++) {
		free(t->groups[i]->entries);
		free(t->groups[i]);
	}
	free(t->groups);
	map_fini(&t->by_host);
	free(t);
}

struct route_answer
route_match(const struct route_table *t, const struct route_query *q)
{
	struct route_answer answer = { .route = -1 };
	struct text host = q->host;
	struct group *g;

	g = host.n == 0 || !t->named ? NULL : map_get(&t->by_host, host);
	if (g != NULL && in_group(t, g, q, &answer))
		return answer;
	while (t->wild && host.n > 0 && (g = next_group(t, &host)) != NULL)
		if (in_group(t, g, q, &answer))
			return answer;
	if (t->any != NULL)
		in_group(t, t->any, q, &answer);
	return answer;
}

size_t
route_allow(const struct route_table *t, const struct route_query *q, char *to,
    size_t size)
{
	struct route_query probe = *q;
	size_t n = 0;

	for (enum method m = METHOD_GET; m < METHOD_COUNT; m++) {
		probe.method = m;
		probe.method_name = text_of(method_label(m));
		if (route_match(t, &probe).route != -1)
			n = allow_add(to, n, size, method_label(m));
	}
	return n;
}

/*
 * Tickets are spread over the whole by a stride that shares no factor with it:
 * each run of `total' tickets is exact, and no target gets its turns in a row.
 */
unsigned
route_target(const struct conf_route *r, uint64_t ticket)
{
	unsigned total = 0, at, i;

	for (i = 0; i < r->ntargets; i++)
		total += r->targets[i].weight;
	if (total == 0)
		return 0;
	at = (unsigned)(ticket % total * stride_of(total) % total);
	for (i = 0; at >= r->targets[i].weight; i++)
		at -= r->targets[i].weight;
	return i;
}

int
route_in_order(const struct route_table *t, unsigned i)
{
	for (unsigned g = 0; g < t->ngroups; g++) {
		if (i < t->groups[g]->n)
			return t->groups[g]->entries[i].route;
		i -= t->groups[g]->n;
	}
	return -1;
}

static void
add_route(struct route_table *t, int i)
{
	const struct conf_route *r = &t->conf->routes[i];

	if (r->nhosts == 0)
		add_host(t, i, TEXT(""));
	for (unsigned h = 0; h < r->nhosts; h++)
		add_host(t, i, text_of(r->hosts[h]));
}

static void
add_host(struct route_table *t, int i, struct text host)
{
	const struct conf_route *r = &t->conf->routes[i];
	struct group *g = group_of(t, host);

	if (r->npaths == 0)
		add_entry(g, r, i, NULL);
	for (unsigned p = 0; p < r->npaths; p++)
		add_entry(g, r, i, r->paths[p]);
}

static struct group *
group_of(struct route_table *t, struct text host)
{
	struct group *g = map_get(&t->by_host, host);

	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->host = host;
	t->named |= host.n > 0;
	t->wild |= host.n > 0 && host.p[0] == '*';
	map_set(&t->by_host, host, g);
	t->groups = xrealloc(t->groups, (t->ngroups + 1) * sizeof(*t->groups));
	t->groups[t->ngroups++] = g;
	return g;
}

static void
add_entry(
    struct group *g, const struct conf_route *r, int route, const char *path)
{
	struct entry e = {
		.any_path = path == NULL,
		.conditions = (r->nmethods > 0 ? 1u : 0) +
		    (r->on_listener != NULL ? 1u : 0),
		.route = route,
	};

	if (path != NULL) {
		e.path = text_of(path);
		e.exact = e.path.n == 0 || e.path.p[e.path.n - 1] != '*';
		if (!e.exact)
			e.path.n--;
	}
	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 4 : 2 * g->cap;
		g->entries = xrealloc(g->entries, g->cap * sizeof(e));
	}
	g->entries[g->n++] = e;
}

static int
more_specific(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	if (a->exact != b->exact)
		return a->exact ? -1 : 1;
	if (a->path.n != b->path.n)
		return a->path.n > b->path.n ? -1 : 1;
	if (a->conditions != b->conditions)
		return a->conditions > b->conditions ? -1 : 1;
	return a->route - b->route;
}

/* Exact hosts, then wildcards from the longest on, then any. */
static int
asked_first(const void *pa, const void *pb)
{
	const struct group *a = *(struct group *const *)pa;
	const struct group *b = *(struct group *const *)pb;
	int wild_a = a->host.n == 0 || a->host.p[0] == '*';
	int wild_b = b->host.n == 0 || b->host.p[0] == '*';

	if (wild_a != wild_b)
		return wild_a - wild_b;
	if (a->host.n != b->host.n)
		return a->host.n > b->host.n ? -1 : 1;
	return a->host.n == 0 ? 0 : memcmp(a->host.p, b->host.p, a->host.n);
}

static bool
in_group(const struct route_table *t, const struct group *g,
    const struct route_query *q, struct route_answer *answer)
{
	for (unsigned i = 0; i < g->n; i++) {
		const struct entry *e = &g->entries[i];
		const struct conf_route *r = &t->conf->routes[e->route];

		if (!path_fits(e, q->path) || !listener_fits(r, q->listener))
			continue;
		if (method_fits(r, q)) {
			answer->route = e->route;
			answer->other_method = false;
			return true;
		}
		answer->other_method = true;
	}
	return false;
}

/* "/a/" + "*" is /a and all below it, by whole segments. */
static bool
path_fits(const struct entry *e, struct text path)
{
	if (e->any_path)
		return true;
	if (e->exact)
		return text_equal(e->path, path);
	if (path.n > 0 && path.n + 1 == e->path.n)
		return memcmp(path.p, e->path.p, path.n) == 0;
	return text_starts(path, e->path);
}

static bool
listener_fits(const struct conf_route *r, unsigned listener)
{
	if (r->on_listener == NULL)
		return true;
	return listener != ROUTE_NO_LISTENER && r->on_listener[listener];
}

static bool
method_fits(const struct conf_route *r, const struct route_query *q)
{
	if (q->method == METHOD_CONNECT)
		return r->connect;
	if (r->nmethods == 0)
		return true;
	for (unsigned i = 0; i < r->nmethods; i++) {
		if (text_equal(text_of(r->methods[i]), q->method_name))
			return true;
		if (q->method == METHOD_HEAD &&
		    strcmp(r->methods[i], "GET") == 0)
			return true;
	}
	return false;
}

/* Near the golden section of the whole, which spreads best. */
static uint64_t
stride_of(unsigned total)
{
	unsigned stride = (unsigned)((uint64_t)total * 618 / 1000);

	while (common_factor(stride, total) != 1)
		stride++;
	return stride;
}

static unsigned
common_factor(unsigned a, unsigned b)
{
	while (b != 0) {
		unsigned rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The next wider wildcard that has a group: "*.b.c" for a.b.c, then "*.c". */
static struct group *
next_group(const struct route_table *t, struct text *host)
{
	char wild[260] = "*";
	ptrdiff_t dot;

	while ((dot = text_find(*host, '.')) != -1) {
		struct text rest = text_from(*host, (size_t)dot);
		struct group *g;

		*host = text_from(rest, 1);
		if (rest.n + 1 > sizeof(wild))
			continue;
		memcpy(wild + 1, rest.p, rest.n);
		g = map_get(&t->by_host, (struct text){ wild, rest.n + 1 });
		if (g != NULL)
			return g;
	}
	*host = TEXT_NONE;
	return NULL;
}

static size_t
allow_add(char *to, size_t n, size_t size, const char *method)
{
	struct text word = text_of(method);

	if (n + 2 + word.n >= size)
		return n;
	if (n > 0) {
		memcpy(to + n, ", ", 2);
		n += 2;
	}
	memcpy(to + n, word.p, word.n);
	return n + word.n;
}
