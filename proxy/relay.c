/*
 * What passes between the two streams of an exchange: bodies, trailers, credit
 * and bad news.  Bytes are handed on as they come; only the credit for them is
 * held back until the other side has room, and that is all the backpressure
 * there is.
 */
#include "proxy/relay.h"

#include "http/head.h"
#include "proxy/exchange.h"
#include "proxy/headers.h"

#define REPLAY_MOST 65536 /* request body kept to be sent again */

static size_t gone_onward(const struct stream *, size_t);
static void keep_for_replay(struct exchange *, const struct buf *);
static void forget_replay(struct exchange *);
static void credit_client(struct exchange *);
static void credit_server(struct exchange *);
static void server_done(struct exchange *);
static void down_body(void *, struct buf *, bool);
static size_t down_pass(void *, struct conn *, size_t);
static void down_tail(void *, struct fields *);
static void down_room(void *);
static void down_flushed(void *);
static void down_broken(void *, enum end);
static void down_gone(void *, enum end);
static void up_head(void *, struct head *, bool);
static void up_body(void *, struct buf *, bool);
static size_t up_pass(void *, struct conn *, size_t);
static void up_tail(void *, struct fields *);
static void up_room(void *);
static void up_flushed(void *);
static void up_gone(void *, enum end);

const struct sink_ops relay_down_sink = {
	.body = down_body,
	.tail = down_tail,
	.pass = down_pass,
	.room = down_room,
	.flushed = down_flushed,
	.broken = down_broken,
	.gone = down_gone,
};
const struct sink_ops relay_up_sink = {
	.head = up_head,
	.body = up_body,
	.tail = up_tail,
	.pass = up_pass,
	.room = up_room,
	.flushed = up_flushed,
	.gone = up_gone,
};

/*
 * How many of these bytes are not with that stream any more: with what it still
 * holds they are never more than a window.  None until half of it is free, so
 * that the other side is read in large pieces.
 */
static size_t
gone_onward(const struct stream *to, size_t untook)
{
	size_t held = STREAM_WINDOW - to->ops->room(to);

	return held <= STREAM_WINDOW / 2 && untook > held ? untook - held : 0;
}

/* ---- the request, client to server ---- */

void
relay_request_body(struct exchange *x, struct buf *body, bool last)
{
	keep_for_replay(x, body);
	x->up->ops->body(x->up, body, last);
	credit_client(x);
}

static void
keep_for_replay(struct exchange *x, const struct buf *body)
{
	if (!x->replayable)
		return;
	if (x->replay.n + body->n <= REPLAY_MOST) {
		buf_copy(&x->replay, body, body->n);
		return;
	}
	forget_replay(x);
}

static void
forget_replay(struct exchange *x)
{
	x->replayable = false;
	buf_clear(&x->replay);
}

static void
credit_client(struct exchange *x)
{
	size_t n = gone_onward(x->up, x->down_untook);

	if (n == 0)
		return;
	x->down_untook -= n;
	x->down->ops->took(x->down, n);
}

static void
down_body(void *arg, struct buf *body, bool last)
{
	struct exchange *x = arg;
	size_t n = body->n;

	x->bytes_in += n;
	x->request_done = last;
	if (x->up == NULL && x->phase >= PHASE_ANSWER) {
		buf_clear(body);
		x->down->ops->took(x->down, n);
		tunnel_unheard(x);
		return;
	}
	if (x->bytes_in > x->body_limit && x->phase != PHASE_TUNNEL) {
		buf_clear(body);
		exchange_fail(x, END_BODY_TOO_LARGE);
		return;
	}
	x->down_untook += n;
	tunnel_stirs(x);
	if (x->up != NULL)
		relay_request_body(x, body, last);
	else
		buf_move(&x->held, body, n);
}

/* What is passed on unread cannot be sent again. */
static size_t
down_pass(void *arg, struct conn *from, size_t most)
{
	struct exchange *x = arg;
	size_t n;

	if (x->up == NULL ||
	    (x->replayable && method_is_idempotent(x->request->method)))
		return 0;
	n = x->up->ops->pass(x->up, from, most);
	if (n > 0)
		forget_replay(x);
	x->bytes_in += n;
	x->down_untook += n;
	return n;
}

static void
down_tail(void *arg, struct fields *tail)
{
	struct exchange *x = arg;

	x->request_done = true;
	x->tail = tail;
	if (x->up != NULL)
		x->up->ops->tail(x->up, tail);
}

static void
down_room(void *arg)
{
	struct exchange *x = arg;

	tunnel_stirs(x);
	if (x->up != NULL)
		credit_server(x);
}

static void
down_flushed(void *arg)
{
	struct exchange *x = arg;

	if (x->phase == PHASE_TUNNEL) {
		tunnel_side_over(x, TUNNEL_DOWN);
		return;
	}
	x->down = NULL;
	exchange_end(x);
}

/* What the client sends is no request any more. */
static void
down_broken(void *arg, enum end why)
{
	struct exchange *x = arg;

	if (x->phase < PHASE_ANSWER || x->up != NULL)
		exchange_fail(x, why);
}

static void
down_gone(void *arg, enum end why)
{
	struct exchange *x = arg;

	x->down = NULL;
	exchange_cut(x, why);
}

/* ---- the response, server to client ---- */

static void
credit_server(struct exchange *x)
{
	size_t n = gone_onward(x->down, x->up_untook);

	if (n == 0)
		return;
	x->up_untook -= n;
	x->up->ops->took(x->up, n);
}

/*
 * The response came to its end: its stream is over.  The client's ends when all
 * is sent.
 */
static void
server_done(struct exchange *x)
{
	x->up = NULL;
	attempt_over(x, END_NONE);
}

/*
 * 100 was said already, or never asked for; other interim heads are not kept
 * for a client that does not take what there is.
 */
static void
up_head(void *arg, struct head *head, bool last)
{
	struct exchange *x = arg;

	if (head->status == 100)
		return;
	if (head->status < 200 && !head->tunnel) {
		if (x->down->ops->room(x->down) > 0)
			x->down->ops->head(x->down, head, false);
		return;
	}
	attempt_answered(x, head->status);
	forget_replay(x);
	headers_response(x, head);
	exchange_answer(x, head, last);
	if (last)
		server_done(x);
}

static void
up_body(void *arg, struct buf *body, bool last)
{
	struct exchange *x = arg;

	x->bytes_out += body->n;
	x->up_untook += body->n;
	x->down->ops->body(x->down, body, last);
	tunnel_stirs(x);
	if (last && x->phase != PHASE_TUNNEL)
		server_done(x);
	else
		credit_server(x);
}

static size_t
up_pass(void *arg, struct conn *from, size_t most)
{
	struct exchange *x = arg;
	size_t n = x->down->ops->pass(x->down, from, most);

	x->bytes_out += n;
	x->up_untook += n;
	return n;
}

static void
up_tail(void *arg, struct fields *tail)
{
	struct exchange *x = arg;

	x->down->ops->tail(x->down, tail);
	server_done(x);
}

static void
up_room(void *arg)
{
	struct exchange *x = arg;

	tunnel_stirs(x);
	if (x->down != NULL)
		credit_client(x);
}

/* Only a tunnel's does. */
static void
up_flushed(void *arg)
{
	tunnel_side_over(arg, TUNNEL_UP);
}

/* END_NONE: a tunnel's, which has gone after its last byte. */
static void
up_gone(void *arg, enum end why)
{
	struct exchange *x = arg;

	x->up = NULL;
	if (x->phase < PHASE_ANSWER)
		attempt_failed(x, why);
	else if (why != END_NONE)
		exchange_fail(x, why);
	else {
		server_done(x);
		tunnel_side_over(x, TUNNEL_UP);
	}
}
