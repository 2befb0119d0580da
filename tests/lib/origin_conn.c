/*
 * One connection of the scripted server: reads a request leniently, keeps its
 * exact bytes, and sends the answer that its path was given, piece by piece
 * as the socket takes it.  Runs in the origin's thread with its lock held.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/origin_conn.h"
#include "tests/lib/wait.h"

enum {
	PIECE = 65536, /* bytes of body made at a time */
	KEPT_BODY = 65536, /* bytes of a request's body to keep */
	OUT_ENOUGH = 4 * PIECE
};

static bool receive(struct origin_conn *);
static bool step(struct origin_conn *);
static bool read_head(struct origin_conn *);
static void begin_request(struct origin_conn *, size_t head_n);
static void read_framing(struct origin_conn *, const struct bytes *head);
static struct seen *remember(struct origin_conn *, const struct bytes *head);
static const struct reply *reply_for(struct origin *, const char *path);
static bool read_body(struct origin_conn *);
static bool read_chunk(struct origin_conn *);
static bool read_chunk_line(struct origin_conn *);
static void take_body(struct origin_conn *, size_t);
static void take_raw(struct origin_conn *, size_t);
static void body_over(struct origin_conn *);
static void answer_soon(struct origin_conn *);
static void begin_answer(struct origin_conn *);
static void make_head(struct origin_conn *);
static void choose_body(struct origin_conn *);
static bool make_body(struct origin_conn *);
static size_t piece_now(const struct origin_conn *);
static void make_piece(struct origin_conn *, size_t);
static void make_end(struct origin_conn *);
static bool flush(struct origin_conn *);
static bool send_answer(struct origin_conn *);
static void finish(struct origin_conn *);

void
origin_conn_go(struct origin_conn *c, bool readable)
{
	if (readable && !receive(c)) {
		c->phase = PHASE_OVER;
		return;
	}
	while (c->phase != PHASE_OVER && step(c))
		;
}

void
origin_conn_idle(struct origin_conn *c)
{
	if (!c->active)
		return;
	c->origin->active--;
	c->active = false;
	if (c->origin->options.forget) {
		bytes_free(&c->seen->head);
		bytes_free(&c->seen->body);
		keep_no_more(c->seen->path);
		keep_no_more(c->seen);
	}
	c->seen = NULL;
}

const char *
origin_field_at(
    const struct bytes *head, const char *name, unsigned nth, size_t *n)
{
	size_t name_n = strlen(name), at;
	const char *line, *end;
	long eol;

	for (at = 0; (eol = bytes_find(head, at, "\r\n")) >= 0;
	     at = (size_t)eol + 2) {
		line = head->p + at;
		end = head->p + eol;
		if (strncasecmp(line, name, name_n) != 0 ||
		    line[name_n] != ':' || nth-- > 0)
			continue;
		for (line += name_n + 1; line < end && *line == ' ';)
			line++;
		*n = (size_t)(end - line);
		return line;
	}
	return NULL;
}

/* False when the peer is gone. */
static bool
receive(struct origin_conn *c)
{
	char piece[PIECE];
	ssize_t n;

	if (c->phase != PHASE_HEAD && c->reply.unread)
		return false; /* nothing is watched for but its end */
	n = recv(c->fd, piece, sizeof piece, 0);
	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	c->origin->bytes += (uint64_t)n;
	bytes_add(&c->in, piece, (size_t)n);
	return true;
}

/* One move; false when it must wait for the socket or the clock. */
static bool
step(struct origin_conn *c)
{
	if (c->phase == PHASE_HEAD)
		return read_head(c);
	if (!c->body_done && !c->reply.unread && read_body(c))
		return true;
	switch (c->phase) {
	case PHASE_DELAY:
		if (c->wake != 0)
			return false;
		begin_answer(c);
		return true;
	case PHASE_SEND:
		return send_answer(c);
	default:
		return false;
	}
}

static bool
read_head(struct origin_conn *c)
{
	long end = bytes_find(&c->in, 0, "\r\n\r\n");

	if (end < 0)
		return false;
	begin_request(c, (size_t)end + 4);
	return true;
}

static void
begin_request(struct origin_conn *c, size_t head_n)
{
	struct bytes head = { 0 };
	struct origin *o = c->origin;
	size_t n;

	bytes_add(&head, c->in.p, head_n);
	bytes_drop(&c->in, head_n);
	c->nth++;
	o->requests++;
	c->active = true;
	if (++o->active > o->peak)
		o->peak = o->active;
	read_framing(c, &head);
	c->seen = remember(c, &head);
	c->text = NULL;
	c->paced = c->ended = false;
	c->sent = 0;
	c->body_n = 0;
	choose_body(c);
	c->phase = PHASE_BODY;
	if (!c->body_done && !c->reply.no_continue &&
	    origin_field_at(&head, "expect", 0, &n) != NULL)
		bytes_printf(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
	if (c->reply.digest)
		c->digest = digest_new();
	if (c->body_done || c->reply.early)
		answer_soon(c);
	bytes_free(&head);
	(void)flush(c);
}

static void
read_framing(struct origin_conn *c, const struct bytes *head)
{
	const char *length, *option;
	size_t n;

	c->is_head = strncmp(head->p, "HEAD ", 5) == 0;
	c->chunked = origin_field_at(head, "transfer-encoding", 0, &n) != NULL;
	c->chunk = CHUNK_SIZE;
	length = origin_field_at(head, "content-length", 0, &n);
	c->left = length != NULL ? strtoull(length, NULL, 10) : 0;
	c->body_done = !c->chunked && c->left == 0;
	option = origin_field_at(head, "connection", 0, &n);
	c->keep_alive = !bytes_hold(head, " HTTP/1.0\r\n") &&
	    (option == NULL || strncasecmp(option, "close", n) != 0);
}

/* Write the request down, and find its answer. */
static struct seen *
remember(struct origin_conn *c, const struct bytes *head)
{
	struct origin *o = c->origin;
	struct seen *s, **more;
	size_t from, n;

	s = keep(sizeof *s);
	from = strcspn(head->p, " ");
	from += head->p[from] == ' ';
	n = strcspn(head->p + from, "? \r");
	s->path = keep_text(head->p + from, n);
	c->reply = *reply_for(o, s->path);
	if (c->reply.reused_only && c->nth == 1)
		c->reply = (struct reply){ 0 };
	s->conn = c->number;
	s->nth = c->nth;
	s->at = wait_now();
	bytes_add(&s->head, head->p, head->n);
	s->whole = c->body_done;
	if (o->options.forget)
		return s;
	if (o->nseen == o->cap_seen) {
		o->cap_seen = o->cap_seen * 2 + 64;
		more = keep(o->cap_seen * sizeof *more);
		if (o->nseen > 0)
			memcpy(more, o->seen, o->nseen * sizeof *more);
		o->seen = more;
	}
	o->seen[o->nseen++] = s;
	return s;
}

static const struct reply *
reply_for(struct origin *o, const char *path)
{
	static const struct reply plain;
	const struct reply *any = &plain;
	unsigned i;

	for (i = 0; i < o->nreplies; i++) {
		if (o->replies[i].path == NULL)
			any = &o->replies[i];
		else if (strcmp(o->replies[i].path, path) == 0)
			return &o->replies[i];
	}
	return any;
}

/* Whether a step was made. */
static bool
read_body(struct origin_conn *c)
{
	size_t n;

	if (c->in.n == 0)
		return false;
	if (c->chunked)
		return read_chunk(c);
	n = c->in.n < c->left ? c->in.n : (size_t)c->left;
	take_body(c, n);
	c->left -= n;
	if (c->left == 0)
		body_over(c);
	return true;
}

static bool
read_chunk(struct origin_conn *c)
{
	size_t n;

	if (c->chunk != CHUNK_DATA)
		return read_chunk_line(c);
	n = c->in.n < c->left ? c->in.n : (size_t)c->left;
	take_body(c, n);
	c->left -= n;
	if (c->left == 0)
		c->chunk = CHUNK_CRLF;
	return true;
}

static bool
read_chunk_line(struct origin_conn *c)
{
	long end = bytes_find(&c->in, 0, "\r\n");

	if (end < 0)
		return false;
	if (c->chunk == CHUNK_SIZE) {
		c->left = strtoull(c->in.p, NULL, 16);
		c->chunk = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	} else if (c->chunk == CHUNK_CRLF) {
		c->chunk = CHUNK_SIZE;
	} else if (end == 0) {
		take_raw(c, 2);
		body_over(c);
		return true;
	}
	take_raw(c, (size_t)end + 2);
	return true;
}

static void
take_body(struct origin_conn *c, size_t n)
{
	if (c->digest != NULL)
		digest_add(c->digest, c->in.p, n);
	c->body_n += n;
	take_raw(c, n);
}

static void
take_raw(struct origin_conn *c, size_t n)
{
	struct bytes *kept = &c->seen->body;
	size_t room = kept->n < KEPT_BODY ? KEPT_BODY - kept->n : 0;

	bytes_add(kept, c->in.p, n < room ? n : room);
	bytes_drop(&c->in, n);
}

static void
body_over(struct origin_conn *c)
{
	c->body_done = c->seen->whole = true;
	if (c->phase == PHASE_BODY)
		answer_soon(c);
	else if (c->phase == PHASE_SILENT && c->seen->finished)
		finish(c);
}

static void
answer_soon(struct origin_conn *c)
{
	if (c->reply.silent) {
		c->phase = PHASE_SILENT;
		return;
	}
	c->phase = PHASE_DELAY;
	c->wake = c->reply.delay_ms > 0 ? wait_now() + c->reply.delay_ms : 0;
}

static void
begin_answer(struct origin_conn *c)
{
	struct origin *o = c->origin;

	o->failures += c->reply.fail_percent;
	if (o->failures >= 100) {
		o->failures -= 100;
		c->reply.status = 503;
		c->reply.reason = "Flaky";
	}
	if (c->digest != NULL) {
		c->text = keep_printf("%llu %s", (unsigned long long)c->body_n,
		    digest_end(c->digest));
		c->digest = NULL;
		c->size = strlen(c->text);
	}
	if (c->reply.interim != NULL)
		bytes_printf(&c->out, "%s", c->reply.interim);
	if (c->reply.raw != NULL) {
		bytes_add(&c->out, c->reply.raw,
		    c->reply.raw_n > 0 ? c->reply.raw_n : strlen(c->reply.raw));
		c->ended = true;
	} else
		make_head(c);
	c->phase = PHASE_SEND;
}

static void
choose_body(struct origin_conn *c)
{
	const struct reply *r = &c->reply;

	if (r->sized) {
		c->size = r->size;
		return;
	}
	c->text = r->text != NULL ? r->text : c->seen->head.p;
	c->size = strlen(c->text);
}

static void
make_head(struct origin_conn *c)
{
	const struct reply *r = &c->reply;
	int status = r->status == 0 ? 200 : r->status;

	bytes_printf(&c->out, "HTTP/1.1 %d %s\r\nX-Origin: %s\r\n%s", status,
	    r->reason == NULL ? "Fine" : r->reason, c->origin->options.name,
	    r->fields == NULL ? "" : r->fields);
	if (r->chunked)
		bytes_printf(&c->out, "Transfer-Encoding: chunked\r\n");
	else if (!r->until_close && status != 204 && status != 304)
		bytes_printf(&c->out, "Content-Length: %llu\r\n",
		    (unsigned long long)c->size);
	if (r->until_close || r->close || !c->keep_alive)
		bytes_printf(&c->out, "Connection: close\r\n");
	bytes_printf(&c->out, "\r\n");
	if (c->is_head || status == 204 || status == 304)
		c->ended = true;
	else if (c->size == 0 && r->cut == CUT_NOT)
		make_end(c);
}

/* Put more of the body into `out'; false when it is not the time. */
static bool
make_body(struct origin_conn *c)
{
	const struct reply *r = &c->reply;

	if (r->cut != CUT_NOT && c->sent >= r->cut_at) {
		c->ended = true;
		return true;
	}
	if (r->pace_ms > 0 && c->wake == 0 && c->paced) {
		c->wake = wait_now() + r->pace_ms;
		c->paced = false;
		return false;
	}
	if (c->wake != 0)
		return false;
	make_piece(c, piece_now(c));
	c->paced = true;
	if (c->sent == c->size && r->cut == CUT_NOT)
		make_end(c);
	return true;
}

static size_t
piece_now(const struct origin_conn *c)
{
	const struct reply *r = &c->reply;
	uint64_t n = c->size - c->sent;
	size_t most = r->piece > 0 && r->piece < PIECE ? r->piece : PIECE;

	if (r->cut != CUT_NOT && n > r->cut_at - c->sent)
		n = r->cut_at - c->sent;
	return n < most ? (size_t)n : most;
}

static void
make_piece(struct origin_conn *c, size_t n)
{
	char piece[PIECE];

	if (c->text != NULL)
		memcpy(piece, c->text + c->sent, n);
	else
		pattern_fill(piece, n, c->sent);
	if (c->reply.chunked)
		bytes_printf(&c->out, "%zx\r\n", n);
	bytes_add(&c->out, piece, n);
	if (c->reply.chunked)
		bytes_add(&c->out, "\r\n", 2);
	c->sent += n;
}

static void
make_end(struct origin_conn *c)
{
	if (c->reply.chunked)
		bytes_printf(&c->out, "0\r\n%s\r\n",
		    c->reply.trailers == NULL ? "" : c->reply.trailers);
	c->ended = true;
}

/* False when the socket is full, or gone: then the phase is over. */
static bool
flush(struct origin_conn *c)
{
	ssize_t n;

	while (c->out_done < c->out.n) {
		n = send(c->fd, c->out.p + c->out_done, c->out.n - c->out_done,
		    MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN)
			c->phase = PHASE_OVER;
		if (n == -1)
			return false;
		c->out_done += (size_t)n;
		if (c->phase == PHASE_SEND)
			c->seen->answered = true;
	}
	bytes_drop(&c->out, c->out.n);
	c->out_done = 0;
	return true;
}

/* Whether a step was made. */
static bool
send_answer(struct origin_conn *c)
{
	if (!c->ended && c->out.n - c->out_done < OUT_ENOUGH) {
		if (make_body(c))
			return true;
		(void)flush(c);
		return false;
	}
	if (!flush(c))
		return false;
	if (c->ended)
		finish(c);
	return true;
}

static void
finish(struct origin_conn *c)
{
	const struct reply *r = &c->reply;

	if (r->cut == CUT_NOT)
		c->seen->finished = true;
	if (!c->body_done && !r->unread && r->cut == CUT_NOT && !r->close) {
		/* Answered early: what is left of the request comes first. */
		c->phase = PHASE_SILENT;
		return;
	}
	c->reset = r->cut == CUT_RST;
	c->phase =
	    r->cut != CUT_NOT || r->close || r->until_close || !c->keep_alive
	    ? PHASE_OVER
	    : PHASE_HEAD;
	origin_conn_idle(c);
}
