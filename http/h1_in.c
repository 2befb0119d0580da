/*
 * HTTP/1.1 reading, both roles: bytes from the conn become heads, bodies and
 * trailers for the sink.  Reads while the window is open, so a slow other
 * side stops the reading here and, through TCP, the peer.
 */
#include <errno.h>

#include "http/h1_private.h"

#include "http/h1_write.h"
#include "http/rules.h"

/* Bodies of which so much is left are passed on unread. */
#define PASS_LEAST 32768
#define PIPELINED_MOST BUF_ROOM /* bytes kept of the requests behind */

static void await_head(struct h1 *);
static ssize_t take_in(struct h1 *, size_t, size_t);
static size_t wanted(const struct h1 *);
static size_t pass_on(struct h1 *, size_t);
static uint64_t raw_left(const struct h1 *);
static void on_end(struct h1 *, ssize_t);
static bool may_be_over(const struct h1 *);
static bool is_deaf(const struct h1 *);
static void client_end(struct h1 *, bool clean);
static void end_half(struct h1 *);
static bool is_unasked(const struct h1 *);
static bool consume_head(struct h1 *);
static struct text whole(struct h1 *);
static bool read_request(struct h1 *, size_t);
static bool read_response(struct h1 *, size_t);
static bool hear_response(struct h1 *, size_t);
static bool opens_tunnel(const struct h1 *);
static bool tunnel(struct h1 *);
static bool interim(struct h1 *, size_t);
static void body_begins(struct h1 *);
static bool consume_body(struct h1 *);
static bool consume_plain(struct h1 *);
static bool consume_chunks(struct h1 *);
static bool consume_trailers(struct h1 *);
static bool deliver(struct h1 *, struct buf *, bool);
static bool message_done(struct h1 *);
static bool bad(struct h1 *, enum end);
static enum end servers(enum end);

void
h1_readable(struct conn *c)
{
	struct h1 *h = c->owner;
	size_t ration = H1_RATION, want;

	if (h->bytes.n > 0 && (!h1_consume(h) || c->owner != h))
		return;
	while ((want = wanted(h)) > 0) {
		ssize_t n = take_in(h, want, ration);

		if (n <= 0) {
			if (n == 0 || errno != EAGAIN)
				on_end(h, n);
			else if (h->server != NULL && h->in == IN_HEAD)
				await_head(h);
			return;
		}
		if (!h1_consume(h) || c->owner != h || !c->can_read)
			return;
		if ((size_t)n >= ration) {
			loop_again(c->loop, &c->again);
			return;
		}
		ration -= (size_t)n;
	}
	/* Nothing may be read now, but an RST must not wait until it may. */
	if (c->owner == h && may_be_over(h) && (conn_is_reset(c) || is_deaf(h)))
		on_end(h, -1);
}

/* Understand what has been read, as far as it goes. */
bool
h1_consume(struct h1 *h)
{
	bool more = true;

	while (more && h->bytes.n > 0 && h->in != IN_DONE) {
		if (h->in == IN_HEAD)
			more = consume_head(h);
		else if (h->in == IN_BODY)
			more = consume_body(h);
		else
			more = consume_trailers(h);
	}
	return !h->over;
}

void
h1_refuse(struct h1 *h, enum end why)
{
	h1_give_up(h);
	h->out = OUT_HEAD;
	h->out_mark = h->conn->sent;
	h->asked = h->head.method;
	h->held = h->bytes.n > 0 ? buf_hold(&h->bytes) : NULL;
	buf_clear(&h->bytes);
	h->peer = HTTP_1_1;
	h1_touch(h);
	h->server->request(h->owner, &h->stream, &h->head, true, why);
}

/* A head that has begun has a time to end, whatever comes of it meanwhile. */
static void
await_head(struct h1 *h)
{
	if (h->bytes.n == 0)
		h1_nothing(h);
	else if (!h->timed)
		h1_time_head(h);
}

/* How much may be read now; 0: stop until something changes. */
static size_t
wanted(const struct h1 *h)
{
	if (h->in == IN_HEAD)
		return BUF_ROOM;
	if (h->in != IN_DONE)
		return h->untook < STREAM_WINDOW ? STREAM_WINDOW - h->untook
						 : 0;
	if (h->server == NULL || h->eof || h->bytes.n >= PIPELINED_MOST)
		return 0;
	return PIPELINED_MOST - h->bytes.n;
}

/* Read, or pass on unread. */
static ssize_t
take_in(struct h1 *h, size_t want, size_t ration)
{
	size_t n = pass_on(h, ration);

	return n > 0 ? (ssize_t)n : conn_read(h->conn, &h->bytes, want);
}

static size_t
pass_on(struct h1 *h, size_t most)
{
	const struct sink_ops *sink = h->stream.sink;
	uint64_t left = raw_left(h);
	struct buf none = { 0 };
	bool last;
	size_t n;

	if (left < PASS_LEAST || sink->pass == NULL)
		return 0;
	n = sink->pass(
	    h->stream.arg, h->conn, left < most ? (size_t)left : most);
	if (n == 0)
		return 0;
	h->untook += n;
	h->body_bytes += n;
	last = h->in_framing == FRAMING_LENGTH && n == left;
	if (h->in_framing == FRAMING_LENGTH)
		h->in_left -= n;
	deliver(h, &none, last);
	return n;
}

/*
 * Body bytes that are still to come, with nothing among them.  Of a body that
 * ends with its conn as much is expected as there was.
 */
static uint64_t
raw_left(const struct h1 *h)
{
	if (h->in != IN_BODY || h->tunnel || h->bytes.n > 0 || h->over)
		return 0;
	if (h->in_framing == FRAMING_LENGTH)
		return h->in_left;
	return h->in_framing == FRAMING_CLOSE ? h->body_bytes : 0;
}

static void
on_end(struct h1 *h, ssize_t n)
{
	h->eof = true;
	h->conn->can_read = false;
	if (h->server != NULL)
		h1_server_end(h, n == 0);
	else
		client_end(h, n == 0);
}

/* Before a server's RST may be the rest of its answer: that is read first. */
static bool
may_be_over(const struct h1 *h)
{
	return h->server != NULL || h->in == IN_DONE;
}

/* A server that said its last in a tunnel, and takes no more either. */
static bool
is_deaf(const struct h1 *h)
{
	return h->tunnel && h->in == IN_DONE && h->out_failed;
}

/*
 * A client's FIN after its request, or in a tunnel, is a half-close: it still
 * gets its answer.  An RST cancels.
 */
void
h1_server_end(struct h1 *h, bool clean)
{
	if (h->in == IN_HEAD)
		h1_release(h, false);
	else if (h->tunnel && h->in == IN_BODY && clean)
		end_half(h);
	else if (h->in != IN_DONE || !clean)
		h1_fail(h, END_CLIENT_CLOSED);
}

static void
client_end(struct h1 *h, bool clean)
{
	bool unsent = h->conn->sent == h->out_mark;

	/* Behind a failed write even an RST reads as a FIN. */
	if (h->tunnel && h->out_failed)
		clean = false;
	if (h->in == IN_BODY && h->in_framing == FRAMING_CLOSE && clean)
		end_half(h);
	else if (h->tunnel && h->in == IN_DONE)
		h1_fail(h, END_NONE); /* it had said all it wanted to */
	else if (h->in != IN_HEAD || h->got_any)
		h1_fail(h, END_UPSTREAM_TRUNCATED);
	else if (h->reused)
		h1_fail(h, unsent ? END_STALE_UNSENT : END_STALE);
	else
		h1_fail(h, unsent ? END_CONNECT_FAILURE : END_UPSTREAM_RESET);
}

static void
end_half(struct h1 *h)
{
	struct buf none = { 0 };

	deliver(h, &none, true);
}

/*
 * What a server said on an idle conn before the first byte of the request went
 * out is no answer to it, whatever it is.  A fresh one may speak first, to say
 * that it is busy.
 */
static bool
is_unasked(const struct h1 *h)
{
	return h->reused && !h->got_any && h->conn->sent == h->out_mark;
}

static bool
consume_head(struct h1 *h)
{
	struct text front = whole(h);
	enum end why = END_NONE;
	ssize_t n;

	if (is_unasked(h)) {
		h1_fail(h, END_STALE_UNSENT);
		return false;
	}
	h->got_any = true;
	if (h->server != NULL)
		n = h1_parse_request(&h->parser, &h->head, &h->arena, front.p,
		    front.n, &h->settings->limits, &why);
	else
		n = h1_parse_response(&h->parser, &h->head, &h->arena, front.p,
		    front.n, &h->settings->limits, &why);
	if (n == 0)
		return false;
	if (n == -1)
		return bad(h, why);
	return h->server != NULL ? read_request(h, (size_t)n)
				 : read_response(h, (size_t)n);
}

/*
 * All that is here, side by side.  What needs more than a block is given as
 * much again, as far as a head may grow: were it moved for every byte, a
 * trickle would cost us far more than its sender.
 */
static struct text
whole(struct h1 *h)
{
	size_t n = h->bytes.n, most = h->settings->limits.head_bytes, room = 0;
	struct text front = buf_front(&h->bytes);

	if (front.n == n)
		return front;
	if (n > BUF_ROOM && n < most)
		room = n < most - n ? n : most - n;
	return (struct text){ buf_join(&h->bytes, n, room), n };
}

static bool
read_request(struct h1 *h, size_t n)
{
	struct rules_grants grants = { h->trusted, h->settings->path_grants };
	enum end why = END_NONE;
	bool last;

	h->held = buf_hold(&h->bytes);
	buf_drop(&h->bytes, n);
	h->out = OUT_HEAD;
	h->out_mark = h->conn->sent;
	h->peer = h->head.version;
	h->asked = h->head.method;
	if (!rules_request(&h->head, &h->arena, grants, &why)) {
		h1_give_up(h);
		buf_clear(&h->bytes);
		h1_touch(h);
		h->server->request(h->owner, &h->stream, &h->head, true, why);
		return false;
	}
	h->keep = h->head.keep_alive;
	h->farewell = !h->keep;
	body_begins(h);
	last = h->in == IN_DONE;
	if (last)
		conn_drained(h->conn);
	h1_touch(h);
	h->server->request(h->owner, &h->stream, &h->head, last, END_NONE);
	return !h->over;
}

/* Its texts are good while the sink hears of it, and no longer. */
static bool
read_response(struct h1 *h, size_t n)
{
	struct block *held = buf_hold(&h->bytes);
	bool more;

	buf_drop(&h->bytes, n);
	more = hear_response(h, n);
	block_unref(held);
	return more;
}

static bool
hear_response(struct h1 *h, size_t n)
{
	enum end why = END_NONE;
	bool last;

	if (opens_tunnel(h) ? !rules_tunnel(&h->head, h->upgrade, &why)
			    : !rules_response(&h->head, h->asked, &why))
		return bad(h, why);
	if (h->head.tunnel)
		return tunnel(h);
	if (h->head.status < 200)
		return interim(h, n);
	h->keep = h->head.keep_alive;
	body_begins(h);
	last = h->in == IN_DONE;
	if (!last)
		h1_touch(h);
	else if (h->bytes.n == 0)
		conn_drained(h->conn);
	h->stream.sink->head(h->stream.arg, &h->head, last);
	if (h->over)
		return false;
	return last ? message_done(h) : true;
}

static bool
opens_tunnel(const struct h1 *h)
{
	return h->head.status == 101 ||
	    (h->asked == METHOD_CONNECT && h->head.status / 100 == 2);
}

/* The request must be with the server, whatever it says. */
static bool
tunnel(struct h1 *h)
{
	if (h->out != OUT_DONE || conn_unsent(h->conn) > 0)
		return bad(h, END_UPSTREAM_PROTOCOL);
	h1_open_tunnel(h);
	h->stream.sink->head(h->stream.arg, &h->head, false);
	return !h->over;
}

/*
 * A 1xx head: passed on, and the same wait goes on.  A client that takes none
 * has them all in its buffer, so they have a size together.
 */
static bool
interim(struct h1 *h, size_t n)
{
	h->interim_bytes += n;
	if (++h->interim > H1_INTERIM_MOST ||
	    h->interim_bytes > h->settings->limits.head_bytes)
		return bad(h, END_UPSTREAM_INTERIM);
	h->stream.sink->head(h->stream.arg, &h->head, false);
	if (h->over)
		return false;
	h->head = (struct head){ 0 };
	arena_reset(&h->arena);
	h1_parser_init(&h->parser);
	return true;
}

static void
body_begins(struct h1 *h)
{
	h->in_framing = h->head.framing;
	h->in_left = h->head.length;
	if (h->in_framing == FRAMING_NONE ||
	    (h->in_framing == FRAMING_LENGTH && h->in_left == 0))
		h->in = IN_DONE;
	else
		h->in = IN_BODY;
	chunk_init(&h->chunk);
}

static bool
consume_body(struct h1 *h)
{
	if (h->untook >= STREAM_WINDOW)
		return false;
	if (h->in_framing == FRAMING_CHUNKED)
		return consume_chunks(h);
	return consume_plain(h);
}

static bool
consume_plain(struct h1 *h)
{
	struct buf body = { 0 };
	size_t n = h->bytes.n;
	bool last = false;

	if (h->in_framing == FRAMING_LENGTH) {
		if (n > h->in_left)
			n = (size_t)h->in_left;
		h->in_left -= n;
		last = h->in_left == 0;
	}
	buf_move(&body, &h->bytes, n);
	return deliver(h, &body, last);
}

/* All the chunks that are there become one delivery. */
static bool
consume_chunks(struct h1 *h)
{
	struct buf body = { 0 };
	enum chunk_say say = CHUNK_MORE;
	size_t skip, data;

	while (h->bytes.n > 0 && say < CHUNK_TRAILERS) {
		struct text front = buf_front(&h->bytes);

		say = chunk_next(&h->chunk, front.p, front.n, &skip, &data);
		if (say == CHUNK_BAD)
			break;
		buf_drop(&h->bytes, skip);
		buf_move(&body, &h->bytes, data);
	}
	if (say == CHUNK_BAD)
		return (body.n == 0 || deliver(h, &body, false)) &&
		    bad(h, END_BAD_REQUEST);
	if (say == CHUNK_TRAILERS) {
		h->in = IN_TRAILERS;
		h1_parser_init(&h->parser);
		if (h->bytes.n >= 2 && buf_front(&h->bytes).n >= 2 &&
		    buf_front(&h->bytes).p[0] == '\r' &&
		    buf_front(&h->bytes).p[1] == '\n') {
			buf_drop(&h->bytes, 2);
			return deliver(h, &body, true);
		}
	}
	return body.n == 0 || deliver(h, &body, false);
}

static bool
consume_trailers(struct h1 *h)
{
	struct text all = whole(h);
	enum end why = END_NONE;
	ssize_t n;

	n = h1_parse_trailers(&h->parser, &h->trailers, &h->arena, all.p, all.n,
	    &h->settings->limits, &why);
	if (n == 0)
		return false;
	if (n == -1)
		return bad(h, why);
	h->held_tail = buf_hold(&h->bytes);
	buf_drop(&h->bytes, (size_t)n);
	rules_trailers(&h->trailers);
	h->in = IN_DONE;
	if (h->bytes.n == 0)
		conn_drained(h->conn);
	h1_touch(h);
	h->stream.sink->tail(h->stream.arg, &h->trailers);
	return message_done(h);
}

/* Hand body bytes to the sink; the end of the message with them. */
static bool
deliver(struct h1 *h, struct buf *body, bool last)
{
	h->untook += body->n;
	h->body_bytes += body->n;
	if (last) {
		h->in = IN_DONE;
		if (h->bytes.n == 0)
			conn_drained(h->conn);
	}
	h1_touch(h);
	if (h->over)
		buf_clear(body);
	else
		h->stream.sink->body(h->stream.arg, body, last);
	return last ? message_done(h) : !h->over;
}

/*
 * The message is whole.  A server goes on when its answer is out; a client
 * gives the conn back, fit for another request only if this one was sent to
 * its end and nothing unasked came behind the response.
 */
static bool
message_done(struct h1 *h)
{
	bool clean;

	if (h->over)
		return false;
	if (h->tunnel) {
		loop_again(h->conn->loop, &h->again);
		return false;
	}
	if (h->server != NULL)
		return true;
	clean = h->keep && h->out == OUT_DONE && !h->out_failed && !h->eof &&
	    conn_unsent(h->conn) == 0 && h->bytes.n == 0 &&
	    h->in_framing != FRAMING_CLOSE;
	if (!clean)
		conn_close(h->conn);
	h1_release(h, clean);
	return false;
}

/* What came is no message. */
static bool
bad(struct h1 *h, enum end why)
{
	if (h->client != NULL) {
		h1_fail(h, servers(why));
		return false;
	}
	if (h->in == IN_HEAD) {
		h1_refuse(h, why);
		return false;
	}
	h1_give_up(h);
	buf_clear(&h->bytes);
	h1_touch(h);
	if (!h->over)
		h->stream.sink->broken(h->stream.arg, why);
	return false;
}

/* What is wrong with chunks and trailers is told in a client's words. */
static enum end
servers(enum end why)
{
	if (why == END_HEADER_TOO_LARGE)
		return END_UPSTREAM_HEADER_TOO_LARGE;
	return why == END_BAD_REQUEST ? END_UPSTREAM_PROTOCOL : why;
}
