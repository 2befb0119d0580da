/*
 * Responses: bytes to head to rules to bytes.  However the bytes are cut, they
 * mean the same; what is accepted goes on in one canonical form, which is read
 * as a response of the same length.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cut.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct h1_limits limits = { 4096, 0, 40 };
static struct arena arena;

static ssize_t
parse_whole(struct text in, struct head *head, enum end *why)
{
	struct h1_parser parser;

	*head = (struct head){ .status = 0 };
	*why = END_NONE;
	h1_parser_init(&parser);
	return h1_parse_response(
	    &parser, head, &arena, in.p, in.n, &limits, why);
}

/* In reads, each at a new place or, `still', all at one. */
static ssize_t
parse_in_reads(struct text in, bool still, enum end *why)
{
	struct head head = { .status = 0 };
	char *one = cut_copy(in, in.n), *p;
	struct h1_parser parser;
	struct rng rng;
	ssize_t bytes = 0;
	size_t n = 0;

	cut_seed(&rng, in);
	*why = END_NONE;
	h1_parser_init(&parser);
	while (n < in.n && bytes == 0) {
		n = cut_next(&rng, n, in.n);
		p = still ? one : cut_copy(in, n);
		bytes = h1_parse_response(
		    &parser, &head, &arena, p, n, &limits, why);
		if (!still)
			free(p);
	}
	free(one);
	return bytes;
}

static struct text
written(const struct head *head, enum http_version peer, enum method asked)
{
	struct buf buf = { .n = 0 };
	struct text out;

	h1_write_response(
	    &buf, head, peer, head->keep_alive, asked == METHOD_HEAD);
	out.n = buf.n;
	out = arena_copy(
	    &arena, (struct text){ buf_join(&buf, out.n, 0), out.n });
	buf_clear(&buf);
	return out;
}

static void
canonical_form_is_stable(const struct head *head, enum method asked)
{
	struct text out = written(head, HTTP_1_1, asked);
	struct head again;
	enum end why;

	if (out.n > limits.head_bytes || head->fields.n + 2 > limits.fields)
		return;
	assert(parse_whole(out, &again, &why) == (ssize_t)out.n);
	assert(rules_response(&again, asked, &why));
	assert(again.status == head->status);
	assert(
	    again.framing == head->framing || head->framing == FRAMING_CLOSE);
	assert(again.has_length == head->has_length);
	assert(again.length == head->length || head->framing == FRAMING_NONE);
	assert(text_equal(out, written(&again, HTTP_1_1, asked)));
}

static void
judge(struct text in, enum method asked)
{
	struct head head;
	enum end why;

	parse_whole(in, &head, &why);
	if (!rules_response(&head, asked, &why)) {
		assert(why == END_UPSTREAM_PROTOCOL);
		return;
	}
	assert(head.framing != FRAMING_CLOSE || !head.keep_alive);
	assert(fields_find(&head.fields, TOKEN_CONTENT_LENGTH) == NULL);
	assert(fields_find(&head.fields, TOKEN_TRANSFER_ENCODING) == NULL);
	assert(fields_find(&head.fields, TOKEN_CONNECTION) == NULL);
	assert(h1_framing(&head, HTTP_1_0, false) != FRAMING_CHUNKED);
	written(&head, HTTP_1_0, asked);
	canonical_form_is_stable(&head, asked);
}

/* A line that has not ended may be looked at later: so let it end. */
static void
cuts_change_nothing(const uint8_t *data, size_t size)
{
	char *p = arena_alloc(&arena, size + 1);
	struct text in = { p, size + 1 };
	enum end why, cut_why;
	struct head head;
	ssize_t bytes;

	memcpy(p, data, size);
	p[size] = '\n';
	bytes = parse_whole(in, &head, &why);
	assert(parse_in_reads(in, true, &cut_why) == bytes && why == cut_why);
	assert(parse_in_reads(in, false, &cut_why) == bytes && why == cut_why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size };
	struct head head;
	enum end why;
	ssize_t bytes = parse_whole(in, &head, &why);

	assert(bytes >= -1 && bytes <= (ssize_t)size);
	assert((bytes == -1) ==
	    (why == END_UPSTREAM_PROTOCOL ||
		why == END_UPSTREAM_HEADER_TOO_LARGE));
	assert(bytes == -1 || why == END_NONE);
	if (bytes > 0) {
		assert(head.status >= 100 && head.status <= 999);
		judge(in, METHOD_GET);
		judge(in, METHOD_HEAD);
	}
	cuts_change_nothing(data, size);
	arena_reset(&arena);
	return 0;
}
