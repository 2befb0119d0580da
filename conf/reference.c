/*
 * The reference section of fairlead.yaml(5), in mdoc.  One .It for each key:
 * what it takes, what it is when left out, what it means.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/decode.h"

static void put_kind(struct buf *, const struct key *);
static void put_range(struct buf *, const struct key *);
static void put_words(struct buf *, const char *words);
static void put_default(struct buf *, const struct key *);
static void put_help(struct buf *, struct text);
static void
put(struct buf *, const char *, ...) __attribute__((format(printf, 2, 3)));

void
conf_reference(struct buf *to)
{
	const struct key *k;

	put(to, ".Bl -tag -width Ds\n");
	for (k = schema; k < schema + schema_keys; k++) {
		put(to, ".It Ic %s\n", k->path);
		put_kind(to, k);
		put_default(to, k);
		put_help(to, text_of(k->help));
	}
	put(to, ".El\n");
}

static void
put_kind(struct buf *to, const struct key *k)
{
	static const char *const structures[] = {
		[KEY_BLOCK] = "a map",
		[KEY_NAMED] = "a map of names",
		[KEY_RECORDS] = "a list",
		[KEY_FIELDS] = "a map of header names",
	};

	if (k->type == KEY_SAME)
		put(to, "The keys of\n.Ic %s ", k->like);
	else if (k->words != NULL)
		put_words(to, k->words);
	else
		put(to, "%s",
		    k->type <= KEY_FIELDS ? structures[k->type]
					  : value_words(k->type));
	put_range(to, k);
	if ((k->flags & KEY_OFF) != 0)
		put(to, ", or off");
	if ((k->flags & KEY_AUTO) != 0)
		put(to, ", or auto");
	if ((k->flags & KEY_MANY) != 0)
		put(to, k->type == KEY_RECORDS ? ", or one" : ", or a list");
}

static void
put_range(struct buf *to, const struct key *k)
{
	char least[32], most[32];

	if (k->most == 0 || k->words != NULL)
		return;
	key_print_bound(k, k->least, least);
	key_print_bound(k, k->most, most);
	if (k->most == INT64_MAX)
		put(to, " from %s", least);
	else
		put(to, " from %s to %s", least, most);
}

static void
put_words(struct buf *to, const char *words)
{
	struct text word, next;
	unsigned i;

	for (i = 0; words_get(words, i, &word); i++)
		put(to, "%s%.*s",
		    i == 0				 ? ""
			: words_get(words, i + 1, &next) ? ", "
							 : " or ",
		    TEXT_ARG(word));
}

static void
put_default(struct buf *to, const struct key *k)
{
	if (k->fallback != NULL)
		put(to, "; default %s", k->fallback);
	if ((k->flags & KEY_REQUIRED) != 0)
		put(to, "; required");
	if (k->when != NULL)
		put(to, "; only with type %s", k->when);
	if ((k->flags & KEY_RESTART) != 0)
		put(to, "; a change takes a restart");
	put(to, ".\n");
}

/* One sentence on a line, as mdoc wants it. */
static void
put_help(struct buf *to, struct text help)
{
	struct text rest = help;
	size_t i;

	for (i = 0; i + 1 < rest.n; i++) {
		if (rest.p[i] != '.' || rest.p[i + 1] != ' ')
			continue;
		put(to, "%.*s\n", (int)i + 1, rest.p);
		rest = text_from(rest, i + 2);
		i = 0;
	}
	put(to, "%.*s\n", TEXT_ARG(rest));
}

static void
put(struct buf *to, const char *format, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	buf_append(to, line, (size_t)n);
}
