/*
 * Chunked bodies with their trailers.  However the bytes are cut, body and end
 * are the same, and what we write of them is read as the same again.
 */
#include "http/chunk.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tests/fuzz/lib/cut.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct h1_limits limits = { 4096, 0, 40 };
static struct arena arena;

struct decoded {
	char *body;
	size_t n, used;
	enum chunk_say last;
};

/* One read after the other; `rng' NULL: all in one. */
static struct decoded
decode(struct text in, struct rng *rng)
{
	struct decoded d = { arena_alloc(&arena, in.n), 0, 0, CHUNK_MORE };
	size_t end = 0, skip, data;
	struct chunk chunk;
	char *p;

	chunk_init(&chunk);
	while (d.used < in.n) {
		if (d.used == end)
			end = rng == NULL ? in.n : cut_next(rng, end, in.n);
		p = cut_copy(text_from(in, d.used), end - d.used);
		d.last = chunk_next(&chunk, p, end - d.used, &skip, &data);
		assert(skip + data <= end - d.used && skip + data > 0);
		assert((data > 0) == (d.last == CHUNK_DATA));
		assert(d.last != CHUNK_MORE || skip == end - d.used);
		memcpy(d.body + d.n, p + skip, data);
		free(p);
		d.n += data;
		d.used += skip + data;
		if (d.last == CHUNK_TRAILERS || d.last == CHUNK_BAD)
			break;
	}
	return d;
}

static void
same(const struct decoded *a, const struct decoded *b)
{
	assert(a->last == b->last && a->n == b->n);
	assert(memcmp(a->body, b->body, a->n) == 0);
}

static struct text
encode(const struct decoded *d, const struct fields *trailers)
{
	struct buf buf = { .n = 0 };
	struct text out;

	if (d->n > 0) {
		h1_write_chunk_head(&buf, d->n);
		buf_append(&buf, d->body, d->n);
		h1_write_chunk_end(&buf);
	}
	h1_write_last_chunk(&buf, trailers);
	out.n = buf.n;
	out = arena_copy(
	    &arena, (struct text){ buf_join(&buf, out.n, 0), out.n });
	buf_clear(&buf);
	return out;
}

static bool
read_trailers(struct text rest, struct fields *fields)
{
	struct h1_parser parser;
	enum end why = END_NONE;
	ssize_t n;

	h1_parser_init(&parser);
	n = h1_parse_trailers(
	    &parser, fields, &arena, rest.p, rest.n, &limits, &why);
	assert((n == -1) == (why != END_NONE) && n <= (ssize_t)rest.n);
	return n > 0;
}

static void
is_read_as_the_same_again(const struct decoded *d, struct text rest)
{
	struct fields fields = { .n = 0 }, again = { .n = 0 };
	struct decoded twice;
	struct text out;
	unsigned i;

	if (!read_trailers(rest, &fields))
		return;
	rules_trailers(&fields);
	for (i = 0; i < fields.n; i++)
		assert(fields.v[i].token == TOKEN_NONE ||
		    fields.v[i].token == TOKEN_OTHER);
	out = encode(d, &fields);
	twice = decode(out, NULL);
	same(d, &twice);
	if (out.n - twice.used > limits.head_bytes)
		return;
	assert(read_trailers(text_from(out, twice.used), &again));
	assert(text_equal(out, encode(&twice, &again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size };
	struct decoded whole, cut;
	struct rng rng;

	whole = decode(in, NULL);
	cut_seed(&rng, in);
	cut = decode(in, &rng);
	same(&whole, &cut);
	assert(whole.used == cut.used);
	if (whole.last == CHUNK_TRAILERS)
		is_read_as_the_same_again(&whole, text_from(in, whole.used));
	arena_reset(&arena);
	return 0;
}
