/*
 * The canonical form of a configuration.  Sugar and defaults are resolved on
 * the tree, where every value still knows the line it was written in, rather
 * than on the decoded configuration.
 */
#include <string.h>

#include "base/map.h"
#include "conf/errors.h"
#include "conf/grammar.h"
#include "conf/normal.h"
#include "conf/schema.h"

struct normal {
	struct node_reader *reader;
	struct arena *arena;
	struct conf_node *root;
	struct conf_node *upstreams; /* NULL: none yet */
	struct map names; /* of routes */
};

static void move_listen(struct normal *);
static void move_to(struct normal *);
static struct conf_node *own(struct normal *, const char *key, enum node_kind);
static struct conf_node *own_or_new(struct normal *, const char *key,
    enum node_kind, const struct conf_node *like);
static struct conf_node *
word(struct normal *, const char *, const struct conf_node *like);
static struct conf_node *
map_of(struct normal *, const char *key, struct conf_node *value);
static void drop(struct conf_node *map, struct conf_pair *);
static void spread_routes(struct normal *, struct conf_node *routes);
static void name_route(struct normal *, struct conf_node *route);
static struct text name_of(struct normal *, const struct conf_node *route);
static struct text first_text(const struct conf_node *);
static void spread_targets(struct normal *, struct conf_node *route);
static bool is_server(const struct conf_node *);
static void add_upstream(struct normal *, struct conf_node *route,
    struct conf_pair *to, struct conf_node *servers);
static void spread_upstreams(struct normal *, struct conf_node *);
static struct conf_node *
spread_brief(struct normal *, struct conf_node *list, const char *key);
static struct conf_node *default_of(struct normal *, const char *key);
static struct conf_node *lay_under(struct normal *, struct conf_node *base,
    struct conf_node *over, const char *path);
static void lay_key(struct normal *, const struct conf_pair *base,
    struct conf_node *over, const char *path);
static bool count(struct normal *, const struct conf_node *base);

void
normal_tree(struct node_reader *reader, struct conf_node *root)
{
	struct normal m = {
		.reader = reader, .arena = reader->arena, .root = root
	};
	struct conf_node *routes;

	m.upstreams = own(&m, "upstreams", NODE_MAP);
	move_listen(&m);
	move_to(&m);
	if ((routes = own(&m, "routes", NODE_LIST)) != NULL)
		spread_routes(&m, routes);
	if (m.upstreams != NULL)
		spread_upstreams(&m, m.upstreams);
	map_fini(&m.names);
}

struct conf_node *
normal_servers(struct node_reader *reader, struct conf_node *list)
{
	struct normal m = { .reader = reader, .arena = reader->arena };

	return spread_brief(&m, list, "address");
}

static void
move_listen(struct normal *m)
{
	struct conf_pair *listen = node_pair(m->root, TEXT("listen")), *have;
	struct conf_node *listeners, *key, *value;

	if (listen == NULL)
		return;
	key = listen->key;
	value = listen->value;
	drop(m->root, listen);
	listeners = own_or_new(m, "listeners", NODE_MAP, key);
	if (listeners == NULL)
		return;
	have = node_pair(listeners, TEXT("default"));
	if (have != NULL) {
		errors_add(m->reader->errors,
		    &(struct fault){ .place = key->place, .width = key->width },
		    "listen makes a listener 'default', and there is one: "
		    "%s:%u:%u",
		    have->key->place.file, have->key->place.line,
		    have->key->place.column);
		return;
	}
	node_put(m->arena, listeners, word(m, "default", key),
	    map_of(m, "address", value));
}

static void
move_to(struct normal *m)
{
	struct conf_pair *to = node_pair(m->root, TEXT("to"));
	struct conf_node *routes, *route, *key;

	if (to == NULL)
		return;
	key = to->key;
	route = node_map(m->arena, key);
	node_put(
	    m->arena, route, word(m, "name", key), word(m, "default", key));
	node_put(m->arena, route, key, to->value);
	drop(m->root, to);
	routes = own_or_new(m, "routes", NODE_LIST, key);
	if (routes != NULL)
		node_append(m->arena, routes, route);
}

/* A top-level value that may be changed; NULL: none of that kind. */
static struct conf_node *
own(struct normal *m, const char *key, enum node_kind kind)
{
	struct conf_pair *pair = node_pair(m->root, text_of(key));

	if (pair == NULL || pair->value->kind != kind)
		return NULL;
	return pair->value = node_copy(m->arena, pair->value);
}

static struct conf_node *
own_or_new(struct normal *m, const char *key, enum node_kind kind,
    const struct conf_node *like)
{
	struct conf_node *n;

	if (node_get(m->root, key) != NULL)
		return own(m, key, kind);
	n = kind == NODE_MAP ? node_map(m->arena, like)
			     : node_list(m->arena, like);
	node_put(m->arena, m->root, word(m, key, like), n);
	return n;
}

static struct conf_node *
word(struct normal *m, const char *text, const struct conf_node *like)
{
	return node_scalar(m->arena, text_of(text), like);
}

static struct conf_node *
map_of(struct normal *m, const char *key, struct conf_node *value)
{
	struct conf_node *map = node_map(m->arena, value);

	node_put(m->arena, map, word(m, key, value), value);
	return map;
}

static void
drop(struct conf_node *map, struct conf_pair *pair)
{
	map->n--;
	memmove(pair, pair + 1,
	    (size_t)(map->pairs + map->n - pair) * sizeof(*pair));
}

/* Names first: those that are written go before those that are made. */
static void
spread_routes(struct normal *m, struct conf_node *routes)
{
	struct conf_node *base = default_of(m, "route"), *name;
	unsigned i;

	for (i = 0; i < routes->n; i++) {
		if (routes->items[i]->kind != NODE_MAP)
			continue;
		routes->items[i] = node_copy(m->arena, routes->items[i]);
		name = node_get(routes->items[i], "name");
		if (name != NULL && name->kind == NODE_SCALAR)
			map_set(&m->names, name->text, name);
	}
	for (i = 0; i < routes->n; i++) {
		if (routes->items[i]->kind != NODE_MAP)
			continue;
		name_route(m, routes->items[i]);
		spread_targets(m, routes->items[i]);
		if (base != NULL && count(m, base))
			routes->items[i] =
			    lay_under(m, base, routes->items[i], "routes[]");
	}
}

static void
name_route(struct normal *m, struct conf_node *route)
{
	struct text first = name_of(m, route), name = first;
	struct conf_node *n;
	unsigned i;

	if (node_get(route, "name") != NULL)
		return;
	for (i = 2; map_get(&m->names, name) != NULL; i++)
		name = arena_printf(m->arena, "%.*s#%u", TEXT_ARG(first), i);
	n = node_scalar(m->arena, name, route);
	map_set(&m->names, n->text, n);
	node_put(m->arena, route, word(m, "name", route), n);
}

/* Host and path, the first of each, with room for a number behind. */
static struct text
name_of(struct normal *m, const struct conf_node *route)
{
	struct text host = first_text(node_get(route, "host"));
	struct text path = first_text(node_get(route, "path"));

	if (host.n + path.n == 0)
		return TEXT("default");
	return text_first(
	    arena_printf(m->arena, "%.*s%.*s", TEXT_ARG(host), TEXT_ARG(path)),
	    LABEL_MAX - 8);
}

static struct text
first_text(const struct conf_node *n)
{
	if (n != NULL && n->kind == NODE_LIST && n->n > 0)
		n = n->items[0];
	return n != NULL && n->kind == NODE_SCALAR ? n->text : TEXT("");
}

/* Each form of `to' becomes a list of upstreams. */
static void
spread_targets(struct normal *m, struct conf_node *route)
{
	struct conf_pair *to = node_pair(route, TEXT("to"));
	struct conf_node *list;
	unsigned i, servers = 0;

	if (to == NULL || to->value->kind == NODE_MAP ||
	    node_is_empty(to->value))
		return;
	list = to->value;
	if (list->kind == NODE_SCALAR) {
		list = node_list(m->arena, to->value);
		node_append(m->arena, list, to->value);
	}
	for (i = 0; i < list->n; i++)
		servers += is_server(list->items[i]);
	if (servers == 0)
		to->value = spread_brief(m, list, "upstream");
	else if (servers == list->n)
		add_upstream(m, route, to, list);
	else {
		list->bad = true;
		errors_add(m->reader->errors,
		    &(struct fault){ .place = list->place,
			.width = list->width,
			.hint = "addresses have a ':', names have none" },
		    "addresses and names of upstreams in one list");
	}
}

static bool
is_server(const struct conf_node *n)
{
	return n->kind == NODE_SCALAR && text_find(n->text, ':') != -1;
}

static void
add_upstream(struct normal *m, struct conf_node *route, struct conf_pair *to,
    struct conf_node *servers)
{
	struct conf_node *name = node_get(route, "name");
	struct conf_pair *have;

	if (name->kind != NODE_SCALAR)
		return;
	if (m->upstreams == NULL)
		m->upstreams = own_or_new(m, "upstreams", NODE_MAP, to->key);
	to->value = servers;
	servers->bad = true;
	if (m->upstreams == NULL)
		return;
	have = node_pair(m->upstreams, name->text);
	if (have != NULL) {
		errors_add(m->reader->errors,
		    &(struct fault){ .place = to->key->place,
			.width = to->key->width,
			.hint = "give the route another name" },
		    "these servers make an upstream '%.60s' after the route, "
		    "and there is one: %s:%u:%u",
		    name->text.p, have->key->place.file, have->key->place.line,
		    have->key->place.column);
		return;
	}
	servers->bad = false;
	node_put(m->arena, m->upstreams,
	    node_scalar(m->arena, name->text, servers), servers);
	to->value = node_list(m->arena, servers);
	node_append(m->arena, to->value,
	    map_of(m, "upstream", node_scalar(m->arena, name->text, servers)));
}

static void
spread_upstreams(struct normal *m, struct conf_node *upstreams)
{
	struct conf_node *base = default_of(m, "upstream"), *u;
	struct conf_pair *servers;
	unsigned i;

	for (i = 0; i < upstreams->n; i++) {
		u = upstreams->pairs[i].value;
		u = u->kind == NODE_LIST ? map_of(m, "servers", u)
					 : node_copy(m->arena, u);
		if ((servers = node_pair(u, TEXT("servers"))) != NULL)
			servers->value =
			    spread_brief(m, servers->value, "address");
		if (base != NULL && count(m, base))
			u = lay_under(m, base, u, "upstreams.NAME");
		upstreams->pairs[i].value = u;
	}
}

/* A list in which each plain value has become a map with that key. */
static struct conf_node *
spread_brief(struct normal *m, struct conf_node *list, const char *key)
{
	struct conf_node *spread;
	unsigned i;

	if (list->kind != NODE_LIST)
		return list;
	spread = node_list(m->arena, list);
	for (i = 0; i < list->n; i++)
		node_append(m->arena, spread,
		    list->items[i]->kind == NODE_SCALAR
			? map_of(m, key, list->items[i])
			: list->items[i]);
	return spread;
}

static struct conf_node *
default_of(struct normal *m, const char *key)
{
	return node_get(node_get(m->root, "defaults"), key);
}

/*
 * `over' with what only `base' has.  A block with its own type or policy
 * replaces the default block whole: half of another kind makes no sense.
 */
static struct conf_node *
lay_under(struct normal *m, struct conf_node *base, struct conf_node *over,
    const char *path)
{
	struct conf_node *both;
	unsigned i;

	if (base->kind != NODE_MAP || over->kind != NODE_MAP ||
	    node_get(over, "type") != NULL || node_get(over, "policy") != NULL)
		return over;
	both = node_copy(m->arena, over);
	for (i = 0; i < base->n; i++)
		lay_key(m, &base->pairs[i], both, path);
	return both;
}

static void
lay_key(struct normal *m, const struct conf_pair *base, struct conf_node *over,
    const char *path)
{
	const struct key *row = key_child(path, base->key->text);
	struct conf_pair *have = node_pair(over, base->key->text);
	unsigned flags = row != NULL ? row->flags : KEY_OFF;

	if ((flags & KEY_NO_DEFAULT) != 0)
		return;
	if (have == NULL)
		node_put(m->arena, over, base->key, base->value);
	else if ((flags & KEY_OFF) == 0 && node_is_word(have->value, "off"))
		drop(over, have);
	else
		have->value = lay_under(m, base->value, have->value,
		    row != NULL ? row->path : path);
}

/* Defaults count as often as they are used. */
static bool
count(struct normal *m, const struct conf_node *base)
{
	if (base->size > NODES_MAX - m->reader->nodes) {
		if (m->reader->nodes < NODES_MAX)
			errors_add(m->reader->errors,
			    &(struct fault){ .place = base->place },
			    "more than %u values with these defaults",
			    NODES_MAX);
		m->reader->nodes = NODES_MAX;
		return false;
	}
	m->reader->nodes += base->size;
	return true;
}
