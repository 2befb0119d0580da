/*
 * Heads from bytes: what is read, what is refused and with which end, and that
 * neither the cut of the bytes nor their moving changes it.
 */
#include "http/h1_parse.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "tests/unit/http/cuts.h"
#include "tests/unit/http/parsed.h"

#define IN(s) \
	{ \
		(s), sizeof(s) - 1 \
	}
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What came out, as text, so that tables can say what is expected. */
struct result {
	ssize_t bytes;
	enum end why;
	char head[4096];
};

static void
say(struct result *to, const char *format, ...)
{
	size_t n = strlen(to->head);
	va_list args;

	va_start(args, format);
	vsnprintf(to->head + n, sizeof(to->head) - n, format, args);
	va_end(args);
}

static void
say_head(struct result *to, const struct head *head)
{
	unsigned i;

	to->head[0] = '\0';
	if (to->bytes <= 0)
		return;
	if (head->method_name.n > 0)
		say(to, "%.*s %.*s 1.%d", TEXT_ARG(head->method_name),
		    TEXT_ARG(head->target), head->version == HTTP_1_1);
	if (head->status > 0)
		say(to, "1.%d %u %.*s", head->version == HTTP_1_1, head->status,
		    TEXT_ARG(head->reason));
	for (i = 0; i < head->fields.n; i++)
		say(to, "|%.*s=%.*s", TEXT_ARG(head->fields.v[i].name),
		    TEXT_ARG(head->fields.v[i].value));
}

/* The bytes stay where they are; what has not come yet is something else. */
static void
parse_in_place(
    parse *how, struct text in, const struct cuts *cuts, struct result *to)
{
	struct h1_parser parser;
	struct head head = { .status = 0 };
	char *p = guarded(in.n);
	size_t n, had = 0;

	memset(p, '\n', in.n);
	h1_parser_init(&parser);
	*to = (struct result){ .why = END_NONE };
	for (; had < in.n && to->bytes == 0; had = n) {
		n = cuts_end(cuts, had);
		memcpy(p + had, in.p + had, n - had);
		to->bytes = how(&parser, &head, &arena, p, n, &wide, &to->why);
	}
	say_head(to, &head);
	guarded_free(p, in.n);
}

/* The bytes are elsewhere at each call, and the old place is overwritten. */
static void
parse_moving(parse *how, struct text in, struct result *to)
{
	struct h1_parser parser;
	struct head head = { .status = 0 };
	char *here = malloc(in.n), *there = malloc(in.n), *swap;
	size_t n;

	h1_parser_init(&parser);
	*to = (struct result){ .why = END_NONE };
	for (n = 1; n <= in.n && to->bytes == 0; n++) {
		memcpy(here, in.p, n);
		memset(there, '!', in.n);
		to->bytes =
		    how(&parser, &head, &arena, here, n, &wide, &to->why);
		swap = here, here = there, there = swap;
	}
	say_head(to, &head);
	free(here);
	free(there);
}

static void
parse_whole(parse *how, struct text in, struct result *to)
{
	struct cuts cuts = cuts_whole(in.n);

	parse_in_place(how, in, &cuts, to);
}

static void
same(const struct result *a, const struct result *b, struct text in,
    const char *way)
{
	cr_assert_eq(a->bytes, b->bytes, "%s: %zd, %zd: %.*s", way, a->bytes,
	    b->bytes, TEXT_ARG(in));
	cr_assert_eq(a->why, b->why, "%s: %.*s", way, TEXT_ARG(in));
	cr_assert_str_eq(a->head, b->head, "%s", way);
}

static void
every_cut_says(parse *how, struct text in, const struct result *whole)
{
	static struct result cut;
	struct cuts cuts = cuts_whole(in.n);

	parse_moving(how, in, &cut);
	same(whole, &cut, in, "moving");
	while (cuts_next_way(&cuts)) {
		parse_in_place(how, in, &cuts, &cut);
		same(whole, &cut, in, cuts_words(&cuts));
	}
}

struct good {
	struct text in;
	const char *head;
	ssize_t rest; /* bytes after the head */
};

static void
reads(parse *how, const struct good *rows, size_t count)
{
	static struct result whole;
	size_t i;

	for (i = 0; i < count; i++) {
		parse_whole(how, rows[i].in, &whole);
		cr_assert_eq(whole.bytes, (ssize_t)rows[i].in.n - rows[i].rest,
		    "%zd of %s", whole.bytes, rows[i].in.p);
		cr_assert_str_eq(whole.head, rows[i].head);
		every_cut_says(how, rows[i].in, &whole);
	}
}

struct bad {
	struct text in;
	enum end why;
};

/*
 * Each row ends with the byte that is wrong: it is refused there, whatever
 * comes, and not before.
 */
static void
refuses(parse *how, const struct bad *rows, size_t count)
{
	static struct result whole;
	struct text before;
	size_t i;

	for (i = 0; i < count; i++) {
		parse_whole(how, rows[i].in, &whole);
		cr_assert_eq(
		    whole.bytes, -1, "%zu: %.*s", i, TEXT_ARG(rows[i].in));
		cr_assert_eq(whole.why, rows[i].why, "%zu: %u: %.*s", i,
		    whole.why, TEXT_ARG(rows[i].in));
		before = text_first(rows[i].in, rows[i].in.n - 1);
		parse_whole(how, before, &whole);
		cr_assert_eq(whole.bytes, 0, "%zu: %.*s", i, TEXT_ARG(before));
	}
}

/* And a whole message with that fault ends the same, however it is cut. */
static void
refuses_however_cut(parse *how, const struct bad *rows, size_t count)
{
	static struct result whole;
	static char more[1024];
	size_t i;

	for (i = 0; i < count; i++) {
		struct text in = { more, rows[i].in.n + 4 };

		memcpy(more, rows[i].in.p, rows[i].in.n);
		memcpy(more + rows[i].in.n, "\r\n\r\n", 4);
		parse_whole(how, in, &whole);
		cr_assert_eq(
		    whole.why, rows[i].why, "%zu: %.*s", i, TEXT_ARG(in));
		every_cut_says(how, in, &whole);
	}
}

static const struct good requests[] = {
	{ IN("GET / HTTP/1.1\r\n\r\n"), "GET / 1.1", 0 },
	{ IN("GET / HTTP/1.0\r\n\r\n"), "GET / 1.0", 0 },
	{ IN("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST"), "GET / 1.1|Host=a", 4 },
	{ IN("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n"), "GET / 1.1|Host=a", 2 },
	{ IN("PURGE * HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n"), "PURGE * 1.1|A=b|C=d",
	    0 },
	{ IN("get http://a/?b#c HTTP/1.1\r\nHost:a\r\n\r\n"),
	    "get http://a/?b#c 1.1|Host=a", 0 },
	{ IN("!#$%&'*+-.^_`|~0aZ / HTTP/1.1\r\n!#$%&'*+-.^_`|~0aZ: \r\n\r\n"),
	    "!#$%&'*+-.^_`|~0aZ / 1.1|!#$%&'*+-.^_`|~0aZ=", 0 },
	{ IN("GET !~\"<>\\ HTTP/1.1\r\n\r\n"), "GET !~\"<>\\ 1.1", 0 },
	/* RFC 9112 5.1: white space around a value is not of it */
	{ IN("GET / HTTP/1.1\r\nA:\r\nB: \r\nC:\t \t\r\nD: e  f\t \r\n\r\n"),
	    "GET / 1.1|A=|B=|C=|D=e  f", 0 },
	{ IN("GET / HTTP/1.1\r\nA:: b:\r\nA: \x80\xff\r\n\r\n"),
	    "GET / 1.1|A=: b:|A=\x80\xff", 0 },
	{ IN("GET / HTTP/1.1\r\nA: 01234567\r\nB: 0123456789abcdef\r\nC: "
	     "01234567\t9abcdef0\t234567\r\nD: 0123456 \r\n\r\n"),
	    "GET / 1.1|A=01234567|B=0123456789abcdef|C=01234567\t9abcdef0\t"
	    "234567|D=0123456",
	    0 },
	/* RFC 9112 2.2: empty lines before it, a few */
	{ IN("\r\nGET / HTTP/1.1\r\nA: b\r\n\r\n"), "GET / 1.1|A=b", 0 },
	{ IN("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"), "GET / 1.1", 0 },
};

static const struct good responses[] = {
	{ IN("HTTP/1.1 200 OK\r\n\r\n"), "1.1 200 OK", 0 },
	{ IN("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\nbody"),
	    "1.0 404 Not Found|A=b", 4 },
	{ IN("HTTP/1.1 100 \r\n\r\n"), "1.1 100 ", 0 },
	{ IN("HTTP/1.1 999\r\n\r\n"), "1.1 999 ", 0 },
	{ IN("HTTP/1.1 500  a\tb \x80 \r\nServer: c\r\n\r\n"),
	    "1.1 500  a\tb \x80 |Server=c", 0 },
	{ IN("HTTP/1.1 204 No\r\nA: b\r\nA: c\r\n\r\n"), "1.1 204 No|A=b|A=c",
	    0 },
};

static const struct good trailers[] = {
	{ IN("\r\n"), "", 0 },
	{ IN("\r\nGET"), "", 3 },
	{ IN("A: b\r\n\r\n"), "|A=b", 0 },
	{ IN("A: b\r\nC: d\r\n\r\n\r\n"), "|A=b|C=d", 2 },
};

#define LINE "GET / HTTP/1.1\r\n"
static const struct bad bad_requests[] = {
	/* RFC 9112 3: one space between three parts */
	{ IN(" "), END_BAD_REQUEST },
	{ IN("\t"), END_BAD_REQUEST },
	{ IN("GET  "), END_BAD_REQUEST },
	{ IN("GET\t"), END_BAD_REQUEST },
	{ IN("GET\r"), END_BAD_REQUEST },
	{ IN("GET \r"), END_BAD_REQUEST },
	{ IN("GET /\t"), END_BAD_REQUEST },
	{ IN("GET /  "), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.1 "), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.1\t"), END_BAD_REQUEST },
	{ IN("GET /a b"), END_BAD_REQUEST },
	{ IN("GET HTTP/1.1\r"), END_BAD_REQUEST },
	/* HTTP/0.9 is not spoken (BEHAVIOURS C.3, 11) */
	{ IN("GET /\r"), END_BAD_REQUEST },
	{ IN("GET /\n"), END_BAD_REQUEST },
	/* method: RFC 9110 9.1 */
	{ IN("G("), END_BAD_REQUEST },
	{ IN("GE\0"), END_BAD_REQUEST },
	{ IN("GE\x80"), END_BAD_REQUEST },
	{ IN("\x16"), END_BAD_REQUEST }, /* TLS on a plain port */
	/* target */
	{ IN("GET /\x7f"), END_BAD_REQUEST },
	{ IN("GET /\x80"), END_BAD_REQUEST },
	{ IN("GET /\0"), END_BAD_REQUEST },
	{ IN("GET /\x1f"), END_BAD_REQUEST },
	/* version: RFC 9112 2.3, 9110 2.5 */
	{ IN("GET / h"), END_BAD_REQUEST },
	{ IN("GET / HTTPS"), END_BAD_REQUEST },
	{ IN("GET / HTTP/a"), END_BAD_REQUEST },
	{ IN("GET / HTTP/1,"), END_BAD_REQUEST },
	{ IN("GET / HTTP/11"), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.\r"), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.11"), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.2"), END_VERSION },
	{ IN("GET / HTTP/1.9"), END_VERSION },
	{ IN("GET / HTTP/0.9"), END_VERSION },
	{ IN("GET / HTTP/2.0"), END_VERSION },
	{ IN("GET / HTTP/2.1"), END_VERSION },
	{ IN("GET / HTTP/0.1"), END_VERSION },
	{ IN("PRI * HTTP/2.0"), END_VERSION },
	/* bare CR and LF: RFC 9112 2.2 */
	{ IN("\n"), END_BAD_REQUEST },
	{ IN("\r\r"), END_BAD_REQUEST },
	{ IN("\rG"), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.1\n"), END_BAD_REQUEST },
	{ IN("GET / HTTP/1.1\r\r"), END_BAD_REQUEST },
	{ IN("\r\n\r\n\r\n\r\n\r"), END_BAD_REQUEST },
	{ IN(LINE "\n"), END_BAD_REQUEST },
	{ IN(LINE "\r\r"), END_BAD_REQUEST },
	{ IN(LINE "A: b\n"), END_BAD_REQUEST },
	{ IN(LINE "A: b\r\r"), END_BAD_REQUEST },
	{ IN(LINE "A: b\rc"), END_BAD_REQUEST },
	{ IN(LINE "A: 0123456789\n"), END_BAD_REQUEST },
	{ IN(LINE "A: b\r\n\n"), END_BAD_REQUEST },
	{ IN(LINE "A\n"), END_BAD_REQUEST },
	/* obsolete folding: RFC 9112 5.2 */
	{ IN(LINE " "), END_BAD_REQUEST },
	{ IN(LINE "\t"), END_BAD_REQUEST },
	{ IN(LINE "A: b\r\n "), END_BAD_REQUEST },
	{ IN(LINE "A: b\r\n\t"), END_BAD_REQUEST },
	/* names: RFC 9112 5.1; CVE-2023-25725: empty ones */
	{ IN(LINE ":"), END_BAD_REQUEST },
	{ IN(LINE "A "), END_BAD_REQUEST },
	{ IN(LINE "A\t"), END_BAD_REQUEST },
	{ IN(LINE "A\r"), END_BAD_REQUEST },
	{ IN(LINE "A\0"), END_BAD_REQUEST },
	{ IN(LINE "A\x0b"), END_BAD_REQUEST },
	{ IN(LINE "A\x80"), END_BAD_REQUEST },
	{ IN(LINE "A("), END_BAD_REQUEST },
	{ IN(LINE "A/"), END_BAD_REQUEST },
	{ IN(LINE "\""), END_BAD_REQUEST },
	/* values: RFC 9110 5.5 */
	{ IN(LINE "A: \0"), END_BAD_REQUEST },
	{ IN(LINE "A: b\0"), END_BAD_REQUEST },
	{ IN(LINE "A: b\x01"), END_BAD_REQUEST },
	{ IN(LINE "A: b\x0b"), END_BAD_REQUEST },
	{ IN(LINE "A: b\x0c"), END_BAD_REQUEST },
	{ IN(LINE "A: b\x1f"), END_BAD_REQUEST },
	{ IN(LINE "A: b\x7f"), END_BAD_REQUEST },
	{ IN(LINE "A: 0123456\0"), END_BAD_REQUEST },
	{ IN(LINE "A: 0123456\x7f"), END_BAD_REQUEST },
	{ IN(LINE "A: 0123456\x1f"), END_BAD_REQUEST },
	{ IN(LINE "A: \xff\x80 01234\x7f"), END_BAD_REQUEST },
	{ IN(LINE "A: \xff\x80 01234\x1f"), END_BAD_REQUEST },
};

static const struct bad bad_responses[] = {
	{ IN("I"), END_UPSTREAM_PROTOCOL },
	{ IN("\r"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/2.0"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.2"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/0.9"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1\r"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1\t"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1  "), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 2\r"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 20 "), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 099"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 +"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 2000"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200O"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200\t"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200\n"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\n"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 O\0"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\r\r"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\r\n "), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\r\nA: b\r\n\t"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\r\nA: \0"), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\r\nA "), END_UPSTREAM_PROTOCOL },
	{ IN("HTTP/1.1 200 OK\r\n:"), END_UPSTREAM_PROTOCOL },
};

static const struct bad bad_trailers[] = {
	{ IN("\n"), END_BAD_REQUEST },
	{ IN("\r\r"), END_BAD_REQUEST },
	{ IN(" "), END_BAD_REQUEST },
	{ IN("A: b\n"), END_BAD_REQUEST },
	{ IN("A: b\r\n "), END_BAD_REQUEST },
	{ IN("A "), END_BAD_REQUEST },
	{ IN("GET "), END_BAD_REQUEST },
};

Test(h1_parse, reads_requests_however_they_are_cut_or_move)
{
	reads(h1_parse_request, requests, COUNT(requests));
}

Test(h1_parse, reads_responses_however_they_are_cut_or_move)
{
	reads(h1_parse_response, responses, COUNT(responses));
}

Test(h1_parse, reads_trailers_however_they_are_cut_or_move)
{
	reads(parse_trailers, trailers, COUNT(trailers));
}

Test(h1_parse, refuses_requests_at_the_first_wrong_byte)
{
	refuses(h1_parse_request, bad_requests, COUNT(bad_requests));
}

Test(h1_parse, refuses_requests_alike_however_they_are_cut)
{
	refuses_however_cut(
	    h1_parse_request, bad_requests, COUNT(bad_requests));
}

Test(h1_parse, refuses_responses_at_the_first_wrong_byte)
{
	refuses(h1_parse_response, bad_responses, COUNT(bad_responses));
	refuses_however_cut(
	    h1_parse_response, bad_responses, COUNT(bad_responses));
}

Test(h1_parse, refuses_trailers_at_the_first_wrong_byte)
{
	refuses(parse_trailers, bad_trailers, COUNT(bad_trailers));
	refuses_however_cut(parse_trailers, bad_trailers, COUNT(bad_trailers));
}

Test(h1_parse, fills_in_what_others_look_at)
{
	const char *in = "DELETE /a HTTP/1.1\r\nhOST: a\r\nx: y\r\n\r\n";
	struct head head = parsed_request(in);

	cr_assert_eq(head.method, METHOD_DELETE);
	cr_assert_eq(head.fields.v[0].token, TOKEN_HOST);
	cr_assert_eq(head.fields.v[1].token, TOKEN_OTHER);
	cr_assert_eq(head.target.p, in + 7);
}

Test(h1_parse, one_parser_reads_one_head_after_the_other)
{
	struct text in = IN("GET /1 HTTP/1.1\r\nA: b\r\n\r\n"
			    "\r\nGET /2 HTTP/1.0\r\nC: d\r\n\r\n");
	struct head first = { .status = 0 }, second = { .status = 0 };
	struct h1_parser parser;
	enum end why;
	ssize_t n;

	h1_parser_init(&parser);
	n = h1_parse_request(&parser, &first, &arena, in.p, in.n, &wide, &why);
	cr_assert_eq(n, 25);
	h1_parser_init(&parser);
	in = text_from(in, (size_t)n);
	n = h1_parse_request(&parser, &second, &arena, in.p, in.n, &wide, &why);
	cr_assert_eq(n, (ssize_t)in.n);
	cr_assert(text_equal(second.target, TEXT("/2")));
	cr_assert_eq(second.fields.n, 1);
	cr_assert_eq(second.version, HTTP_1_0);
}

/* A reload may lower them while a head is on its way. */
Test(h1_parse, holds_to_limits_that_were_lowered_meanwhile)
{
	struct text in =
	    IN("GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\n");
	struct h1_limits limits = wide;
	struct head head = { .status = 0 };
	struct h1_parser parser;
	enum end why;

	h1_parser_init(&parser);
	cr_assert_eq(h1_parse_request(
			 &parser, &head, &arena, in.p, in.n - 6, &limits, &why),
	    0);
	limits.fields = 2;
	cr_assert_eq(
	    h1_parse_request(&parser, &head, &arena, in.p, in.n, &limits, &why),
	    -1);
	cr_assert_eq(why, END_HEADER_TOO_LARGE);
}
