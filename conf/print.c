/*
 * The effective configuration, for GET /config and the curious.  It walks the
 * schema and the canonical tree together: what was written is printed as it was
 * written, with its place among the origins, and what was not as its default.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "conf/decode.h"

struct printer {
	struct json j;
	struct arena arena; /* for texts on their way */
	bool origins; /* places in place of values */
	size_t n;
	char path[256];
};

static void
print_block(struct printer *, const char *path, const struct conf_node *map);
static void
print_key(struct printer *, const struct key *, const struct conf_node *);
static void
print_sub_block(struct printer *, const struct key *, const struct conf_node *);
static void
print_named(struct printer *, const struct key *, const struct conf_node *);
static void
print_records(struct printer *, const struct key *, const struct conf_node *);
static void print_fields(struct printer *, const struct conf_node *);
static bool is_secret(const struct conf_pair *);
static void
print_values(struct printer *, const struct key *, const struct conf_node *);
static void print_fallback(struct printer *, const struct key *);
static void print_value(struct printer *, const struct key *, struct text);
static void print_text(struct printer *, struct text);
static void print_origin(struct printer *, const struct conf_node *);
static size_t enter(struct printer *, const char *separator, struct text name);
static void leave(struct printer *, size_t);

void
conf_print(const struct conf *conf, struct buf *to)
{
	struct printer p = { .origins = false };

	json_init_buf(&p.j, to);
	json_open(&p.j);
	json_key(&p.j, "config");
	json_open(&p.j);
	print_block(&p, "", conf->tree);
	json_close(&p.j);
	p.origins = true;
	json_key(&p.j, "origins");
	json_open(&p.j);
	print_block(&p, "", conf->tree);
	json_close(&p.j);
	json_close(&p.j);
	json_end(&p.j);
	arena_fini(&p.arena);
}

/* A map, or NULL for one that is all default. */
static void
print_block(struct printer *p, const char *path, const struct conf_node *map)
{
	const struct conf_node *n;
	const struct key *k;
	size_t up;

	for (k = schema; k < schema + schema_keys; k++) {
		if (!key_is_under(k, path) || (k->flags & KEY_SUGAR) != 0 ||
		    !decode_applies(k, map))
			continue;
		n = node_get(map, key_name(k));
		up = enter(p, ".", text_of(key_name(k)));
		if (n != NULL)
			print_key(p, k, n);
		else if (!p->origins &&
		    (k->type == KEY_BLOCK ? (k->flags & KEY_OFF) != 0 ||
				(!key_is_off(k) && key_has_defaults(k))
					  : k->fallback != NULL))
			print_fallback(p, k);
		leave(p, up);
	}
}

static void
print_key(struct printer *p, const struct key *k, const struct conf_node *n)
{
	if (!p->origins)
		json_key(&p->j, key_name(k));
	if (k->type == KEY_BLOCK)
		print_sub_block(p, k, n);
	else if (k->type == KEY_NAMED)
		print_named(p, k, n);
	else if (k->type == KEY_RECORDS)
		print_records(p, k, n);
	else if (k->type == KEY_FIELDS)
		print_fields(p, n);
	else if (p->origins)
		print_origin(p, n);
	else
		print_values(p, k, n);
}

static void
print_sub_block(
    struct printer *p, const struct key *k, const struct conf_node *n)
{
	if (n->kind == NODE_SCALAR) {
		if (p->origins)
			print_origin(p, n);
		else
			json_text(&p->j, n->text);
		return;
	}
	if (!p->origins)
		json_open(&p->j);
	print_block(p, k->path, n);
	if (!p->origins)
		json_close(&p->j);
}

static void
print_named(struct printer *p, const struct key *k, const struct conf_node *n)
{
	char path[KEY_PATH_MAX];
	unsigned i;
	size_t up;

	key_item_path(k, path, sizeof(path));
	if (!p->origins)
		json_open(&p->j);
	for (i = 0; i < n->n; i++) {
		up = enter(p, ".", n->pairs[i].key->text);
		if (!p->origins) {
			json_key_text(&p->j, n->pairs[i].key->text);
			json_open(&p->j);
		}
		print_block(p, path, n->pairs[i].value);
		if (!p->origins)
			json_close(&p->j);
		leave(p, up);
	}
	if (!p->origins)
		json_close(&p->j);
}

static void
print_records(struct printer *p, const struct key *k, const struct conf_node *n)
{
	char path[KEY_PATH_MAX], index[16];
	unsigned i;
	size_t up;

	key_item_path(k, path, sizeof(path));
	if (!p->origins)
		json_open_list(&p->j);
	for (i = 0; i < n->n; i++) {
		snprintf(index, sizeof(index), "[%u]", i);
		up = enter(p, "", text_of(index));
		if (!p->origins)
			json_open(&p->j);
		print_block(p, path, n->items[i]);
		if (!p->origins)
			json_close(&p->j);
		leave(p, up);
	}
	if (!p->origins)
		json_close_list(&p->j);
}

static void
print_fields(struct printer *p, const struct conf_node *n)
{
	unsigned i;

	if (p->origins) {
		print_origin(p, n);
		return;
	}
	json_open(&p->j);
	for (i = 0; i < n->n; i++) {
		json_key_text(&p->j, n->pairs[i].key->text);
		if (is_secret(&n->pairs[i]))
			json_cstring(&p->j, "***");
		else
			print_text(p, n->pairs[i].value->text);
	}
	json_close(&p->j);
}

/* By its name, or because it came from the environment. */
static bool
is_secret(const struct conf_pair *pair)
{
	static const char *const words[] = {
		"auth",
		"cookie",
		"key",
		"password",
		"secret",
		"token",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(pair->key->text.p, words[i]) != NULL)
			return true;
	return pair->value->expanded;
}

static void
print_values(struct printer *p, const struct key *k, const struct conf_node *n)
{
	unsigned i;

	if (n->kind == NODE_SCALAR &&
	    ((k->flags & KEY_MANY) == 0 ||
		((k->flags & KEY_OFF) != 0 && node_is_word(n, "off")))) {
		print_value(p, k, n->text);
		return;
	}
	json_open_list(&p->j);
	if (n->kind == NODE_SCALAR)
		print_value(p, k, n->text);
	for (i = 0; n->kind == NODE_LIST && i < n->n; i++)
		print_value(p, k, n->items[i]->text);
	json_close_list(&p->j);
}

static void
print_fallback(struct printer *p, const struct key *k)
{
	struct text rest = text_of(k->fallback), one;

	json_key(&p->j, key_name(k));
	if (k->type == KEY_BLOCK && key_is_off(k))
		json_cstring(&p->j, "off");
	else if (k->type == KEY_BLOCK) {
		json_open(&p->j);
		print_block(p, k->path, NULL);
		json_close(&p->j);
	} else if ((k->flags & KEY_MANY) == 0)
		print_value(p, k, rest);
	else {
		json_open_list(&p->j);
		while (text_split(&rest, ',', &one))
			print_value(p, k, one);
		json_close_list(&p->j);
	}
}

static void
print_value(struct printer *p, const struct key *k, struct text t)
{
	uint64_t number;

	if (k->type == KEY_BOOL && !text_equal(t, TEXT("off")))
		json_bool(&p->j, text_equal(t, TEXT("true")));
	else if (k->type == KEY_COUNT && text_to_u64(t, UINT64_MAX, &number))
		json_u64(&p->j, number);
	else
		print_text(p, t);
}

/* What looks like a variable is none any more: it gets one more dollar. */
static void
print_text(struct printer *p, struct text t)
{
	char *copy = arena_alloc(&p->arena, 2 * t.n + 1);
	size_t i, n = 0;

	for (i = 0; i < t.n; i++) {
		if (text_starts(text_from(t, i), TEXT("${")))
			copy[n++] = '$';
		copy[n++] = t.p[i];
	}
	json_text(&p->j, (struct text){ copy, n });
}

static void
print_origin(struct printer *p, const struct conf_node *n)
{
	char origin[512];

	json_key(&p->j, p->path);
	snprintf(
	    origin, sizeof(origin), "%.400s:%u", n->place.file, n->place.line);
	json_cstring(&p->j, origin);
}

static size_t
enter(struct printer *p, const char *separator, struct text name)
{
	size_t up = p->n, room = sizeof(p->path) - up;
	int n;

	n = snprintf(p->path + up, room, "%s%.*s", up > 0 ? separator : "",
	    TEXT_ARG(name));
	p->n = (size_t)n < room ? up + (size_t)n : sizeof(p->path) - 1;
	return up;
}

static void
leave(struct printer *p, size_t up)
{
	p->n = up;
	p->path[up] = '\0';
}
