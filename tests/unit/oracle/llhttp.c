/*
 * Node's parser as an oracle: over the corpus, and over what small changes make
 * of it, it and fairlead read the same message out of the same bytes, wherever
 * both read one.  Where fairlead alone does, the table says why that is right.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/lib/corpus.h"
#include "tests/unit/oracle/reading.h"

#define SEED 20260101
#define CHANGES 400 /* of each message */
#define MESSAGES 64 /* of one connection */
#define BYTES_MOST 65536

struct message;

/* One difference that is right, by what it looks like. */
struct explained {
	bool (*is_it)(const struct message *);
	const char *why;
	unsigned used;
};

struct message {
	struct text in;
	enum reading_kind kind;
	struct reading ours, theirs;
};

static bool is_other_method(const struct message *);
static bool is_tab_around_value(const struct message *);
static bool is_field_of_trailers(const struct message *);
static bool is_extension(const struct message *);
static bool is_without_body(const struct message *);
static bool is_205(const struct message *);
static bool is_proxy_connection(const struct message *);
static bool is_connect(const struct message *);

static struct explained table[] = {
	{ is_other_method,
	    "any token is a method (RFC 9110 9.1); llhttp has a "
	    "list",
	    0 },
	{ is_tab_around_value,
	    "a tab may stand around a value as a space may "
	    "(RFC 9110 5.5); llhttp's lengths and codings "
	    "take spaces alone",
	    0 },
	{ is_field_of_trailers,
	    "trailers frame and connect nothing, and are "
	    "dropped (RFC 9110 6.5.1); llhttp reads them "
	    "as if they stood in the head",
	    0 },
	{ is_extension,
	    "a quoted extension and its pairs, and space around it "
	    "(RFC 9112 7.1.1), which llhttp 8 does not know; all of "
	    "them are dropped",
	    0 },
	{ is_without_body,
	    "no 1xx, 204 or 304 has a body, whatever it says (RFC "
	    "9112 6.3); llhttp reads one where a framing is there",
	    0 },
	{ is_205,
	    "a 205 has no content (RFC 9110 15.3.6); what there is is "
	    "left, and the connection is not used again",
	    0 },
	{ is_proxy_connection,
	    "Proxy-Connection says nothing (RFC 9112 "
	    "C.2.2); llhttp takes it for Connection",
	    0 },
	{ is_connect,
	    "behind a CONNECT that is refused there may be a tunnel's bytes, "
	    "so the connection ends (RFC 9931); llhttp hands them on",
	    0 },
};

#define NTABLE (sizeof(table) / sizeof(table[0]))

struct tally {
	unsigned both, alone, neither;
};

static bool
holds(struct text in, const char *word)
{
	return memmem(in.p, in.n, word, strlen(word)) != NULL;
}

static bool
holds_fold(struct text in, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= in.n; i++)
		if (strncasecmp(in.p + i, word, n) == 0)
			return true;
	return false;
}

static bool
says(const struct message *m, const char *words)
{
	return m->theirs.verdict == READ_REFUSED &&
	    strncmp(m->theirs.why, words, strlen(words)) == 0;
}

static bool
is_other_method(const struct message *m)
{
	return says(m, "HPE_INVALID_METHOD:");
}

static bool
is_about_framing(const struct message *m)
{
	return says(m, "HPE_INVALID_TRANSFER_ENCODING:") ||
	    says(m, "HPE_INVALID_CONTENT_LENGTH:") ||
	    says(m, "HPE_UNEXPECTED_CONTENT_LENGTH:");
}

static bool
is_tab_around_value(const struct message *m)
{
	return is_about_framing(m) &&
	    memchr(m->in.p, '\t', m->ours.head_end) != NULL;
}

static bool
is_field_of_trailers(const struct message *m)
{
	bool differs = m->theirs.verdict == READ_WHOLE &&
	    m->ours.keep_alive != m->theirs.keep_alive &&
	    m->ours.end == m->theirs.end;

	return m->theirs.has_head && (is_about_framing(m) || differs) &&
	    !is_proxy_connection(m) &&
	    holds_fold(text_first(m->in, m->ours.head_end), "chunked") &&
	    holds(text_from(m->in, m->ours.head_end), ": ");
}

static bool
is_extension(const struct message *m)
{
	return (says(m, "HPE_STRICT: Invalid character in chunk extensions") ||
		   says(m, "HPE_INVALID_CHUNK_SIZE:")) &&
	    holds(text_from(m->in, m->ours.head_end), ";");
}

static bool
is_without_body(const struct message *m)
{
	unsigned status = m->ours.status;

	return ((status >= 100 && status < 200) || status == 204 ||
		   status == 304) &&
	    m->ours.verdict == READ_WHOLE && m->ours.end == m->ours.head_end;
}

static bool
is_205(const struct message *m)
{
	return m->ours.status == 205 && m->ours.body == 0 &&
	    !m->ours.keep_alive;
}

static bool
is_proxy_connection(const struct message *m)
{
	return m->theirs.verdict == m->ours.verdict &&
	    m->ours.end == m->theirs.end &&
	    holds_fold(
		text_first(m->in, m->ours.head_end), "\nproxy-connection:");
}

static bool
is_connect(const struct message *m)
{
	return strcmp(m->ours.method, "CONNECT") == 0 &&
	    m->theirs.verdict == m->ours.verdict &&
	    m->ours.end == m->theirs.end && !m->ours.keep_alive;
}

static bool
is_explained(const struct message *m)
{
	for (size_t i = 0; i < NTABLE; i++)
		if (table[i].is_it(m)) {
			table[i].used++;
			return true;
		}
	return false;
}

static bool
is_same_head(const struct reading *a, const struct reading *b)
{
	return strcmp(a->method, b->method) == 0 &&
	    strcmp(a->target, b->target) == 0 && a->minor == b->minor &&
	    a->status == b->status;
}

/* To where both have read, which is the end where both found one. */
static bool
is_same(const struct reading *a, const struct reading *b)
{
	if (a->verdict != b->verdict || a->has_head != b->has_head)
		return false;
	if (a->has_head && !is_same_head(a, b))
		return false;
	if (a->body != b->body || a->body_hash != b->body_hash)
		return false;
	if (a->verdict != READ_WHOLE)
		return a->to_eof == b->to_eof;
	return a->end == b->end && a->keep_alive == b->keep_alive;
}

static void
print(const char *who, const struct reading *r)
{
	static const char *const words[] = { "whole", "part", "refused" };

	fprintf(stderr,
	    "%s: %s %s head %d [%s] [%s] 1.%u %u end %zu body %zu keep %d "
	    "eof %d\n",
	    who, words[r->verdict], r->why, r->has_head, r->method, r->target,
	    r->minor, r->status, r->end, r->body, r->keep_alive, r->to_eof);
}

static void
fail(const char *name, const struct message *m)
{
	print("fairlead", &m->ours);
	print("llhttp", &m->theirs);
	fprintf(stderr, "%s:\n", name);
	for (size_t i = 0; i < m->in.n; i++)
		fprintf(stderr,
		    m->in.p[i] >= ' ' && m->in.p[i] < 127 ? "%c"
			: m->in.p[i] == '\n'		  ? "\\n\n"
							  : "\\x%02x",
		    (unsigned char)m->in.p[i]);
	fprintf(stderr, "\n");
	cr_assert(false, "%s is read in two ways", name);
}

/* One message; its length if both have read it, else 0. */
static size_t
compare(const char *name, struct text in, enum reading_kind kind,
    struct tally *tally)
{
	struct message m = { .in = in, .kind = kind };

	read_by_fairlead(in, kind, &m.ours);
	read_by_llhttp(in, kind, &m.theirs);
	if (m.ours.verdict == READ_REFUSED ||
	    (m.theirs.verdict == READ_REFUSED && !m.ours.has_head)) {
		tally->neither++;
		return 0;
	}
	if (m.theirs.verdict != READ_REFUSED && is_same(&m.ours, &m.theirs)) {
		tally->both++;
		return m.ours.verdict == READ_WHOLE ? m.ours.end : 0;
	}
	tally->alone++;
	if (!is_explained(&m))
		fail(name, &m);
	return 0;
}

static void
compare_all(const char *name, struct text in, enum reading_kind kind,
    struct tally *tally)
{
	size_t n = 1;

	for (unsigned i = 0; i < MESSAGES && in.n > 0 && n > 0; i++) {
		n = compare(name, in, kind, tally);
		in = text_from(in, n);
	}
}

/* ---- small changes --------------------------------------------------------- */

static const char *const pieces[] = { "\r", "\n", "\r\n", " ", "\t", ":", ";",
	",", "0", "1", "9", "a", "F", "x", "-", "_", "\"", "/", "?", "#", "%",
	"@", "\x7f", "\x80", "\v", "\f", "\r\n ", "\r\n\r\n", "0\r\n", "+1",
	"0x", "chunked", "Content-Length: 5\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding:", "Connection: close\r\n",
	"Connection: keep-alive\r\n", "Host: b\r\n", "HTTP/1.0", "HTTP/1.1",
	"HTTP/2.0", "gzip, ", ", chunked" };

#define NPIECES (sizeof(pieces) / sizeof(pieces[0]))

struct bytes_at {
	char p[BYTES_MOST];
	size_t n;
};

/* Instead of `gone' bytes at `at'. */
static void
put_at(struct bytes_at *b, size_t at, size_t gone, const char *p, size_t n)
{
	if (gone > b->n - at)
		gone = b->n - at;
	if (b->n - gone + n > sizeof(b->p))
		return;
	memmove(b->p + at + n, b->p + at + gone, b->n - at - gone);
	memcpy(b->p + at, p, n);
	b->n = b->n - gone + n;
}

static void
change(struct bytes_at *b, struct rng *rng)
{
	size_t at = rng_below(rng, b->n + 1), n = 1 + rng_below(rng, 30);
	const char *piece = pieces[rng_below(rng, NPIECES)];
	char copy[32], byte = (char)rng_below(rng, 256);

	switch (rng_below(rng, 6)) {
	case 0:
		put_at(b, at, 1, "", 0);
		break;
	case 1:
		put_at(b, at, n, "", 0);
		break;
	case 2:
		put_at(b, at, 1, &byte, 1);
		break;
	case 3:
		put_at(b, at, 0, piece, strlen(piece));
		break;
	case 4:
		put_at(b, at, 1, piece, strlen(piece));
		break;
	default:
		n = n < b->n - at ? n : b->n - at;
		memcpy(copy, b->p + at, n);
		put_at(b, rng_below(rng, b->n + 1), 0, copy, n);
	}
}

static void
compare_changed(const char *name, struct text in, enum reading_kind kind,
    struct tally *tally)
{
	static struct bytes_at b;
	struct rng rng;

	compare_all(name, in, kind, tally);
	rng_seed(&rng, SEED + in.n);
	for (unsigned i = 0; i < CHANGES; i++) {
		put_at(&b, 0, b.n, in.p, in.n);
		for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--)
			change(&b, &rng);
		compare_all(name, (struct text){ b.p, b.n }, kind, tally);
	}
}

/* ---- the corpus -------------------------------------------------------------- */

static void
compare_corpus(const char *dir, enum reading_kind kind)
{
	struct tally tally = { 0 };
	unsigned n;
	char **names = corpus_names(dir, &n);

	for (unsigned i = 0; i < n; i++) {
		struct bytes in;

		cr_assert(corpus_read(dir, names[i], &in));
		if (in.n < BYTES_MOST)
			compare_changed(names[i], (struct text){ in.p, in.n },
			    kind, &tally);
		bytes_free(&in);
	}
	fprintf(stderr,
	    "%s, seed %d: %u read alike, %u not, as the table says, %u "
	    "refused\n",
	    dir, SEED, tally.both, tally.alone, tally.neither);
	cr_assert_gt(tally.both, 5000);
}

Test(llhttp, reads_each_message_as_we_do_but_for_the_table)
{
	compare_corpus("requests", READ_REQUEST);
	compare_corpus("responses", READ_RESPONSE);
	compare_corpus("responses", READ_RESPONSE_TO_HEAD);
	for (size_t i = 0; i < NTABLE; i++) {
		fprintf(stderr, "%5u: %s\n", table[i].used, table[i].why);
		cr_assert_gt(
		    table[i].used, 0, "nothing does: %s", table[i].why);
	}
}
