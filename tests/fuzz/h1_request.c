/*
 * Requests: bytes to head to rules to bytes.  However the bytes are cut, they
 * mean the same; what is accepted is well formed, has one canonical form, and
 * that form is read as the same request.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cut.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/octet.h"
#include "http/rules.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct h1_limits limits = { 4096, 1024, 40 };
static struct arena arena;

static ssize_t
parse_whole(struct text in, struct head *head, enum end *why)
{
	struct h1_parser parser;

	*head = (struct head){ .status = 0 };
	*why = END_NONE;
	h1_parser_init(&parser);
	return h1_parse_request(
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
		bytes = h1_parse_request(
		    &parser, &head, &arena, p, n, &limits, why);
		if (!still)
			free(p);
	}
	free(one);
	return bytes;
}

static void
fields_are_well_formed(const struct fields *fields)
{
	struct text name, value;
	unsigned i;
	size_t k;

	assert(fields->n <= limits.fields);
	for (i = 0; i < fields->n; i++) {
		name = fields->v[i].name;
		value = fields->v[i].value;
		assert(name.n > 0);
		for (k = 0; k < name.n; k++)
			assert(octet_is(name.p[k], OCTET_TOKEN));
		for (k = 0; k < value.n; k++)
			assert(octet_is(value.p[k], OCTET_VALUE));
		assert(text_equal(value, text_trim(value)));
	}
}

static bool
host_and_port(const struct head *head)
{
	return head->host.n > 0 && head->authority.n > head->host.n + 1;
}

static void
target_is_canonical(const struct head *head)
{
	struct text path = head->path, query = head->query;
	struct text authority = head->authority, host;

	if (text_equal(path, TEXT("*")))
		assert(head->method == METHOD_OPTIONS && !head->has_query);
	else if (head->method == METHOD_CONNECT)
		assert(path.n == 0 && !head->has_query && host_and_port(head));
	else
		assert(uri_path(&path, 0, &arena) && path.p == head->path.p);
	assert(uri_query(&query, &arena) && query.p == head->query.p);
	if (authority.n == 0) {
		assert(head->version == HTTP_1_0 && head->host.n == 0);
		return;
	}
	assert(uri_authority(&authority, &host, &arena));
	assert(text_equal(authority, head->authority));
	assert(text_equal(host, head->host));
}

static void
nothing_is_left_for_one_hop(const struct fields *fields)
{
	static const enum token gone[] = { TOKEN_HOST, TOKEN_CONNECTION,
		TOKEN_CONTENT_LENGTH, TOKEN_TRANSFER_ENCODING, TOKEN_TE,
		TOKEN_UPGRADE, TOKEN_KEEP_ALIVE, TOKEN_PROXY_CONNECTION,
		TOKEN_EXPECT, TOKEN_HTTP2_SETTINGS };
	size_t i;

	for (i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert(fields_find(fields, gone[i]) == NULL);
}

static char *
written(const struct head *head, size_t *n)
{
	struct buf buf = { .n = 0 };
	char *p;

	h1_write_request(&buf, head, head->keep_alive);
	*n = buf.n;
	p = arena_alloc(&arena, *n);
	memcpy(p, buf_join(&buf, *n, 0), *n);
	buf_clear(&buf);
	return p;
}

static void
canonical_form_is_stable(const struct head *head, bool trusted)
{
	struct text once, twice;
	struct head again;
	enum end why;

	once.p = written(head, &once.n);
	if (head->authority.n == 0 || once.n > limits.head_bytes ||
	    head->path.n + head->query.n + 1 > limits.uri_bytes ||
	    head->fields.n + 5 > limits.fields)
		return;
	assert(parse_whole(once, &again, &why) == (ssize_t)once.n);
	assert(rules_request(
	    &again, &arena, (struct rules_grants){ .trusted = trusted }, &why));
	assert(again.framing == head->framing || head->length == 0);
	assert(again.length == head->length);
	assert(again.keep_alive == head->keep_alive);
	assert(again.expect_continue == head->expect_continue);
	assert(text_equal(again.host, head->host));
	assert(text_equal(again.upgrade, head->upgrade));
	twice.p = written(&again, &twice.n);
	if (fields_find(&again.fields, TOKEN_MAX_FORWARDS) == NULL)
		assert(text_equal(once, twice));
}

static void
judge(struct text in, bool trusted)
{
	struct head head;
	enum end why;

	parse_whole(in, &head, &why);
	if (!rules_request(&head, &arena,
		(struct rules_grants){ .trusted = trusted }, &why)) {
		assert(why != END_NONE);
		return;
	}
	assert(why == END_NONE);
	assert(head.framing != FRAMING_CLOSE);
	assert(head.framing == FRAMING_LENGTH || head.length == 0);
	target_is_canonical(&head);
	nothing_is_left_for_one_hop(&head.fields);
	canonical_form_is_stable(&head, trusted);
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
	assert(bytes <= (ssize_t)limits.head_bytes);
	assert((bytes == -1) == (why != END_NONE));
	if (bytes > 0) {
		fields_are_well_formed(&head.fields);
		judge(in, false);
		judge(in, true);
	}
	cuts_change_nothing(data, size);
	arena_reset(&arena);
	return 0;
}
