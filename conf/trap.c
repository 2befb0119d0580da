/*
 * YAML's traps, turned into errors that say how to write it.  libyaml is right
 * that `host: *.example.com' is an alias with a strange name, but that helps
 * nobody.  Each trap looks at the text around the place where libyaml gave up;
 * the first that knows it explains it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/trap.h"

static bool explain_tab(struct trap *);
static bool explain_star(struct trap *);
static bool explain_variable(struct trap *);
static bool explain_colon(struct trap *);
static bool explain_special(struct trap *);
static bool explain_nested(struct trap *);
static bool explain_open(struct trap *);
static bool explain_indentation(struct trap *);
static void
quote_it(struct trap *, size_t from, size_t to, const char *message);
static size_t word_end(struct text, size_t at);
static size_t line_start(struct text, unsigned line);
static size_t offset_of(struct text, struct conf_place);
static bool byte_is(struct text, size_t at, char);
static bool problem_has(const struct trap *, const char *);

static bool (*const traps[])(struct trap *) = {
	explain_tab,
	explain_star,
	explain_variable,
	explain_colon,
	explain_special,
	explain_nested,
	explain_open,
	explain_indentation,
};

void
trap_byte(struct trap *t, size_t offset)
{
	size_t i;

	t->at.line = t->at.column = 1;
	for (i = 0; i < offset && i < t->yaml.n; i++) {
		if (t->yaml.p[i] == '\n') {
			t->at.line++;
			t->at.column = 1;
		} else if (!text_utf8_goes_on(t->yaml.p[i]))
			t->at.column++;
	}
}

void
trap_explain(struct trap *t)
{
	size_t i;

	t->width = 1;
	t->hint[0] = '\0';
	for (i = 0; i < sizeof(traps) / sizeof(*traps); i++)
		if (traps[i](t))
			return;
	snprintf(t->message, sizeof(t->message), "not YAML: %s%s%s", t->problem,
	    t->context != NULL ? ", " : "",
	    t->context != NULL ? t->context : "");
}

/* A tab before the first word of the line, or where a word should start. */
static bool
explain_tab(struct trap *t)
{
	size_t start = line_start(t->yaml, t->at.line), i = start;

	while (byte_is(t->yaml, i, ' '))
		i++;
	if (!byte_is(t->yaml, i, '\t'))
		return false;
	t->at.column = (unsigned)(i - start) + 1;
	snprintf(t->message, sizeof(t->message), "a tab in the indentation");
	snprintf(t->hint, sizeof(t->hint), "indent with spaces");
	return true;
}

/* `*.example.com' or a lone `*' */
static bool
explain_star(struct trap *t)
{
	size_t from;

	if (t->context == NULL ||
	    (strcmp(t->context, "while scanning an alias") != 0 &&
		strcmp(t->context, "while scanning an anchor") != 0))
		return false;
	t->at = t->begun;
	from = offset_of(t->yaml, t->at);
	quote_it(t, from, word_end(t->yaml, from),
	    byte_is(t->yaml, from, '*')
		? "an unquoted '*' begins an alias in YAML"
		: "an unquoted '&' begins an anchor in YAML");
	return true;
}

/* `{ k: ${X} }': in flow style the brace ends the word at the dollar. */
static bool
explain_variable(struct trap *t)
{
	size_t brace = offset_of(t->yaml, t->at), from, to;

	if (brace == 0 || !byte_is(t->yaml, brace, '{') ||
	    !byte_is(t->yaml, brace - 1, '$'))
		return false;
	for (from = brace - 1;
	     from > 0 && strchr(" \t\n[{,", t->yaml.p[from - 1]) == NULL;
	     from--)
		continue;
	trap_byte(t, from);
	for (to = brace;
	     to < t->yaml.n && t->yaml.p[to] != '}' && t->yaml.p[to] != '\n';
	     to++)
		continue;
	if (byte_is(t->yaml, to, '}'))
		to = word_end(t->yaml, to + 1);
	quote_it(t, from, to, "an unquoted '${' in [ ] or { }");
	return true;
}

/* `{ address: :80 }', `[:80]' and `[[::1]:80]' */
static bool
explain_colon(struct trap *t)
{
	size_t at = offset_of(t->yaml, t->at), to = at;

	if (!byte_is(t->yaml, at, ':') ||
	    !problem_has(t, "did not find expected node content"))
		return false;
	if (at > 0 && byte_is(t->yaml, at - 1, '[')) {
		while (to < t->yaml.n &&
		    (isxdigit((unsigned char)t->yaml.p[to]) ||
			strchr(":.%", t->yaml.p[to]) != NULL))
			to++;
		if (byte_is(t->yaml, to, ']') &&
		    byte_is(t->yaml, to + 1, ':')) {
			t->at.column--;
			quote_it(t, at - 1, word_end(t->yaml, to + 1),
			    "an unquoted IPv6 address");
			return true;
		}
	}
	quote_it(t, at, word_end(t->yaml, at),
	    "an unquoted word that begins with ':' in [ ] or { }");
	return true;
}

/* `@x' and other characters that YAML keeps for itself */
static bool
explain_special(struct trap *t)
{
	size_t at = offset_of(t->yaml, t->at);

	if (!problem_has(t, "cannot start any token") || at >= t->yaml.n)
		return false;
	quote_it(t, at, word_end(t->yaml, at),
	    "a word cannot begin with this character");
	return true;
}

/* `a: b: c' */
static bool
explain_nested(struct trap *t)
{
	if (!problem_has(t, "mapping values are not allowed"))
		return false;
	snprintf(
	    t->message, sizeof(t->message), "a key inside the value before it");
	snprintf(t->hint, sizeof(t->hint),
	    "check the indentation, or quote a value that holds ': '");
	return true;
}

/* A bracket or quote that the end of the file, or the next key, finds open. */
static bool
explain_open(struct trap *t)
{
	size_t begun = offset_of(t->yaml, t->begun);

	if (problem_has(t, "did not find expected node content") &&
	    offset_of(t->yaml, t->at) >= t->yaml.n) {
		snprintf(t->message, sizeof(t->message),
		    "the file ends inside [ ] or { }");
		return true;
	}
	if (!problem_has(t, "did not find expected ',' or") &&
	    !problem_has(t, "found unexpected end of stream") &&
	    !problem_has(t, "found unexpected document indicator"))
		return false;
	if (begun >= t->yaml.n || strchr("[{\"'", t->yaml.p[begun]) == NULL)
		return false;
	snprintf(t->message, sizeof(t->message),
	    "this '%c' is not closed before line %u, column %u",
	    t->yaml.p[begun], t->at.line, t->at.column);
	t->at = t->begun;
	return true;
}

static bool
explain_indentation(struct trap *t)
{
	if (!problem_has(t, "did not find expected key") &&
	    !problem_has(t, "did not find expected '-' indicator"))
		return false;
	snprintf(t->message, sizeof(t->message),
	    "this does not go on with the block of line %u", t->begun.line);
	snprintf(t->hint, sizeof(t->hint),
	    "check the indentation, or the brackets and quotes before it");
	return true;
}

static void
quote_it(struct trap *t, size_t from, size_t to, const char *message)
{
	t->width = 0;
	for (size_t i = from; i < to; i++)
		t->width += !text_utf8_goes_on(t->yaml.p[i]);
	snprintf(t->message, sizeof(t->message), "%s", message);
	if (to > from)
		snprintf(t->hint, sizeof(t->hint), "quote it: \"%.*s\"",
		    (int)(to - from > 80 ? 80 : to - from), t->yaml.p + from);
}

static size_t
word_end(struct text yaml, size_t at)
{
	while (at < yaml.n && strchr(" \t\r\n,]}", yaml.p[at]) == NULL)
		at++;
	return at;
}

static size_t
line_start(struct text yaml, unsigned line)
{
	size_t at = 0;
	ptrdiff_t end;

	for (; line > 1; line--) {
		if ((end = text_find(text_from(yaml, at), '\n')) == -1)
			return yaml.n;
		at += (size_t)end + 1;
	}
	return at;
}

/* The byte of a line and column; columns count characters. */
static size_t
offset_of(struct text yaml, struct conf_place place)
{
	size_t at = line_start(yaml, place.line);
	unsigned column;

	for (column = 1; at < yaml.n && column < place.column; column++)
		do
			at++;
		while (at < yaml.n && text_utf8_goes_on(yaml.p[at]));
	return at;
}

static bool
byte_is(struct text yaml, size_t at, char c)
{
	return at < yaml.n && yaml.p[at] == c;
}

static bool
problem_has(const struct trap *t, const char *words)
{
	return t->problem != NULL && strstr(t->problem, words) != NULL;
}
