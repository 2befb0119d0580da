/*
 * Checks of the routes: what they do, where they lead, and whether a request
 * can reach them at all.
 */
#include <string.h>

#include "conf/check.h"

#define COMBINATIONS_MAX 64 /* of hosts and paths: enough for a warning */

/* One host and path of a route, in a chain of those with the same. */
struct condition {
	const struct conf_route *route;
	struct condition *next;
};

static void check_route(
    struct check *, struct conf_route *, unsigned i, struct conf_node *);
static void check_action(
    struct check *, struct conf_route *, unsigned i, struct conf_node *);
static void check_targets(
    struct check *, struct conf_route *, unsigned i, struct conf_node *list);
static void check_on(
    struct check *, struct conf_route *, unsigned i, struct conf_node *names);
static void check_on_one(
    struct check *, struct conf_route *, unsigned i, struct conf_node *name);
static const struct conf_route *
shadow_of(struct check *, struct map *, const struct conf_route *);
static bool shadows(const struct check *, const struct conf_route *,
    const struct conf_route *later);
static bool
all_in(const char **some, unsigned nsome, const char **all, unsigned nall);
static void
add_conditions(struct check *, struct map *, const struct conf_route *);
static struct text condition_key(
    struct check *, const struct conf_route *, unsigned host, unsigned path);

void
check_routes(struct check *x, struct conf_node *list)
{
	struct conf *conf = x->conf;
	struct map names = { 0 };
	struct conf_node *name, *first;
	unsigned i;

	for (i = 0; i < conf->nroutes; i++) {
		check_route(x, &conf->routes[i], i, list->items[i]);
		name = node_get(list->items[i], "name");
		if (name == NULL || name->kind != NODE_SCALAR)
			continue;
		if ((first = map_get(&names, name->text)) != NULL)
			check_fault(x, name, NULL,
			    "routes[%u].name: a second "
			    "route '%.60s', first at %s:%u:%u",
			    i, name->text.p, first->place.file,
			    first->place.line, first->place.column);
		else
			map_set(&names, name->text, name);
	}
	map_fini(&names);
}

/* Only for a configuration without faults. */
void
check_shadows(struct check *x, struct conf_node *list)
{
	const struct conf_route *first;
	struct map conditions = { 0 };
	unsigned i;

	for (i = 0; i < x->conf->nroutes; i++) {
		first = shadow_of(x, &conditions, &x->conf->routes[i]);
		if (first != NULL)
			check_warning(x, list->items[i], NULL,
			    "routes[%u] is "
			    "never reached: '%.60s' at %s:%u:%u has the same "
			    "conditions",
			    i, first->name, first->place.file,
			    first->place.line, first->place.column);
		add_conditions(x, &conditions, &x->conf->routes[i]);
	}
	map_fini(&conditions);
}

static void
check_route(
    struct check *x, struct conf_route *r, unsigned i, struct conf_node *n)
{
	struct conf_node *listeners = node_get(n, "listeners");

	if (n->kind != NODE_MAP)
		return;
	check_action(x, r, i, n);
	if (listeners != NULL && !listeners->bad)
		check_on(x, r, i, listeners);
}

static void
check_action(
    struct check *x, struct conf_route *r, unsigned i, struct conf_node *n)
{
	static const char *const actions[] = {
		[ACTION_PROXY] = "to",
		[ACTION_RESPOND] = "respond",
		[ACTION_REDIRECT] = "redirect",
	};
	struct conf_pair *pair;
	unsigned a, found = 0;

	for (a = 0; a < sizeof(actions) / sizeof(*actions); a++) {
		if ((pair = node_pair(n, text_of(actions[a]))) == NULL)
			continue;
		r->action = (enum conf_action)a;
		if (found++ > 0)
			check_fault(x, pair->key,
			    "exactly one of to, respond "
			    "and redirect",
			    "routes[%u]: a second action", i);
	}
	if (found == 0)
		check_fault(x, n, "one of to, respond and redirect",
		    "routes[%u] says nothing to do", i);
	pair = node_pair(n, TEXT("redirect"));
	if (pair != NULL && pair->value->kind == NODE_MAP &&
	    r->redirect_scheme == NULL && r->redirect_host == NULL &&
	    r->redirect_path == NULL && x->errors->nerrors == 0)
		check_fault(x, pair->key, "give it a scheme, host or path",
		    "routes[%u].redirect leads back to where it came from", i);
	pair = node_pair(n, TEXT("connect"));
	if (r->connect && r->action != ACTION_PROXY && pair != NULL)
		check_fault(x, pair->key, "CONNECT is for a server to answer",
		    "routes[%u].connect without to", i);
	check_targets(x, r, i, node_get(n, "to"));
}

static void
check_targets(
    struct check *x, struct conf_route *r, unsigned i, struct conf_node *list)
{
	struct conf_node *names = node_get(x->conf->tree, "upstreams"), *name;
	struct conf_upstream *u;
	const char *near;
	unsigned t, weight = 0;

	if (names != NULL && (names->bad || names->kind != NODE_MAP))
		return;
	for (t = 0; t < r->ntargets; t++) {
		weight += r->targets[t].weight;
		name = node_get(list->items[t], "upstream");
		if (name == NULL || name->kind != NODE_SCALAR)
			continue;
		if ((u = map_get(&x->upstreams, name->text)) == NULL) {
			near = check_near(x, names, name->text);
			check_fault(x, name,
			    near[0] != '\0'
				? NULL
				: "a server's address has a port: host:port",
			    "routes[%u].to: no upstream is named '%.60s'%s", i,
			    name->text.p, near);
			continue;
		}
		r->targets[t].upstream = (unsigned)(u - x->conf->upstreams);
		x->used[r->targets[t].upstream] = true;
	}
	if (r->ntargets > 0 && weight == 0 && x->errors->nerrors == 0)
		check_fault(
		    x, list, NULL, "routes[%u].to: all weights are 0", i);
}

static void
check_on(
    struct check *x, struct conf_route *r, unsigned i, struct conf_node *names)
{
	unsigned n;

	r->on_listener = arena_zalloc(&x->conf->arena, x->conf->nlisteners + 1);
	if (names->kind == NODE_SCALAR)
		check_on_one(x, r, i, names);
	for (n = 0; names->kind == NODE_LIST && n < names->n; n++)
		check_on_one(x, r, i, names->items[n]);
}

static void
check_on_one(
    struct check *x, struct conf_route *r, unsigned i, struct conf_node *name)
{
	struct conf_node *names = node_get(x->conf->tree, "listeners");
	struct conf_listener *l;

	if (name->kind != NODE_SCALAR ||
	    (names != NULL && (names->bad || names->kind != NODE_MAP)))
		return;
	if ((l = map_get(&x->listeners, name->text)) != NULL)
		r->on_listener[l - x->conf->listeners] = true;
	else
		check_fault(x, name, NULL,
		    "routes[%u].listeners: no listener is named '%.60s'%s", i,
		    name->text.p, check_near(x, names, name->text));
}

/* An earlier route that takes every request this one could take. */
static const struct conf_route *
shadow_of(struct check *x, struct map *conditions, const struct conf_route *r)
{
	const struct condition *c;

	c = map_get(conditions, condition_key(x, r, 0, 0));
	for (; c != NULL; c = c->next)
		if (shadows(x, c->route, r))
			return c->route;
	return NULL;
}

/* As specific, and earlier: one with fewer conditions would lose. */
static bool
shadows(const struct check *x, const struct conf_route *r,
    const struct conf_route *later)
{
	unsigned i;

	if ((r->on_listener == NULL) != (later->on_listener == NULL))
		return false;
	for (i = 0; r->on_listener != NULL && i < x->conf->nlisteners; i++)
		if (later->on_listener[i] && !r->on_listener[i])
			return false;
	return all_in(later->hosts, later->nhosts, r->hosts, r->nhosts) &&
	    all_in(later->paths, later->npaths, r->paths, r->npaths) &&
	    all_in(later->methods, later->nmethods, r->methods, r->nmethods);
}

/* No condition equals only no condition. */
static bool
all_in(const char **some, unsigned nsome, const char **all, unsigned nall)
{
	unsigned i, k;

	if (nsome == 0 || nall == 0)
		return nsome == nall;
	for (i = 0; i < nsome; i++) {
		for (k = 0; k < nall && strcmp(some[i], all[k]) != 0; k++)
			continue;
		if (k == nall)
			return false;
	}
	return true;
}

static void
add_conditions(
    struct check *x, struct map *conditions, const struct conf_route *r)
{
	unsigned hosts = r->nhosts > 0 ? r->nhosts : 1;
	unsigned paths = r->npaths > 0 ? r->npaths : 1;
	struct condition *c;
	struct text key;
	unsigned h, p;

	if (hosts > COMBINATIONS_MAX || paths > COMBINATIONS_MAX / hosts)
		return;
	for (h = 0; h < hosts; h++)
		for (p = 0; p < paths; p++) {
			key = condition_key(x, r, h, p);
			c = arena_alloc(&x->conf->arena, sizeof(*c));
			c->route = r;
			c->next = map_get(conditions, key);
			map_set(conditions, key, c);
		}
}

static struct text
condition_key(
    struct check *x, const struct conf_route *r, unsigned host, unsigned path)
{
	return arena_printf(&x->conf->arena, "%s %s",
	    r->nhosts > 0 ? r->hosts[host] : "",
	    r->npaths > 0 ? r->paths[path] : "");
}
