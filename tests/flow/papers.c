/*
 * What the papers demand of a request: each class of tests/corpus/requests
 * becomes what its row says, and what a server sees of it is the canonical
 * message in tests/corpus/forwarded, or nothing, however the bytes were cut.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/corpus.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

enum { TRICKLED_MOST = 1500 }; /* longer ones are sent in one piece only */

TestSuite(papers, .init = stage_plain, .fini = stage_strike, .timeout = 300);

/* In one piece or byte by byte; whoever refuses may stop listening. */
static void
send_bytes(struct client *c, const struct bytes *b, bool trickled)
{
	size_t i;

	if (!trickled)
		cr_assert(client_send(c, b->p, b->n), "%s", c->why);
	for (i = 0; trickled && i < b->n; i++)
		if (!client_send(c, b->p + i, 1))
			break;
}

/* The word before the first space of the nth request is enough for a test. */
static const char *
method_of(const struct bytes *b, unsigned nth)
{
	size_t skip = strspn(b->p, "\r\n");

	return nth == 0 && strncmp(b->p + skip, "HEAD ", 5) == 0 ? "HEAD"
								 : "GET";
}

static void
must_answer(
    struct client *c, const struct corpus_row *row, const struct bytes *b)
{
	char *statuses = keep_printf("%s", row->words[0]), *status;
	const char *reason = row->words[1];
	struct response r = { 0 };
	unsigned nth;

	for (nth = 0; (status = strsep(&statuses, ",")) != NULL; nth++) {
		cr_assert(client_response(c, &r, method_of(b, nth)),
		    "%s, answer %u: %s", row->name, nth, c->why);
		cr_assert_str_eq(keep_printf("%d", r.status), status,
		    "%s, answer %u: %s", row->name, nth, r.head.p);
		cr_assert_lt(bytes_find(&r.body, 0, "/smuggled"), 0, "%s: %s",
		    row->name, r.body.p);
	}
	if (strcmp(reason, "-") != 0)
		must_refuse(&r, r.status, reason);
}

/* One chunk for all of a body's: where they are cut is nobody's business. */
static void
add_body(struct bytes *to, const struct seen *s)
{
	const char *p = s->body.p, *end = p + s->body.n;
	struct bytes all = { 0 };
	unsigned long n;
	char *data;

	if (origin_field(&s->head, "transfer-encoding", 0) == NULL) {
		bytes_add(to, p, s->body.n);
		return;
	}
	while (p < end && (n = strtoul(p, &data, 16)) > 0) {
		bytes_add(&all, data + 2, n);
		p = data + 2 + n + 2;
	}
	if (all.n > 0) {
		bytes_printf(to, "%zx\r\n", all.n);
		bytes_add(to, all.p, all.n);
		bytes_printf(to, "\r\n");
	}
	bytes_add(to, p, (size_t)(end - p));
}

/* `text' for what stands between two others, if they are there. */
static void
replace(
    struct bytes *b, const char *before, const char *after, const char *text)
{
	struct bytes rest = { 0 };
	long from = bytes_find(b, 0, before), to;

	if (from == -1)
		return;
	from += (long)strlen(before);
	to = bytes_find(b, (size_t)from, after);
	cr_assert_neq(to, -1);
	bytes_add(&rest, b->p + to, b->n - (size_t)to);
	b->n = (size_t)from;
	bytes_printf(b, "%s", text);
	bytes_add(b, rest.p, rest.n);
}

/* What came since the `before'th request, with what changes put by. */
static struct bytes
forwarded(unsigned before)
{
	struct bytes all = { 0 };
	unsigned i;

	for (i = before; i < origin_requests(o); i++) {
		struct seen *s = origin_seen(o, i);
		struct bytes one = { 0 };

		bytes_add(&one, s->head.p, s->head.n);
		replace(&one, "\r\nX-Request-Id: ", "\r\n", "ID");
		replace(&one, "\r\nHost: 127.0.0.1:", "\r\n", "PORT");
		add_body(&one, s);
		bytes_add(&all, one.p, one.n);
	}
	return all;
}

static void
must_be_seen(const struct corpus_row *row, unsigned before,
    uint64_t bytes_before, bool may_begin)
{
	struct bytes want, got;
	unsigned i;

	if (corpus_read("forwarded", row->name, &want)) {
		got = forwarded(before);
		cr_assert(got.n == want.n && memcmp(got.p, want.p, got.n) == 0,
		    "%s: forwarded is\n%s\nnot\n%s", row->name, got.p, want.p);
		return;
	}
	if (!may_begin)
		cr_assert_eq(origin_bytes(o), bytes_before,
		    "%s reached a server", row->name);
	for (i = before; i < origin_requests(o); i++)
		cr_assert_not(
		    origin_seen(o, i)->whole, "%s looked whole", row->name);
	cr_assert(!may_begin || WAIT_FOR(5000, origin_open(o) == 0),
	    "%s: the server waits for the rest", row->name);
}

static void
must_become(const struct corpus_row *row, bool may_begin, bool trickled)
{
	struct client *c = dial(f.port);
	unsigned before = origin_requests(o);
	uint64_t bytes_before = origin_bytes(o);
	struct bytes b;

	cr_assert(corpus_read("requests", row->name, &b), "%s", row->name);
	if (trickled && b.n > TRICKLED_MOST)
		return;
	send_bytes(c, &b, trickled);
	if (strcmp(row->words[0], "cut") != 0)
		must_answer(c, row, &b);
	shutdown(c->fd, SHUT_WR);
	cr_assert(client_ended(c), "%s: %s", row->name,
	    c->why != NULL ? c->why : "bytes are left");
	client_close(c);
	must_be_seen(row, before, bytes_before, may_begin);
}

static void
all_must_become(const char *class, bool may_begin)
{
	struct corpus_row *rows;
	unsigned i, n;

	rows = corpus_rows("requests", class, 2, &n);
	for (i = 0; i < n; i++) {
		must_become(&rows[i], may_begin, false);
		must_become(&rows[i], may_begin, true);
	}
}

Test(papers, what_everybody_sends_arrives_in_canonical_form)
{
	all_must_become("plain", false);
}

Test(papers, a_length_beside_a_coding_is_refused)
{
	all_must_become("both", false);
}

Test(papers, a_coding_is_chunked_once_and_alone_or_refused)
{
	all_must_become("coding", false);
}

Test(papers, a_length_is_one_decimal_number_or_refused)
{
	all_must_become("length", false);
}

Test(papers, chunks_are_read_strictly_and_extensions_dropped)
{
	all_must_become("chunk", true);
}

Test(papers, trailers_stay_trailers_and_carry_nothing_that_matters)
{
	all_must_become("trailer", true);
}

Test(papers, a_field_line_has_one_meaning_or_is_refused)
{
	all_must_become("field", false);
}

Test(papers, a_request_line_has_one_meaning_or_is_refused)
{
	all_must_become("line", false);
}

Test(papers, there_is_one_valid_host)
{
	all_must_become("host", false);
}

Test(papers, an_absolute_target_decides_the_host)
{
	all_must_become("absolute", false);
}

Test(papers, a_path_means_the_same_to_every_server)
{
	all_must_become("path", false);
}

Test(papers, hop_by_hop_fields_end_here_and_nothing_else_by_their_help)
{
	all_must_become("hop", false);
}

Test(papers, only_fairlead_says_where_a_request_came_from)
{
	all_must_become("forward", false);
}

Test(papers, no_protocol_is_changed_unasked)
{
	all_must_become("upgrade", false);
}

Test(papers, pipelined_requests_keep_apart_and_end_with_a_bad_one)
{
	all_must_become("pipeline", false);
}

Test(papers, an_expectation_is_met_or_refused)
{
	all_must_become("expect", false);
}

Test(papers, max_forwards_counts_down)
{
	all_must_become("forwards", false);
}

Test(papers, a_trace_has_no_body)
{
	all_must_become("trace", false);
}

Test(papers, a_head_has_a_size)
{
	all_must_become("size", false);
}

Test(papers, a_request_that_breaks_off_never_looks_whole)
{
	all_must_become("cut", true);
}
