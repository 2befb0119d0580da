/*
 * From the tree to the configuration, row by row of the schema.  Decoding goes
 * on after a fault, so that one run tells them all.  A key that is absent
 * takes the way of one that is written: its default is decoded like a value.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "conf/decode.h"
#include "conf/grammar.h"
#include "conf/suggest.h"

static void decode_block(
    struct decoder *, const char *path, struct conf_node *map, char *record);
static void
refuse_unknown(struct decoder *, const char *path, const struct conf_node *map);
static void refuse_meaningless(
    struct decoder *, const struct key *, const struct conf_node *map);
static void decode_absent(struct decoder *, const struct key *, char *record);
static struct conf_node *fallback_node(struct decoder *, const struct key *);
static void decode_key(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static void decode_present_block(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static void
decode_same(struct decoder *, const struct key *, struct conf_node *);
static void decode_named(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static void
check_name(struct decoder *, const struct key *, struct conf_node *key);
static void decode_records(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static void decode_fields(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static void decode_field(struct decoder *, struct conf_pair *, struct map *seen,
    struct conf_field *);
static void decode_value(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static bool is_none(const struct key *, const struct conf_node *);
static void decode_values(
    struct decoder *, const struct key *, struct conf_node *, char *record);
static bool is_kind(
    struct decoder *, struct conf_node *, enum node_kind, const char *words);
static bool has_items(struct decoder *, struct conf_node *);
static char *
new_list(struct decoder *, const struct key *, unsigned n, char *record);
static size_t enter(struct decoder *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void leave(struct decoder *, size_t);

void
decode_conf(struct conf *conf, struct conf_errors *errors)
{
	struct decoder x = {
		.arena = &conf->arena, .errors = errors, .owner = conf->tree
	};

	decode_block(&x, "", conf->tree, (char *)conf);
}

void
decode_servers(struct conf_upstream *u, struct arena *arena,
    struct conf_node *list, struct conf_errors *errors)
{
	struct decoder x = { .arena = arena, .errors = errors, .owner = list };

	enter(&x, "servers");
	decode_key(&x, key_find("upstreams.NAME.servers"), list, (char *)u);
}

void
decode_fault(struct decoder *x, struct conf_node *n, const char *hint,
    const char *format, ...)
{
	struct fault f = { .place = n->place, .width = n->width, .hint = hint };
	char message[512];
	va_list ap;

	n->bad = true;
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	errors_add(x->errors, &f, "%s: %s", x->path, message);
}

/* A map, or NULL for one that is absent and all default. */
static void
decode_block(
    struct decoder *x, const char *path, struct conf_node *map, char *record)
{
	const struct conf_node *owner = x->owner;
	struct conf_node *value;
	unsigned i;
	size_t up;

	refuse_unknown(x, path, map);
	for (i = 0; i < schema_keys; i++) {
		if (!key_is_under(&schema[i], path))
			continue;
		up =
		    enter(x, "%s%s", x->n > 0 ? "." : "", key_name(&schema[i]));
		value = node_get(map, key_name(&schema[i]));
		if (!decode_applies(&schema[i], map))
			refuse_meaningless(x, &schema[i], map);
		else if (value == NULL)
			decode_absent(x, &schema[i], record);
		else if (!value->bad)
			decode_key(x, &schema[i], value, record);
		x->owner = owner;
		leave(x, up);
	}
}

static void
refuse_unknown(struct decoder *x, const char *path, const struct conf_node *map)
{
	struct conf_node *key;
	unsigned i;

	for (i = 0; map != NULL && i < map->n; i++) {
		key = map->pairs[i].key;
		if (key->bad || key_child(path, key->text) != NULL)
			continue;
		key->bad = true;
		errors_add(x->errors,
		    &(struct fault){ .place = key->place,
			.width = key->width,
			.hint = suggest_key(x->arena, path, key->text) },
		    "unknown key '%.60s'%s%s", key->text.p,
		    x->n > 0 ? " in " : "", x->path);
	}
}

bool
decode_applies(const struct key *k, const struct conf_node *map)
{
	const struct conf_node *type = node_get(map, "type");

	return k->when == NULL || type == NULL || type->bad ||
	    node_is_word(type, k->when);
}

static void
refuse_meaningless(
    struct decoder *x, const struct key *k, const struct conf_node *map)
{
	struct conf_pair *pair = node_pair(map, text_of(key_name(k)));
	char hint[64];

	if (pair == NULL || pair->key->bad)
		return;
	snprintf(
	    hint, sizeof(hint), "leave it out, or write type: %s", k->when);
	decode_fault(x, pair->key, hint, "this means nothing with type: %.60s",
	    node_get(map, "type")->text.p);
}

static void
decode_absent(struct decoder *x, const struct key *k, char *record)
{
	if ((k->flags & KEY_REQUIRED) != 0 && !x->partial)
		errors_add(x->errors,
		    &(struct fault){
			.place = x->owner->place, .width = x->owner->width },
		    "%s is missing", x->path);
	else if (k->type == KEY_BLOCK && !key_is_off(k))
		decode_present_block(x, k, NULL, record);
	else if (k->type != KEY_BLOCK && k->fallback != NULL && !x->partial)
		decode_key(x, k, fallback_node(x, k), record);
}

/* "a, b" is the default of a list. */
static struct conf_node *
fallback_node(struct decoder *x, const struct key *k)
{
	struct text rest = text_of(k->fallback), one;
	struct conf_node *list;

	if ((k->flags & KEY_MANY) == 0)
		return node_scalar(x->arena, rest, NULL);
	list = node_list(x->arena, NULL);
	while (text_split(&rest, ',', &one))
		node_append(x->arena, list, node_scalar(x->arena, one, NULL));
	return list;
}

static void
decode_key(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	if (x->partial && (k->flags & KEY_NO_DEFAULT) != 0) {
		decode_fault(x, n, NULL, "there can be no default for this");
		return;
	}
	switch (k->type) {
	case KEY_BLOCK:
		decode_present_block(x, k, n, record);
		break;
	case KEY_SAME:
		decode_same(x, k, n);
		break;
	case KEY_NAMED:
		decode_named(x, k, n, record);
		break;
	case KEY_RECORDS:
		decode_records(x, k, n, record);
		break;
	case KEY_FIELDS:
		decode_fields(x, k, n, record);
		break;
	default:
		decode_value(x, k, n, record);
	}
}

/* One that is off leaves all its fields zero; NULL: on, with its defaults. */
static void
decode_present_block(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	bool on = true;

	if (n != NULL && (k->flags & KEY_OFF) != 0 && node_is_word(n, "off"))
		return;
	if (n != NULL && !is_kind(x, n, NODE_MAP, "a map of keys"))
		return;
	if (k->width > 0) {
		assert(k->width == sizeof(on));
		memcpy(record + k->offset, &on, sizeof(on));
	}
	if (n != NULL)
		x->owner = n;
	decode_block(x, k->path, n, record);
}

/* For its faults only: what it says has been laid under the others already. */
static void
decode_same(struct decoder *x, const struct key *k, struct conf_node *n)
{
	union {
		struct conf_upstream upstream;
		struct conf_route route;
	} nobody = { 0 };

	if (!is_kind(x, n, NODE_MAP, "a map of keys"))
		return;
	x->partial = true;
	decode_block(x, k->like, n, (char *)&nobody);
	x->partial = false;
}

static void
decode_named(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	struct conf_node *key;
	char path[KEY_PATH_MAX], *item;
	unsigned i;
	size_t up;

	if (!is_kind(x, n, NODE_MAP, "a map of names") || !has_items(x, n))
		return;
	key_item_path(k, path, sizeof(path));
	item = new_list(x, k, n->n, record);
	for (i = 0; i < n->n; i++, item += k->element) {
		key = n->pairs[i].key;
		check_name(x, k, key);
		memcpy(item + k->name, &key->text.p, sizeof(key->text.p));
		memcpy(item + k->place, &key->place, sizeof(key->place));
		up = enter(x, ".%.60s", key->text.p);
		x->owner = key;
		if (!n->pairs[i].value->bad &&
		    is_kind(x, n->pairs[i].value, NODE_MAP, "a map of keys"))
			decode_block(x, path, n->pairs[i].value, item);
		leave(x, up);
	}
}

static void
check_name(struct decoder *x, const struct key *k, struct conf_node *key)
{
	const char *hint = NULL;

	if (!key->made &&
	    !((k->flags & KEY_LABELS) != 0 ? grammar_label(key->text, &hint)
					   : grammar_name(key->text, &hint)))
		decode_fault(x, key, hint, "'%.60s' is no name", key->text.p);
}

static void
decode_records(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	char path[KEY_PATH_MAX], *item;
	unsigned i;
	size_t up;

	if (!is_kind(x, n, NODE_LIST, "a list") || !has_items(x, n))
		return;
	key_item_path(k, path, sizeof(path));
	item = new_list(x, k, n->n, record);
	for (i = 0; i < n->n; i++, item += k->element) {
		if ((k->flags & KEY_PLACED) != 0)
			memcpy(item + k->place, &n->items[i]->place,
			    sizeof(n->items[i]->place));
		up = enter(x, "[%u]", i);
		x->owner = n->items[i];
		if (!n->items[i]->bad &&
		    is_kind(x, n->items[i], NODE_MAP, "a map of keys"))
			decode_block(x, path, n->items[i], item);
		leave(x, up);
	}
}

static void
decode_fields(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	struct conf_field *field;
	struct map seen = { 0 };
	unsigned i;
	size_t up;

	if (!is_kind(x, n, NODE_MAP, "a map of header names to values"))
		return;
	field = (struct conf_field *)(void *)new_list(x, k, n->n, record);
	for (i = 0; i < n->n; i++) {
		up = enter(x, ".%.60s", n->pairs[i].key->text.p);
		decode_field(x, &n->pairs[i], &seen, &field[i]);
		leave(x, up);
	}
	map_fini(&seen);
}

static void
decode_field(struct decoder *x, struct conf_pair *pair, struct map *seen,
    struct conf_field *field)
{
	struct conf_node *key = pair->key, *value = pair->value;
	struct text folded = value_folded(x->arena, key->text);
	const char *hint = NULL;

	if (key->bad || value->bad)
		return;
	if (!grammar_field(key->text, &hint))
		decode_fault(x, key, hint, "not a header that may be changed");
	else if (map_get(seen, folded) != NULL)
		decode_fault(
		    x, key, "header names have no case", "a second time");
	else if (value->kind != NODE_SCALAR)
		decode_fault(x, value, NULL, "a text is wanted");
	else if (!grammar_value(value->text, &hint))
		decode_fault(x, value, hint, "not a header value");
	map_set(seen, folded, key);
	*field = (struct conf_field){ key->text.p, value->text.p };
}

static void
decode_value(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	char *to = k->width > 0 ? record + k->offset : NULL;

	if ((k->flags & KEY_MANY) != 0 && n->kind == NODE_LIST) {
		decode_values(x, k, n, record);
		return;
	}
	if (is_none(k, n))
		return;
	if (k->element > 0 && !node_is_empty(n) && n->kind == NODE_SCALAR)
		to = new_list(x, k, 1, record);
	if (value_decode(x, k, n, to) && (k->flags & KEY_PLACED) != 0)
		memcpy(record + k->place, &n->place, sizeof(n->place));
}

/* `off' in place of a list. */
static bool
is_none(const struct key *k, const struct conf_node *n)
{
	return k->element > 0 && (k->flags & KEY_OFF) != 0 &&
	    node_is_word(n, "off");
}

static void
decode_values(
    struct decoder *x, const struct key *k, struct conf_node *n, char *record)
{
	char *to = k->width > 0 ? record + k->offset : NULL;
	unsigned i;
	size_t up;

	if (!has_items(x, n))
		return;
	if (k->element > 0)
		to = new_list(x, k, n->n, record);
	for (i = 0; i < n->n; i++) {
		up = enter(x, "[%u]", i);
		if (is_none(k, n->items[i]))
			decode_fault(x, n->items[i], NULL,
			    "off is no item: it stands alone");
		else if (!n->items[i]->bad)
			value_decode(x, k, n->items[i], to);
		leave(x, up);
		if (k->element > 0)
			to += k->element;
	}
}

static bool
is_kind(struct decoder *x, struct conf_node *n, enum node_kind kind,
    const char *words)
{
	static const char *const names[] = { "a single value", "a list",
		"a map" };

	if (n->kind == kind)
		return true;
	decode_fault(x, n, NULL, "%s is wanted, not %s", words,
	    node_is_empty(n) ? "nothing" : names[n->kind]);
	return false;
}

/* An empty list is no way to say "any" or "none": leave the key out. */
static bool
has_items(struct decoder *x, struct conf_node *n)
{
	if (n->n > 0)
		return true;
	decode_fault(
	    x, n, "leave the key out, or fill it in", "there is nothing in it");
	return false;
}

/* So many items of zeros, in the list that the row says. */
static char *
new_list(struct decoder *x, const struct key *k, unsigned n, char *record)
{
	char *items = arena_zalloc(x->arena, n * k->element);

	memcpy(record + k->offset, &items, sizeof(items));
	memcpy(record + k->count, &n, sizeof(n));
	return items;
}

/* Go down in the path; what leave() takes to come back. */
static size_t
enter(struct decoder *x, const char *format, ...)
{
	size_t up = x->n;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(x->path + x->n, sizeof(x->path) - x->n, format, ap);
	va_end(ap);
	x->n += (size_t)n;
	if (x->n >= sizeof(x->path))
		x->n = sizeof(x->path) - 1;
	return up;
}

static void
leave(struct decoder *x, size_t up)
{
	x->n = up;
	x->path[up] = '\0';
}
