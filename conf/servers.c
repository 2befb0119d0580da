/*
 * A list of servers that stands alone, in a file of its own: the rows of the
 * schema under `servers' say what it may hold, so there is one syntax only.
 * Variables are not replaced in it, since it is data and not configuration.
 */
#include "conf/check.h"
#include "conf/decode.h"
#include "conf/normal.h"

#include <stdlib.h>

static void
read_list(struct conf *, struct conf_node *list, struct conf_errors *);
static void refuse_names(struct conf *, struct conf_errors *);

struct conf *
conf_servers(const char *name, struct text yaml, const char *upstream,
    struct conf_errors *errors)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));
	struct node_reader reader = { &conf->arena, errors, 0 };

	conf->path = arena_strdup(&conf->arena, name);
	errors->path = arena_strdup(&errors->arena, name);
	conf->nupstreams = 1;
	conf->upstreams = arena_zalloc(&conf->arena, sizeof(*conf->upstreams));
	conf->upstreams->name = arena_strdup(&conf->arena, upstream);
	conf->tree = node_read(&reader, conf->path, yaml);
	if (conf->tree != NULL) {
		conf->tree = normal_servers(&reader, conf->tree);
		read_list(conf, conf->tree, errors);
	}
	errors_sort(errors);
	if (errors->nerrors == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

static void
read_list(struct conf *conf, struct conf_node *list, struct conf_errors *errors)
{
	struct check x = { .conf = conf, .errors = errors };

	if (list->kind == NODE_LIST && list->n == 0)
		return;
	if (node_is_empty(list)) {
		errors_add(errors,
		    &(struct fault){ .place = { conf->path, 1, 1 },
			.hint = "write [] for no servers" },
		    "the file is empty");
		return;
	}
	decode_servers(conf->upstreams, &conf->arena, list, errors);
	check_servers(&x, conf->upstreams, list);
	refuse_names(conf, errors);
}

/* Nobody said how long to believe one, nor whom to ask. */
static void
refuse_names(struct conf *conf, struct conf_errors *errors)
{
	const struct conf_upstream *u = conf->upstreams;

	for (unsigned i = 0; i < u->nservers; i++) {
		const struct conf_address *a = &u->servers[i].address;

		if (a->text != NULL && a->endpoint.is_name)
			errors_add(errors, &(struct fault){ .place = a->place },
			    "servers[%u].address: '%.60s': a discovered "
			    "server is an IP address with a port",
			    i, a->text);
	}
}
