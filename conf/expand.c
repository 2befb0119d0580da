/*
 * Variables of the environment.  They are put in after parsing, into one value
 * at a time, so that what a variable holds can never become structure.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/errors.h"
#include "conf/expand.h"

/* The inside of ${...}. */
struct variable {
	struct text name;
	char how; /* '-' default, '?' message, 0 neither */
	struct text rest; /* the default or message */
};

static void expand_scalar(struct node_reader *, struct conf_node *);
static size_t
expand_next(struct node_reader *, struct conf_node *, size_t at, FILE *to);
static bool variable_parse(struct text, struct variable *);
static void variable_put(struct node_reader *, struct conf_node *,
    const struct variable *, size_t at, FILE *to);
static void put(FILE *, struct text);
static void expand_fault(struct node_reader *, struct conf_node *, size_t at,
    const char *hint, const char *, ...) __attribute__((format(printf, 5, 6)));

void
expand_tree(struct node_reader *reader, struct conf_node *n)
{
	unsigned i;

	if (n->kind == NODE_SCALAR)
		expand_scalar(reader, n);
	for (i = 0; n->kind == NODE_LIST && i < n->n; i++)
		expand_tree(reader, n->items[i]);
	for (i = 0; n->kind == NODE_MAP && i < n->n; i++)
		expand_tree(reader, n->pairs[i].value);
}

/* An alias brings the same node here again: once is enough. */
static void
expand_scalar(struct node_reader *reader, struct conf_node *n)
{
	char *expanded = NULL;
	size_t length = 0, at = 0;
	FILE *to;

	if (n->expanded || memmem(n->text.p, n->text.n, "${", 2) == NULL)
		return;
	n->expanded = true;
	if ((to = open_memstream(&expanded, &length)) == NULL)
		abort(); /* out of memory */
	while (at < n->text.n)
		at = expand_next(reader, n, at, to);
	fclose(to);
	n->text = arena_copy(reader->arena, (struct text){ expanded, length });
	free(expanded);
}

/* Copy up to the next ${ and expand it; where to go on. */
static size_t
expand_next(
    struct node_reader *reader, struct conf_node *n, size_t at, FILE *to)
{
	struct text rest = text_from(n->text, at);
	const char *found = memmem(rest.p, rest.n, "${", 2);
	struct variable v;
	ptrdiff_t end;
	size_t before;

	if (found == NULL) {
		put(to, rest);
		return n->text.n;
	}
	before = (size_t)(found - rest.p);
	if (before > 0 && found[-1] == '$') {
		put(to, text_first(rest, before - 1));
		put(to, TEXT("${"));
		return at + before + 2;
	}
	put(to, text_first(rest, before));
	rest = text_from(rest, before + 2);
	end = text_find(rest, '}');
	if (end == -1 || !variable_parse(text_first(rest, (size_t)end), &v)) {
		expand_fault(reader, n, at + before,
		    "write ${NAME}, "
		    "${NAME:-default} or ${NAME:?message}; $${ for a plain ${",
		    "'${' does not begin a variable");
		return n->text.n;
	}
	variable_put(reader, n, &v, at + before, to);
	return at + before + 2 + (size_t)end + 1;
}

static bool
variable_parse(struct text t, struct variable *v)
{
	size_t i = 0;

	while (i < t.n &&
	    (isalpha((unsigned char)t.p[i]) || t.p[i] == '_' ||
		(i > 0 && isdigit((unsigned char)t.p[i]))))
		i++;
	*v = (struct variable){ .name = text_first(t, i) };
	if (i == 0 || i == t.n)
		return i > 0;
	if (t.p[i] != ':' || i + 1 == t.n ||
	    (t.p[i + 1] != '-' && t.p[i + 1] != '?'))
		return false;
	v->how = t.p[i + 1];
	v->rest = text_from(t, i + 2);
	return true;
}

/* As in the shell, `:-' and `:?' take an empty variable for one not set. */
static void
variable_put(struct node_reader *reader, struct conf_node *n,
    const struct variable *v, size_t at, FILE *to)
{
	struct text name = arena_copy(reader->arena, v->name);
	const char *value = getenv(name.p);

	if (value != NULL && (value[0] != '\0' || v->how == 0))
		put(to, text_of(value));
	else if (v->how == '-')
		put(to, v->rest);
	else if (v->how == '?' && v->rest.n > 0)
		expand_fault(reader, n, at, NULL,
		    "environment variable %s: "
		    "%.*s",
		    name.p, TEXT_ARG(v->rest));
	else
		expand_fault(reader, n, at,
		    "set it, or give a default: "
		    "${NAME:-default}",
		    "environment variable %s is not set", name.p);
}

static void
put(FILE *to, struct text t)
{
	fwrite(t.p, 1, t.n, to);
}

/* At the very column when the value stands in the file as it is. */
static void
expand_fault(struct node_reader *reader, struct conf_node *n, size_t at,
    const char *hint, const char *format, ...)
{
	struct fault f = { .place = n->place, .width = n->width, .hint = hint };
	va_list ap;

	if (n->exact) {
		f.place.column += (unsigned)at + (n->quoted ? 1 : 0);
		f.width = 2;
	}
	n->bad = true;
	va_start(ap, format);
	errors_vadd(reader->errors, &f, format, ap);
	va_end(ap);
}
