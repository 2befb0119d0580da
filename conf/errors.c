/*
 * The list of what is wrong with a configuration.  An error copies everything
 * it shows (message, hint, source line) into its own arena, so that it
 * outlives the tree and the files.  Texts come from files that anybody may
 * have written: what would steer a terminal is replaced before it is kept.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/errors.h"

#define LINE_SHOWN 256 /* bytes of a source line; longer: not shown */
#define MESSAGE_MAX 512

static bool keep(struct conf_errors *, bool warning);
static const char *harmless(struct arena *, struct text);
static const char *
source_line(struct conf_errors *, struct conf_place, unsigned *order);
static struct text nth_line(struct text, unsigned);
static const char *read_line(struct conf_errors *, struct conf_place);
static bool after(const struct conf_error *, const struct conf_error *);
static void print_one(const struct conf_error *, FILE *);
static void print_source(const struct conf_error *, FILE *);
static void print_total(const struct conf_errors *, FILE *);

void
errors_add(
    struct conf_errors *errors, const struct fault *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	errors_vadd(errors, f, format, ap);
	va_end(ap);
}

void
errors_vadd(struct conf_errors *errors, const struct fault *f,
    const char *format, va_list ap)
{
	struct arena *arena = &errors->arena;
	struct conf_error *e;
	char message[MESSAGE_MAX];

	if (!keep(errors, f->warning))
		return;
	vsnprintf(message, sizeof(message), format, ap);
	e = &errors->v[errors->n++];
	*e = (struct conf_error){
		.place = f->place,
		.warning = f->warning,
		.width = f->width > 0 ? f->width : 1,
		.message = harmless(arena, text_of(message)),
	};
	if (f->hint != NULL)
		e->hint = harmless(arena, text_of(f->hint));
	e->source = source_line(errors, f->place, &e->order);
	if (f->place.file != NULL)
		e->place.file = harmless(arena, text_of(f->place.file));
}

void
conf_error_at(struct conf_errors *errors, struct conf_place place,
    const char *format, ...)
{
	struct fault f = { .place = place };
	va_list ap;

	va_start(ap, format);
	errors_vadd(errors, &f, format, ap);
	va_end(ap);
}

/* By insertion: there are few, and most come in order. */
void
errors_sort(struct conf_errors *errors)
{
	struct conf_error e;
	unsigned i, at;

	for (i = 1; i < errors->n; i++) {
		e = errors->v[i];
		for (at = i; at > 0 && after(&errors->v[at - 1], &e); at--)
			errors->v[at] = errors->v[at - 1];
		errors->v[at] = e;
	}
}

void
conf_errors_print(const struct conf_errors *errors, FILE *to)
{
	unsigned i, shown[2] = { 0, 0 };
	unsigned all = errors->nerrors + errors->nwarnings;
	unsigned printed = 0;

	for (i = 0; i < errors->n; i++) {
		if (shown[errors->v[i].warning]++ >= ERRORS_PRINTED)
			continue;
		print_one(&errors->v[i], to);
		printed++;
	}
	if (all > printed)
		fprintf(to, "\xe2\x80\xa6 and %u more\n", all - printed);
	if (all > 0)
		print_total(errors, to);
}

void
conf_errors_fini(struct conf_errors *errors)
{
	arena_fini(&errors->arena);
	free(errors->v);
	*errors = (struct conf_errors){ 0 };
}

/* Count it, and make room for one more unless there are too many. */
static bool
keep(struct conf_errors *errors, bool warning)
{
	if (warning)
		errors->nwarnings++;
	else
		errors->nerrors++;
	if (errors->n >= ERRORS_KEPT)
		return false;
	if (errors->n == errors->cap) {
		errors->cap = errors->cap > 0 ? errors->cap * 2 : 8;
		errors->v =
		    xrealloc(errors->v, errors->cap * sizeof(*errors->v));
	}
	return true;
}

/* A copy in which no byte but the tab controls anything. */
static const char *
harmless(struct arena *arena, struct text t)
{
	char *copy = arena_alloc(arena, t.n + 1);
	size_t i;

	for (i = 0; i < t.n; i++) {
		copy[i] = t.p[i];
		if (((unsigned char)t.p[i] < ' ' && t.p[i] != '\t') ||
		    t.p[i] == 0x7f)
			copy[i] = '?';
	}
	copy[t.n] = '\0';
	return copy;
}

/* The line at a place: from what was read, or else read anew. */
static const char *
source_line(
    struct conf_errors *errors, struct conf_place place, unsigned *order)
{
	const struct conf_source *s;
	struct text line;

	*order = 0;
	if (place.file == NULL || place.line == 0)
		return NULL;
	for (s = errors->sources; s != NULL; s = s->next, ++*order) {
		if (strcmp(s->name, place.file) != 0)
			continue;
		line = nth_line(s->text, place.line);
		if (line.n == 0 || line.n > LINE_SHOWN)
			return NULL;
		return harmless(&errors->arena, line);
	}
	return read_line(errors, place);
}

static struct text
nth_line(struct text t, unsigned line)
{
	ptrdiff_t end;

	for (; line > 1; line--) {
		if ((end = text_find(t, '\n')) == -1)
			return TEXT_NONE;
		t = text_from(t, (size_t)end + 1);
	}
	if ((end = text_find(t, '\n')) != -1)
		t = text_first(t, (size_t)end);
	if (t.n > 0 && t.p[t.n - 1] == '\r')
		t.n--;
	return t;
}

static const char *
read_line(struct conf_errors *errors, struct conf_place place)
{
	char *line = NULL;
	const char *found = NULL;
	size_t cap = 0;
	ssize_t n = -1;
	struct stat st;
	unsigned i;
	FILE *from;

	if (stat(place.file, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (from = fopen(place.file, "re")) == NULL)
		return NULL;
	for (i = 0; i < place.line; i++)
		if ((n = getline(&line, &cap, from)) == -1)
			break;
	if (n > 0 && n <= LINE_SHOWN)
		found = harmless(&errors->arena,
		    nth_line((struct text){ line, (size_t)n }, 1));
	free(line);
	fclose(from);
	return found;
}

static bool
after(const struct conf_error *a, const struct conf_error *b)
{
	if (a->order != b->order)
		return a->order > b->order;
	if (a->place.line != b->place.line)
		return a->place.line > b->place.line;
	return a->place.column > b->place.column;
}

static void
print_one(const struct conf_error *e, FILE *to)
{
	if (e->place.file != NULL)
		fprintf(to, "%s:", e->place.file);
	if (e->place.line > 0)
		fprintf(to, "%u:%u:", e->place.line, e->place.column);
	fprintf(to, " %s: %s", e->warning ? "warning" : "error", e->message);
	if (e->source == NULL && e->hint != NULL)
		fprintf(to, " (%s)", e->hint);
	fputc('\n', to);
	if (e->source != NULL)
		print_source(e, to);
}

/*
 * The line, and under it the caret.  A column is a character: bytes that go
 * on with a UTF-8 character take no space, and a tab stays one.
 */
static void
print_source(const struct conf_error *e, FILE *to)
{
	const char *p = e->source;
	unsigned column = 1, i;

	fprintf(to, "%5u | %s\n      | ", e->place.line, e->source);
	for (; *p != '\0' && column < e->place.column; p++) {
		if (text_utf8_goes_on(*p))
			continue;
		fputc(*p == '\t' ? '\t' : ' ', to);
		column++;
	}
	fputc('^', to);
	for (i = 1; i < e->width; i++)
		fputc('~', to);
	if (e->hint != NULL)
		fprintf(to, " %s", e->hint);
	fputc('\n', to);
}

/* "edge.yaml: 2 errors, 1 warning. The running configuration was not changed." */
static void
print_total(const struct conf_errors *errors, FILE *to)
{
	if (errors->path != NULL)
		fprintf(to, "%s: ", errors->path);
	if (errors->nerrors > 0)
		fprintf(to, "%u error%s", errors->nerrors,
		    errors->nerrors == 1 ? "" : "s");
	if (errors->nerrors > 0 && errors->nwarnings > 0)
		fputs(", ", to);
	if (errors->nwarnings > 0)
		fprintf(to, "%u warning%s", errors->nwarnings,
		    errors->nwarnings == 1 ? "" : "s");
	fputc('.', to);
	if (errors->consequence != NULL)
		fprintf(to, " %s", errors->consequence);
	fputc('\n', to);
}
