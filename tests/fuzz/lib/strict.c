/* The canonical form and nothing else; see strict.h. */
#include "tests/fuzz/lib/strict.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MOST (128 * 1024)

static void
lose(struct strict *s, const char *why)
{
	if (s->state != STRICT_LOST)
		s->why = why;
	s->state = STRICT_LOST;
}

void
strict_init(
    struct strict *s, bool responses, const struct strict_ops *ops, void *arg)
{
	*s = (struct strict){
		.ops = ops,
		.arg = arg,
		.responses = responses,
	};
}

void
strict_fini(struct strict *s)
{
	free(s->line);
	s->line = NULL;
	s->n = s->cap = 0;
}

/* The part before `by', and the rest behind it; false: it is not there. */
static bool
cut(struct text *rest, char by, struct text *part)
{
	ptrdiff_t at = text_find(*rest, by);

	if (at < 0)
		return false;
	*part = text_first(*rest, (size_t)at);
	*rest = text_from(*rest, (size_t)at + 1);
	return true;
}

/* ---- one line of a head -------------------------------------------------- */

static bool
is_token(struct text t)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') &&
		    (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return t.n > 0;
}

static bool
is_value(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return t.n == 0 ||
	    (t.p[0] != ' ' && t.p[0] != '\t' && t.p[t.n - 1] != ' ' &&
		t.p[t.n - 1] != '\t');
}

static bool
is_target(struct text t)
{
	static const char never[] = "\"<>\\^`{|}#";

	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c <= ' ' || c >= 0x7f || strchr(never, c) != NULL)
			return false;
	}
	return t.n > 0;
}

/* Digits of that base, no sign, no zero in front; hex in lower case. */
static bool
number(struct text t, unsigned base, uint64_t *to)
{
	static const char digits[] = "0123456789abcdef";

	*to = 0;
	if (t.n == 0 || t.n > 19 || (t.n > 1 && t.p[0] == '0'))
		return false;
	for (size_t i = 0; i < t.n; i++) {
		const char *at = memchr(digits, t.p[i], base);

		if (at == NULL || *to >= UINT64_MAX / base)
			return false;
		*to = *to * base + (uint64_t)(at - digits);
	}
	return true;
}

static bool
request_line(struct text line)
{
	struct text method, target;

	if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target))
		return false;
	if (!text_equal(line, TEXT("HTTP/1.1")) || !is_token(method))
		return false;
	if (text_equal(target, TEXT("*")))
		return text_equal(method, TEXT("OPTIONS"));
	return is_target(target) &&
	    (target.p[0] == '/' || text_equal(method, TEXT("CONNECT")));
}

static bool
status_line(struct strict *s, struct text line)
{
	struct text start = TEXT("HTTP/1.1 ");
	uint64_t status;

	if (!text_starts(line, start) || line.n < start.n + 4)
		return false;
	line = text_from(line, start.n);
	if (!number((struct text){ line.p, 3 }, 10, &status) ||
	    line.p[3] != ' ')
		return false;
	s->status = (unsigned)status;
	line = text_from(line, 4);
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t')
			return false;
	return status >= 100;
}

/* Fields of one hop have no business here but with the values that are known. */
static bool
for_one_hop(struct strict *s, struct text name, struct text value)
{
	static const char *const never[] = { "Keep-Alive", "Proxy-Connection",
		"HTTP2-Settings" };
	static const char *const known[] = { "close", "keep-alive", "upgrade",
		"TE" };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (text_equal_fold(name, text_of(never[i])))
			return true;
	/* a request's: in a response it says nothing */
	if (text_equal_fold(name, TEXT("Expect")))
		return !s->responses;
	if (text_equal_fold(name, TEXT("TE")))
		return s->responses || !text_equal(value, TEXT("trailers"));
	if (!text_equal_fold(name, TEXT("Connection")))
		return false;
	s->close = s->close || text_equal_fold(value, TEXT("close"));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (text_equal_fold(value, text_of(known[i])))
			return false;
	return true;
}

static const char *
field_line(struct strict *s, struct text line)
{
	struct text name;

	if (!cut(&line, ':', &name) || !is_token(name))
		return "a field without a name";
	if (line.n == 0 || line.p[0] != ' ' || !is_value(text_from(line, 1)))
		return "a field's value";
	line = text_from(line, 1);
	if (for_one_hop(s, name, line))
		return "a field of one hop";
	if (text_equal_fold(name, TEXT("Transfer-Encoding"))) {
		if (s->chunked || !text_equal(line, TEXT("chunked")))
			return "Transfer-Encoding";
		s->chunked = true;
	} else if (text_equal_fold(name, TEXT("Content-Length"))) {
		if (s->has_length || !number(line, 10, &s->length))
			return "Content-Length";
		s->has_length = true;
	}
	return s->chunked && s->has_length ? "two framings" : NULL;
}

/* The next line without its CRLF; false: there is none, or no CR before. */
static bool
next_line(struct text *from, struct text *line)
{
	if (!cut(from, '\n', line) || line->n == 0)
		return false;
	line->n--;
	return line->p[line->n] == '\r' &&
	    memchr(line->p, '\r', line->n) == NULL;
}

static const char *
fields(struct strict *s, struct text *left)
{
	struct text line;
	const char *why = NULL;

	while (why == NULL) {
		if (!next_line(left, &line))
			return "a line's end";
		if (line.n == 0)
			break;
		why = field_line(s, line);
	}
	return why;
}

struct text
strict_field(struct text head, struct text name)
{
	struct text line, found;

	while (cut(&head, '\n', &line))
		if (cut(&line, ':', &found) && text_equal_fold(found, name))
			return text_trim(text_first(line, line.n - 1));
	return TEXT_NONE;
}

static const char *
judge_host(struct text left)
{
	struct text line, name;
	unsigned hosts = 0;

	while (next_line(&left, &line) && line.n > 0)
		if (cut(&line, ':', &name) &&
		    text_equal_fold(name, TEXT("Host")))
			hosts++;
	return hosts == 1 ? NULL : "Host is there once";
}

static const char *
judge_head(struct strict *s)
{
	struct text left = { s->line, s->n }, line;
	const char *why;

	s->head = left;
	s->close = s->chunked = s->has_length = false;
	s->length = s->status = 0;
	if (!next_line(&left, &line) || line.n == 0)
		return "the first line's end";
	if (s->responses ? !status_line(s, line) : !request_line(line))
		return "the first line";
	if (!s->responses) {
		why = judge_host(left);
		if (why != NULL)
			return why;
	}
	return fields(s, &left);
}

/* ---- a stream ------------------------------------------------------------ */

static void
message_ends(struct strict *s)
{
	s->n = 0;
	s->state = STRICT_HEAD;
	s->ops->end(s);
}

static void
body_begins(struct strict *s, enum strict_body body)
{
	bool none = body == STRICT_NO_BODY ||
	    (s->responses &&
		(s->status < 200 || s->status == 204 || s->status == 304));

	s->n = 0;
	s->left = s->length;
	if (body == STRICT_UNWANTED)
		lose(s, "a message nobody asked for");
	else if (body == STRICT_UPGRADED)
		s->state = STRICT_TUNNEL;
	else if (!none && s->chunked)
		s->state = STRICT_SIZE;
	else if (!none && s->has_length && s->length > 0)
		s->state = STRICT_LENGTH;
	else if (!none && s->responses && !s->has_length)
		s->state = STRICT_CLOSE;
	else
		message_ends(s);
}

static void
head_is_whole(struct strict *s)
{
	const char *why = judge_head(s);

	if (why != NULL)
		lose(s, why);
	else if (s->responses && s->status < 200 && s->status != 101 &&
	    (s->chunked || s->has_length))
		lose(s, "an interim head with a framing");
	else
		body_begins(s, s->ops->head(s));
}

static void
line_is_whole(struct strict *s)
{
	struct text line = { s->line, s->n };

	if (line.n < 2 || line.p[line.n - 2] != '\r') {
		lose(s, "a chunk's line's end");
		return;
	}
	line.n -= 2;
	s->n = 0;
	if (s->state == STRICT_DATA_END) {
		if (line.n > 0)
			lose(s, "a chunk's end");
		else
			s->state = STRICT_SIZE;
	} else if (!number(line, 16, &s->left))
		lose(s, "a chunk's size");
	else
		s->state = s->left == 0 ? STRICT_TRAILERS : STRICT_DATA;
}

static void
trailers_are_whole(struct strict *s)
{
	struct text left = { s->line, s->n };
	const char *why;

	s->chunked = s->has_length = false;
	why = fields(s, &left);
	if (why != NULL || s->chunked || s->has_length)
		lose(s, "trailers");
	else
		message_ends(s);
}

static bool
ends_section(const struct strict *s)
{
	if (s->n == 2 && memcmp(s->line, "\r\n", 2) == 0)
		return true;
	return s->n >= 4 && memcmp(s->line + s->n - 4, "\r\n\r\n", 4) == 0;
}

static void
put(struct strict *s, char c)
{
	s->fed++;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 512 : 2 * s->cap;
		s->line = realloc(s->line, s->cap);
		assert(s->line != NULL);
	}
	s->line[s->n++] = c;
	if (s->n > HEAD_MOST)
		lose(s, "a head without an end");
	if (s->state == STRICT_LOST || c != '\n')
		return;
	if (s->state == STRICT_HEAD) {
		if (ends_section(s))
			head_is_whole(s);
	} else if (s->state == STRICT_TRAILERS) {
		if (ends_section(s))
			trailers_are_whole(s);
	} else
		line_is_whole(s);
}

/* Body bytes, as many as belong to it. */
static size_t
take_body(struct strict *s, const char *p, size_t n)
{
	bool counted = s->state == STRICT_LENGTH || s->state == STRICT_DATA;

	if (counted && n > s->left)
		n = (size_t)s->left;
	s->left -= counted ? n : 0;
	s->ops->body(s, p, n);
	s->fed += n;
	if (s->left == 0 && s->state == STRICT_LENGTH)
		message_ends(s);
	else if (s->left == 0 && s->state == STRICT_DATA)
		s->state = STRICT_DATA_END;
	return n;
}

void
strict_feed(struct strict *s, const char *p, size_t n)
{
	while (n > 0 && s->state != STRICT_LOST) {
		size_t taken = 1;

		if (s->state == STRICT_LENGTH || s->state == STRICT_DATA ||
		    s->state == STRICT_CLOSE || s->state == STRICT_TUNNEL)
			taken = take_body(s, p, n);
		else
			put(s, *p);
		p += taken;
		n -= taken;
	}
}

bool
strict_finish(struct strict *s)
{
	if (s->state == STRICT_CLOSE)
		message_ends(s);
	return s->state == STRICT_HEAD && s->n == 0;
}
