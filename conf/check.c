/*
 * Checks across the tree: what must be there, what may be there only once,
 * and what is named in one place and defined in another.  The canonical tree
 * and the decoded configuration run in parallel, item by item, so that each
 * finding points at the line it comes from.
 */
#include "conf/check.h"
#include "conf/decode.h"
#include "conf/suggest.h"

static void check_presence(struct check *);
static void check_listeners(struct check *, struct conf_node *map);
static void
check_listener(struct check *, struct conf_listener *, struct conf_node *);
static void check_address(struct check *, struct map *seen,
    struct conf_address *, struct conf_node *, const char *owner);
static void check_dns_servers(struct check *, struct conf_node *);
static void check_upstreams(struct check *, struct conf_node *map);
static void check_unused(struct check *, struct conf_node *map);
static void
vfault(struct check *, const struct conf_node *, bool warning, const char *hint,
    const char *, va_list) __attribute__((format(printf, 5, 0)));

void
check_conf(struct conf *conf, struct conf_errors *errors)
{
	struct check x = { .conf = conf, .errors = errors };
	struct conf_node *routes = node_get(conf->tree, "routes");
	struct conf_node *upstreams = node_get(conf->tree, "upstreams");

	x.used = arena_zalloc(&conf->arena, conf->nupstreams + 1);
	check_presence(&x);
	check_listeners(&x, node_get(conf->tree, "listeners"));
	check_dns_servers(&x,
	    node_get(
		node_get(node_get(conf->tree, "discovery"), "dns"), "servers"));
	check_upstreams(&x, upstreams);
	check_routes(&x, routes);
	check_consul(&x, &conf->consul,
	    node_get(node_get(conf->tree, "discovery"), "consul"));
	if (errors->nerrors == 0) {
		check_unused(&x, upstreams);
		check_shadows(&x, routes);
	}
	map_fini(&x.upstreams);
	map_fini(&x.listeners);
}

void
check_fault(struct check *x, struct conf_node *n, const char *hint,
    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfault(x, n, false, hint, format, ap);
	va_end(ap);
	if (n != NULL)
		n->bad = true;
}

void
check_warning(struct check *x, const struct conf_node *n, const char *hint,
    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfault(x, n, true, hint, format, ap);
	va_end(ap);
}

const char *
check_near(struct check *x, const struct conf_node *names, struct text name)
{
	struct nearest near = { .to = name };
	const struct conf_node *key;
	unsigned i;

	for (i = 0; names != NULL && i < names->n; i++)
		nearest_offer(&near, names->pairs[i].key->text);
	if (near.found.p == NULL)
		return "";
	key = node_pair(names, near.found)->key;
	return arena_printf(&x->conf->arena,
	    "; did you mean '%.*s' (%s:%u:%u)?", TEXT_ARG(near.found),
	    key->place.file, key->place.line, key->place.column)
	    .p;
}

const char *
check_address_key(struct check *x, const struct conf_address *a)
{
	const struct endpoint *e = &a->endpoint;
	char text[ADDR_TEXT_MAX];

	if (a->text == NULL)
		return NULL;
	if (e->is_name)
		return arena_printf(&x->conf->arena, "%s:%u",
		    value_folded(&x->conf->arena, e->host).p, e->port)
		    .p;
	if (e->port == 0 && !addr_is_unix(&e->addr))
		return NULL;
	addr_print(&e->addr, text);
	return arena_strdup(&x->conf->arena, text);
}

static void
check_presence(struct check *x)
{
	const struct conf_node *tree = x->conf->tree;
	struct fault f = { .place = tree->place, .width = tree->width };

	if (node_get(tree, "listeners") == NULL) {
		f.hint = "write listen: :8080";
		errors_add(x->errors, &f, "there is no listener");
	}
	if (node_get(tree, "routes") == NULL) {
		f.hint = "write to: 127.0.0.1:9001, or routes:";
		errors_add(x->errors, &f, "there is no route");
	}
	x->conf->admin_is_default =
	    node_get(node_get(tree, "admin"), "address") == NULL;
}

static void
check_listeners(struct check *x, struct conf_node *map)
{
	struct conf *conf = x->conf;
	struct map seen = { 0 };
	struct conf_node *n;
	unsigned i, a;

	for (i = 0; i < conf->nlisteners; i++) {
		map_set(&x->listeners, text_of(conf->listeners[i].name),
		    &conf->listeners[i]);
		check_listener(x, &conf->listeners[i], map->pairs[i].value);
		n = node_get(map->pairs[i].value, "address");
		for (a = 0; a < conf->listeners[i].naddresses; a++)
			check_address(x, &seen,
			    &conf->listeners[i].addresses[a],
			    n->kind == NODE_LIST ? n->items[a] : n,
			    conf->listeners[i].name);
	}
	if (conf->admin_on)
		check_address(x, &seen, &conf->admin_address,
		    node_get(node_get(conf->tree, "admin"), "address"),
		    "admin");
	map_fini(&seen);
}

static void
check_listener(struct check *x, struct conf_listener *l, struct conf_node *n)
{
	if (strcmp(l->name, "admin") == 0)
		check_fault(x, n, "give it another name",
		    "listeners.admin: this name is the admin endpoint's own");
	if (l->redirect_https && l->tls)
		check_fault(x, node_get(n, "redirect"),
		    "leave it out, or the tls block",
		    "listeners.%s.redirect: a listener with tls has nothing "
		    "to redirect to",
		    l->name);
}

static void
check_address(struct check *x, struct map *seen, struct conf_address *a,
    struct conf_node *n, const char *owner)
{
	const char *key = check_address_key(x, a);
	struct conf_address *first;

	if (key == NULL)
		return;
	first = map_get(seen, text_of(key));
	if (first == NULL)
		map_set(seen, text_of(key), a);
	else
		check_fault(x, n, NULL,
		    "%s: address %.60s is taken, at "
		    "%s:%u:%u",
		    owner, a->text, first->place.file, first->place.line,
		    first->place.column);
}

/* Nobody can be asked where somebody is that can be asked. */
static void
check_dns_servers(struct check *x, struct conf_node *n)
{
	const struct conf *conf = x->conf;
	const struct conf_address *a;

	for (unsigned i = 0; i < conf->ndns_servers; i++) {
		a = &conf->dns_servers[i];
		if (a->text != NULL &&
		    (a->endpoint.is_name || addr_is_unix(&a->endpoint.addr)))
			check_fault(x, n->kind == NODE_LIST ? n->items[i] : n,
			    "write 127.0.0.1:53",
			    "discovery.dns.servers: '%.60s': a DNS server is "
			    "given by its IP address",
			    a->text);
	}
}

static void
check_upstreams(struct check *x, struct conf_node *map)
{
	struct conf_upstream *u;
	unsigned i;

	for (i = 0; i < x->conf->nupstreams; i++) {
		u = &x->conf->upstreams[i];
		map_set(&x->upstreams, text_of(u->name), u);
		check_upstream(x, u, &map->pairs[i]);
	}
}

static void
check_unused(struct check *x, struct conf_node *map)
{
	unsigned i;

	for (i = 0; i < x->conf->nupstreams; i++)
		if (!x->used[i])
			check_warning(x, map->pairs[i].key, NULL,
			    "upstreams.%.60s: no route uses it",
			    x->conf->upstreams[i].name);
}

static void
vfault(struct check *x, const struct conf_node *n, bool warning,
    const char *hint, const char *format, va_list ap)
{
	if (n == NULL || n->bad)
		return;
	errors_vadd(x->errors,
	    &(struct fault){ .place = n->place,
		.width = n->width,
		.warning = warning,
		.hint = hint },
	    format, ap);
}
