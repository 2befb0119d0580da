/* The table, and what is written from it. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/decode.h"
#include "conf/schema.h"

#define EACH(k) for (k = schema; k < schema + schema_keys; k++)

static char *
whole(struct buf *b)
{
	char *text = calloc(1, b->n + 1);
	size_t n = 0;

	while (b->n > 0) {
		struct text front = buf_front(b);

		memcpy(text + n, front.p, front.n);
		n += front.n;
		buf_drop(b, front.n);
	}
	return text;
}

Test(schema, rows_are_complete_and_different)
{
	const struct key *k, *other;

	EACH(k)
	{
		cr_expect_not_null(k->help, "%s", k->path);
		cr_expect_eq(k->help[strlen(k->help) - 1], '.', "%s", k->path);
		for (other = schema; other < k; other++)
			cr_expect_str_neq(k->path, other->path);
	}
}

Test(schema, every_key_stands_under_one_before_it)
{
	const struct key *k, *parent;
	char path[KEY_PATH_MAX];
	bool found;

	EACH(k)
	{
		found = key_is_under(k, "");
		for (parent = schema; parent < k; parent++) {
			key_item_path(parent, path, sizeof(path));
			found = found ||
			    (parent->like == NULL && key_is_under(k, path));
		}
		cr_expect(found, "%s", k->path);
	}
}

Test(schema, numbers_have_a_range_and_words_their_list)
{
	const struct key *k;

	EACH(k)
	{
		if (k->type == KEY_COUNT || k->type == KEY_DURATION ||
		    k->type == KEY_SIZE || k->type == KEY_PERCENT)
			cr_expect_lt(k->least, k->most, "%s", k->path);
		if (k->type == KEY_WORD || k->type == KEY_WORDS)
			cr_expect_not_null(k->words, "%s", k->path);
	}
}

Test(schema, lists_have_items_of_the_size_of_their_type)
{
	const struct key *k;

	EACH(k)
	{
		if (k->type < KEY_BOOL || k->width == 0)
			continue;
		cr_expect_eq(k->element > 0,
		    (k->flags & KEY_MANY) != 0 && k->type != KEY_WORDS, "%s",
		    k->path);
		if (k->element > 0)
			cr_expect_eq(
			    k->element, value_size(k->type), "%s", k->path);
		else if (value_size(k->type) > 0)
			cr_expect_eq(
			    k->width, value_size(k->type), "%s", k->path);
	}
}

Test(schema, paths_lead_to_their_rows)
{
	const struct key *k;

	EACH(k)
	cr_expect_eq(key_find(k->path), k, "%s", k->path);
	cr_expect_null(key_find("nothing"));
	cr_expect_eq(key_child("", TEXT("log")), key_find("log"));
	cr_expect_eq(key_child("log", TEXT("level")), key_find("log.level"));
	cr_expect_null(key_child("log", TEXT("leve")));
	cr_expect_null(key_child("lo", TEXT("g")));
	cr_expect_null(key_child("upstreams", TEXT("NAME.servers")));
	cr_expect_str_eq(key_name(key_find("routes[].to[].weight")), "weight");
	cr_expect_str_eq(key_name(key_find("log")), "log");
}

Test(schema, words_are_found_by_index_and_name)
{
	struct text word;

	cr_expect_eq(words_find("a|bc|d", TEXT("a")), 0);
	cr_expect_eq(words_find("a|bc|d", TEXT("bc")), 1);
	cr_expect_eq(words_find("a|bc|d", TEXT("d")), 2);
	cr_expect_eq(words_find("a|bc|d", TEXT("b")), -1);
	cr_expect_eq(words_find("a|bc|d", TEXT("")), -1);
	cr_expect(
	    words_get("a|bc|d", 1, &word) && text_equal(word, TEXT("bc")));
	cr_expect(!words_get("a|bc|d", 3, &word));
}

/* Every default is written as its own type reads it. */
Test(schema, defaults_decode_without_a_fault)
{
	struct conf_errors errors = { 0 };
	struct arena arena = { 0 };
	struct decoder x = { .arena = &arena, .errors = &errors };
	struct text rest, one;
	const struct key *k;

	EACH(k)
	{
		if (k->type < KEY_BOOL || k->fallback == NULL)
			continue;
		rest = text_of(k->fallback);
		while (text_split(&rest, ',', &one))
			cr_expect(value_decode(&x, k,
				      node_scalar(&arena, one, NULL), NULL),
			    "%s", k->path);
	}
	cr_expect_eq(errors.nerrors, 0);
	conf_errors_fini(&errors);
	arena_fini(&arena);
}

/* The subschema of one key: through properties, names, items and choices. */
static json_t *
find_property(json_t *in, const char *name)
{
	json_t *found, *choice;
	size_t i;

	if (!json_is_object(in))
		return NULL;
	if ((found = json_object_get(
		 json_object_get(in, "properties"), name)) != NULL)
		return found;
	json_array_foreach(json_object_get(in, "anyOf"), i,
	    choice) if ((found = find_property(choice, name)) !=
	    NULL) return found;
	return NULL;
}

static json_t *
find_items(json_t *in, const char *member)
{
	json_t *found, *choice;
	size_t i;

	if ((found = json_object_get(in, member)) != NULL)
		return found;
	json_array_foreach(json_object_get(in, "anyOf"), i,
	    choice) if ((found = json_object_get(choice, member)) !=
	    NULL) return found;
	return NULL;
}

static json_t *
find_path(json_t *root, const char *path)
{
	struct text rest = text_of(path), part;
	char name[64];

	while (root != NULL && text_split(&rest, '.', &part)) {
		snprintf(name, sizeof(name), "%.*s", TEXT_ARG(part));
		if (strcmp(name, "NAME") == 0) {
			root = find_items(root, "additionalProperties");
			continue;
		}
		if (strchr(name, '[') != NULL)
			*strchr(name, '[') = '\0';
		root = find_property(root, name);
		if (root != NULL && text_find(part, '[') != -1)
			root = find_items(root, "items");
	}
	return root;
}

static json_t *
json_schema(void)
{
	struct buf b = { 0 };
	json_error_t error;
	char *text;
	json_t *root;

	conf_schema(&b);
	text = whole(&b);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(root, "%s at %d", error.text, error.position);
	free(text);
	return root;
}

/* A truth or a number is written bare, unless it is a word. */
static bool
is_of_its_type(const json_t *value, const struct key *k)
{
	if (k->type == KEY_BOOL)
		return json_is_boolean(value);
	if (k->type == KEY_COUNT && strcmp(k->fallback, "off") != 0 &&
	    strcmp(k->fallback, "auto") != 0)
		return json_is_integer(value);
	return json_is_string(value);
}

Test(schema, the_json_schema_has_every_key_with_its_help_and_default)
{
	json_t *root = json_schema(), *at, *value;
	const struct key *k;
	const char *text;

	cr_expect_str_eq(json_string_value(json_object_get(root, "$schema")),
	    "http://json-schema.org/draft-07/schema#");
	EACH(k)
	{
		at = find_path(root, k->path);
		cr_assert_not_null(at, "%s", k->path);
		text = json_string_value(json_object_get(at, "description"));
		cr_expect_not_null(text, "%s", k->path);
		cr_expect_str_eq(text, k->help);
		value = json_object_get(at, "default");
		if (k->type >= KEY_BOOL)
			cr_expect_eq(
			    value != NULL, k->fallback != NULL, "%s", k->path);
		if (value != NULL && (k->flags & KEY_MANY) == 0)
			cr_expect(is_of_its_type(value, k), "%s", k->path);
		if (json_is_string(value))
			cr_expect_str_eq(json_string_value(value), k->fallback);
		if (json_is_integer(value))
			cr_expect_eq(
			    json_integer_value(value), atoll(k->fallback));
	}
	json_decref(root);
}

static bool
names(json_t *list, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one) if (json_is_string(one) &&
	    strcmp(json_string_value(one), name) == 0) return true;
	return false;
}

static json_t *
choice_with(json_t *at, const char *member)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(at, "anyOf"), i,
	    one) if (json_object_get(one, member) !=
	    NULL) return json_object_get(one, member);
	return NULL;
}

Test(schema, the_json_schema_says_types_ranges_words_and_what_must_be)
{
	json_t *root = json_schema(), *at;

	cr_expect(json_is_false(json_object_get(root, "additionalProperties")));
	at = find_path(root, "workers");
	cr_expect_eq(json_integer_value(choice_with(at, "minimum")), 1);
	cr_expect_eq(json_integer_value(choice_with(at, "maximum")), 256);
	cr_expect_str_eq(json_string_value(choice_with(at, "const")), "auto");
	at = find_path(root, "upstreams.NAME.balance.policy");
	cr_expect(names(choice_with(at, "enum"), "least_connections"));
	at = find_path(root, "listeners.NAME.tls.min_version");
	cr_expect_eq(json_array_size(choice_with(at, "enum")), 4);
	at = find_path(root, "upstreams.NAME.circuit_breaker");
	cr_expect_str_eq(json_string_value(choice_with(at, "const")), "off");
	at = find_path(root, "upstreams.NAME.timeouts.connect");
	cr_expect_str_eq(json_string_value(choice_with(at, "pattern")),
	    "^([0-9]+(ms|s|m|h|d))+$");
	at = find_path(root, "listeners.NAME.limits.header_size");
	cr_expect_str_eq(json_string_value(choice_with(at, "pattern")),
	    "^[0-9]+([KMGT]i?)?B$");
	at = find_path(root, "upstreams.NAME.health_check.jitter");
	cr_expect_str_eq(
	    json_string_value(choice_with(at, "pattern")), "^[0-9]+%$");
	at = find_path(root, "listeners.NAME.tls.ciphers");
	cr_expect(names(choice_with(at, "type"), "string"));
	at = find_path(root, "listeners.NAME.tls.session_tickets");
	cr_expect_str_eq(json_string_value(choice_with(at, "type")), "boolean");
	at = find_path(root, "routes[].request_headers.set");
	at = json_object_get(at, "additionalProperties");
	cr_expect(names(json_object_get(at, "type"), "string"));
	at = find_path(root, "routes[].host");
	cr_expect_not_null(choice_with(at, "items"));
	cr_expect_eq(json_integer_value(choice_with(at, "minItems")), 1);
	at = find_path(root, "routes[].name");
	cr_expect_null(choice_with(at, "items"));
	at = find_path(root, "routes[].to");
	cr_expect_str_eq(json_string_value(choice_with(at, "type")), "string");
	cr_expect_not_null(choice_with(at, "items"));
	at = find_path(root, "upstreams");
	at = json_object_get(at, "additionalProperties");
	cr_expect_not_null(choice_with(at, "items"));
	at = find_path(root, "listeners");
	cr_expect_eq(
	    json_integer_value(json_object_get(at, "minProperties")), 1);
	at = find_items(at, "additionalProperties");
	cr_expect(names(json_object_get(at, "required"), "address"));
	cr_expect(!names(json_object_get(at, "required"), "tls"));
	at = find_path(root, "defaults.upstream");
	cr_expect_null(find_property(at, "servers"));
	cr_expect_eq(json_array_size(json_object_get(at, "required")), 0);
	cr_expect_not_null(find_property(at, "timeouts"));
	json_decref(root);
}

Test(schema, the_reference_has_every_key_once)
{
	struct buf b = { 0 };
	char *text, item[KEY_PATH_MAX + 16], *at;
	const struct key *k;

	conf_reference(&b);
	text = whole(&b);
	EACH(k)
	{
		snprintf(item, sizeof(item), ".It Ic %s\n", k->path);
		at = strstr(text, item);
		cr_assert_not_null(at, "%s", k->path);
		cr_expect_null(strstr(at + 1, item), "%s", k->path);
	}
	cr_expect_not_null(strstr(text,
	    ".It Ic workers\na number from 1 to "
	    "256, or auto; default auto; a change takes a restart.\n"
	    "Threads that serve; auto is one for each core.\n"));
	cr_expect_not_null(strstr(text,
	    ".It Ic listeners.NAME.address\n"
	    "an address, or a list; required.\n"));
	cr_expect_not_null(strstr(text,
	    "\na size from 0B, or off; "
	    "default off.\n"));
	cr_expect_not_null(strstr(text, "\nhttp or tcp; default http.\n"));
	cr_expect_not_null(strstr(text,
	    "a path; default /; only with type "
	    "http.\nWhat to ask for.\n"));
	cr_expect_not_null(
	    strstr(text, "\nFor the next request on a connection.\n"));
	cr_expect_not_null(strstr(text,
	    "Groups of servers, by name.\n"
	    "A plain list is the list of servers.\n"));
	cr_expect(
	    strncmp(text, ".Bl -tag -width Ds\n.It Ic include\n", 34) == 0);
	cr_expect_str_eq(text + strlen(text) - 5, "\n.El\n");
	cr_expect_not_null(strstr(text,
	    ".It Ic defaults.route\n"
	    "The keys of\n.Ic routes[] .\n"));
	cr_expect_not_null(strstr(text,
	    "Maps merge, lists append; a name "
	    "that is defined twice and a pattern that matches nothing are "
	    "errors.\n"));
	free(text);
}

/* The page as it was last read by somebody: what it promises is kept. */
Test(schema, the_committed_manual_has_the_reference_as_it_is)
{
	const char *root = getenv("FAIRLEAD_ROOT");
	struct buf reference = { 0 }, page = { 0 };
	char path[4096], block[4096], *part, *all;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/man/fairlead.yaml.5",
	    root != NULL ? root : ".");
	f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_append(&page, block, n);
	fclose(f);
	conf_reference(&reference);
	part = whole(&reference);
	all = whole(&page);
	cr_assert_not_null(
	    strstr(all, part), "the manual is old: run make man");
	free(part);
	free(all);
}
