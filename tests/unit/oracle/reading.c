/* The two readers behind one face. */
#include "tests/unit/oracle/reading.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/chunk.h"
#include "http/h1_parse.h"
#include "http/head.h"
#include "http/rules.h"

void
reading_body(struct reading *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r->body_hash =
		    (r->body_hash ^ (unsigned char)p[i]) * 0x100000001b3;
	r->body += n;
}

static void
store(char *to, size_t room, size_t had, const char *p, size_t n)
{
	if (n > room - 1 - had)
		n = room - 1 - had;
	if (n > 0)
		memcpy(to + had, p, n);
	to[had + n] = '\0';
}

/* ---- fairlead --------------------------------------------------------------- */

static const struct h1_limits limits = { 65536, 8192, 200 };

static void
refuse(struct reading *r, enum end why)
{
	r->verdict = READ_REFUSED;
	snprintf(r->why, sizeof(r->why), "%s", end_row(why)->word);
}

static void
read_trailers(struct text in, struct reading *r, struct arena *arena)
{
	struct fields fields = { 0 };
	struct h1_parser parser;
	enum end why = END_NONE;
	ssize_t n;

	h1_parser_init(&parser);
	n = h1_parse_trailers(&parser, &fields, arena, in.p + r->end,
	    in.n - r->end, &limits, &why);
	if (n == -1)
		refuse(r, why);
	else if (n > 0) {
		r->end += (size_t)n;
		r->verdict = READ_WHOLE;
	}
}

static void
read_chunks(struct text in, struct reading *r, struct arena *arena)
{
	enum chunk_say say = CHUNK_MORE;
	struct chunk chunk;
	size_t skip, data;

	chunk_init(&chunk);
	while (r->end < in.n && say < CHUNK_TRAILERS) {
		say = chunk_next(
		    &chunk, in.p + r->end, in.n - r->end, &skip, &data);
		if (say == CHUNK_BAD) {
			refuse(r, END_BAD_REQUEST);
			return;
		}
		reading_body(r, in.p + r->end + skip, data);
		r->end += skip + data;
	}
	if (say == CHUNK_TRAILERS)
		read_trailers(in, r, arena);
}

static void
read_body(struct text in, const struct head *head, struct reading *r,
    struct arena *arena)
{
	size_t there = in.n - r->end;

	r->to_eof = head->framing == FRAMING_CLOSE;
	if (head->framing == FRAMING_CHUNKED) {
		read_chunks(in, r, arena);
		return;
	}
	if (head->framing == FRAMING_NONE)
		there = 0;
	else if (head->framing == FRAMING_LENGTH && head->length <= there)
		there = (size_t)head->length;
	else if (head->framing == FRAMING_LENGTH)
		r->verdict = READ_PART;
	reading_body(r, in.p + r->end, there);
	r->end += there;
	if (!r->to_eof &&
	    (head->framing == FRAMING_NONE || there == head->length))
		r->verdict = READ_WHOLE;
}

static bool
judge(struct head *head, enum reading_kind kind, struct arena *arena,
    enum end *why)
{
	if (kind == READ_REQUEST)
		return rules_request(
		    head, arena, (struct rules_grants){ 0 }, why);
	return rules_response(head,
	    kind == READ_RESPONSE_TO_HEAD ? METHOD_HEAD : METHOD_GET, why);
}

void
read_by_fairlead(struct text in, enum reading_kind kind, struct reading *r)
{
	struct head head = { 0 };
	struct arena arena = { 0 };
	struct h1_parser parser;
	enum end why = END_NONE;
	ssize_t n;

	memset(r, 0, sizeof(*r));
	r->verdict = READ_PART;
	h1_parser_init(&parser);
	if (kind == READ_REQUEST)
		n = h1_parse_request(
		    &parser, &head, &arena, in.p, in.n, &limits, &why);
	else
		n = h1_parse_response(
		    &parser, &head, &arena, in.p, in.n, &limits, &why);
	if (n == -1 || (n > 0 && !judge(&head, kind, &arena, &why)))
		refuse(r, why);
	else if (n > 0) {
		r->has_head = true;
		r->head_end = r->end = (size_t)n;
		r->minor = head.version == HTTP_1_1;
		r->status = head.status;
		r->keep_alive = head.keep_alive;
		store(r->method, sizeof(r->method), 0, head.method_name.p,
		    head.method_name.n);
		store(r->target, sizeof(r->target), 0, head.target.p,
		    head.target.n);
		read_body(in, &head, r, &arena);
	}
	arena_fini(&arena);
}

/* ---- llhttp ----------------------------------------------------------------- */

struct asked {
	struct reading *r;
	enum reading_kind kind;
};

static int
on_url(llhttp_t *p, const char *at, size_t n)
{
	struct asked *asked = p->data;

	store(asked->r->target, sizeof(asked->r->target),
	    strlen(asked->r->target), at, n);
	return 0;
}

static int
on_head(llhttp_t *p)
{
	struct asked *asked = p->data;
	struct reading *r = asked->r;

	r->has_head = true;
	r->minor = p->http_minor;
	if (p->http_major != 1)
		r->minor = 10u * p->http_major + p->http_minor;
	r->status = p->status_code;
	if (asked->kind == READ_REQUEST)
		snprintf(r->method, sizeof(r->method), "%s",
		    llhttp_method_name(p->method));
	/* What comes behind is to be read as HTTP, whatever was asked for. */
	p->upgrade = 0;
	return asked->kind == READ_RESPONSE_TO_HEAD ? 1 : 0;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
	reading_body(((struct asked *)p->data)->r, at, n);
	return 0;
}

static int
on_end(llhttp_t *p)
{
	((struct asked *)p->data)->r->keep_alive =
	    llhttp_should_keep_alive(p) != 0;
	return HPE_PAUSED;
}

void
read_by_llhttp(struct text in, enum reading_kind kind, struct reading *r)
{
	struct asked asked = { r, kind };
	llhttp_settings_t settings;
	llhttp_errno_t error;
	llhttp_t p;

	memset(r, 0, sizeof(*r));
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_headers_complete = on_head;
	settings.on_body = on_body;
	settings.on_message_complete = on_end;
	llhttp_init(
	    &p, kind == READ_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	p.data = &asked;
	error = llhttp_execute(&p, in.p, in.n);
	r->verdict = error == HPE_OK ? READ_PART : READ_REFUSED;
	if (error == HPE_PAUSED) {
		r->verdict = READ_WHOLE;
		r->end = (size_t)(llhttp_get_error_pos(&p) - in.p);
	} else if (error == HPE_OK)
		r->to_eof = llhttp_message_needs_eof(&p) && r->has_head;
	else
		snprintf(r->why, sizeof(r->why), "%s: %s",
		    llhttp_errno_name(error), llhttp_get_error_reason(&p));
}
