/*
 * Files and their includes.  Maps of several files merge and lists append; a
 * value that two files give is an error at both places, because nobody could
 * say which of them is meant.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/map.h"
#include "conf/expand.h"
#include "conf/load.h"
#include "conf/schema.h"

#define FILE_MAX_BYTES (64u << 20)

/* A file whose includes are being read. */
struct open_file {
	const char *name;
	dev_t device;
	ino_t inode;
	struct open_file *outer;
};

static struct conf_node *
load(struct loader *, const char *path, const struct conf_node *from);
static bool read_all(struct loader *, int fd, struct text *);
static struct conf_node *
load_source(struct loader *, const char *name, struct text);
static void
refuse_root(struct loader *, const char *name, const struct conf_node *);
static void include_all(
    struct loader *, struct conf_node *root, struct conf_node *patterns);
static void
include(struct loader *, struct conf_node *root, struct conf_node *pattern);
static struct conf_node *take(struct conf_node *map, const char *key);
static void merge(struct loader *, struct conf_node *into,
    struct conf_node *from, const struct key *row);
static void merge_pair(struct loader *, struct conf_pair *have,
    struct conf_pair *more, const struct key *row);
static void twice(struct loader *, const struct conf_node *key,
    const struct conf_node *other);
static void load_fault(struct loader *, const struct conf_node *,
    const char *path, const char *why);

struct conf_node *
load_file(struct loader *l, const char *path)
{
	return load(l, path, NULL);
}

struct conf_node *
load_text(struct loader *l, const char *name, struct text yaml)
{
	return load_source(l, name, yaml);
}

void
loader_fini(struct loader *l)
{
	l->reader.errors->sources = NULL;
	arena_fini(&l->texts);
}

/* `from' is what included it, NULL for the main file. */
static struct conf_node *
load(struct loader *l, const char *path, const struct conf_node *from)
{
	struct open_file file = { .outer = l->open }, *f;
	struct conf_node *root = NULL;
	struct text yaml;
	struct stat st;
	int fd;

	file.name = path = arena_strdup(l->reader.arena, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		load_fault(l, from, path, strerror(errno));
		goto out;
	}
	file.device = st.st_dev;
	file.inode = st.st_ino;
	for (f = l->open; f != NULL; f = f->outer)
		if (f->device == st.st_dev && f->inode == st.st_ino) {
			load_fault(l, from, path, "it includes itself");
			goto out;
		}
	if (!read_all(l, fd, &yaml)) {
		load_fault(l, from, path, strerror(errno));
		goto out;
	}
	l->open = &file;
	root = load_source(l, path, yaml);
	l->open = file.outer;
out:
	if (fd != -1)
		close(fd);
	return root;
}

static bool
read_all(struct loader *l, int fd, struct text *all)
{
	size_t cap = 1 << 16, n = 0;
	char *p = xmalloc(cap);
	ssize_t got;

	while ((got = read(fd, p + n, cap - n)) > 0) {
		n += (size_t)got;
		if (n == FILE_MAX_BYTES) {
			errno = EFBIG;
			got = -1;
			break;
		}
		if (n == cap)
			p = xrealloc(p, cap *= 2);
	}
	if (got == 0)
		*all = arena_copy(&l->texts, (struct text){ p, n });
	free(p);
	return got == 0;
}

static struct conf_node *
load_source(struct loader *l, const char *name, struct text yaml)
{
	struct conf_source *source = arena_zalloc(&l->texts, sizeof(*source));
	struct conf_node *root, *patterns;

	source->name = name;
	source->text = yaml;
	if (l->last != NULL)
		l->last->next = source;
	else
		l->reader.errors->sources = source;
	l->last = source;
	l->hash = hash_text(yaml, l->hash);
	if ((root = node_read(&l->reader, name, yaml)) == NULL) {
		l->broken = true;
		return NULL;
	}
	if (root->kind != NODE_MAP) {
		refuse_root(l, name, root);
		return NULL;
	}
	expand_tree(&l->reader, root);
	if ((patterns = take(root, "include")) != NULL)
		include_all(l, root, patterns);
	return root;
}

static void
refuse_root(struct loader *l, const char *name, const struct conf_node *root)
{
	struct fault f = { .place = root->place, .width = root->width };

	l->broken = true;
	if (!node_is_empty(root)) {
		errors_add(l->reader.errors, &f, "a map of keys is wanted");
		return;
	}
	f = (struct fault){ .place = { name, 1, 1 } };
	errors_add(l->reader.errors, &f, "the file is empty");
}

static void
include_all(
    struct loader *l, struct conf_node *root, struct conf_node *patterns)
{
	unsigned i;

	if (patterns->kind != NODE_LIST) {
		include(l, root, patterns);
		return;
	}
	for (i = 0; i < patterns->n; i++)
		include(l, root, patterns->items[i]);
}

static void
include(struct loader *l, struct conf_node *root, struct conf_node *pattern)
{
	struct text dir = text_of(pattern->place.file);
	ptrdiff_t slash = text_find_last(dir, '/');
	struct conf_node *more;
	const char *path;
	glob_t found;
	size_t i;

	if (pattern->bad)
		return;
	if (pattern->kind != NODE_SCALAR || pattern->text.n == 0) {
		load_fault(l, pattern, "", "a file or shell pattern is wanted");
		return;
	}
	path = pattern->text.p;
	if (path[0] != '/' && slash != -1)
		path = arena_printf(l->reader.arena, "%.*s%s",
		    TEXT_ARG(text_first(dir, (size_t)slash + 1)), path)
			   .p;
	if (glob(path, 0, NULL, &found) == 0)
		for (i = 0; i < found.gl_pathc; i++) {
			more = load(l, found.gl_pathv[i], pattern);
			if (more != NULL)
				merge(l, root, more, NULL);
		}
	else
		load_fault(l, pattern, path, "no file matches");
	globfree(&found);
}

/* The value of a key, which goes out of the map. */
static struct conf_node *
take(struct conf_node *map, const char *key)
{
	struct conf_pair *pair = node_pair(map, text_of(key));
	struct conf_node *value;

	if (pair == NULL)
		return NULL;
	value = pair->value;
	map->n--;
	memmove(pair, pair + 1,
	    (size_t)(map->pairs + map->n - pair) * sizeof(*pair));
	return value;
}

/* `row' is the schema's of the map, NULL at the top. */
static void
merge(struct loader *l, struct conf_node *into, struct conf_node *from,
    const struct key *row)
{
	struct map have = { 0 };
	struct conf_pair *more;
	unsigned i, *index;

	index = arena_alloc(&l->texts, (into->n + 1) * sizeof(*index));
	for (i = 0; i < into->n; i++) {
		index[i] = i;
		map_set(&have, into->pairs[i].key->text, &index[i]);
	}
	for (i = 0; i < from->n; i++) {
		more = &from->pairs[i];
		index = map_get(&have, more->key->text);
		if (index == NULL)
			node_put(l->reader.arena, into, more->key, more->value);
		else
			merge_pair(l, &into->pairs[*index], more,
			    row == NULL ? key_child("", more->key->text)
				: row->type == KEY_BLOCK
				? key_child(row->path, more->key->text)
				: NULL);
	}
	map_fini(&have);
}

/* Without a row it is one name, or one value, given twice. */
static void
merge_pair(struct loader *l, struct conf_pair *have, struct conf_pair *more,
    const struct key *row)
{
	struct conf_node *value;
	unsigned i;

	if (row == NULL || have->value->kind != more->value->kind ||
	    have->value->kind == NODE_SCALAR) {
		twice(l, more->key, have->key);
		twice(l, have->key, more->key);
		return;
	}
	value = node_copy(l->reader.arena, have->value);
	have->value = value;
	if (value->kind == NODE_MAP)
		merge(l, value, more->value, row);
	for (i = 0; value->kind == NODE_LIST && i < more->value->n; i++)
		node_append(l->reader.arena, value, more->value->items[i]);
}

static void
twice(struct loader *l, const struct conf_node *key,
    const struct conf_node *other)
{
	errors_add(l->reader.errors,
	    &(struct fault){ .place = key->place, .width = key->width },
	    "'%.60s' is defined twice, also at "
	    "%s:%u:%u",
	    key->text.p, other->place.file, other->place.line,
	    other->place.column);
}

static void
load_fault(struct loader *l, const struct conf_node *from, const char *path,
    const char *why)
{
	struct fault f = { .place = { .file = path } };

	l->broken = true;
	if (from == NULL) {
		errors_add(l->reader.errors, &f, "cannot read it: %s", why);
		return;
	}
	f = (struct fault){ .place = from->place, .width = from->width };
	errors_add(l->reader.errors, &f, "include: %.200s%s%s", path,
	    path[0] != '\0' ? ": " : "", why);
}
