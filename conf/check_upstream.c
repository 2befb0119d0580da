/* Checks of one upstream: where its servers come from, they and its breaker. */
#include <errno.h>
#include <unistd.h>

#include "conf/check.h"

static void
check_origin(struct check *, struct conf_upstream *, const struct conf_pair *);
static void
check_provider(struct check *, struct conf_upstream *, struct conf_node *);
static unsigned check_asked(struct conf_node *, struct conf_node **);
static void
check_dns(struct check *, struct conf_upstream *, struct conf_node *);
static void
check_server(struct check *, struct conf_upstream *, struct conf_server *,
    struct conf_node *, struct map *addresses, struct map *names);
static void
check_breaker(struct check *, struct conf_upstream *, struct conf_node *);

void
check_upstream(
    struct check *x, struct conf_upstream *u, const struct conf_pair *pair)
{
	struct conf_node *n = pair->value;
	struct conf_node *breaker = node_get(n, "circuit_breaker");

	check_origin(x, u, pair);
	check_servers(x, u, node_get(n, "servers"));
	if (u->breaker.on && breaker != NULL && !breaker->bad)
		check_breaker(x, u, breaker);
	if (!u->probe.on && !u->breaker.on &&
	    (u->nservers > 0 || u->discover.on))
		check_warning(x, pair->key, NULL,
		    "upstreams.%.60s has neither "
		    "health_check nor circuit_breaker: only failing requests "
		    "tell that a server is ill",
		    u->name);
}

/* Exactly one of them says who its servers are. */
static void
check_origin(
    struct check *x, struct conf_upstream *u, const struct conf_pair *pair)
{
	struct conf_node *n = pair->value, *discover = node_get(n, "discover");

	if (n->kind != NODE_MAP)
		return;
	if (node_get(n, "servers") == NULL && !u->discover.on &&
	    (discover == NULL || !discover->bad))
		check_fault(x, pair->key, "list them, or write discover",
		    "upstreams.%.60s.servers is missing", u->name);
	else if (node_get(n, "servers") != NULL && u->discover.on)
		check_fault(x, discover, "leave one of them out",
		    "upstreams.%.60s has both servers and discover", u->name);
	else if (u->discover.on)
		check_provider(x, u, discover);
}

/* And exactly one is asked. */
static void
check_provider(
    struct check *x, struct conf_upstream *u, struct conf_node *discover)
{
	const char *file = u->discover.file;
	struct conf_node *last = discover;
	unsigned asked = check_asked(discover, &last);

	if (asked == 0)
		check_fault(x, discover, "write file, consul or dns",
		    "upstreams.%.60s.discover does not say whom to ask",
		    u->name);
	else if (asked > 1)
		check_fault(x, last,
		    "leave all but one of file, consul and dns",
		    "upstreams.%.60s.discover asks more than one", u->name);
	else if (u->discover.dns.on)
		check_dns(x, u, last);
	else if (file != NULL && access(file, R_OK) == -1)
		check_warning(x, last, NULL,
		    "upstreams.%.60s.discover.file: cannot read '%.200s' "
		    "now: %s; the upstream has no servers until it can be",
		    u->name, file, strerror(errno));
}

/* How many of them, and the last of these. */
static unsigned
check_asked(struct conf_node *discover, struct conf_node **last)
{
	static const char *const names[] = { "file", "consul", "dns" };
	unsigned asked = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct conf_node *n = node_get(discover, names[i]);

		if (n == NULL || node_is_word(n, "off"))
			continue;
		asked++;
		*last = n;
	}
	return asked;
}

static void
check_dns(struct check *x, struct conf_upstream *u, struct conf_node *n)
{
	struct discover_dns *dns = &u->discover.dns;
	struct conf_node *port = node_get(n, "port");
	struct conf_node *type = node_get(n, "type");
	const struct conf *conf = x->conf;

	if (type != NULL && type->bad)
		return;
	if (dns->type == DISCOVER_DNS_SRV && port != NULL)
		check_fault(x, port, "leave it out, or write type: A",
		    "upstreams.%.60s.discover.dns.port: SRV records say the "
		    "ports",
		    u->name);
	else if (dns->type != DISCOVER_DNS_SRV && port == NULL)
		check_fault(x, n, NULL,
		    "upstreams.%.60s.discover.dns.port is missing", u->name);
	dns->min_ttl_ns = conf->dns_min_ttl_ns;
	for (unsigned i = 0; i < conf->ndns_servers; i++)
		if (conf->dns_servers[i].text != NULL)
			dns->servers = arena_printf(&x->conf->arena, "%s%s%s",
			    dns->servers != NULL ? dns->servers : "",
			    dns->servers != NULL ? "," : "",
			    conf->dns_servers[i].text)
					   .p;
}

void
check_servers(struct check *x, struct conf_upstream *u, struct conf_node *list)
{
	struct map addresses = { 0 }, names = { 0 };
	unsigned i, weight = 0;

	for (i = 0; i < u->nservers; i++) {
		check_server(
		    x, u, &u->servers[i], list->items[i], &addresses, &names);
		weight += u->servers[i].weight;
	}
	if (u->nservers > 0 && weight == 0 && x->errors->nerrors == 0)
		check_warning(x, list, NULL,
		    "upstreams.%.60s.servers: all "
		    "weights are 0, so no server gets a request",
		    u->name);
	map_fini(&addresses);
	map_fini(&names);
}

static void
check_server(struct check *x, struct conf_upstream *u, struct conf_server *srv,
    struct conf_node *n, struct map *addresses, struct map *names)
{
	const char *key = check_address_key(x, &srv->address);
	struct conf_node *address = node_get(n, "address"), *first;

	if (key == NULL)
		return;
	if ((first = map_get(addresses, text_of(key))) != NULL)
		check_fault(x, address, "use weight for a larger share",
		    "upstreams.%.60s: server %.60s a second time, first at "
		    "%s:%u:%u",
		    u->name, srv->address.text, first->place.file,
		    first->place.line, first->place.column);
	else
		map_set(addresses, text_of(key), address);
	if (srv->name == NULL)
		srv->name = srv->address.text;
	else if ((first = map_get(names, text_of(srv->name))) != NULL)
		check_fault(x, node_get(n, "name"), NULL,
		    "upstreams.%.60s: a second server '%.60s', first at "
		    "%s:%u:%u",
		    u->name, srv->name, first->place.file, first->place.line,
		    first->place.column);
	map_set(names, text_of(srv->name), n);
}

static void
check_breaker(struct check *x, struct conf_upstream *u, struct conf_node *n)
{
	const struct breaker_options *b = &u->breaker;
	struct conf_node *value = node_get(n, "failure_rate");
	struct conf_node *in_a_row = node_get(n, "consecutive_failures");

	if (b->failure_percent == 0 && b->consecutive_failures == 0 &&
	    (in_a_row == NULL || !in_a_row->bad))
		check_fault(x, value, "give consecutive_failures a number",
		    "upstreams.%.60s.circuit_breaker can never open", u->name);
	value = node_get(n, "max_open_for");
	if (value == NULL)
		value = node_get(n, "open_for");
	if (b->max_open_for_ns > 0 && b->max_open_for_ns < b->open_for_ns)
		check_fault(x, value, NULL,
		    "upstreams.%.60s.circuit_breaker: "
		    "max_open_for is shorter than open_for",
		    u->name);
}
