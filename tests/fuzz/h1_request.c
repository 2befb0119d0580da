/*
 * Requests: bytes to head to rules to bytes.  However the bytes are cut, they
 * mean the same; what is accepted is well formed, says nothing that only a
 * proxy may say, and has one canonical form, which is read as the same request,
 * by us and by a strict reader.
 */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/h1_write.h"
#include "http/rules.h"
#include "http/uri.h"
#include "tests/fuzz/lib/heads.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct arena arena;
static const struct heads heads = {
	.responses = false,
	.limits = { 4096, 1024, 40 },
	.arena = &arena,
};

/* ---- the target --------------------------------------------------------------- */

static bool
has_host_and_port(const struct head *head)
{
	return head->host.n > 0 && head->authority.n > head->host.n + 1;
}

static void
target_is_canonical(const struct head *head, unsigned allowed)
{
	struct text path = head->path, query = head->query;
	struct text authority = head->authority, host;

	if (text_equal(path, TEXT("*")))
		assert(head->method == METHOD_OPTIONS && !head->has_query);
	else if (head->method == METHOD_CONNECT)
		assert(
		    path.n == 0 && !head->has_query && has_host_and_port(head));
	else
		assert(uri_path(&path, allowed, &arena) &&
		    text_equal(path, head->path));
	assert(uri_query(&query, &arena) && text_equal(query, head->query));
	if (authority.n == 0) {
		assert(head->version == HTTP_1_0 && head->host.n == 0);
		return;
	}
	assert(uri_authority(&authority, &host, &arena));
	assert(text_equal(authority, head->authority));
	assert(text_equal(host, head->host));
}

/* The target's own, as the client wrote it; p NULL: it names none. */
static struct text
authority_of_target(struct text target)
{
	ptrdiff_t at = text_find(target, ':');
	size_t n = 0;

	if (target.n == 0 || target.p[0] == '/' || at < 0)
		return TEXT_NONE;
	if (!text_starts(text_from(target, (size_t)at), TEXT("://")))
		return target; /* a CONNECT's */
	target = text_from(target, (size_t)at + 3);
	while (n < target.n && strchr("/?", target.p[n]) == NULL)
		n++;
	return text_first(target, n);
}

/* A colon behind which nothing stands says nothing. */
static bool
is_same_authority(struct text said, struct text is)
{
	if (said.n > 0 && said.p[said.n - 1] == ':')
		said.n--;
	return text_equal_fold(said, is);
}

static void
authority_is_what_was_asked(const struct head *parsed, const struct head *head)
{
	const struct field *host = fields_find(&parsed->fields, TOKEN_HOST);
	struct text target = authority_of_target(parsed->target);

	if (target.p != NULL)
		assert(is_same_authority(target, head->authority));
	else if (host != NULL)
		assert(is_same_authority(host->value, head->authority));
	else
		assert(head->authority.n == 0);
}

/* ---- fields ---------------------------------------------------------------------- */

/* As a careless server reads it: case and marks are all the same to it. */
static bool
is_read_as(struct text name, const char *other)
{
	if (name.n != strlen(other))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if ((isalnum(c) ? tolower(c) : '-') != other[i])
			return false;
	}
	return true;
}

/* Only who is trusted may say them, and nobody in another spelling. */
static void
nothing_is_pretended(const struct fields *fields, bool trusted)
{
	static const char *const protected[] = { "x-forwarded-for",
		"x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
		"x-forwarded-prefix", "x-forwarded-server",
		"x-forwarded-client-cert", "forwarded", "x-real-ip",
		"x-original-url", "x-rewrite-url" };

	for (unsigned i = 0; i < fields->n; i++) {
		const struct field *f = &fields->v[i];

		if (f->token == TOKEN_NONE)
			continue;
		for (size_t k = 0; k < sizeof(protected) / sizeof(char *); k++)
			assert(!is_read_as(f->name, protected[k]) ||
			    (trusted &&
				text_equal_fold(
				    f->name, text_of(protected[k]))));
	}
}

/* ---- the canonical form ------------------------------------------------------------ */

static struct text
written(struct head *head)
{
	bool expects = head->expect_continue;
	struct buf buf = { .n = 0 };
	struct text out;

	if (head->authority.n > 0) {
		head->expect_continue = false; /* no proxy passes it on */
		h1_write_request(&buf, head, head->keep_alive);
		head->expect_continue = expects;
		out = heads_text(&heads, &buf);
		heads_are_canonical(&heads, out, true);
	}
	h1_write_request(&buf, head, head->keep_alive);
	return heads_text(&heads, &buf);
}

static void
canonical_form_is_stable(struct head *head, struct rules_grants grants)
{
	struct text once = written(head);
	struct head again;
	enum end why;

	if (head->authority.n == 0 || once.n > heads.limits.head_bytes ||
	    head->path.n + head->query.n + 1 > heads.limits.uri_bytes ||
	    head->fields.n + 5 > heads.limits.fields)
		return;
	assert(heads_parse(&heads, once, &again, &why) == (ssize_t)once.n);
	assert(rules_request(&again, &arena, grants, &why));
	assert(again.framing == head->framing || head->length == 0);
	assert(again.length == head->length);
	assert(again.keep_alive == head->keep_alive);
	assert(again.expect_continue == head->expect_continue);
	assert(text_equal(again.host, head->host));
	assert(text_equal(again.upgrade, head->upgrade));
	if (fields_find(&again.fields, TOKEN_MAX_FORWARDS) == NULL)
		assert(text_equal(once, written(&again)));
}

static void
judge(struct text in, struct rules_grants grants)
{
	struct head parsed, head;
	enum end why;

	heads_parse(&heads, in, &parsed, &why);
	heads_parse(&heads, in, &head, &why);
	if (!rules_request(&head, &arena, grants, &why)) {
		assert(why != END_NONE);
		return;
	}
	assert(why == END_NONE);
	assert(head.framing != FRAMING_CLOSE);
	assert(head.framing == FRAMING_LENGTH || head.length == 0);
	target_is_canonical(&head, grants.path);
	authority_is_what_was_asked(&parsed, &head);
	assert(fields_find(&head.fields, TOKEN_HOST) == NULL);
	assert(fields_find(&head.fields, TOKEN_EXPECT) == NULL);
	heads_nothing_is_left_for_one_hop(&head.fields);
	nothing_is_pretended(&head.fields, grants.trusted);
	canonical_form_is_stable(&head, grants);
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
	if (bytes > 0) {
		heads_fields_are_well_formed(&heads, &head.fields);
		judge(in, (struct rules_grants){ .trusted = false });
		judge(in,
		    (struct rules_grants){ .trusted = true,
			.path = URI_ENCODED_SLASH | URI_ENCODED_BACKSLASH |
			    URI_PARAMETERS });
	}
	heads_cuts_change_nothing(&heads, in);
	arena_reset(&arena);
	return 0;
}
