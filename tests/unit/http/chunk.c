/*
 * The chunked coding: what is read, what is refused, and that no cut of the
 * bytes changes either.
 */
#include "http/chunk.h"

#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"
#include "tests/unit/http/cuts.h"

#define IN(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

struct decoded {
	enum chunk_say last;
	char body[70000];
	size_t n;
	size_t used; /* up to the trailers, or when it was refused */
};

static void
decode(struct text t, const struct cuts *cuts, struct decoded *to)
{
	struct chunk chunk;
	size_t from = 0, until, skip, data;

	chunk_init(&chunk);
	*to = (struct decoded){ .last = CHUNK_MORE };
	while (from < t.n && to->last < CHUNK_TRAILERS) {
		until = cuts_end(cuts, from);
		do {
			to->last = chunk_next(
			    &chunk, t.p + from, until - from, &skip, &data);
			cr_assert_leq(skip + data, until - from);
			cr_assert((to->last == CHUNK_DATA) == (data > 0));
			if (to->last == CHUNK_MORE)
				cr_assert_eq(skip, until - from);
			memcpy(to->body + to->n, t.p + from + skip, data);
			to->n += data;
			from += skip + data;
		} while (to->last == CHUNK_DATA && from < until);
		to->used = from;
	}
}

static void
decode_whole(struct text t, struct decoded *to)
{
	struct cuts cuts = cuts_whole(t.n);

	decode(t, &cuts, to);
}

static void
every_cut_says(struct text in, const struct decoded *whole)
{
	static struct decoded cut;
	struct cuts cuts = cuts_whole(in.n);

	while (cuts_next_way(&cuts)) {
		decode(in, &cuts, &cut);
		cr_assert(cut.last == whole->last && cut.used == whole->used &&
			cut.n == whole->n &&
			memcmp(cut.body, whole->body, cut.n) == 0,
		    "%s: %.*s", cuts_words(&cuts), TEXT_ARG(in));
	}
}

static const struct {
	struct text in;
	const char *body;
	size_t rest; /* bytes after the last chunk's line */
} good[] = {
	{ IN("0\r\n\r\n"), "", 2 },
	{ IN("00000\r\n"), "", 0 },
	{ IN("5\r\nhello\r\n0\r\n\r\n"), "hello", 2 },
	{ IN("5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n"), "hello world",
	    8 },
	{ IN("000000000000000a\r\n0123456789\r\n0\r\n"), "0123456789", 0 },
	{ IN("A\r\n0123456789\r\n0\r\n"), "0123456789", 0 },
	{ IN("a\r\n\r\n0\r\n\r\nabc\r\n0\r\n"), "\r\n0\r\n\r\nabc", 0 },
	/* RFC 9112 7.1.1: extensions are ignored, white space is bad but read */
	{ IN("1;a\r\nx\r\n0\r\n"), "x", 0 },
	{ IN("1;a=b\r\nx\r\n0;z\r\n"), "x", 0 },
	{ IN("1;a=\"\"\r\nx\r\n0\r\n"), "x", 0 },
	{ IN("1;a=\"b;\t\\\" \\\\\xff\"\r\nx\r\n0\r\n"), "x", 0 },
	{ IN("1 \t; a \t= b\r\nx\r\n0\r\n"), "x", 0 },
	{ IN("1;a;b=c ;d = \"e\" ;f=g;h\r\nx\r\n0\r\n"), "x", 0 },
	{ IN("1;a;\tb;c=\"d\";e\r\nx\r\n0\r\n"), "x", 0 },
};

Test(chunk, reads_what_the_grammar_allows_however_it_is_cut)
{
	static struct decoded whole;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct text in = { guarded_copy(good[i].in), good[i].in.n };

		decode_whole(in, &whole);
		cr_assert_eq(whole.last, CHUNK_TRAILERS, "%s", good[i].in.p);
		cr_assert_eq(whole.n, strlen(good[i].body), "%s", good[i].in.p);
		cr_assert_eq(memcmp(whole.body, good[i].body, whole.n), 0);
		cr_assert_eq(
		    in.n - whole.used, good[i].rest, "%s", good[i].in.p);
		every_cut_says(in, &whole);
	}
}

Test(chunk, what_is_not_complete_wants_more)
{
	static struct decoded part;
	struct text in = IN("5;a=\"b\"\r\nhello\r\n0;c\r\n");
	size_t n;

	for (n = 1; n < in.n; n++) {
		decode_whole((struct text){ in.p, n }, &part);
		cr_assert_neq(part.last, CHUNK_BAD, "%zu", n);
		cr_assert_neq(part.last, CHUNK_TRAILERS, "%zu", n);
	}
}

/* Each row ends with the byte that is wrong. */
static const struct text bad[] = {
	/* no digits, no hex, prefixes of numbers (http-garden 2-4, 7) */
	IN("\r"),
	IN("\n"),
	IN(" "),
	IN(";"),
	IN("g"),
	IN("-"),
	IN("+"),
	IN("0x"),
	IN("5_"),
	IN("5,"),
	IN("5."),
	IN("5h"),
	/* more than 16 digits; more than 2^63-1 bytes */
	IN("00000000000000001"),
	IN("8000000000000000"),
	IN("ffffffffffffffff"),
	IN("10000000000000000"),
	/* bare LF, bare CR (RFC 9112 2.2 and 7.1; nginx 1.29.4) */
	IN("5\n"),
	IN("5\r\r"),
	IN("5\r5"),
	IN("5;a\n"),
	IN("1\r\nx\n"),
	IN("1\r\nxy"),
	IN("1\r\nx\r\r"),
	IN("1\r\nx\r0"),
	IN("1\r\nx0"),
	/* white space that leads to nothing */
	IN("5 \r"),
	IN("5\t\r"),
	IN("5 5"),
	IN("5;a \r"),
	IN("5;a b"),
	IN("5;a=b \r"),
	IN("5;a=b c"),
	IN("5;a=b="),
	IN("5;a=\"b\" \r"),
	/* extensions that are none (the line terminators of 2025) */
	IN("5;\r"),
	IN("5;\n"),
	IN("5;;"),
	IN("5; \r"),
	IN("5;="),
	IN("5;a=\r"),
	IN("5;a=;"),
	IN("5;a= \r"),
	IN("5;a\0"),
	IN("5;a\x80"),
	IN("5;a=\x01"),
	IN("5;a=\"\r"),
	IN("5;a=\"\n"),
	IN("5;a=\"\0"),
	IN("5;a=\"\x7f"),
	IN("5;a=\"\\\r"),
	IN("5;a=\"\\\n"),
	IN("5;a=\"b\"c"),
	IN("5;a=\"b\"="),
	IN("5;a=\"b\"\n"),
	IN("5;a,"),
};

Test(chunk, refuses_at_the_first_wrong_byte)
{
	static struct decoded whole;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct text in = { guarded_copy(bad[i]), bad[i].n };

		decode_whole(in, &whole);
		cr_assert_eq(
		    whole.last, CHUNK_BAD, "%zu: %.*s", i, TEXT_ARG(in));
		cr_assert_eq(whole.used, in.n, "%zu: %.*s", i, TEXT_ARG(in));
		every_cut_says(in, &whole);
	}
}

Test(chunk, the_largest_size_is_2_to_the_63rd_less_1)
{
	struct chunk chunk;
	size_t skip, data;
	const char *in = "7fffffffffffffff\r\nx";

	chunk_init(&chunk);
	cr_assert_eq(chunk_next(&chunk, in, 19, &skip, &data), CHUNK_DATA);
	cr_assert_eq(skip, 18);
	cr_assert_eq(data, 1);
	cr_assert_eq(chunk.left, INT64_MAX - 1);
}

Test(chunk, nothing_to_read_wants_more)
{
	struct chunk chunk;
	size_t skip = 1, data = 1;

	chunk_init(&chunk);
	cr_assert_eq(chunk_next(&chunk, "", 0, &skip, &data), CHUNK_MORE);
	cr_assert_eq(skip, 0);
	cr_assert_eq(data, 0);
	cr_assert_eq(chunk_next(&chunk, "2\r\n", 3, &skip, &data), CHUNK_MORE);
	cr_assert_eq(skip, 3);
	cr_assert_eq(chunk_next(&chunk, "", 0, &skip, &data), CHUNK_MORE);
	cr_assert_eq(chunk_next(&chunk, "abc", 3, &skip, &data), CHUNK_DATA);
	cr_assert_eq(skip, 0);
	cr_assert_eq(data, 2);
}

/* "size;aaa..." with that many bytes of extension, ';' included */
static size_t
extended(char *to, size_t ext)
{
	to[0] = '1';
	memset(to + 1, 'a', ext);
	to[1] = ';';
	memcpy(to + 1 + ext, "\r\nx\r\n", 5);
	return ext + 6;
}

/* CVE-2023-39326 */
Test(chunk, extensions_of_a_chunk_are_bounded)
{
	static struct decoded whole;
	char in[CHUNK_EXT_BYTES + 16];
	size_t n = extended(in, CHUNK_EXT_BYTES);

	decode_whole((struct text){ in, n }, &whole);
	cr_assert_eq(whole.n, 1);
	cr_assert_neq(whole.last, CHUNK_BAD);
	n = extended(in, CHUNK_EXT_BYTES + 1);
	decode_whole((struct text){ in, n }, &whole);
	cr_assert_eq(whole.last, CHUNK_BAD);
	cr_assert_eq(whole.used, 1 + CHUNK_EXT_BYTES + 1);
	every_cut_says((struct text){ in, n }, &whole);
}

Test(chunk, extensions_of_a_message_are_bounded)
{
	static char in[CHUNK_EXT_TOTAL + 4096];
	static struct decoded whole;
	size_t n = 0, i;

	for (i = 0; i < CHUNK_EXT_TOTAL / CHUNK_EXT_BYTES; i++)
		n += extended(in + n, CHUNK_EXT_BYTES);
	memcpy(in + n, "0\r\n", 3);
	decode_whole((struct text){ in, n + 3 }, &whole);
	cr_assert_eq(whole.last, CHUNK_TRAILERS);
	cr_assert_eq(whole.n, CHUNK_EXT_TOTAL / CHUNK_EXT_BYTES);
	memcpy(in + n, "0;\r\n", 4);
	decode_whole((struct text){ in, n + 4 }, &whole);
	cr_assert_eq(whole.last, CHUNK_BAD);
	cr_assert_eq(whole.used, n + 2);
	every_cut_says((struct text){ in, n + 4 }, &whole);
}
