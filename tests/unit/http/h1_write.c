/*
 * The canonical form, byte for byte, and that what was written is read as the
 * same message.
 */
#include "http/h1_write.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "http/rules.h"
#include "tests/unit/http/parsed.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What a buf holds, as a string; the buf is empty afterwards. */
static const char *
contents(struct buf *buf)
{
	size_t n = buf->n;
	char *s = arena_alloc(&arena, n + 1);

	if (n > 0)
		memcpy(s, buf_join(buf, n, 0), n);
	s[n] = '\0';
	buf_clear(buf);
	return s;
}

static void
parse_request(const char *in, struct head *head)
{
	enum end why;

	*head = parsed_request(in);
	cr_assert(rules_request(head, &arena,
		      (struct rules_grants){ .trusted = true }, &why),
	    "%s", in);
}

#define HOST "Host: a\r\n"
static const struct {
	const char *in, *out;
} requests[] = {
	{ "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "GET http://b:1/%7e?q=1 HTTP/1.1\r\n" HOST "A:b\r\nC: d \r\n\r\n",
	    "GET /~?q=1 HTTP/1.1\r\nHost: b:1\r\nA: b\r\nC: d\r\n\r\n" },
	{ "GET /? HTTP/1.1\r\nX: y\r\n" HOST "TE: trailers\r\n\r\n",
	    "GET /? HTTP/1.1\r\n" HOST
	    "X: y\r\nTE: trailers\r\nConnection: TE\r\n\r\n" },
	{ "GET / HTTP/1.1\r\n" HOST "TE: gzip, xtrailers\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "\r\n" },
	{ "OPTIONS * HTTP/1.1\r\n" HOST "E:\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\n" HOST "E: \r\n\r\n" },
	{ "FOO / HTTP/1.1\r\n" HOST "content-length: 007\r\n\r\n",
	    "FOO / HTTP/1.1\r\n" HOST "Content-Length: 7\r\n\r\n" },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
	{ "PUT / HTTP/1.1\r\n" HOST "transfer-encoding:CHUNKED\r\n\r\n",
	    "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" },
	{ "PUT / HTTP/1.1\r\n" HOST
	  "Expect:100-Continue\r\nContent-Length: 1\r\n\r\n",
	    "PUT / HTTP/1.1\r\n" HOST
	    "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n" },
	/* RFC 9110 8.6 */
	{ "POST / HTTP/1.1\r\n" HOST "\r\n",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
	{ "PUT / HTTP/1.1\r\n" HOST "\r\n",
	    "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
	{ "PATCH / HTTP/1.1\r\n" HOST "\r\n",
	    "PATCH / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" },
	{ "DELETE / HTTP/1.1\r\n" HOST "\r\n",
	    "DELETE / HTTP/1.1\r\n" HOST "\r\n" },
};

Test(h1_write, a_request_is_canonical_and_reads_as_itself)
{
	struct buf buf = { .n = 0 };
	struct head head;
	const char *once;
	size_t i;

	for (i = 0; i < COUNT(requests); i++) {
		parse_request(requests[i].in, &head);
		h1_write_request(&buf, &head, true);
		once = contents(&buf);
		cr_assert_str_eq(once, requests[i].out);
		parse_request(once, &head);
		h1_write_request(&buf, &head, true);
		cr_assert_str_eq(contents(&buf), once);
	}
}

Test(h1_write, a_request_says_close_when_it_is_the_last)
{
	struct buf buf = { .n = 0 };
	struct head head;

	parse_request("GET / HTTP/1.1\r\n" HOST "A: b\r\n\r\n", &head);
	h1_write_request(&buf, &head, false);
	cr_assert_str_eq(contents(&buf),
	    "GET / HTTP/1.1\r\n" HOST "A: b\r\nConnection: close\r\n\r\n");
}

/* Values around the size of a block, and a head of many of them. */
Test(h1_write, heads_larger_than_a_block_go_on_in_the_next)
{
	static char big[3 * BLOCK_BYTES], in[8 * BLOCK_BYTES];
	static const size_t sizes[] = { 1000, BUF_ROOM - 100, BUF_ROOM,
		BLOCK_BYTES, 2 * BLOCK_BYTES + 1 };
	struct buf buf = { .n = 0 };
	struct head head;
	size_t i;

	memset(big, 'x', sizeof(big));
	for (i = 0; i < COUNT(sizes); i++) {
		snprintf(in, sizeof(in),
		    "GET /%.*s?%.*s HTTP/1.1\r\n" HOST
		    "A: %.*s\r\nB: %.*s\r\nC: d\r\n\r\n",
		    (int)sizes[i], big, (int)sizes[i], big, (int)sizes[i], big,
		    (int)sizes[i] / 2, big);
		parse_request(in, &head);
		buf_append(&buf, "before ", 7);
		h1_write_request(&buf, &head, true);
		cr_assert_eq(buf.n, strlen(in) + 7);
		cr_assert_eq(strncmp(contents(&buf), "before GET /xxx", 15), 0);
		h1_write_request(&buf, &head, true);
		cr_assert(strcmp(contents(&buf), in) == 0);
	}
}

static struct head
response(unsigned status, enum framing framing, uint64_t length)
{
	struct head head = {
		.status = status,
		.reason = TEXT("R"),
		.framing = framing,
		.length = length,
	};

	fields_add(&head.fields, &arena, TOKEN_OTHER, TEXT("A"), TEXT("b"));
	fields_add(&head.fields, &arena, TOKEN_NONE, TEXT("C"), TEXT("d"));
	return head;
}

/* Lines of one place, a removed one between them, and a changed one. */
Test(h1_write, copies_lines_as_they_are_but_the_removed_and_changed)
{
	static const char lines[] = "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: \r\n";
	struct fields fields = { 0 };
	struct buf buf = { 0 };

	for (const char *p = lines; *p != '\0'; p += 4 + strcspn(p + 3, "\n"))
		fields_add_line(&fields, &arena, TOKEN_OTHER,
		    (struct text){ p, 4 + strcspn(p + 3, "\n") }, 1);
	fields_add(&fields, &arena, TOKEN_OTHER, TEXT("F"), TEXT("6"));
	cr_assert_eq(fields.n, 6);
	fields_remove_name(&fields, TEXT("b"));
	fields.v[3].value = TEXT("five");
	fields.v[3].is_line = false;
	h1_write_last_chunk(&buf, &fields);
	cr_assert_str_eq(contents(&buf),
	    "0\r\nA: 1\r\nC: 3\r\nD: five\r\nE: \r\nF: 6\r\n\r\n");
}

#define CLOSE "Connection: close\r\n"
static const struct {
	unsigned status;
	enum framing framing;
	uint64_t length;
	enum http_version peer;
	bool keep, head, announced;
	enum framing wire;
	const char *out; /* after the field A */
} responses[] = {
	{ 200, FRAMING_LENGTH, 5, HTTP_1_1, true, false, false, FRAMING_LENGTH,
	    "Content-Length: 5\r\n" },
	{ 200, FRAMING_LENGTH, 5, HTTP_1_1, false, false, false, FRAMING_LENGTH,
	    "Content-Length: 5\r\n" CLOSE },
	{ 200, FRAMING_LENGTH, 0, HTTP_1_0, true, false, false, FRAMING_LENGTH,
	    "Content-Length: 0\r\nConnection: keep-alive\r\n" },
	{ 200, FRAMING_LENGTH, 5, HTTP_1_0, false, false, false, FRAMING_LENGTH,
	    "Content-Length: 5\r\n" CLOSE },
	{ 200, FRAMING_NONE, 0, HTTP_1_1, true, false, false, FRAMING_LENGTH,
	    "Content-Length: 0\r\n" },
	{ 200, FRAMING_NONE, 7, HTTP_1_1, true, false, false, FRAMING_LENGTH,
	    "Content-Length: 0\r\n" },
	{ 200, FRAMING_CHUNKED, 0, HTTP_1_1, true, false, false,
	    FRAMING_CHUNKED, "Transfer-Encoding: chunked\r\n" },
	{ 200, FRAMING_CLOSE, 0, HTTP_1_1, true, false, false, FRAMING_CHUNKED,
	    "Transfer-Encoding: chunked\r\n" },
	{ 200, FRAMING_CLOSE, 0, HTTP_1_1, false, false, false, FRAMING_CHUNKED,
	    "Transfer-Encoding: chunked\r\n" CLOSE },
	/* no chunks to HTTP/1.0: RFC 9112 6.1 */
	{ 200, FRAMING_CHUNKED, 0, HTTP_1_0, true, false, false, FRAMING_CLOSE,
	    CLOSE },
	{ 200, FRAMING_CLOSE, 0, HTTP_1_0, true, false, false, FRAMING_CLOSE,
	    CLOSE },
	/* HEAD: RFC 9110 9.3.2 */
	{ 200, FRAMING_LENGTH, 5, HTTP_1_1, true, true, false, FRAMING_NONE,
	    "Content-Length: 5\r\n" },
	{ 200, FRAMING_NONE, 5, HTTP_1_1, true, true, true, FRAMING_NONE,
	    "Content-Length: 5\r\n" },
	{ 200, FRAMING_NONE, 0, HTTP_1_1, true, true, false, FRAMING_NONE, "" },
	{ 200, FRAMING_CHUNKED, 0, HTTP_1_0, true, true, false, FRAMING_NONE,
	    "Connection: keep-alive\r\n" },
	{ 200, FRAMING_CLOSE, 0, HTTP_1_1, false, true, false, FRAMING_NONE,
	    CLOSE },
	/* 304: RFC 9110 15.4.5 */
	{ 304, FRAMING_NONE, 5, HTTP_1_1, true, false, true, FRAMING_NONE,
	    "Content-Length: 5\r\n" },
	{ 304, FRAMING_NONE, 0, HTTP_1_1, true, false, false, FRAMING_NONE,
	    "" },
	{ 304, FRAMING_CHUNKED, 0, HTTP_1_1, true, false, false, FRAMING_NONE,
	    "" },
	/* 204 and 1xx: RFC 9110 8.6 */
	{ 204, FRAMING_LENGTH, 5, HTTP_1_1, true, false, true, FRAMING_NONE,
	    "" },
	{ 204, FRAMING_NONE, 0, HTTP_1_1, false, true, false, FRAMING_NONE,
	    CLOSE },
	{ 100, FRAMING_NONE, 0, HTTP_1_1, true, false, false, FRAMING_NONE,
	    "" },
	{ 103, FRAMING_LENGTH, 5, HTTP_1_1, false, false, true, FRAMING_NONE,
	    "" },
	{ 199, FRAMING_CHUNKED, 0, HTTP_1_1, false, false, false, FRAMING_NONE,
	    "" },
	{ 999, FRAMING_LENGTH, UINT64_MAX, HTTP_1_1, true, false, false,
	    FRAMING_LENGTH, "Content-Length: 18446744073709551615\r\n" },
};

Test(h1_write, a_response_is_framed_for_its_peer)
{
	struct buf buf = { .n = 0 };
	char expected[256];
	size_t i;

	for (i = 0; i < COUNT(responses); i++) {
		struct head head = response(responses[i].status,
		    responses[i].framing, responses[i].length);

		head.has_length = responses[i].announced;
		cr_assert_eq(
		    h1_framing(&head, responses[i].peer, responses[i].head),
		    responses[i].wire, "row %zu", i);
		h1_write_response(&buf, &head, responses[i].peer,
		    responses[i].keep, responses[i].head);
		snprintf(expected, sizeof(expected),
		    "HTTP/1.1 %u R\r\nA: b\r\n%s\r\n", responses[i].status,
		    responses[i].out);
		cr_assert_str_eq(contents(&buf), expected, "row %zu", i);
	}
}

/* RFC 9112 4: the space stays when there is no reason. */
Test(h1_write, a_response_without_a_reason_keeps_its_space)
{
	struct head head = response(204, FRAMING_NONE, 0);
	struct buf buf = { .n = 0 };

	head.reason = TEXT_NONE;
	h1_write_response(&buf, &head, HTTP_1_1, true, false);
	cr_assert_str_eq(contents(&buf), "HTTP/1.1 204 \r\nA: b\r\n\r\n");
}

Test(h1_write, a_response_reads_as_itself)
{
	struct head head = response(200, FRAMING_CHUNKED, 0), again;
	struct buf buf = { .n = 0 };
	const char *out;
	enum end why;

	h1_write_response(&buf, &head, HTTP_1_1, false, false);
	out = contents(&buf);
	again = parsed_response(out);
	cr_assert(rules_response(&again, METHOD_GET, &why));
	cr_assert_eq(again.framing, FRAMING_CHUNKED);
	cr_assert_not(again.keep_alive);
	h1_write_response(&buf, &again, HTTP_1_1, false, false);
	cr_assert_str_eq(contents(&buf), out);
}

Test(h1_write, chunks_are_framed_in_hex)
{
	struct buf buf = { .n = 0 };

	h1_write_chunk_head(&buf, 1);
	buf_append(&buf, "x", 1);
	h1_write_chunk_end(&buf);
	h1_write_chunk_head(&buf, 0xabcdef0123456789);
	h1_write_last_chunk(&buf, NULL);
	cr_assert_str_eq(
	    contents(&buf), "1\r\nx\r\nabcdef0123456789\r\n0\r\n\r\n");
}

Test(h1_write, trailers_follow_the_last_chunk)
{
	struct head head = response(200, FRAMING_CHUNKED, 0);
	struct buf buf = { .n = 0 };

	h1_write_last_chunk(&buf, &head.fields);
	cr_assert_str_eq(contents(&buf), "0\r\nA: b\r\n\r\n");
}

/* Whatever room is left in the last block. */
Test(h1_write, a_head_may_begin_anywhere_in_a_block)
{
	static char before[BUF_ROOM];
	struct head head = response(200, FRAMING_LENGTH, 5);
	struct buf buf = { .n = 0 };
	size_t n;

	memset(before, '-', sizeof(before));
	for (n = sizeof(before) - 80; n <= sizeof(before); n++) {
		buf_append(&buf, before, n);
		h1_write_last_chunk(&buf, &head.fields);
		h1_write_response(&buf, &head, HTTP_1_1, true, false);
		cr_assert_str_eq(contents(&buf) + n,
		    "0\r\nA: b\r\n\r\nHTTP/1.1 200 R\r\nA: b\r\n"
		    "Content-Length: 5\r\n\r\n");
	}
}
