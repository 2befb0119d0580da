/*
 * YAML into a tree in which every node knows its file, line and column.  The
 * only file that knows libyaml.  It takes libyaml's events rather than its
 * documents, because those lose duplicate keys, and resolves aliases and merge
 * keys here, bounded: an alias counts with all that it stands for, so that a
 * few lines cannot become a billion nodes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/map.h"
#include "conf/errors.h"
#include "conf/node.h"
#include "conf/trap.h"

struct builder {
	struct node_reader *reader;
	const char *file;
	struct text yaml;
	yaml_parser_t parser;
	yaml_event_t event; /* the next one to take */
	struct map anchors; /* name to finished node */
};

static struct conf_node *read_document(struct builder *);
static bool advance(struct builder *);
static void syntax_fault(struct builder *);
static struct conf_node *take_node(struct builder *, unsigned depth);
static struct conf_node *take_scalar(struct builder *, unsigned depth);
static struct conf_node *take_alias(struct builder *, unsigned depth);
static struct conf_node *take_list(struct builder *, unsigned depth);
static struct conf_node *take_map(struct builder *, unsigned depth);
static bool take_pair(
    struct builder *, struct conf_node *map, struct map *seen, unsigned depth);
static void add_pair(struct builder *, struct conf_node *map, struct map *seen,
    struct conf_node *key, struct conf_node *value);
static bool merge(struct builder *, struct conf_node *map, struct map *seen);
static bool merge_one(struct builder *, struct conf_node *map, struct map *seen,
    struct conf_node *from);
static struct conf_node *
new_node(struct builder *, enum node_kind, unsigned depth);
static void grew(struct conf_node *, const struct conf_node *child);
static bool count(struct builder *, unsigned nodes);
static struct text anchor_name(struct builder *, const yaml_char_t *);
static void keep_anchor(struct builder *, struct text, struct conf_node *);
static void
refuse_tag(struct builder *, struct conf_node *, const yaml_char_t *);
static struct conf_place place_of(const struct builder *, yaml_mark_t);
static void node_fault(struct builder *, struct conf_node *, const char *hint,
    const char *, ...) __attribute__((format(printf, 4, 5)));

struct conf_node *
node_read(struct node_reader *reader, const char *file, struct text yaml)
{
	struct builder b = { .reader = reader, .file = file };
	struct conf_node *root;

	if (text_starts(yaml, TEXT("\xef\xbb\xbf")))
		yaml = text_from(yaml, 3);
	b.yaml = yaml;
	if (yaml_parser_initialize(&b.parser) == 0)
		abort(); /* out of memory */
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &b.parser, (const unsigned char *)yaml.p, yaml.n);
	root = read_document(&b);
	yaml_event_delete(&b.event);
	yaml_parser_delete(&b.parser);
	map_fini(&b.anchors);
	return root;
}

struct conf_pair *
node_pair(const struct conf_node *map, struct text key)
{
	unsigned i;

	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	for (i = 0; i < map->n; i++)
		if (text_equal(map->pairs[i].key->text, key))
			return &map->pairs[i];
	return NULL;
}

struct conf_node *
node_get(const struct conf_node *map, const char *key)
{
	struct conf_pair *pair = node_pair(map, text_of(key));

	return pair != NULL ? pair->value : NULL;
}

bool
node_is_empty(const struct conf_node *n)
{
	return n->kind == NODE_SCALAR && n->text.n == 0 && !n->quoted &&
	    !n->expanded;
}

bool
node_is_word(const struct conf_node *n, const char *word)
{
	return n->kind == NODE_SCALAR && text_equal(n->text, text_of(word));
}

struct conf_node *
node_scalar(struct arena *arena, struct text t, const struct conf_node *like)
{
	struct conf_node *n = node_list(arena, like);

	n->kind = NODE_SCALAR;
	n->text = arena_copy(arena, t);
	n->quoted = n->made = true;
	return n;
}

struct conf_node *
node_list(struct arena *arena, const struct conf_node *like)
{
	struct conf_node *n = arena_zalloc(arena, sizeof(*n));

	n->kind = NODE_LIST;
	n->size = 1;
	if (like != NULL) {
		n->place = like->place;
		n->width = like->width;
	}
	return n;
}

struct conf_node *
node_map(struct arena *arena, const struct conf_node *like)
{
	struct conf_node *n = node_list(arena, like);

	n->kind = NODE_MAP;
	return n;
}

void
node_append(struct arena *arena, struct conf_node *list, struct conf_node *item)
{
	struct conf_node **items;

	assert(list->kind == NODE_LIST);
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : 4;
		items =
		    arena_alloc(arena, list->cap * sizeof(struct conf_node *));
		if (list->n > 0)
			memcpy(items, list->items, list->n * sizeof(*items));
		list->items = items;
	}
	list->items[list->n++] = item;
	grew(list, item);
}

void
node_put(struct arena *arena, struct conf_node *map, struct conf_node *key,
    struct conf_node *value)
{
	struct conf_pair *pairs;

	assert(map->kind == NODE_MAP);
	if (map->n == map->cap) {
		map->cap = map->cap > 0 ? map->cap * 2 : 4;
		pairs = arena_alloc(arena, map->cap * sizeof(*pairs));
		if (map->n > 0)
			memcpy(pairs, map->pairs, map->n * sizeof(*pairs));
		map->pairs = pairs;
	}
	map->pairs[map->n++] = (struct conf_pair){ key, value };
	grew(map, value);
}

struct conf_node *
node_copy(struct arena *arena, const struct conf_node *from)
{
	struct conf_node *n = arena_alloc(arena, sizeof(*n));

	*n = *from;
	n->cap = n->n; /* the next one added moves it */
	return n;
}

static struct conf_node *
read_document(struct builder *b)
{
	struct conf_node *root;

	if (!advance(b)) /* the stream's start */
		return NULL;
	if (!advance(b))
		return NULL;
	if (b->event.type == YAML_STREAM_END_EVENT) {
		errors_add(b->reader->errors,
		    &(struct fault){ .place = { b->file, 1, 1 } },
		    "the file is empty");
		return NULL;
	}
	if (!advance(b) || (root = take_node(b, 1)) == NULL || !advance(b))
		return NULL;
	if (b->event.type == YAML_STREAM_END_EVENT)
		return root;
	errors_add(b->reader->errors,
	    &(struct fault){ .place = place_of(b, b->event.start_mark),
		.width = 3,
		.hint = "use include for further files" },
	    "a second document in one file");
	return NULL;
}

/* The next event; false: a syntax error, which is told. */
static bool
advance(struct builder *b)
{
	yaml_event_delete(&b->event);
	if (yaml_parser_parse(&b->parser, &b->event) != 0)
		return true;
	syntax_fault(b);
	return false;
}

static void
syntax_fault(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	struct trap trap = {
		.yaml = b->yaml,
		.problem = p->problem,
		.context = p->context,
		.at = place_of(b, p->problem_mark),
		.begun = place_of(b, p->context_mark),
	};
	struct fault f;

	if (p->error == YAML_READER_ERROR)
		trap_byte(&trap, p->problem_offset);
	trap_explain(&trap);
	f = (struct fault){ .place = trap.at,
		.width = trap.width,
		.hint = trap.hint[0] != '\0' ? trap.hint : NULL };
	errors_add(b->reader->errors, &f, "%s", trap.message);
}

/* The node that begins with the current event, which is taken; NULL: told. */
static struct conf_node *
take_node(struct builder *b, unsigned depth)
{
	switch (b->event.type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(b, depth);
	case YAML_ALIAS_EVENT:
		return take_alias(b, depth);
	case YAML_SEQUENCE_START_EVENT:
		return take_list(b, depth);
	default:
		assert(b->event.type == YAML_MAPPING_START_EVENT);
		return take_map(b, depth);
	}
}

static struct conf_node *
take_scalar(struct builder *b, unsigned depth)
{
	yaml_event_t *e = &b->event;
	struct text t = { (const char *)e->data.scalar.value,
		e->data.scalar.length };
	struct conf_node *n = new_node(b, NODE_SCALAR, depth);

	if (n == NULL)
		return NULL;
	n->text = arena_copy(b->reader->arena, t);
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	n->exact = n->width == t.n + (n->quoted ? 2 : 0);
	if (text_find(t, '\0') != -1)
		node_fault(b, n, NULL, "a NUL byte has no place here");
	refuse_tag(b, n, e->data.scalar.tag);
	keep_anchor(b, anchor_name(b, e->data.scalar.anchor), n);
	return advance(b) ? n : NULL;
}

static struct conf_node *
take_alias(struct builder *b, unsigned depth)
{
	struct text name = anchor_name(b, b->event.data.alias.anchor);
	struct conf_node *n = map_get(&b->anchors, name);
	struct conf_node here = {
		.place = place_of(b, b->event.start_mark),
		.width = (unsigned)name.n + 1,
	};
	char hint[96];

	if (n == NULL) {
		snprintf(hint, sizeof(hint),
		    "for the text itself quote it: "
		    "\"*%.40s\"",
		    name.p);
		node_fault(b, &here, hint,
		    "no anchor &%.60s stands before this alias", name.p);
		return NULL;
	}
	if (depth + n->height > DEPTH_MAX) {
		node_fault(
		    b, &here, NULL, "nested deeper than %u levels", DEPTH_MAX);
		return NULL;
	}
	return count(b, n->size) && advance(b) ? n : NULL;
}

static struct conf_node *
take_list(struct builder *b, unsigned depth)
{
	struct conf_node *list = new_node(b, NODE_LIST, depth), *item;
	struct text anchor;

	if (list == NULL)
		return NULL;
	refuse_tag(b, list, b->event.data.sequence_start.tag);
	anchor = anchor_name(b, b->event.data.sequence_start.anchor);
	if (!advance(b))
		return NULL;
	while (b->event.type != YAML_SEQUENCE_END_EVENT) {
		if ((item = take_node(b, depth + 1)) == NULL)
			return NULL;
		node_append(b->reader->arena, list, item);
	}
	keep_anchor(b, anchor, list);
	return advance(b) ? list : NULL;
}

static struct conf_node *
take_map(struct builder *b, unsigned depth)
{
	struct conf_node *map = new_node(b, NODE_MAP, depth);
	struct map seen = { 0 };
	struct text anchor;
	bool good;

	if (map == NULL)
		return NULL;
	refuse_tag(b, map, b->event.data.mapping_start.tag);
	anchor = anchor_name(b, b->event.data.mapping_start.anchor);
	good = advance(b);
	while (good && b->event.type != YAML_MAPPING_END_EVENT)
		good = take_pair(b, map, &seen, depth);
	if (good) {
		good = merge(b, map, &seen);
		keep_anchor(b, anchor, map);
	}
	map_fini(&seen);
	return good && advance(b) ? map : NULL;
}

static bool
take_pair(
    struct builder *b, struct conf_node *map, struct map *seen, unsigned depth)
{
	struct conf_node *key, *value;

	if ((key = take_node(b, depth + 1)) == NULL ||
	    (value = take_node(b, depth + 1)) == NULL)
		return false;
	if (key->kind != NODE_SCALAR) {
		node_fault(b, key,
		    "write name: value; an IPv6 address "
		    "needs quotes: \"[::1]:80\"",
		    "a key is a plain name, not a list or map");
		map->bad = true;
		return true;
	}
	if (node_is_empty(value)) {
		value->place = key->place;
		value->width = key->width;
	}
	if (map->width == 0)
		map->width = key->width;
	add_pair(b, map, seen, key, value);
	return true;
}

static void
add_pair(struct builder *b, struct conf_node *map, struct map *seen,
    struct conf_node *key, struct conf_node *value)
{
	struct conf_node *first = map_get(seen, key->text);

	if (first != NULL) {
		node_fault(b, key, NULL,
		    "duplicate key '%.60s', first at %s:%u:%u", key->text.p,
		    first->place.file, first->place.line, first->place.column);
		return;
	}
	map_set(seen, key->text, key);
	node_put(b->reader->arena, map, key, value);
}

/* Replace `<<' by the pairs of its map or maps; what is there already wins. */
static bool
merge(struct builder *b, struct conf_node *map, struct map *seen)
{
	struct conf_node *key = map_get(seen, TEXT("<<")), *from;
	unsigned i;

	if (key == NULL || key->quoted)
		return true;
	from = node_get(map, "<<");
	for (i = 0; map->pairs[i].key != key; i++)
		continue;
	memmove(&map->pairs[i], &map->pairs[i + 1],
	    (--map->n - i) * sizeof(*map->pairs));
	if (from->kind != NODE_LIST)
		return merge_one(b, map, seen, from);
	for (i = 0; i < from->n; i++)
		if (!merge_one(b, map, seen, from->items[i]))
			return false;
	return true;
}

static bool
merge_one(struct builder *b, struct conf_node *map, struct map *seen,
    struct conf_node *from)
{
	unsigned i;

	if (from->kind != NODE_MAP) {
		node_fault(b, from, "write <<: *anchor",
		    "'<<' takes a map or a list of maps");
		return true;
	}
	if (!count(b, from->size))
		return false;
	for (i = 0; i < from->n; i++) {
		if (map_get(seen, from->pairs[i].key->text) != NULL)
			continue;
		map_set(seen, from->pairs[i].key->text, from->pairs[i].key);
		node_put(b->reader->arena, map, from->pairs[i].key,
		    from->pairs[i].value);
	}
	return true;
}

/* For the current event; NULL: told. */
static struct conf_node *
new_node(struct builder *b, enum node_kind kind, unsigned depth)
{
	yaml_mark_t start = b->event.start_mark, end = b->event.end_mark;
	struct conf_node *n;

	if (!count(b, 1))
		return NULL;
	n = node_list(b->reader->arena, NULL);
	n->kind = kind;
	n->place = place_of(b, start);
	if (start.line == end.line)
		n->width = (unsigned)(end.column - start.column);
	if (depth <= DEPTH_MAX)
		return n;
	node_fault(b, n, NULL, "nested deeper than %u levels", DEPTH_MAX);
	return NULL;
}

static void
grew(struct conf_node *n, const struct conf_node *child)
{
	n->size += child->size;
	if (n->height <= child->height)
		n->height = child->height + 1;
}

/* Count the nodes that the current event stands for; false: told. */
static bool
count(struct builder *b, unsigned nodes)
{
	struct conf_node here = {
		.place = place_of(b, b->event.start_mark),
	};

	if (nodes <= NODES_MAX - b->reader->nodes) {
		b->reader->nodes += nodes;
		return true;
	}
	node_fault(b, &here, NULL,
	    "more than %u values, aliases counted as often as used", NODES_MAX);
	return false;
}

static struct text
anchor_name(struct builder *b, const yaml_char_t *name)
{
	if (name == NULL)
		return TEXT_NONE;
	return arena_copy(b->reader->arena, text_of((const char *)name));
}

static void
keep_anchor(struct builder *b, struct text name, struct conf_node *n)
{
	if (name.n > 0)
		map_set(&b->anchors, name, n);
}

static void
refuse_tag(struct builder *b, struct conf_node *n, const yaml_char_t *tag)
{
	if (tag != NULL)
		node_fault(b, n, "leave the tag out",
		    "a YAML tag (%.60s): the type of a value follows from its "
		    "key",
		    (const char *)tag);
}

static struct conf_place
place_of(const struct builder *b, yaml_mark_t mark)
{
	return (struct conf_place){ b->file, (unsigned)mark.line + 1,
		(unsigned)mark.column + 1 };
}

static void
node_fault(struct builder *b, struct conf_node *n, const char *hint,
    const char *format, ...)
{
	struct fault f = { .place = n->place, .width = n->width, .hint = hint };
	va_list ap;

	n->bad = true;
	va_start(ap, format);
	errors_vadd(b->reader->errors, &f, format, ap);
	va_end(ap);
}
