/*
 * What the papers demand of a server's answer: each class of
 * tests/corpus/responses becomes what its row says, the next request is
 * answered by its own answer, and a connection that spoke out of turn is not
 * used again.  What a client gets is in tests/corpus/delivered.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/corpus.h"
#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

static void
stage(void)
{
	stage_set(&(struct front_settings){
	    .upstream = ", timeouts: { response: 1s, idle: 1s }" });
}

TestSuite(answers, .init = stage, .fini = stage_strike, .timeout = 300);

/* The heads as every run gives them. */
static char *
steady(const struct response *r)
{
	char *head = keep_printf(
		 "%s%s", r->interim.n > 0 ? r->interim.p : "", r->head.p),
	     *date, *end;

	date = strstr(head, "\r\nDate: ");
	if (date == NULL || strstr(date, "1994") != NULL)
		return head;
	end = strstr(date + 2, "\r\n");
	return keep_printf(
	    "%.*s\r\nDate: NOW%s", (int)(date - head), head, end);
}

static void
must_deliver(const struct corpus_row *row, const struct response *r)
{
	const char *body = strcmp(row->words[2], "-") == 0 ? "" : row->words[2];
	struct bytes want;

	cr_assert_str_eq(keep_printf("%d", r->status), row->words[0], "%s: %s",
	    row->name, r->head.p);
	if (r->status == 502) {
		must_refuse(r, 502, row->words[1]);
		return;
	}
	cr_assert_str_eq(r->body.n > 0 ? r->body.p : "", body, "%s", row->name);
	if (corpus_read("delivered", row->name, &want))
		cr_assert_str_eq(steady(r), want.p, "%s", row->name);
}

/*
 * A head comes, and then nothing that looks like the end of a body.  Who hears
 * not even a head takes the connection for one that was idle too long, and may
 * send his request again.
 */
static void
must_break_off(struct client *c, const struct corpus_row *row, const char *path)
{
	struct response r = { 0 };

	cr_assert(client_head(c, &r), "%s: %s", row->name, c->why);
	cr_assert_eq(r.status, 200, "%s: %s", row->name, r.head.p);
	cr_assert_not(client_body(c, &r, "GET"), "%s", row->name);
	cr_assert(c->eof || c->reset, "%s: %s", row->name, c->why);
	front_must_log(&f, path, row->words[1]);
}

/* The answer after it is its own, on a connection that is fit for it. */
static void
must_be_followed(const struct corpus_row *row, const char *path)
{
	char *next = keep_printf("%s/next", path);
	unsigned before = origin_requests(o);
	struct response *r = get(f.port, next, "");

	cr_assert_eq(r->status, 200, "after %s: %s", row->name, r->head.p);
	cr_assert(response_says(r, keep_printf("GET %s ", next)),
	    "after %s: %s", row->name, r->body.p);
	cr_assert_eq(origin_requests(o), before + 1);
	cr_assert_eq(origin_seen(o, before)->nth > 1,
	    strcmp(row->words[3], "kept") == 0, "after %s", row->name);
}

static void
must_become(const struct corpus_row *row, bool closes)
{
	char *path = keep_printf("/%s", row->name);
	struct client *c = dial(f.port);
	struct response r = { 0 };
	struct bytes b;

	cr_assert(corpus_read("responses", row->name, &b), "%s", row->name);
	origin_reply(o,
	    (struct reply){
		.raw = b.p, .raw_n = b.n, .cut = closes ? CUT_FIN : CUT_NOT });
	cr_assert(
	    client_print(c, "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", path));
	if (strcmp(row->words[0], "cut") == 0)
		must_break_off(c, row, path);
	else {
		cr_assert(
		    client_response(c, &r, "GET"), "%s: %s", row->name, c->why);
		must_deliver(row, &r);
	}
	client_close(c);
	origin_reply(o, (struct reply){ 0 });
	must_be_followed(row, path);
}

static void
all_must_become(const char *class)
{
	bool closes = strcmp(class, "cut") == 0 || strcmp(class, "close") == 0;
	struct corpus_row *rows;
	unsigned i, n;

	rows = corpus_rows("responses", class, 4, &n);
	for (i = 0; i < n; i++)
		must_become(&rows[i], closes);
}

Test(answers, what_everybody_answers_is_delivered_and_kept)
{
	all_must_become("ok");
}

Test(answers, an_end_may_be_said_by_closing)
{
	all_must_become("close");
}

Test(answers, upstream_interim__heads_pass_up_to_a_limit)
{
	all_must_become("interim");
}

Test(answers, a_status_line_has_one_meaning_or_is_a_502)
{
	all_must_become("status");
}

Test(answers, a_field_line_has_one_meaning_or_is_a_502)
{
	all_must_become("field");
}

Test(answers, a_length_is_one_decimal_number_or_a_502)
{
	all_must_become("length");
}

Test(answers, a_length_beside_a_coding_is_a_502)
{
	all_must_become("both");
}

Test(answers, a_coding_is_chunked_once_and_alone_or_a_502)
{
	all_must_become("coding");
}

Test(answers, a_bad_chunk_is_never_ended_cleanly)
{
	all_must_become("chunk");
}

Test(answers, a_cut_answer_never_looks_whole)
{
	all_must_become("cut");
}

Test(answers, bytes_behind_an_answer_reach_nobody)
{
	all_must_become("surplus");
}

Test(answers, upstream_header_too_large__a_head_has_a_size)
{
	all_must_become("size");
}
