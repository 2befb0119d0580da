/* What the fuzzers of requests and of responses claim alike; see heads.h. */
#include "tests/fuzz/lib/heads.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/octet.h"
#include "tests/fuzz/lib/cut.h"
#include "tests/fuzz/lib/strict.h"

static ssize_t
parse(const struct heads *h, struct h1_parser *parser, struct text in,
    struct head *head, enum end *why)
{
	if (h->responses)
		return h1_parse_response(
		    parser, head, h->arena, in.p, in.n, &h->limits, why);
	return h1_parse_request(
	    parser, head, h->arena, in.p, in.n, &h->limits, why);
}

ssize_t
heads_parse(
    const struct heads *h, struct text in, struct head *head, enum end *why)
{
	struct h1_parser parser;

	*head = (struct head){ .status = 0 };
	*why = END_NONE;
	h1_parser_init(&parser);
	return parse(h, &parser, in, head, why);
}

/* ---- cuts ---------------------------------------------------------------- */

static bool
is_same_text(struct text a, struct text b)
{
	return (a.p == NULL) == (b.p == NULL) && text_equal(a, b);
}

static void
is_same_head(const struct head *a, const struct head *b)
{
	assert(a->method == b->method && a->version == b->version);
	assert(is_same_text(a->method_name, b->method_name));
	assert(is_same_text(a->target, b->target));
	assert(a->status == b->status && is_same_text(a->reason, b->reason));
	assert(a->fields.n == b->fields.n);
	for (unsigned i = 0; i < a->fields.n; i++) {
		const struct field *f = &a->fields.v[i], *g = &b->fields.v[i];

		assert(f->token == g->token);
		assert(is_same_text(f->name, g->name));
		assert(is_same_text(f->value, g->value));
	}
}

/* In reads, each at a new place or, `still', all at one. */
static void
parse_in_reads(const struct heads *h, struct text in, bool still,
    const struct head *whole, ssize_t whole_bytes, enum end whole_why)
{
	struct head head = { .status = 0 };
	char *one = cut_copy(in, in.n), *p = one;
	enum end why = END_NONE;
	struct h1_parser parser;
	struct rng rng;
	ssize_t bytes = 0;
	size_t n = 0;

	cut_seed(&rng, in);
	h1_parser_init(&parser);
	while (n < in.n && bytes == 0) {
		if (p != one)
			free(p);
		n = cut_next(&rng, n, in.n);
		p = still ? one : cut_copy(in, n);
		bytes = parse(h, &parser, (struct text){ p, n }, &head, &why);
	}
	assert(bytes == whole_bytes && why == whole_why);
	if (bytes > 0)
		is_same_head(whole, &head);
	if (p != one)
		free(p);
	free(one);
}

/* A line that has not ended may be looked at later: so let it end. */
void
heads_cuts_change_nothing(const struct heads *h, struct text in)
{
	char *p = arena_alloc(h->arena, in.n + 1);
	struct text ended = { p, in.n + 1 };
	struct head head;
	enum end why;
	ssize_t bytes;

	if (in.n > 0)
		memcpy(p, in.p, in.n);
	p[in.n] = '\n';
	bytes = heads_parse(h, ended, &head, &why);
	parse_in_reads(h, ended, true, &head, bytes, why);
	parse_in_reads(h, ended, false, &head, bytes, why);
}

/* ---- fields --------------------------------------------------------------- */

void
heads_fields_are_well_formed(const struct heads *h, const struct fields *fields)
{
	assert(fields->n <= h->limits.fields);
	for (unsigned i = 0; i < fields->n; i++) {
		struct text name = fields->v[i].name;
		struct text value = fields->v[i].value;

		assert(name.n > 0);
		for (size_t k = 0; k < name.n; k++)
			assert(octet_is(name.p[k], OCTET_TOKEN));
		for (size_t k = 0; k < value.n; k++)
			assert(octet_is(value.p[k], OCTET_VALUE));
		assert(text_equal(value, text_trim(value)));
	}
}

void
heads_nothing_is_left_for_one_hop(const struct fields *fields)
{
	static const char *const gone[] = { "Connection", "Content-Length",
		"Transfer-Encoding", "TE", "Upgrade", "Keep-Alive",
		"Proxy-Connection", "HTTP2-Settings" };

	for (unsigned i = 0; i < fields->n; i++)
		for (size_t k = 0; k < sizeof(gone) / sizeof(gone[0]); k++)
			assert(fields->v[i].token == TOKEN_NONE ||
			    !text_equal_fold(
				fields->v[i].name, text_of(gone[k])));
}

/* ---- the strict reader ------------------------------------------------------ */

struct seen {
	unsigned heads;
	bool no_body;
};

static enum strict_body
on_head(struct strict *s)
{
	struct seen *seen = s->arg;

	seen->heads++;
	return seen->no_body ? STRICT_NO_BODY : STRICT_AS_SAID;
}

static void
on_body(struct strict *s, const char *p, size_t n)
{
	(void)s;
	(void)p;
	(void)n;
	assert(false); /* there is none */
}

static void
on_end(struct strict *s)
{
	(void)s;
}

static const struct strict_ops strict_ops = {
	.head = on_head,
	.body = on_body,
	.end = on_end,
};

void
heads_are_canonical(const struct heads *h, struct text in, bool no_body)
{
	struct seen seen = { .no_body = no_body };
	struct strict s;

	strict_init(&s, h->responses, &strict_ops, &seen);
	strict_feed(&s, in.p, in.n);
	if (s.state == STRICT_LOST)
		fprintf(
		    stderr, "not canonical, %s: %.*s\n", s.why, TEXT_ARG(in));
	assert(s.state != STRICT_LOST && seen.heads == 1 && s.n == 0);
	strict_fini(&s);
}

struct text
heads_text(const struct heads *h, struct buf *buf)
{
	size_t n = buf->n;
	struct text out =
	    arena_copy(h->arena, (struct text){ buf_join(buf, n, 0), n });

	buf_clear(buf);
	return out;
}
