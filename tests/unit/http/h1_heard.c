/* A sink and an owner that write down what they hear; see h1_wire.h. */
#include "tests/unit/http/h1_heard.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/loop.h"

void
hear(struct wire *w, const char *form, ...)
{
	va_list args;
	int n;

	va_start(args, form);
	n = vsnprintf(w->heard + w->n, sizeof(w->heard) - w->n, form, args);
	va_end(args);
	cr_assert(n >= 0 && w->n + (size_t)n < sizeof(w->heard));
	w->n += (size_t)n;
}

/* NULs and all. */
static void
hear_text(struct wire *w, struct text t)
{
	cr_assert_lt(w->n + t.n, sizeof(w->heard));
	if (t.n > 0)
		memcpy(w->heard + w->n, t.p, t.n);
	w->n += t.n;
}

static void
hear_fields(struct wire *w, const struct fields *fields)
{
	for (unsigned i = 0; i < fields->n; i++) {
		const struct field *f = &fields->v[i];

		if (f->token == TOKEN_NONE)
			continue;
		hear(w, " ");
		hear_text(w, f->name);
		hear(w, "=");
		hear_text(w, f->value);
	}
}

static void
hear_head(struct wire *w, const struct head *h)
{
	const struct text texts[] = { h->method_name, h->target, h->path,
		h->query, h->authority, h->host, h->reason, h->upgrade };

	if (!w->full)
		return;
	hear(w, " (1.%d", h->version == HTTP_1_1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		hear(w, "|");
		hear_text(w, texts[i]);
	}
	hear(w, "|%d%d%d%d%d|%d%d %llu|%d %u|", h->has_query,
	    h->expect_continue, h->takes_trailers, h->max_forwards_zero,
	    h->tunnel, (int)h->framing, h->has_length,
	    (unsigned long long)h->length, h->keep_alive, h->kept_s);
	hear_fields(w, &h->fields);
	hear(w, ")");
}

static void
heard_all(struct wire *w, const char *kind)
{
	hear(w, ";");
	w->in_body = false;
	if (w->react != NULL)
		w->react(w, kind);
}

static void
sink_head(void *arg, struct head *head, bool last)
{
	struct wire *w = arg;

	w->head = head;
	w->last = last;
	hear(w, "head %u%s", head->status, last ? " last" : "");
	hear_head(w, head);
	heard_all(w, "head");
}

static void
body_ends(struct wire *w)
{
	if (!w->in_body)
		hear(w, "body ");
	else
		w->n--;
	hear(w, " last");
	heard_all(w, "body");
}

static void
sink_body(void *arg, struct buf *body, bool last)
{
	struct wire *w = arg;
	size_t n = body->n;

	w->body += n;
	w->last = last;
	if (n > 0 || !last) {
		if (!w->in_body)
			hear(w, "body ");
		else
			w->n--; /* its ';' */
		for (struct text t; (t = buf_front(body)).n > 0;) {
			if (!w->quiet)
				hear_text(w, t);
			buf_drop(body, t.n);
		}
		hear(w, ";");
		w->in_body = true;
	}
	if (!w->keeps && !last)
		w->stream->ops->took(w->stream, n);
	if (last)
		body_ends(w);
	else if (w->react != NULL)
		w->react(w, "body");
}

static void
sink_tail(void *arg, struct fields *trailers)
{
	struct wire *w = arg;

	w->tails++;
	w->last = true;
	if (trailers->n == 0) {
		body_ends(w);
		return;
	}
	hear(w, "tail");
	hear_fields(w, trailers);
	heard_all(w, "tail");
}

static void
sink_room(void *arg)
{
	hear(arg, "room");
	heard_all(arg, "room");
}

/* So long the head is good. */
static void
sink_flushed(void *arg)
{
	struct wire *w = arg;

	hear(w, "flushed");
	if (w->head->status == 0) /* a response's texts are good no longer */
		hear_head(w, w->head);
	heard_all(w, "flushed");
}

static void
sink_broken(void *arg, enum end why)
{
	hear(arg, "broken %s", end_row(why)->word);
	heard_all(arg, "broken");
}

static void
sink_gone(void *arg, enum end why)
{
	hear(arg, "gone %s", end_row(why)->word);
	heard_all(arg, "gone");
}

const struct sink_ops heard_sink = {
	.head = sink_head,
	.body = sink_body,
	.tail = sink_tail,
	.room = sink_room,
	.flushed = sink_flushed,
	.broken = sink_broken,
	.gone = sink_gone,
};

static void
on_request(
    void *arg, struct stream *s, struct head *head, bool last, enum end why)
{
	struct wire *w = arg;

	w->stream = s;
	w->head = head;
	w->last = last;
	w->why = why;
	s->sink = &heard_sink;
	s->arg = w;
	if (why != END_NONE)
		hear(w, "refused %s", end_row(why)->word);
	else
		hear(w, "request %.*s %.*s%s%.*s%s",
		    TEXT_ARG(head->method_name), TEXT_ARG(head->path),
		    head->has_query ? "?" : "", TEXT_ARG(head->query),
		    last ? " last" : "");
	hear_head(w, head);
	heard_all(w, "request");
}

static void
given_back(struct wire *w, bool keep)
{
	wire_idle(w);
	if (!keep)
		conn_close(&w->conn);
	else if (w->conn.can_read)
		loop_again(w->loop, &w->conn.again);
	if (keep && w->full)
		return;
	hear(w, "done %s", keep ? "keep" : "close");
	heard_all(w, "done");
}

static void
on_done(void *arg, enum h1_left left)
{
	struct wire *w = arg;

	w->left = left;
	given_back(w, left == H1_IDLE);
}

static void
on_nothing(void *arg)
{
	struct wire *w = arg;

	wire_idle(w);
	if (w->full)
		return;
	hear(w, "nothing");
	heard_all(w, "nothing");
}

const struct h1_server_owner heard_server = {
	.request = on_request,
	.done = on_done,
	.nothing = on_nothing,
};

static void
on_client_done(void *arg, bool keep, unsigned kept_s)
{
	if (kept_s > 0)
		hear(arg, "kept %u", kept_s);
	given_back(arg, keep);
}

const struct h1_client_owner heard_client = {
	.done = on_client_done,
};
