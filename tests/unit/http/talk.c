/* One end's bytes on a real conn, cut in every way; see talk.h. */
#include "tests/unit/http/talk.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/unit/http/cuts.h"
#include "tests/unit/http/h1_wire.h"

static struct wire w;
static const struct talk *talk;
static bool in_tunnel;

/* ---- the other end's part ------------------------------------------------ */

static void
go_on(void)
{
	wire_put_head(&w, wire_response(100, FRAMING_NONE, 0), false);
}

static void
respond(void)
{
	wire_put_head(&w, wire_response(200, FRAMING_LENGTH, 2), false);
	wire_put(&w, "ok", true);
}

static bool
asks_for_tunnel(const struct head *head)
{
	return head->upgrade.n > 0 || head->method == METHOD_CONNECT;
}

static void
open_tunnel(void)
{
	struct head head = wire_response(101, FRAMING_NONE, 0);

	head.tunnel = in_tunnel = true;
	head.upgrade = w.head->upgrade;
	wire_put_head(&w, head, false);
	wire_put(&w, "hi", false);
}

static void
react_in_tunnel(const char *word)
{
	if (strcmp(word, "body") == 0 && w.last)
		wire_put(&w, "bye", true);
	else if (strcmp(word, "flushed") == 0)
		w.stream->ops->reset(w.stream, END_NONE);
}

/* A request is answered when all of it is there, and when no more will be. */
static void
react_as_server(const char *word)
{
	if (strcmp(word, "broken") == 0)
		respond();
	else if (strcmp(word, "request") == 0 && w.last && w.why == END_NONE &&
	    talk->grants && asks_for_tunnel(w.head))
		open_tunnel();
	else if (strcmp(word, "request") == 0 && !w.last &&
	    w.head->expect_continue)
		go_on();
	else if (w.last &&
	    (strcmp(word, "request") == 0 || strcmp(word, "body") == 0 ||
		strcmp(word, "tail") == 0))
		respond();
}

static void
react(struct wire *wire, const char *word)
{
	(void)wire;
	if (in_tunnel)
		react_in_tunnel(word);
	else if (talk->asked == NULL)
		react_as_server(word);
	else if (strcmp(word, "head") == 0)
		in_tunnel = w.head->tunnel;
}

/* ---- one talk ---------------------------------------------------------------- */

static void
begin(void)
{
	wire_renew(&w);
	w.settings.limits = (struct h1_limits){ 32768, 8192, 100 };
	w.full = true;
	w.react = react;
	in_tunnel = false;
	if (talk->asked == NULL) {
		wire_serve(&w);
		return;
	}
	wire_ask(&w, false);
	wire_put_head(&w, *talk->asked, true);
	wire_settle(&w);
	wire_read(&w);
}

/* Until nobody listens any more. */
static void
say(const struct cuts *cuts, bool in_one_pass)
{
	struct text t = talk->bytes;
	size_t from = 0, end;

	if (in_one_pass) {
		w.records = cuts;
		wire_say_n(&w, t.p, t.n);
		return;
	}
	for (; from < t.n && w.conn.fd != -1; from = end) {
		end = cuts_end(cuts, from);
		wire_say_n(&w, t.p + from, end - from);
	}
}

/* All that came of it, in words that a test can compare. */
static void
hold(const struct cuts *cuts, bool in_one_pass, struct bytes *came)
{
	const char *state;
	size_t n;

	begin();
	say(cuts, in_one_pass);
	n = w.n;
	state = w.conn.fd == -1 ? "closed" : "open";
	wire_fin(&w);
	bytes_add(came, w.heard, w.n);
	bytes_printf(came, "\n%s, %zu bytes of it before the end\n%s", state, n,
	    wire_read(&w));
}

static void
print(const char *how, const struct bytes *came)
{
	fprintf(stderr, "%s:\n", how);
	fwrite(came->p, 1, came->n, stderr);
	fprintf(stderr, "\n\n");
}

static void
must_be_same(const struct bytes *whole, const struct bytes *came,
    const struct cuts *cuts, bool in_one_pass)
{
	if (came->n == whole->n && memcmp(came->p, whole->p, came->n) == 0)
		return;
	print("in one read", whole);
	print("in many", came);
	cr_assert(false, "%s differs, %s%s", talk->name, cuts_words(cuts),
	    in_one_pass ? ", in one pass" : "");
}

void
talk_init(void)
{
	wire_open(&w, false);
}

void
talk_fini(void)
{
	wire_close(&w);
}

void
no_cut_changes(const struct talk *of)
{
	struct cuts cuts = cuts_whole(of->bytes.n);
	struct bytes whole = { 0 }, came = { 0 };

	talk = of;
	hold(&cuts, false, &whole);
	while (cuts_next_way(&cuts))
		for (unsigned i = 0; i < 2; i++) {
			came.n = 0;
			hold(&cuts, i == 1, &came);
			must_be_same(&whole, &came, &cuts, i == 1);
		}
	bytes_free(&whole);
	bytes_free(&came);
}
