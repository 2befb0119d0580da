/*
 * From files to a configuration: load the trees, bring them to canonical form,
 * decode, check.  All faults of one step are collected before the next step
 * would stumble over them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/check.h"
#include "conf/decode.h"
#include "conf/load.h"
#include "conf/normal.h"

static struct conf *
build(const char *path, const struct text *yaml, struct conf_errors *);

struct conf *
conf_load(const char *path, struct conf_errors *errors)
{
	return build(path, NULL, errors);
}

struct conf *
conf_parse(const char *name, struct text yaml, struct conf_errors *errors)
{
	return build(name, &yaml, errors);
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	arena_fini(&conf->arena);
	free(conf);
}

/* From the text when there is one, else from the file. */
static struct conf *
build(const char *path, const struct text *yaml, struct conf_errors *errors)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));
	struct loader l = { .reader = {
				.arena = &conf->arena, .errors = errors } };

	conf->path = arena_strdup(&conf->arena, path);
	errors->path = arena_strdup(&errors->arena, path);
	conf->tree = yaml != NULL ? load_text(&l, conf->path, *yaml)
				  : load_file(&l, conf->path);
	if (conf->tree != NULL && !l.broken) {
		normal_tree(&l.reader, conf->tree);
		decode_conf(conf, errors);
		check_conf(conf, errors);
	}
	snprintf(conf->hash, sizeof(conf->hash), "%016" PRIx64, l.hash);
	errors_sort(errors);
	loader_fini(&l);
	if (errors->nerrors == 0)
		return conf;
	conf_free(conf);
	return NULL;
}
