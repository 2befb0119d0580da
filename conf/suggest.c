/*
 * "Did you mean".  Most unknown words are one slip away from a known one, or
 * the word of another proxy for the same thing, or stand one level too high or
 * too low; each of these gets its own hint.
 */
#include <ctype.h>
#include <string.h>

#include "conf/schema.h"
#include "conf/suggest.h"

static const struct {
	const char *theirs, *ours;
} foreign[] = {
#define FOREIGN(theirs, ours) { theirs, ours },
#define LATER(word)
#include "conf/foreign.def"
#undef FOREIGN
#undef LATER
};

static const char *const later[] = {
#define FOREIGN(theirs, ours)
#define LATER(word) word,
#include "conf/foreign.def"
#undef FOREIGN
#undef LATER
};

#define NOT_YET "not available in this version"

static bool is_later(struct text);
static const char *translated(struct text);
static bool same_letters(struct text, const char *);
static const char *elsewhere(struct arena *, struct text key);
static const char *did_you_mean(struct arena *, struct text);

const char *
suggest_key(struct arena *arena, const char *path, struct text key)
{
	const char *ours = translated(key), *place;
	struct nearest near = { .to = key };
	unsigned i;

	if (is_later(key))
		return NOT_YET;
	if (ours != NULL && key_child(path, text_of(ours)) != NULL)
		return did_you_mean(arena, text_of(ours));
	for (i = 0; i < schema_keys; i++)
		if (key_is_under(&schema[i], path))
			nearest_offer(&near, text_of(key_name(&schema[i])));
	if (near.found.p != NULL)
		return did_you_mean(arena, near.found);
	if ((place = elsewhere(arena, key)) != NULL || ours == NULL)
		return place;
	return arena_printf(arena, "fairlead calls it '%s'", ours).p;
}

const char *
suggest_word(struct arena *arena, const char *words, struct text word)
{
	const char *ours = translated(word);
	struct nearest near = { .to = word };
	struct text one, list = TEXT("");
	unsigned i;

	if (is_later(word))
		return NOT_YET;
	if (ours != NULL && words_find(words, text_of(ours)) != -1)
		return did_you_mean(arena, text_of(ours));
	for (i = 0; words_get(words, i, &one); i++) {
		nearest_offer(&near, one);
		list = arena_printf(arena, "%.*s%s%.*s", TEXT_ARG(list),
		    i > 0 ? ", " : "", TEXT_ARG(one));
	}
	if (near.found.p != NULL)
		return did_you_mean(arena, near.found);
	return arena_printf(arena, i > 1 ? "one of: %s" : "only: %s", list.p).p;
}

/* A third of the letters may differ, one at least. */
void
nearest_offer(struct nearest *near, struct text candidate)
{
	size_t most = near->to.n / 3 > 1 ? near->to.n / 3 : 1;
	unsigned distance;

	if (most > 3)
		most = 3;
	distance = text_distance(near->to, candidate, (unsigned)most);
	if (distance > most || distance >= candidate.n ||
	    (near->found.p != NULL && distance >= near->distance))
		return;
	near->found = candidate;
	near->distance = distance;
}

static bool
is_later(struct text word)
{
	size_t i;

	for (i = 0; i < sizeof(later) / sizeof(*later); i++)
		if (text_equal(word, text_of(later[i])))
			return true;
	return false;
}

static const char *
translated(struct text word)
{
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (same_letters(word, foreign[i].theirs))
			return foreign[i].ours;
	return NULL;
}

/* Without case, '-' and '_'; `plain' has none of them. */
static bool
same_letters(struct text word, const char *plain)
{
	size_t i;

	for (i = 0; i < word.n; i++) {
		if (word.p[i] == '-' || word.p[i] == '_')
			continue;
		if (tolower((unsigned char)word.p[i]) != *plain)
			return false;
		plain++;
	}
	return *plain == '\0';
}

/* The key exists, in another block. */
static const char *
elsewhere(struct arena *arena, struct text key)
{
	unsigned i;

	for (i = 0; i < schema_keys; i++)
		if (text_equal(text_of(key_name(&schema[i])), key))
			return arena_printf(
			    arena, "its place is %s", schema[i].path)
			    .p;
	return NULL;
}

static const char *
did_you_mean(struct arena *arena, struct text word)
{
	return arena_printf(arena, "did you mean '%.*s'?", TEXT_ARG(word)).p;
}
