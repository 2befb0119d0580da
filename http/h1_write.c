/*
 * Message heads and chunk framing as bytes, in the one canonical form: names
 * and values as they are, one space after the colon, framing written from what
 * was decided and never from what was received.  A head is written straight
 * into the room of the buf's last block, and goes on in the next one only when
 * it does not fit.
 */
#include "http/h1_write.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"

/* Most heads fit into this much; more is no error. */
#define HEAD_ROOM 2048

struct pen {
	struct buf *to;
	char *p; /* reserved in `to' */
	size_t n, room; /* n bytes are written */
};

static void pen_take(struct pen *, struct buf *, size_t least);
static void pen_leave(struct pen *);
static void put(struct pen *, struct text);
static void put_fields(struct pen *, const struct fields *);
static struct text line_of(const struct field *);
static void put_field(struct pen *, const struct field *);
static void put_length(struct pen *, uint64_t);
static void put_request_framing(struct pen *, const struct head *);
static void put_target(struct pen *, const struct head *);
static void put_upgrade(struct pen *, struct text);
static void put_status_line(struct pen *, const struct head *);
static void
put_response_framing(struct pen *, const struct head *, enum framing);
static bool is_empty_by_status(unsigned status);

void
h1_write_request(struct buf *to, const struct head *head, bool keep_alive)
{
	struct pen pen;

	pen_take(&pen, to, HEAD_ROOM);
	put(&pen, head->method_name);
	put(&pen, TEXT(" "));
	put_target(&pen, head);
	put(&pen, TEXT(" HTTP/1.1\r\nHost: "));
	put(&pen, head->authority);
	put(&pen, TEXT("\r\n"));
	put_fields(&pen, &head->fields);
	put_request_framing(&pen, head);
	if (head->expect_continue)
		put(&pen, TEXT("Expect: 100-continue\r\n"));
	if (head->upgrade.n > 0) /* one Connection is what all understand */
		put_upgrade(&pen, head->upgrade);
	else if (head->takes_trailers) /* RFC 9110 10.1.4 */
		put(&pen, TEXT("TE: trailers\r\nConnection: TE\r\n"));
	if (!keep_alive)
		put(&pen, TEXT("Connection: close\r\n"));
	put(&pen, TEXT("\r\n"));
	pen_leave(&pen);
}

enum framing
h1_framing(const struct head *head, enum http_version peer, bool head_request)
{
	if (head_request || is_empty_by_status(head->status) ||
	    head->status == 304 || head->tunnel)
		return FRAMING_NONE;
	if (head->framing == FRAMING_NONE || head->framing == FRAMING_LENGTH)
		return FRAMING_LENGTH;
	return peer == HTTP_1_0 ? FRAMING_CLOSE : FRAMING_CHUNKED;
}

void
h1_write_response(struct buf *to, const struct head *head,
    enum http_version peer, bool keep_alive, bool head_request)
{
	enum framing framing = h1_framing(head, peer, head_request);
	struct pen pen;

	pen_take(&pen, to, HEAD_ROOM);
	put_status_line(&pen, head);
	put_fields(&pen, &head->fields);
	put_response_framing(&pen, head, framing);
	if (head->tunnel && head->upgrade.n > 0)
		put_upgrade(&pen, head->upgrade);
	else if (head->status < 200 || head->tunnel)
		; /* the final response tells; a tunnel has no end to tell of */
	else if (!keep_alive || framing == FRAMING_CLOSE)
		put(&pen, TEXT("Connection: close\r\n"));
	else if (peer == HTTP_1_0)
		put(&pen, TEXT("Connection: keep-alive\r\n"));
	put(&pen, TEXT("\r\n"));
	pen_leave(&pen);
}

void
h1_write_chunk_head(struct buf *to, size_t n)
{
	char line[16 + 2];
	size_t digits;

	assert(n > 0);
	digits = text_put_hex(line, n);
	memcpy(line + digits, "\r\n", 2);
	buf_append(to, line, digits + 2);
}

void
h1_write_chunk_end(struct buf *to)
{
	buf_append(to, "\r\n", 2);
}

void
h1_write_last_chunk(struct buf *to, const struct fields *trailers)
{
	struct pen pen;

	pen_take(&pen, to, 1);
	put(&pen, TEXT("0\r\n"));
	if (trailers != NULL)
		put_fields(&pen, trailers);
	put(&pen, TEXT("\r\n"));
	pen_leave(&pen);
}

static void
pen_take(struct pen *pen, struct buf *to, size_t least)
{
	pen->to = to;
	pen->n = 0;
	pen->p = buf_reserve(to, least, &pen->room);
}

static void
pen_leave(struct pen *pen)
{
	buf_commit(pen->to, pen->n);
}

static inline void
put(struct pen *pen, struct text t)
{
	if (t.n > pen->room - pen->n) {
		pen_leave(pen);
		buf_append_text(pen->to, t);
		pen_take(pen, pen->to, 1);
	} else if (t.n > 0) {
		memcpy(pen->p + pen->n, t.p, t.n);
		pen->n += t.n;
	}
}

/* Lines that stand one behind the other are copied in one go. */
static void
put_fields(struct pen *pen, const struct fields *fields)
{
	struct text lines = TEXT_NONE, line;
	unsigned i;

	for (i = 0; i < fields->n; i++) {
		if (fields->v[i].token == TOKEN_NONE)
			continue;
		line = line_of(&fields->v[i]);
		if (lines.n > 0 && line.p == lines.p + lines.n) {
			lines.n += line.n;
			continue;
		}
		put(pen, lines);
		lines = line;
		if (line.n == 0)
			put_field(pen, &fields->v[i]);
	}
	put(pen, lines);
}

/* Empty: it is not one. */
static struct text
line_of(const struct field *f)
{
	if (!f->is_line)
		return TEXT_NONE;
	return (struct text){ f->name.p, f->name.n + 2 + f->value.n + 2 };
}

static void
put_field(struct pen *pen, const struct field *f)
{
	put(pen, f->name);
	put(pen, TEXT(": "));
	put(pen, f->value);
	put(pen, TEXT("\r\n"));
}

static void
put_length(struct pen *pen, uint64_t length)
{
	char digits[20];

	put(pen, TEXT("Content-Length: "));
	put(pen, (struct text){ digits, text_put_u64(digits, length) });
	put(pen, TEXT("\r\n"));
}

/* A method that expects a body says so when there is none (RFC 9110 8.6). */
static void
put_request_framing(struct pen *pen, const struct head *head)
{
	if (head->framing == FRAMING_CHUNKED)
		put(pen, TEXT("Transfer-Encoding: chunked\r\n"));
	else if (head->framing == FRAMING_LENGTH)
		put_length(pen, head->length);
	else if (head->method == METHOD_POST || head->method == METHOD_PUT ||
	    head->method == METHOD_PATCH)
		put_length(pen, 0);
}

/* CONNECT names where to, and no path (RFC 9112 3.2.3). */
static void
put_target(struct pen *pen, const struct head *head)
{
	if (head->method == METHOD_CONNECT) {
		put(pen, head->authority);
		return;
	}
	put(pen, head->path);
	if (head->has_query) {
		put(pen, TEXT("?"));
		put(pen, head->query);
	}
}

static void
put_upgrade(struct pen *pen, struct text tokens)
{
	put(pen, TEXT("Upgrade: "));
	put(pen, tokens);
	put(pen, TEXT("\r\nConnection: Upgrade\r\n"));
}

static void
put_status_line(struct pen *pen, const struct head *head)
{
	char digits[20];

	put(pen, TEXT("HTTP/1.1 "));
	put(pen, (struct text){ digits, text_put_u64(digits, head->status) });
	put(pen, TEXT(" "));
	put(pen, head->reason);
	put(pen, TEXT("\r\n"));
}

static void
put_response_framing(
    struct pen *pen, const struct head *head, enum framing framing)
{
	bool known = head->framing == FRAMING_LENGTH || head->has_length;

	if (framing == FRAMING_CHUNKED)
		put(pen, TEXT("Transfer-Encoding: chunked\r\n"));
	else if (framing == FRAMING_LENGTH)
		put_length(pen, known ? head->length : 0);
	else if (framing == FRAMING_NONE && known &&
	    !is_empty_by_status(head->status))
		put_length(pen, head->length); /* HEAD and 304 announce it */
}

/* Neither a body nor a Content-Length (RFC 9110 8.6). */
static bool
is_empty_by_status(unsigned status)
{
	return status < 200 || status == 204;
}
