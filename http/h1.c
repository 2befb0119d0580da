/*
 * The HTTP/1.1 codec: its life on a conn.  A server codec reads requests one
 * after the other, each answered before the next is looked at, so pipelined
 * ones are served in order; a client codec carries one request.  Reading is in
 * h1_in.c, writing in h1_out.c.  Runs on the conn's loop.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "http/h1_private.h"

#include "base/container.h"

#define RECYCLED_MOST 256
#define PACE_STEPS 32 /* a deadline is late by that part at most */

static struct h1 *h1_new(struct conn *, const struct h1_settings *);
static enum h1_left left_as(const struct h1 *);
static void h1_bury(struct h1 *);
static void let_go(struct h1 *);
static enum h1_wait waits_for(const struct h1 *);
static uint64_t bytes_moved(const struct h1 *);
static void pace_begins(struct h1 *);
static struct pace *pace_of(struct h1 *);
static void keep_pace(struct h1 *);
static void await_pace(struct h1 *);
static bool in_time(struct h1 *);
static void start_over(struct h1 *);
static void h1_recycle(struct grave *);
static void h1_free(struct h1 *);
static void h1_again(struct again *);
static void h1_writable(struct conn *);
static void h1_failed(struct conn *, int);
static void h1_expired(struct conn *, bool);
static void server_expired(struct h1 *, bool);
static enum end client_expired(const struct h1 *, bool);

static const struct conn_ops h1_conn_ops = {
	.readable = h1_readable,
	.writable = h1_writable,
	.failed = h1_failed,
	.expired = h1_expired,
};

/* Codecs not in use, with their arenas: an idle conn has none. */
static _Thread_local struct spares recycled;

void
h1_serve(struct conn *c, const struct h1_settings *settings, bool trusted,
    const struct h1_server_owner *server, void *owner)
{
	struct h1 *h = h1_new(c, settings);

	h->server = server;
	h->owner = owner;
	h->trusted = trusted;
	h->out = OUT_DONE;
	h->wait = WAIT_HEAD;
	h->stream.began = loop_now(c->loop);
	h1_readable(c);
}

struct stream *
h1_ask(struct conn *c, const struct h1_settings *settings, bool reused,
    const struct h1_client_owner *client, void *owner)
{
	struct h1 *h = h1_new(c, settings);

	h->client = client;
	h->owner = owner;
	h->reused = reused;
	h->out = OUT_HEAD;
	h->out_mark = c->sent;
	conn_deadline(c, 0);
	if (c->can_read)
		loop_again(c->loop, &c->again);
	return &h->stream;
}

void
h1_drop(struct conn *c)
{
	struct h1 *h = c->owner;

	if (c->ops != &h1_conn_ops)
		return;
	h->over = true;
	c->ops = NULL;
	h1_bury(h);
}

void
h1_pool_fini(void)
{
	struct spare *s;

	while ((s = spares_take(&recycled)) != NULL)
		h1_free(CONTAINER_OF(s, struct h1, spare));
}

bool
h1_pool_shed(void)
{
	struct spare *s;

	while ((s = spares_shed(&recycled)) != NULL)
		h1_free(CONTAINER_OF(s, struct h1, spare));
	return recycled.n > 0;
}

void
h1_release(struct h1 *h, bool keep)
{
	struct conn *c = h->conn;
	void *owner = h->owner;
	enum h1_left left;

	h->over = true;
	c->ops = NULL;
	c->owner = NULL;
	if (c->fd != -1)
		conn_deadline(c, 0);
	keep = keep && c->fd != -1;
	left = keep ? H1_IDLE : left_as(h);
	h1_bury(h);
	if (h->server != NULL)
		h->server->done(owner, left);
	else
		h->client->done(owner, keep, h->head.kept_s);
}

void
h1_give_up(struct h1 *h)
{
	h->in = IN_DONE;
	h->keep = false;
	h->farewell = false;
}

void
h1_nothing(struct h1 *h)
{
	h->over = true;
	h1_bury(h);
	h->server->nothing(h->owner);
}

void
h1_fail(struct h1 *h, enum end why)
{
	bool tell = !h->over && h->stream.sink != NULL;

	h1_close(h);
	h->over = true;
	if (tell)
		h->stream.sink->gone(h->stream.arg, why);
	h1_release(h, false);
}

void
h1_close(struct h1 *h)
{
	struct conn *c = h->conn;

	if (h1_tunnel_is_over(h))
		return; /* to its owner, as it is */
	if (h->server != NULL && h->out == OUT_BODY)
		conn_flush(c);
	if (h->client != NULL || h->tunnel || h->out == OUT_BODY ||
	    conn_unsent(c) > 0)
		conn_abort(c);
	else
		conn_close(c);
}

void
h1_touch(struct h1 *h)
{
	uint64_t now = loop_now(h->conn->loop);
	enum h1_wait wait = waits_for(h);

	keep_pace(h);
	if (wait == h->wait)
		return;
	if (h->wait >= WAIT_BODY)
		pace_rest(pace_of(h), now);
	h->wait = wait;
	if (wait >= WAIT_BODY) {
		h->moved = bytes_moved(h);
		pace_go(pace_of(h), now);
		await_pace(h);
	} else
		conn_deadline(
		    h->conn, wait == WAIT_HEAD ? h->settings->head_ns : 0);
}

void
h1_time_head(struct h1 *h)
{
	h->timed = true;
	h->wait = WAIT_HEAD;
	conn_deadline(h->conn, h->settings->head_ns);
}

/*
 * The answer is in the kernel.  A request that was read to its end leaves the
 * conn ready for the next one; of one that was not, nobody knows where the
 * next would begin.
 */
void
h1_next(struct h1 *h)
{
	bool keep = h->keep && h->in == IN_DONE && h1_may_follow(h);

	h->over = true;
	h->stream.sink->flushed(h->stream.arg);
	if (!keep || h->bytes.n == 0) {
		h1_release(h, keep);
		return;
	}
	start_over(h);
	if (!h1_consume(h))
		return;
	if (h->eof)
		h1_server_end(h, true);
	else if (h->in == IN_HEAD)
		h1_time_head(h);
	if (!h->over && h->conn->can_read)
		loop_again(h->conn->loop, &h->conn->again);
}

/* The client may send more, or has sent it before it ended its half. */
bool
h1_may_follow(const struct h1 *h)
{
	return !h->eof || h->bytes.n > 0;
}

void
h1_open_tunnel(struct h1 *h)
{
	h->tunnel = true;
	h->keep = false;
	h->in = IN_BODY;
	h->out = OUT_BODY;
	h->in_framing = h->out_framing = FRAMING_CLOSE;
	h1_touch(h);
}

bool
h1_tunnel_is_over(const struct h1 *h)
{
	return h->tunnel && h->in == IN_DONE && h->out == OUT_DONE &&
	    conn_unsent(h->conn) == 0;
}

static void
start_over(struct h1 *h)
{
	let_go(h);
	h->stream.sink = NULL;
	h->stream.began = loop_now(h->conn->loop);
	h->over = false;
	h->in = IN_HEAD;
	h->untook = 0;
	h->head = (struct head){ 0 };
	h->trailers = (struct fields){ 0 };
	arena_reset(&h->arena);
	h1_parser_init(&h->parser);
	pace_begins(h);
}

static enum h1_wait
waits_for(const struct h1 *h)
{
	bool reads_body = h->in == IN_BODY || h->in == IN_TRAILERS;
	bool asked = h->out == OUT_DONE || h->out_failed;

	if (h->tunnel)
		return WAIT_NOT; /* its silence is the exchange's matter */
	if (conn_unsent(h->conn) > 0)
		return WAIT_TAKE;
	if (reads_body && h->untook < STREAM_WINDOW)
		return WAIT_BODY;
	if (h->in == IN_HEAD && (h->server != NULL || asked))
		return WAIT_HEAD;
	return WAIT_NOT;
}

/* What the kernel holds for the peer he has not taken. */
static uint64_t
bytes_moved(const struct h1 *h)
{
	return h->wait == WAIT_BODY ? h->body_bytes : conn_taken(h->conn);
}

static void
pace_begins(struct h1 *h)
{
	pace_begin(&h->body_pace, h->settings->idle_ns);
	pace_begin(&h->take_pace, h->settings->idle_ns);
}

static struct pace *
pace_of(struct h1 *h)
{
	return h->wait == WAIT_BODY ? &h->body_pace : &h->take_pace;
}

static void
keep_pace(struct h1 *h)
{
	uint64_t moved, before = h->moved;

	if (h->wait < WAIT_BODY)
		return;
	moved = bytes_moved(h);
	if (moved <= before)
		return;
	h->moved = moved;
	pace_moved(pace_of(h), moved - before, h->settings->min_rate,
	    h->settings->idle_ns, loop_now(h->conn->loop));
}

/*
 * The deadline is not moved with each byte: when it is there, what came
 * meanwhile has put it off.  In steps, so that there are few durations.  Nobody
 * tells when the peer takes some, so there is a look at it in each step: what
 * was taken long ago must not count as if it were just now.
 */
static void
await_pace(struct h1 *h)
{
	uint64_t now = loop_now(h->conn->loop), due = pace_of(h)->due;
	uint64_t step = h->settings->idle_ns / PACE_STEPS + 1, steps = 1;

	if (h->wait == WAIT_BODY && due > now)
		steps += (due - now) / step;
	conn_deadline(h->conn, steps * step);
}

static bool
in_time(struct h1 *h)
{
	keep_pace(h);
	if (pace_of(h)->due <= loop_now(h->conn->loop))
		return false;
	await_pace(h);
	return true;
}

static struct h1 *
h1_new(struct conn *c, const struct h1_settings *settings)
{
	struct spare *spare = spares_take(&recycled);
	struct arena arena = { 0 };
	struct h1 *h;

	if (spare != NULL) {
		h = CONTAINER_OF(spare, struct h1, spare);
		arena = h->arena;
	} else
		h = xmalloc(sizeof(*h));
	*h = (struct h1){
		.stream.ops = &h1_stream_ops,
		.conn = c,
		.settings = settings,
		.arena = arena,
		.again.run = h1_again,
		.grave.free = h1_recycle,
	};
	pace_begins(h);
	c->ops = &h1_conn_ops;
	c->owner = h;
	c->paused = false;
	return h;
}

/*
 * A client that says `Connection: close' must not send more (RFC 9112 9.6); one
 * that did all the same is not believed.
 */
static enum h1_left
left_as(const struct h1 *h)
{
	bool heard_out = h->farewell && h->in == IN_DONE && h->bytes.n == 0 &&
	    !h->conn->can_read;

	return h->eof || heard_out ? H1_SPENT : H1_ENDING;
}

static void
h1_bury(struct h1 *h)
{
	loop_again_cancel(h->conn->loop, &h->again);
	buf_clear(&h->bytes);
	loop_bury(h->conn->loop, &h->grave);
}

/* The texts of a message are good to its end. */
static void
let_go(struct h1 *h)
{
	if (h->held != NULL)
		block_unref(h->held);
	if (h->held_tail != NULL)
		block_unref(h->held_tail);
	h->held = h->held_tail = NULL;
}

static void
h1_recycle(struct grave *grave)
{
	struct h1 *h = CONTAINER_OF(grave, struct h1, grave);

	let_go(h);
	if (recycled.n == RECYCLED_MOST) {
		h1_free(h);
		return;
	}
	arena_reset(&h->arena);
	spares_give(&recycled, &h->spare);
}

static void
h1_free(struct h1 *h)
{
	arena_fini(&h->arena);
	free(h);
}

/* What a verb brought about, told in its own turn. */
static void
h1_again(struct again *a)
{
	struct h1 *h = CONTAINER_OF(a, struct h1, again);

	if (h->wrong == END_NONE)
		h1_flush(h);
	if (h->wrong != END_NONE)
		h1_fail(h, h->wrong);
	else if (h1_tunnel_is_over(h))
		h->stream.sink->flushed(h->stream.arg);
	else if (h->tunnel)
		return;
	else if (h->server != NULL && conn_unsent(h->conn) == 0 &&
	    h->out == OUT_DONE && h->stream.sink != NULL)
		h1_next(h);
}

static void
h1_writable(struct conn *c)
{
	struct h1 *h = c->owner;

	h1_touch(h);
	if (conn_unsent(c) > 0)
		return;
	if (h->out == OUT_BODY)
		h->stream.sink->room(h->stream.arg);
	else if (h->out == OUT_DONE && (h->server != NULL || h->tunnel))
		loop_again(c->loop, &h->again);
}

static void
h1_failed(struct conn *c, int error)
{
	struct h1 *h = c->owner;

	(void)error;
	if (h->server == NULL) {
		/* The answer may have come before the wire broke. */
		h->out_failed = true;
		conn_forget(c);
		c->can_read = true;
		return;
	}
	h1_fail(h, END_CLIENT_CLOSED);
}

static void
h1_expired(struct conn *c, bool stalled)
{
	struct h1 *h = c->owner;

	if (h->wait >= WAIT_BODY && in_time(h))
		return;
	if (h->server != NULL)
		server_expired(h, stalled);
	else
		h1_fail(h, client_expired(h, stalled));
}

static void
server_expired(struct h1 *h, bool stalled)
{
	enum end why = stalled ? END_STALLED : END_BODY_TIMEOUT;

	if (h->in == IN_HEAD) {
		if (h->bytes.n == 0)
			h1_release(h, false);
		else
			h1_refuse(
			    h, stalled ? END_STALLED : END_HEADER_TIMEOUT);
	} else if (conn_unsent(h->conn) > 0)
		h1_fail(h, stalled ? END_STALLED : END_CLIENT_STALLED);
	else {
		h1_give_up(h);
		h->stream.sink->broken(h->stream.arg, why);
	}
}

static enum end
client_expired(const struct h1 *h, bool stalled)
{
	if (stalled)
		return END_STALLED;
	if (conn_unsent(h->conn) > 0 || h->in != IN_HEAD)
		return END_UPSTREAM_IDLE;
	return END_RESPONSE_TIMEOUT;
}
