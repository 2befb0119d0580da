/*
 * Bytes to a message head, strictly (RFC 9112): CRLF ends lines, names are
 * tokens, nothing is folded, nothing is guessed.  One pass: each byte is
 * looked at once as part of its line.  A line that is cut short is tried once
 * and then left alone until a newline is there, so that slow bytes stay cheap.
 *
 * The line readers return where the next line starts, or NULL: refused when
 * reading.why is set, else the bytes ran out.
 */
#include "http/h1_parse.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "http/head.h"
#include "http/octet.h"
#include "http/scan.h"

#define METHOD_BYTES 64 /* the longest registered one has 17 */
#define VERSION_BYTES 8 /* HTTP/1.1 */
#define EMPTY_LINES 4 /* before a request line */

struct reading { /* of one call */
	struct h1_parser *parser;
	const struct h1_limits *limits;
	struct arena *arena;
	const char *p, *end; /* end: of what the limit lets us see */
	enum end why;
};

static bool begin(struct reading *, struct fields *, size_t n);
static bool is_worth_reading(const struct reading *, size_t n);
static ssize_t finish(struct reading *, enum end *why);
static const char *empty_lines(struct reading *);
static const char *request_line(struct reading *, struct head *);
static const char *method(struct reading *, const char *, struct head *);
static const char *target(struct reading *, const char *, struct head *);
static const char *status_line(struct reading *, struct head *);
static const char *status(struct reading *, const char *, struct head *);
static const char *version(struct reading *, const char *, enum http_version *);
static const char *formed(struct reading *, const char *, const char *);
static ssize_t field_lines(struct reading *, struct fields *);
static const char *field_line(struct reading *, const char *, struct fields *);
static bool is_line(const struct field *, const char *next);
static const char *line_end(struct reading *, const char *);
static const char *refuse(struct reading *, enum end);

void
h1_parser_init(struct h1_parser *parser)
{
	*parser = (struct h1_parser){ .base = NULL };
}

ssize_t
h1_parse_request(struct h1_parser *parser, struct head *head,
    struct arena *arena, const char *p, size_t n,
    const struct h1_limits *limits, enum end *why)
{
	struct reading r = { parser, limits, arena, p, p, END_NONE };
	ssize_t bytes = 0;

	if (!begin(&r, &head->fields, n))
		return 0;
	if (parser->started || request_line(&r, head) != NULL)
		bytes = field_lines(&r, &head->fields);
	return bytes > 0 ? bytes : finish(&r, why);
}

ssize_t
h1_parse_response(struct h1_parser *parser, struct head *head,
    struct arena *arena, const char *p, size_t n,
    const struct h1_limits *limits, enum end *why)
{
	struct reading r = { parser, limits, arena, p, p, END_NONE };
	ssize_t bytes = 0;

	if (!begin(&r, &head->fields, n))
		return 0;
	if (parser->started || status_line(&r, head) != NULL)
		bytes = field_lines(&r, &head->fields);
	if (bytes == 0 && (bytes = finish(&r, why)) == -1)
		*why = *why == END_HEADER_TOO_LARGE
		    ? END_UPSTREAM_HEADER_TOO_LARGE
		    : END_UPSTREAM_PROTOCOL;
	return bytes;
}

ssize_t
h1_parse_trailers(struct h1_parser *parser, struct fields *fields,
    struct arena *arena, const char *p, size_t n,
    const struct h1_limits *limits, enum end *why)
{
	struct reading r = { parser, limits, arena, p, p, END_NONE };
	ssize_t bytes;

	if (!begin(&r, fields, n))
		return 0;
	parser->started = true;
	bytes = field_lines(&r, fields);
	return bytes > 0 ? bytes : finish(&r, why);
}

/* False: nothing new can be said yet. */
static bool
begin(struct reading *r, struct fields *fields, size_t n)
{
	struct h1_parser *parser = r->parser;
	uint32_t most = r->limits->head_bytes;

	if (parser->base != r->p) {
		h1_parser_init(parser);
		parser->base = r->p;
		fields->n = fields->met = 0;
	}
	assert(parser->line <= n && parser->seen <= n);
	r->end = r->p + (n < most ? n : most);
	if (n >= most || is_worth_reading(r, n))
		return true;
	parser->seen = n;
	return false;
}

/*
 * The unread line was never tried, or its end has come, or it is longer than
 * any request line may be.
 */
static bool
is_worth_reading(const struct reading *r, size_t n)
{
	const struct h1_parser *parser = r->parser;

	if (parser->seen <= parser->line)
		return n > parser->line;
	if (!parser->started &&
	    n - parser->line >
		METHOD_BYTES + 1 + r->limits->uri_bytes + 1 + VERSION_BYTES)
		return true;
	return memchr(r->p + parser->seen, '\n', n - parser->seen) != NULL;
}

/* The head is not complete: refused, or -- below the limit -- more may come. */
static ssize_t
finish(struct reading *r, enum end *why)
{
	size_t n = (size_t)(r->end - r->p);

	if (r->why == END_NONE && n == r->limits->head_bytes)
		r->why = END_HEADER_TOO_LARGE;
	if (r->why == END_NONE) {
		r->parser->seen = n;
		return 0;
	}
	*why = r->why;
	return -1;
}

/* Some clients send an empty line after a body (RFC 9112 2.2). */
static const char *
empty_lines(struct reading *r)
{
	const char *q = r->p + r->parser->line;

	while (q < r->end && *q == '\r') {
		if (r->parser->empty == EMPTY_LINES)
			return refuse(r, END_BAD_REQUEST);
		if ((q = line_end(r, q)) == NULL)
			return NULL;
		r->parser->empty++;
		r->parser->line = (size_t)(q - r->p);
	}
	return q;
}

static const char *
request_line(struct reading *r, struct head *head)
{
	const char *q;

	if ((q = empty_lines(r)) == NULL || (q = method(r, q, head)) == NULL ||
	    (q = target(r, q, head)) == NULL ||
	    (q = version(r, q, &head->version)) == NULL ||
	    (q = line_end(r, q)) == NULL)
		return NULL;
	r->parser->started = true;
	r->parser->line = (size_t)(q - r->p);
	return q;
}

/* With the space after it. */
static const char *
method(struct reading *r, const char *q, struct head *head)
{
	const char *start = q;

	while (q < r->end && octet_is(*q, OCTET_TOKEN))
		if (q++ - start == METHOD_BYTES)
			return refuse(r, END_BAD_REQUEST);
	if (q == r->end)
		return NULL;
	if (*q != ' ' || q == start)
		return refuse(r, END_BAD_REQUEST);
	head->method_name = (struct text){ start, (size_t)(q - start) };
	head->method = method_find(head->method_name);
	return q + 1;
}

/* With the space after it. */
static const char *
target(struct reading *r, const char *q, struct head *head)
{
	const char *start = q;
	size_t n;

	q = scan_visible(q, r->end);
	n = (size_t)(q - start);
	if (n > r->limits->uri_bytes)
		return refuse(r, END_URI_TOO_LARGE);
	if (q == r->end)
		return NULL;
	if (*q != ' ' || n == 0)
		return refuse(r, END_BAD_REQUEST);
	head->target = (struct text){ start, n };
	return q + 1;
}

static const char *
status_line(struct reading *r, struct head *head)
{
	const char *q, *reason;

	if ((q = version(r, r->p, &head->version)) == NULL ||
	    (q = status(r, q, head)) == NULL)
		return NULL;
	head->reason = TEXT_NONE;
	if (q < r->end && *q == ' ') {
		reason = q + 1;
		q = scan_value(reason, r->end);
		head->reason = (struct text){ reason, (size_t)(q - reason) };
	}
	if ((q = line_end(r, q)) == NULL)
		return NULL;
	r->parser->started = true;
	r->parser->line = (size_t)(q - r->p);
	return q;
}

/* The space before it and three digits, 100 to 999. */
static const char *
status(struct reading *r, const char *q, struct head *head)
{
	const char *end;

	if ((end = formed(r, q, " ddd")) == NULL)
		return NULL;
	if (q[1] == '0')
		return refuse(r, END_BAD_REQUEST);
	head->status = (unsigned)(q[1] - '0') * 100 +
	    (unsigned)(q[2] - '0') * 10 + (unsigned)(q[3] - '0');
	return end;
}

/* Of all versions that may be, 1.0 and 1.1 are spoken. */
static const char *
version(struct reading *r, const char *q, enum http_version *found)
{
	const char *end;

	if (r->end - q >= VERSION_BYTES &&
	    memcmp(q, "HTTP/1.1", VERSION_BYTES) == 0) {
		*found = HTTP_1_1;
		return q + VERSION_BYTES;
	}
	if ((end = formed(r, q, "HTTP/d.d")) == NULL)
		return NULL;
	if (q[5] != '1' || q[7] > '1')
		return refuse(r, END_VERSION);
	*found = q[7] == '1' ? HTTP_1_1 : HTTP_1_0;
	return end;
}

/* These very bytes, where 'd' is any digit. */
static const char *
formed(struct reading *r, const char *q, const char *form)
{
	for (; *form != '\0'; form++, q++) {
		if (q == r->end)
			return NULL;
		if (*form == 'd' ? *q < '0' || *q > '9' : *q != *form)
			return refuse(r, END_BAD_REQUEST);
	}
	return q;
}

/* > 0: the head's length.  0: see why. */
static ssize_t
field_lines(struct reading *r, struct fields *fields)
{
	const char *q = r->p + r->parser->line;

	while (q < r->end) {
		if (*q == '\r') {
			q = line_end(r, q);
			return q == NULL ? 0 : q - r->p;
		}
		if (fields->n >= r->limits->fields)
			r->why = END_HEADER_TOO_LARGE;
		if (r->why != END_NONE ||
		    (q = field_line(r, q, fields)) == NULL)
			return 0;
		r->parser->line = (size_t)(q - r->p);
	}
	return 0;
}

static const char *
field_line(struct reading *r, const char *q, struct fields *fields)
{
	struct text name = { q, 0 }, value;
	const char *last;
	enum token token;
	struct field *f;

	q = scan_name(q, r->end);
	if (q == r->end)
		return NULL;
	if (*q != ':' || q == name.p)
		return refuse(r, END_BAD_REQUEST);
	name.n = (size_t)(q++ - name.p);
	while (q < r->end && (*q == ' ' || *q == '\t'))
		q++;
	value.p = q;
	last = q = scan_value(q, r->end);
	if ((q = line_end(r, q)) == NULL)
		return NULL;
	while (last > value.p && (last[-1] == ' ' || last[-1] == '\t'))
		last--;
	value.n = (size_t)(last - value.p);
	token = token_find(name);
	f = fields_slot(fields, r->arena, token);
	f->name = name;
	f->value = value;
	f->token = token;
	f->is_line = is_line(f, q);
	return q;
}

/* As it would be written, when the next line begins at `next'. */
static bool
is_line(const struct field *f, const char *next)
{
	const char *gap = f->name.p + f->name.n;

	return f->value.p == gap + 2 && gap[1] == ' ' &&
	    f->value.p + f->value.n + 2 == next;
}

static const char *
line_end(struct reading *r, const char *q)
{
	if (q == r->end)
		return NULL;
	if (*q != '\r')
		return refuse(r, END_BAD_REQUEST);
	if (++q == r->end)
		return NULL;
	if (*q != '\n')
		return refuse(r, END_BAD_REQUEST);
	return q + 1;
}

static const char *
refuse(struct reading *r, enum end why)
{
	r->why = why;
	return NULL;
}
