/* A sink and an owner that write down what they hear; see h1_wire.h. */
#include "tests/unit/http/h1_heard.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

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
	hear(w, "head %u%s", head->status, last ? " last" : "");
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
	if (n > 0 || !last) {
		if (!w->in_body)
			hear(w, "body ");
		else
			w->n--; /* its ';' */
		for (struct text t; (t = buf_front(body)).n > 0;) {
			if (!w->quiet)
				hear(w, "%.*s", TEXT_ARG(t));
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
	if (trailers->n == 0) {
		body_ends(w);
		return;
	}
	hear(w, "tail");
	for (unsigned i = 0; i < trailers->n; i++)
		if (trailers->v[i].token != TOKEN_NONE)
			hear(w, " %.*s=%.*s", TEXT_ARG(trailers->v[i].name),
			    TEXT_ARG(trailers->v[i].value));
	heard_all(w, "tail");
}

static void
sink_room(void *arg)
{
	hear(arg, "room");
	heard_all(arg, "room");
}

static void
sink_flushed(void *arg)
{
	hear(arg, "flushed");
	heard_all(arg, "flushed");
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
	s->sink = &heard_sink;
	s->arg = w;
	if (why != END_NONE)
		hear(w, "refused %s", end_row(why)->word);
	else
		hear(w, "request %.*s %.*s%s%.*s%s",
		    TEXT_ARG(head->method_name), TEXT_ARG(head->path),
		    head->has_query ? "?" : "", TEXT_ARG(head->query),
		    last ? " last" : "");
	heard_all(w, "request");
}

static void
on_done(void *arg, bool keep)
{
	struct wire *w = arg;

	hear(w, "done %s", keep ? "keep" : "close");
	wire_idle(w);
	if (!keep)
		conn_close(&w->conn);
	else if (w->conn.can_read)
		loop_again(w->loop, &w->conn.again);
	heard_all(w, "done");
}

static void
on_nothing(void *arg)
{
	struct wire *w = arg;

	wire_idle(w);
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
	on_done(arg, keep);
}

const struct h1_client_owner heard_client = {
	.done = on_client_done,
};
