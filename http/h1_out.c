/*
 * HTTP/1.1 writing, both roles: the stream's verbs become bytes on the conn.
 * A head that is not the last of its message waits for its first body bytes, so
 * that both leave in one send; what is still there at the end of the pass goes
 * out then.  No verb calls its own sink: what went wrong is told from h1_again.
 */
#include <assert.h>

#include "http/h1_private.h"

#include "http/h1_write.h"

static void op_head(struct stream *, struct head *, bool);
static void op_body(struct stream *, struct buf *, bool);
static void op_tail(struct stream *, const struct fields *);
static size_t op_room(const struct stream *);
static void op_took(struct stream *, size_t);
static size_t op_pass(struct stream *, struct conn *, size_t);
static void op_reset(struct stream *, enum end);
static void request_head(struct h1 *, const struct head *);
static void response_head(struct h1 *, struct head *);
static bool request_is_here(const struct h1 *);
static void tunnel_head(struct h1 *, const struct head *);
static bool is_raw(const struct h1 *);
static void put_body(struct h1 *, struct buf *);
static void message_ends(struct h1 *, const struct fields *trailers);
static void send_now(struct h1 *);
static bool is_last(const struct h1 *);
static void write_failed(struct h1 *);

const struct stream_ops h1_stream_ops = {
	.head = op_head,
	.body = op_body,
	.tail = op_tail,
	.room = op_room,
	.took = op_took,
	.pass = op_pass,
	.reset = op_reset,
};

void
h1_flush(struct h1 *h)
{
	struct conn *c = h->conn;

	if (c->fd == -1 || h->out_failed)
		return;
	if ((is_last(h) ? conn_shut(c) : conn_flush(c)) == -1)
		write_failed(h);
	else
		h1_touch(h);
}

static void
op_head(struct stream *s, struct head *head, bool last)
{
	struct h1 *h = (struct h1 *)s;

	if (h->client != NULL)
		request_head(h, head);
	else if (head->tunnel) {
		tunnel_head(h, head);
		return;
	} else if (head->status < 200) {
		if (h->peer == HTTP_1_1)
			h1_write_response(
			    &h->conn->out, head, h->peer, true, false);
		loop_again(h->conn->loop, &h->again);
		return;
	} else
		response_head(h, head);
	h->out = OUT_BODY;
	if (last) {
		message_ends(h, NULL);
		send_now(h);
	} else
		loop_again(h->conn->loop, &h->again);
}

static void
op_body(struct stream *s, struct buf *body, bool last)
{
	struct h1 *h = (struct h1 *)s;

	if (h->out_failed || h->conn->fd == -1)
		buf_clear(body);
	else
		put_body(h, body);
	if (last)
		message_ends(h, NULL);
	send_now(h);
}

static void
op_tail(struct stream *s, const struct fields *trailers)
{
	struct h1 *h = (struct h1 *)s;

	message_ends(h, trailers);
	send_now(h);
}

static size_t
op_room(const struct stream *s)
{
	const struct h1 *h = (const struct h1 *)s;
	size_t held = conn_unsent(h->conn);

	return held < STREAM_WINDOW ? STREAM_WINDOW - held : 0;
}

static void
op_took(struct stream *s, size_t n)
{
	struct h1 *h = (struct h1 *)s;
	bool was_shut = h->untook >= STREAM_WINDOW;

	assert(n <= h->untook);
	h->untook -= n;
	if (!was_shut || h->untook >= STREAM_WINDOW || h->in == IN_DONE)
		return;
	h1_touch(h);
	if (h->bytes.n > 0)
		h->conn->can_read = true;
	if (h->conn->can_read)
		loop_again(h->conn->loop, &h->conn->again);
}

static size_t
op_pass(struct stream *s, struct conn *from, size_t most)
{
	struct h1 *h = (struct h1 *)s;
	size_t n;

	if (!is_raw(h))
		return 0;
	n = conn_splice(h->conn, from, most);
	if (h->out_framing == FRAMING_LENGTH) {
		assert(n <= h->out_left);
		h->out_left -= n;
	}
	return n;
}

static void
op_reset(struct stream *s, enum end why)
{
	struct h1 *h = (struct h1 *)s;

	(void)why;
	if (h->over)
		return;
	h->over = true;
	h1_close(h);
	h1_release(h, false);
}

static void
request_head(struct h1 *h, const struct head *head)
{
	h->asked = head->method;
	h->upgrade = head->upgrade;
	h->out_framing = head->framing;
	h->out_left = head->length;
	h1_write_request(&h->conn->out, head, true);
}

static void
response_head(struct h1 *h, struct head *head)
{
	bool head_request = h->asked == METHOD_HEAD;

	h->keep = h->keep && head->keep_alive && h1_may_follow(h) &&
	    request_is_here(h);
	h->out_framing = h1_framing(head, h->peer, head_request);
	h->out_left = head->length;
	if (h->out_framing == FRAMING_CLOSE)
		h->keep = false;
	h1_write_response(&h->conn->out, head, h->peer, h->keep, head_request);
}

/*
 * An answer that overtakes its request ends the conn: nobody could wait for the
 * rest without an end, and a client must know that its next request is not read.
 */
static bool
request_is_here(const struct h1 *h)
{
	return h->in == IN_DONE ||
	    (h->in == IN_BODY && h->in_framing == FRAMING_LENGTH &&
		h->in_left <= h->bytes.n);
}

/* What the client has sent since its request is the tunnel's. */
static void
tunnel_head(struct h1 *h, const struct head *head)
{
	struct conn *c = h->conn;

	assert(h->in == IN_DONE);
	h1_write_response(&c->out, head, h->peer, true, false);
	h1_open_tunnel(h);
	loop_again(c->loop, &h->again);
	c->can_read = true;
	loop_again(c->loop, &c->again);
}

/* A body in whose midst we are is written byte for byte as it comes. */
static bool
is_raw(const struct h1 *h)
{
	return h->out == OUT_BODY && h->conn->fd != -1 && !h->out_failed &&
	    h->wrong == END_NONE &&
	    (h->out_framing == FRAMING_LENGTH ||
		h->out_framing == FRAMING_CLOSE);
}

static void
put_body(struct h1 *h, struct buf *body)
{
	struct buf *out = &h->conn->out;

	if (body->n == 0)
		return;
	switch (h->out_framing) {
	case FRAMING_NONE:
		buf_clear(body);
		break;
	case FRAMING_LENGTH:
		assert(body->n <= h->out_left);
		h->out_left -= body->n;
		buf_move(out, body, body->n);
		break;
	case FRAMING_CHUNKED:
		h1_write_chunk_head(out, body->n);
		buf_move(out, body, body->n);
		h1_write_chunk_end(out);
		break;
	case FRAMING_CLOSE:
		buf_move(out, body, body->n);
		break;
	}
}

/* A chunked body says so itself, also one without a byte. */
static void
message_ends(struct h1 *h, const struct fields *trailers)
{
	if (h->out_framing == FRAMING_CHUNKED)
		h1_write_last_chunk(&h->conn->out, trailers);
	h->out = OUT_DONE;
}

/* Send what there is; the news of it comes at the end of the pass. */
static void
send_now(struct h1 *h)
{
	struct conn *c = h->conn;

	h1_flush(h);
	if (h->wrong != END_NONE || h->out_failed)
		return;
	loop_again_cancel(c->loop, &h->again);
	if ((h->server != NULL || h->tunnel) && h->out == OUT_DONE &&
	    conn_unsent(c) == 0)
		loop_again(c->loop, &h->again);
}

/* What is to be sent is the last on this conn: our end comes with it. */
static bool
is_last(const struct h1 *h)
{
	return h->out == OUT_DONE &&
	    (h->tunnel || (h->server != NULL && !h->keep));
}

/*
 * A client that takes no more is gone.  A server may have answered before it
 * closed: read on, and let the end of that reading tell.
 */
static void
write_failed(struct h1 *h)
{
	struct conn *c = h->conn;

	conn_forget(c);
	if (h->server != NULL) {
		h->wrong = END_CLIENT_CLOSED;
		loop_again(c->loop, &h->again);
	} else {
		h->out_failed = true;
		c->can_read = true;
		h1_touch(h);
		loop_again(c->loop, &c->again);
	}
}
