/*
 * The catalog of Consul's double.  Instances are kept as the JSON that an
 * answer shows, since that is what they are for; what changes by itself, the
 * checks, is kept beside it.  Every write takes the next index and gives it to
 * the name it is about, as Consul's servers do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/lib/consul_catalog.h"

enum { FIRST_INDEX = 10 };

static const char *const statuses[] = { "passing", "warning", "critical" };

static const json_t *field(const json_t *, const char *);
static const char *text(const json_t *, const char *, const char *otherwise);
static json_t *copy_of(const json_t *, const char *, json_t *empty);
static json_t *make_service(const json_t *, const char *id);
static json_t *make_weights(const json_t *);
static json_t *make_node(const json_t *);
static void
add_checks(struct catalog_instance *, const json_t *registration, int64_t now);
static void add_check(struct catalog_instance *, const json_t *, int64_t now);
static int64_t duration_of(const json_t *, const char *);
static const char *known_status(const char *);
static struct catalog_instance *instance_of(struct catalog *, const char *id);
static void instance_free(struct catalog *, struct catalog_instance *);
static void changed(struct catalog *, const char *name);
static int64_t age_check(struct catalog_check *, int64_t now, bool *is_changed);
static bool outlived(const struct catalog_check *, int64_t now);
static void earlier(int64_t *first, int64_t moment);
static bool dc_is_known(struct catalog *, const char *dc);
static bool
is_asked_for(const struct catalog_instance *, const struct catalog_query *);
static bool has_tag(const struct catalog_instance *, const char *tag);
static json_t *make_entry(const struct catalog_instance *);
static json_t *make_check(const struct catalog_instance *, const char *id,
    const char *name, const char *status, bool of_node);
static bool passes_filter(json_t *entry, struct catalog_query *);
static const json_t *select_from(const json_t *entry, const char *, size_t);

void
catalog_init(struct catalog *c)
{
	TAILQ_INIT(&c->instances);
	TAILQ_INIT(&c->names);
	c->index = c->extinct = FIRST_INDEX;
}

const char *
catalog_register(struct catalog *c, const json_t *registration, int64_t now)
{
	const char *name = text(registration, "Name", "");
	const char *id = text(registration, "ID", name);
	struct catalog_instance *i, *old;

	if (*name == '\0')
		return "Missing service name";
	i = keep(sizeof *i);
	i->id = keep_printf("%s", id);
	i->name = keep_printf("%s", name);
	i->dc = keep_printf("%s", text(registration, "DoubleDC", "dc1"));
	i->node = make_node(registration);
	i->service = make_service(registration, id);
	add_checks(i, registration, now);
	old = instance_of(c, id);
	if (old != NULL) {
		TAILQ_INSERT_AFTER(&c->instances, old, i, entry);
		if (strcmp(old->name, name) != 0)
			changed(c, old->name);
		instance_free(c, old);
	} else
		TAILQ_INSERT_TAIL(&c->instances, i, entry);
	changed(c, name);
	json_object_set_new(
	    i->service, "ModifyIndex", json_integer((json_int_t)c->index));
	return NULL;
}

bool
catalog_deregister(struct catalog *c, const char *id)
{
	struct catalog_instance *i = instance_of(c, id);

	if (i == NULL)
		return false;
	changed(c, i->name);
	c->extinct = c->index;
	instance_free(c, i);
	return true;
}

bool
catalog_set(struct catalog *c, const char *id, const char *status, int64_t now)
{
	struct catalog_instance *i;
	bool all, found = false;

	TAILQ_FOREACH (i, &c->instances, entry) {
		all = strcmp(i->id, id) == 0;
		for (unsigned n = 0; n < i->nchecks; n++) {
			struct catalog_check *check = &i->checks[n];

			if (!all && strcmp(check->id, id) != 0)
				continue;
			found = true;
			check->since = now;
			if (strcmp(check->status, status) == 0)
				continue;
			check->status = known_status(status);
			changed(c, i->name);
		}
	}
	return found;
}

void
catalog_touch(struct catalog *c)
{
	catalog_rewind(c, c->index + 1);
}

void
catalog_rewind(struct catalog *c, uint64_t index)
{
	struct catalog_name *n;

	c->index = c->extinct = index;
	TAILQ_FOREACH (n, &c->names, entry)
		n->index = index;
}

int64_t
catalog_age(struct catalog *c, int64_t now)
{
	struct catalog_instance *i, *next;
	int64_t first = 0;
	bool dead, is_changed;

	for (i = TAILQ_FIRST(&c->instances); i != NULL; i = next) {
		next = TAILQ_NEXT(i, entry);
		dead = is_changed = false;
		for (unsigned n = 0; n < i->nchecks; n++) {
			earlier(
			    &first, age_check(&i->checks[n], now, &is_changed));
			dead |= outlived(&i->checks[n], now);
		}
		if (is_changed)
			changed(c, i->name);
		if (dead)
			catalog_deregister(c, i->id);
	}
	return first;
}

uint64_t
catalog_index(const struct catalog *c, const char *name)
{
	const struct catalog_instance *i;
	const struct catalog_name *n;

	TAILQ_FOREACH (i, &c->instances, entry)
		if (strcmp(i->name, name) == 0)
			break;
	if (i != NULL)
		TAILQ_FOREACH (n, &c->names, entry)
			if (strcmp(n->name, name) == 0)
				return n->index;
	return c->extinct;
}

json_t *
catalog_find(struct catalog *c, struct catalog_query *q)
{
	const char *near = q->near == NULL   ? ""
	    : strcmp(q->near, "_agent") == 0 ? "agent"
					     : q->near;
	json_t *found = json_array(), *entry;
	struct catalog_instance *i;

	q->status = 500;
	q->error = "No path to datacenter";
	if (!dc_is_known(c, q->dc))
		return NULL;
	q->status = 400;
	q->error = NULL;
	TAILQ_FOREACH (i, &c->instances, entry) {
		if (!is_asked_for(i, q))
			continue;
		entry = make_entry(i);
		if (!passes_filter(entry, q))
			json_decref(entry);
		else if (strcmp(text(i->node, "Node", ""), near) == 0)
			json_array_insert_new(found, 0, entry);
		else
			json_array_append_new(found, entry);
		if (q->error != NULL) {
			json_decref(found);
			return NULL;
		}
	}
	return found;
}

json_t *
catalog_names(struct catalog *c)
{
	json_t *names = json_object(), *tags;
	struct catalog_instance *i;

	json_object_set_new(names, "consul", json_array());
	TAILQ_FOREACH (i, &c->instances, entry) {
		tags = json_object_get(names, i->name);
		if (tags == NULL) {
			tags = json_array();
			json_object_set_new(names, i->name, tags);
		}
		json_array_extend(tags, json_object_get(i->service, "Tags"));
	}
	return names;
}

int64_t
catalog_duration(const char *s)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	char *end;
	double n = strtod(s, &end);

	for (size_t i = 0; end != s && i < sizeof units / sizeof *units; i++)
		if (strcmp(end, units[i].unit) == 0 && n >= 0 && n < 1e9)
			return (int64_t)(n * units[i].ms);
	return -1;
}

/* As Go reads JSON: whatever the letters' case. */
static const json_t *
field(const json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	/* The iterator wants to be able to write; nothing here does. */
	json_object_foreach((json_t *)(uintptr_t)object, key,
	    value) if (strcasecmp(key, name) == 0) break;
	return key == NULL ? NULL : value;
}

static const char *
text(const json_t *object, const char *name, const char *otherwise)
{
	const char *s = json_string_value(field(object, name));

	return s == NULL || *s == '\0' ? otherwise : s;
}

static json_t *
copy_of(const json_t *object, const char *name, json_t *empty)
{
	const json_t *value = field(object, name);

	if (value == NULL || json_is_null(value))
		return empty;
	json_decref(empty);
	return json_deep_copy(value);
}

static json_t *
make_service(const json_t *registration, const char *id)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:o, s:I, s:o, s:b}", "ID", id,
	    "Service", text(registration, "Name", ""), "Tags",
	    copy_of(registration, "Tags", json_array()), "Address",
	    text(registration, "Address", ""), "Meta",
	    copy_of(registration, "Meta", json_object()), "Port",
	    json_integer_value(field(registration, "Port")), "Weights",
	    make_weights(field(registration, "Weights")), "EnableTagOverride",
	    0);
}

static json_t *
make_weights(const json_t *given)
{
	json_int_t passing = json_integer_value(field(given, "Passing"));
	json_int_t warning = json_integer_value(field(given, "Warning"));

	return json_pack("{s:I, s:I}", "Passing", passing == 0 ? 1 : passing,
	    "Warning", warning == 0 ? 1 : warning);
}

static json_t *
make_node(const json_t *registration)
{
	const char *address = text(registration, "DoubleAddress", "127.0.0.1");

	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{}}", "ID",
	    "9d7a1c2e-0b7e-4f59-8e0a-2f3c4d5e6f70", "Node",
	    text(registration, "DoubleNode", "agent"), "Address", address,
	    "Datacenter", text(registration, "DoubleDC", "dc1"),
	    "TaggedAddresses", "lan", address, "wan", address, "Meta");
}

static void
add_checks(struct catalog_instance *i, const json_t *registration, int64_t now)
{
	const json_t *one = field(registration, "Check");
	const json_t *many = field(registration, "Checks");

	if (json_is_object(one))
		add_check(i, one, now);
	for (size_t n = 0; n < json_array_size(many); n++)
		add_check(i, json_array_get(many, n), now);
}

static void
add_check(struct catalog_instance *i, const json_t *given, int64_t now)
{
	struct catalog_check *c = &i->checks[i->nchecks];
	const char *id;

	if (i->nchecks == CATALOG_CHECKS)
		return;
	i->nchecks++;
	id = text(given, "CheckID", text(given, "ID", NULL));
	c->id = id != NULL    ? keep_printf("%s", id)
	    : i->nchecks == 1 ? keep_printf("service:%s", i->id)
			      : keep_printf("service:%s:%u", i->id, i->nchecks);
	c->name = keep_printf("%s",
	    text(given, "Name", keep_printf("Service '%s' check", i->name)));
	c->status = known_status(text(given, "Status", "critical"));
	c->ttl = duration_of(given, "TTL");
	c->dead_after = duration_of(given, "DeregisterCriticalServiceAfter");
	c->since = now;
}

static int64_t
duration_of(const json_t *object, const char *name)
{
	int64_t ms = catalog_duration(text(object, name, "0s"));

	return ms < 0 ? 0 : ms;
}

static const char *
known_status(const char *status)
{
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (strcmp(statuses[i], status) == 0)
			return statuses[i];
	return "critical";
}

static struct catalog_instance *
instance_of(struct catalog *c, const char *id)
{
	struct catalog_instance *i;

	TAILQ_FOREACH (i, &c->instances, entry)
		if (strcmp(i->id, id) == 0)
			return i;
	return NULL;
}

static void
instance_free(struct catalog *c, struct catalog_instance *i)
{
	TAILQ_REMOVE(&c->instances, i, entry);
	json_decref(i->node);
	json_decref(i->service);
	for (unsigned n = 0; n < i->nchecks; n++) {
		keep_no_more(i->checks[n].id);
		keep_no_more(i->checks[n].name);
	}
	keep_no_more(i->id);
	keep_no_more(i->name);
	keep_no_more(i->dc);
	keep_no_more(i);
}

static void
changed(struct catalog *c, const char *name)
{
	struct catalog_name *n;

	c->index++;
	TAILQ_FOREACH (n, &c->names, entry)
		if (strcmp(n->name, name) == 0)
			break;
	if (n == NULL) {
		n = keep(sizeof *n);
		n->name = keep_printf("%s", name);
		TAILQ_INSERT_TAIL(&c->names, n, entry);
	}
	n->index = c->index;
}

/* When the check is next to be looked at, 0 for never. */
static int64_t
age_check(struct catalog_check *c, int64_t now, bool *is_changed)
{
	bool critical = strcmp(c->status, "critical") == 0;

	if (!critical && c->ttl > 0 && now - c->since >= c->ttl) {
		c->status = "critical";
		c->since += c->ttl;
		critical = *is_changed = true;
	}
	if (critical)
		return c->dead_after > 0 ? c->since + c->dead_after : 0;
	return c->ttl > 0 ? c->since + c->ttl : 0;
}

static bool
outlived(const struct catalog_check *c, int64_t now)
{
	return c->dead_after > 0 && strcmp(c->status, "critical") == 0 &&
	    now - c->since >= c->dead_after;
}

static void
earlier(int64_t *first, int64_t moment)
{
	if (moment != 0 && (*first == 0 || moment < *first))
		*first = moment;
}

static bool
dc_is_known(struct catalog *c, const char *dc)
{
	struct catalog_instance *i;

	if (dc == NULL || strcmp(dc, "dc1") == 0)
		return true;
	TAILQ_FOREACH (i, &c->instances, entry)
		if (strcmp(i->dc, dc) == 0)
			return true;
	return false;
}

static bool
is_asked_for(const struct catalog_instance *i, const struct catalog_query *q)
{
	if (strcmp(i->name, q->name) != 0 ||
	    strcmp(i->dc, q->dc == NULL ? "dc1" : q->dc) != 0)
		return false;
	for (const char *const *tag = q->tags; *tag != NULL; tag++)
		if (!has_tag(i, *tag))
			return false;
	for (unsigned n = 0; n < i->nchecks && q->passing; n++)
		if (strcmp(i->checks[n].status, "passing") != 0)
			return false;
	return true;
}

static bool
has_tag(const struct catalog_instance *i, const char *tag)
{
	const json_t *tags = json_object_get(i->service, "Tags");
	const char *one;

	for (size_t n = 0; n < json_array_size(tags); n++) {
		one = json_string_value(json_array_get(tags, n));
		if (one != NULL && strcasecmp(one, tag) == 0)
			return true;
	}
	return false;
}

static json_t *
make_entry(const struct catalog_instance *i)
{
	json_t *checks = json_array();

	json_array_append_new(checks,
	    make_check(i, "serfHealth", "Serf Health Status", "passing", true));
	for (unsigned n = 0; n < i->nchecks; n++)
		json_array_append_new(checks,
		    make_check(i, i->checks[n].id, i->checks[n].name,
			i->checks[n].status, false));
	return json_pack("{s:O, s:O, s:o}", "Node", i->node, "Service",
	    i->service, "Checks", checks);
}

static json_t *
make_check(const struct catalog_instance *i, const char *id, const char *name,
    const char *status, bool of_node)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{}}",
	    "Node", text(i->node, "Node", ""), "CheckID", id, "Name", name,
	    "Status", status, "Notes", "", "Output", "", "ServiceID",
	    of_node ? "" : i->id, "ServiceName", of_node ? "" : i->name,
	    "Definition");
}

/* SELECTOR == "VALUE", or !=. */
static bool
passes_filter(json_t *entry, struct catalog_query *q)
{
	size_t selector, rest, n;
	const json_t *selected;
	const char *at, *is;
	bool equal;

	if (q->filter == NULL)
		return true;
	selector = strcspn(q->filter, " ");
	at = q->filter + selector + strspn(q->filter + selector, " ");
	equal = strncmp(at, "==", 2) == 0;
	rest = 2 + strspn(at + (*at == '\0' ? 0 : 2), " ");
	if ((!equal && strncmp(at, "!=", 2) != 0) || at[rest] != '"') {
		q->error = "Failed to create boolean expression evaluator";
		return false;
	}
	if (strncmp(q->filter, "Service.", 8) != 0 &&
	    strncmp(q->filter, "Node.", 5) != 0) {
		q->error = "Selector is not valid";
		return false;
	}
	at += rest + 1;
	n = strcspn(at, "\"");
	selected = select_from(entry, q->filter, selector);
	is = json_string_value(selected);
	return (is != NULL && strlen(is) == n && memcmp(is, at, n) == 0) ==
	    equal;
}

/* Service.Meta.zone: down through the objects. */
static const json_t *
select_from(const json_t *entry, const char *selector, size_t n)
{
	const char *end = selector + n;
	const json_t *at = entry;

	while (selector < end && at != NULL) {
		size_t part = strcspn(selector, ". ");

		at = json_object_getn(at, selector, part);
		selector += part + 1;
	}
	return at;
}
