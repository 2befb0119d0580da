/*
 * Responses: bytes to head to rules to bytes.  However the bytes are cut, they
 * mean the same; what is accepted goes on in one canonical form, which is read
 * as a response of the same length, by us and by a strict reader.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/h1_write.h"
#include "http/rules.h"
#include "tests/fuzz/lib/heads.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct arena arena;
static const struct heads heads = {
	.responses = true,
	.limits = { 4096, 0, 40 },
	.arena = &arena,
};

static struct text
written(const struct head *head, enum http_version peer, enum method asked)
{
	struct buf buf = { .n = 0 };
	struct text out;

	h1_write_response(
	    &buf, head, peer, head->keep_alive, asked == METHOD_HEAD);
	out = heads_text(&heads, &buf);
	heads_are_canonical(&heads, out, asked == METHOD_HEAD);
	return out;
}

static void
canonical_form_is_stable(const struct head *head, enum method asked)
{
	struct text out = written(head, HTTP_1_1, asked);
	struct head again;
	enum end why;

	if (out.n > heads.limits.head_bytes ||
	    head->fields.n + 2 > heads.limits.fields)
		return;
	assert(heads_parse(&heads, out, &again, &why) == (ssize_t)out.n);
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

	heads_parse(&heads, in, &head, &why);
	if (!rules_response(&head, asked, &why)) {
		assert(end_row(why)->status == 502);
		return;
	}
	assert(head.framing != FRAMING_CLOSE || !head.keep_alive);
	assert(h1_framing(&head, HTTP_1_0, false) != FRAMING_CHUNKED);
	heads_nothing_is_left_for_one_hop(&head.fields);
	if (head.status >= 200)
		written(&head, HTTP_1_0, asked);
	canonical_form_is_stable(&head, asked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size };
	struct head head;
	enum end why;
	ssize_t bytes = heads_parse(&heads, in, &head, &why);

	assert(bytes >= -1 && bytes <= (ssize_t)size);
	assert(bytes <= (ssize_t)heads.limits.head_bytes);
	assert((bytes == -1) == (why != END_NONE));
	assert(bytes != -1 || end_row(why)->status == 502);
	if (bytes > 0) {
		assert(head.status >= 100 && head.status <= 999);
		heads_fields_are_well_formed(&heads, &head.fields);
		judge(in, METHOD_GET);
		judge(in, METHOD_HEAD);
	}
	heads_cuts_change_nothing(&heads, in);
	arena_reset(&arena);
	return 0;
}
