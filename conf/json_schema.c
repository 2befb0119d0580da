/*
 * JSON Schema draft-07 of the language, for editors: completion, descriptions
 * and a first check while typing.  Looser than the decoder where a schema
 * cannot say it (a value with ${} may become anything), never stricter.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "conf/conf.h"
#include "conf/schema.h"

#define VARIABLE "\\$\\{"

static void put_block(struct json *, const char *path, bool partial);
static bool is_required(const struct key *, const char *path, bool partial);
static void put_key(struct json *, const struct key *);
static void put_default(struct json *, const struct key *);
static void put_plain(struct json *, const struct key *, struct text);
static void put_sub_block(struct json *, const struct key *);
static void put_named(struct json *, const struct key *);
static void put_records(struct json *, const struct key *);
static void put_list(struct json *, const struct key *, bool records);
static void put_fields(struct json *);
static void put_values(struct json *, const struct key *);
static void put_words(struct json *, const struct key *);
static void put_value(struct json *, const struct key *);
static void put_types(struct json *, const char *, const char *, const char *);
static const char *pattern_of(const struct key *);

void
conf_schema(struct buf *to)
{
	struct json j;

	json_init_buf(&j, to);
	json_open(&j);
	json_key(&j, "$schema");
	json_cstring(&j, "http://json-schema.org/draft-07/schema#");
	json_key(&j, "title");
	json_cstring(&j, "fairlead.yaml");
	put_block(&j, "", false);
	json_close(&j);
	json_end(&j);
}

/* Members of an open object that say: a map of the keys under that path. */
static void
put_block(struct json *j, const char *path, bool partial)
{
	const struct key *k;

	json_key(j, "type");
	json_cstring(j, "object");
	json_key(j, "additionalProperties");
	json_bool(j, false);
	json_key(j, "properties");
	json_open(j);
	for (k = schema; k < schema + schema_keys; k++) {
		if (!key_is_under(k, path) ||
		    (partial && (k->flags & KEY_NO_DEFAULT) != 0))
			continue;
		json_key(j, key_name(k));
		json_open(j);
		put_key(j, k);
		json_close(j);
	}
	json_close(j);
	json_key(j, "required");
	json_open_list(j);
	for (k = schema; k < schema + schema_keys; k++)
		if (is_required(k, path, partial))
			json_cstring(j, key_name(k));
	json_close_list(j);
}

static bool
is_required(const struct key *k, const char *path, bool partial)
{
	return !partial && (k->flags & KEY_REQUIRED) != 0 &&
	    key_is_under(k, path);
}

static void
put_key(struct json *j, const struct key *k)
{
	json_key(j, "description");
	json_cstring(j, k->help);
	if (k->fallback != NULL)
		put_default(j, k);
	switch (k->type) {
	case KEY_BLOCK:
		put_sub_block(j, k);
		break;
	case KEY_SAME:
		put_block(j, k->like, true);
		break;
	case KEY_NAMED:
		put_named(j, k);
		break;
	case KEY_RECORDS:
		put_records(j, k);
		break;
	case KEY_FIELDS:
		put_fields(j);
		break;
	default:
		put_values(j, k);
	}
}

static void
put_default(struct json *j, const struct key *k)
{
	struct text rest = text_of(k->fallback), one;

	if (k->type == KEY_BLOCK)
		return;
	json_key(j, "default");
	if ((k->flags & KEY_MANY) == 0) {
		put_plain(j, k, rest);
		return;
	}
	json_open_list(j);
	while (text_split(&rest, ',', &one))
		put_plain(j, k, one);
	json_close_list(j);
}

static void
put_plain(struct json *j, const struct key *k, struct text t)
{
	if (k->type == KEY_BOOL ||
	    (k->type == KEY_COUNT && !text_equal(t, TEXT("off")) &&
		!text_equal(t, TEXT("auto"))))
		json_raw(j, t);
	else
		json_text(j, t);
}

static void
put_sub_block(struct json *j, const struct key *k)
{
	if ((k->flags & KEY_OFF) == 0) {
		put_block(j, k->path, false);
		return;
	}
	json_key(j, "anyOf");
	json_open_list(j);
	json_open(j);
	put_block(j, k->path, false);
	json_close(j);
	put_types(j, "const", "off", NULL);
	json_close_list(j);
}

/* With a brief form an item may be a list of that key's values instead. */
static void
put_named(struct json *j, const struct key *k)
{
	char path[KEY_PATH_MAX];

	key_item_path(k, path, sizeof(path));
	json_key(j, "type");
	json_cstring(j, "object");
	json_key(j, "minProperties");
	json_u64(j, 1);
	json_key(j, "additionalProperties");
	json_open(j);
	if (k->brief == NULL)
		put_block(j, path, false);
	else {
		json_key(j, "anyOf");
		json_open_list(j);
		json_open(j);
		put_block(j, path, false);
		json_close(j);
		json_open(j);
		put_records(j, key_child(path, text_of(k->brief)));
		json_close(j);
		json_close_list(j);
	}
	json_close(j);
}

static void
put_records(struct json *j, const struct key *k)
{
	if ((k->flags & KEY_MANY) == 0) {
		put_list(j, k, true);
		return;
	}
	json_key(j, "anyOf");
	json_open_list(j);
	put_types(j, "type", "string", NULL);
	json_open(j);
	put_list(j, k, true);
	json_close(j);
	json_close_list(j);
}

static void
put_list(struct json *j, const struct key *k, bool records)
{
	char path[KEY_PATH_MAX];

	json_key(j, "type");
	json_cstring(j, "array");
	json_key(j, "minItems");
	json_u64(j, 1);
	json_key(j, "items");
	json_open(j);
	json_key(j, "anyOf");
	json_open_list(j);
	if (records) {
		key_item_path(k, path, sizeof(path));
		json_open(j);
		put_block(j, path, false);
		json_close(j);
		if (k->brief != NULL)
			put_types(j, "type", "string", NULL);
	} else
		put_value(j, k);
	json_close_list(j);
	json_close(j);
}

static void
put_fields(struct json *j)
{
	json_key(j, "type");
	json_cstring(j, "object");
	json_key(j, "additionalProperties");
	put_types(j, "type", "string", "number");
}

static void
put_values(struct json *j, const struct key *k)
{
	json_key(j, "anyOf");
	json_open_list(j);
	put_value(j, k);
	if ((k->flags & KEY_MANY) != 0) {
		json_open(j);
		put_list(j, k, false);
		json_close(j);
	}
	json_close_list(j);
}

/* Schemas, one of which a value must fit. */
static void
put_value(struct json *j, const struct key *k)
{
	const char *pattern = pattern_of(k);

	if (k->words != NULL)
		put_words(j, k);
	else if (k->type == KEY_BOOL)
		put_types(j, "type", "boolean", NULL);
	else if (k->type == KEY_COUNT) {
		json_open(j);
		json_key(j, "type");
		json_cstring(j, "integer");
		json_key(j, "minimum");
		json_u64(j, k->least);
		json_key(j, "maximum");
		json_u64(j, k->most);
		json_close(j);
	} else if (pattern != NULL)
		put_types(j, "pattern", pattern, NULL);
	else {
		put_types(j, "type", "string", "number");
		return;
	}
	put_types(j, "pattern", VARIABLE, NULL);
	if ((k->flags & (KEY_OFF | KEY_AUTO)) != 0)
		put_types(j, "const",
		    (k->flags & KEY_OFF) != 0 ? "off" : "auto", NULL);
}

/* A word that YAML takes for a number is let through in both forms. */
static void
put_words(struct json *j, const struct key *k)
{
	struct text word;
	unsigned i;

	json_open(j);
	json_key(j, "enum");
	json_open_list(j);
	for (i = 0; words_get(k->words, i, &word); i++) {
		json_text(j, word);
		if (strspn(word.p, "0123456789.") >= word.n)
			json_raw(j, word);
	}
	json_close_list(j);
	json_close(j);
}

/* { key: a }, or { key: [a, b] }; a pattern also says that it is a string. */
static void
put_types(struct json *j, const char *key, const char *a, const char *b)
{
	json_open(j);
	if (key[0] == 'p') {
		json_key(j, "type");
		json_cstring(j, "string");
	}
	json_key(j, key);
	if (b != NULL)
		json_open_list(j);
	json_cstring(j, a);
	if (b != NULL) {
		json_cstring(j, b);
		json_close_list(j);
	}
	json_close(j);
}

static const char *
pattern_of(const struct key *k)
{
	if (k->type == KEY_DURATION)
		return "^([0-9]+(ms|s|m|h|d))+$";
	if (k->type == KEY_SIZE)
		return "^[0-9]+([KMGT]i?)?B$";
	if (k->type == KEY_PERCENT)
		return "^[0-9]+%$";
	return NULL;
}
