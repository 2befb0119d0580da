/*
 * What stands between the parser and the forwarding decision.  Whatever two
 * readers could understand differently is refused here, and what passes keeps
 * nothing that was meant for one connection only.  The rules stand in the
 * order in which they judge; nearly all are of RFC 9110 and 9112.
 */
#include "http/rules.h"

#include <stdint.h>

#include "base/mem.h"
#include "http/octet.h"
#include "http/upgrade.h"
#include "http/uri.h"

#define OPTIONS_MOST 64 /* names in Connection: each walks the fields */

struct noted { /* of the fields that rules read */
	struct text host, length, coding, upgrade;
	unsigned hosts, lengths, codings, forwards, types, authorizations;
	unsigned kept_s, path_grants, upgrades;
	bool close, keep, upgrading, expects, expects_other, trailers;
};

static bool read_connection(struct head *, struct noted *, enum end *why);
static bool read_option(struct fields *, struct text, struct noted *);
static bool is_strippable(enum token);
static bool
takes_request_field(const struct field *, bool trusted, struct noted *);
static bool takes_field(const struct field *, struct noted *);
static void read_keep_alive(struct text, struct noted *);
static bool frame_request(struct head *, const struct noted *, enum end *why);
static bool asks_upgrade(const struct head *, const struct noted *);
static bool frame(struct head *, const struct noted *);
static bool is_unknown_coding(struct text);
static bool is_token(struct text);
static bool place(struct head *, const struct noted *, struct arena *);
static bool place_connect(struct head *, struct arena *);
static bool place_absolute(struct head *, const struct noted *, struct arena *);
static bool
place_path(struct head *, struct text, const struct noted *, struct arena *);
static bool count_forwards(struct head *, const struct noted *, struct arena *);
static bool is_agreed(struct head *, const struct noted *, struct text asked);
static void frame_response(struct head *, enum method asked);
static void frame_reset_content(struct head *);
static bool is_barred_from_trailers(struct text name);

bool
rules_request(struct head *head, struct arena *arena,
    struct rules_grants grants, enum end *why)
{
	struct noted noted = { .path_grants = grants.path };
	struct field *f;
	unsigned i;

	*why = END_BAD_REQUEST;
	if (!read_connection(head, &noted, why))
		return false;
	for (i = 0; i < head->fields.n; i++) {
		f = &head->fields.v[i];
		if (f->token > TOKEN_OTHER &&
		    takes_request_field(f, grants.trusted, &noted))
			f->token = TOKEN_NONE;
	}
	/* RFC 9110 5.3: servers disagree about which one of two counts. */
	if (noted.types > 1 || noted.authorizations > 1)
		return false;
	if (!frame_request(head, &noted, why) || !place(head, &noted, arena) ||
	    !count_forwards(head, &noted, arena))
		return false;
	head->expect_continue = noted.expects && head->version == HTTP_1_1 &&
	    (head->framing == FRAMING_CHUNKED || head->length > 0);
	head->takes_trailers = noted.trailers && head->version == HTTP_1_1;
	if (asks_upgrade(head, &noted))
		head->upgrade = noted.upgrade;
	*why = noted.expects_other ? END_EXPECTATION : END_NONE;
	return *why == END_NONE;
}

bool
rules_response(struct head *head, enum method asked, enum end *why)
{
	struct noted noted = { .hosts = 0 };
	struct field *f;
	unsigned i;

	if (head->status == 101 || !read_connection(head, &noted, why)) {
		*why = END_UPSTREAM_PROTOCOL;
		return false;
	}
	for (i = 0; i < head->fields.n; i++) {
		f = &head->fields.v[i];
		if (f->token > TOKEN_OTHER && takes_field(f, &noted))
			f->token = TOKEN_NONE;
	}
	if (!frame(head, &noted)) {
		*why = END_UPSTREAM_PROTOCOL;
		return false;
	}
	frame_response(head, asked);
	head->kept_s = noted.kept_s;
	return true;
}

bool
rules_tunnel(struct head *head, struct text asked, enum end *why)
{
	struct noted noted = { .hosts = 0 };
	enum end ignored;
	struct field *f;
	unsigned i;

	*why = END_UPSTREAM_PROTOCOL;
	if (!read_connection(head, &noted, &ignored))
		return false;
	for (i = 0; i < head->fields.n; i++) {
		f = &head->fields.v[i];
		if (f->token > TOKEN_OTHER && takes_field(f, &noted))
			f->token = TOKEN_NONE;
	}
	if (head->status == 101 && !is_agreed(head, &noted, asked))
		return false;
	head->tunnel = true;
	head->upgrade = head->status == 101 ? noted.upgrade : TEXT_NONE;
	head->keep_alive = false;
	head->framing = FRAMING_NONE;
	*why = END_NONE;
	return true;
}

void
rules_trailers(struct fields *fields)
{
	struct field *f;
	unsigned i;

	for (i = 0; i < fields->n; i++) {
		f = &fields->v[i];
		if (f->token != TOKEN_OTHER || is_barred_from_trailers(f->name))
			f->token = TOKEN_NONE;
	}
}

/* What Connection names goes; what it says decides keep_alive (9112 9.3). */
static bool
read_connection(struct head *head, struct noted *noted, enum end *why)
{
	struct fields *fields = &head->fields;
	struct text rest, option;
	unsigned i, count = 0;

	for (i = 0; fields_may_have(fields, TOKEN_CONNECTION) && i < fields->n;
	     i++) {
		if (fields->v[i].token != TOKEN_CONNECTION)
			continue;
		rest = fields->v[i].value;
		while (text_split(&rest, ',', &option)) {
			if (++count > OPTIONS_MOST) {
				*why = END_HEADER_TOO_LARGE;
				return false;
			}
			if (!read_option(fields, option, noted))
				return false;
		}
	}
	head->keep_alive =
	    !noted->close && (head->version == HTTP_1_1 || noted->keep);
	return true;
}

static bool
read_option(struct fields *fields, struct text option, struct noted *noted)
{
	enum token token;

	if (option.n == 0)
		return true;
	if (!is_token(option))
		return false;
	if (text_equal_fold(option, TEXT("close")))
		noted->close = true;
	else if (text_equal_fold(option, TEXT("keep-alive")))
		noted->keep = true;
	else if ((token = token_find(option)) == TOKEN_OTHER)
		fields_remove_name(fields, option);
	else if (token == TOKEN_UPGRADE)
		noted->upgrading = true; /* the field is taken as it is read */
	else if (is_strippable(token))
		fields_remove(fields, token);
	return true;
}

/* Nobody removes by Connection what others or we rely on (CVE-2022-31813). */
static bool
is_strippable(enum token token)
{
	switch (token) {
	case TOKEN_HOST:
	case TOKEN_CONNECTION:
	case TOKEN_CONTENT_LENGTH:
	case TOKEN_TRANSFER_ENCODING:
	case TOKEN_TE:
	case TOKEN_VIA:
	case TOKEN_FORWARDED:
	case TOKEN_X_FORWARDED_FOR:
	case TOKEN_X_FORWARDED_PROTO:
	case TOKEN_X_FORWARDED_HOST:
	case TOKEN_X_REAL_IP:
	case TOKEN_X_REQUEST_ID:
	case TOKEN_PROTECTED:
		return false;
	default:
		return true;
	}
}

/* True: the field is noted, or not for others, and goes. */
static bool
takes_request_field(const struct field *f, bool trusted, struct noted *noted)
{
	switch (f->token) {
	case TOKEN_HOST:
		noted->hosts++;
		noted->host = f->value;
		return true;
	case TOKEN_EXPECT:
		if (text_equal_fold(f->value, TEXT("100-continue")))
			noted->expects = true;
		else
			noted->expects_other = true;
		return true;
	case TOKEN_MAX_FORWARDS:
		noted->forwards++;
		return false;
	case TOKEN_CONTENT_TYPE:
		noted->types++;
		return false;
	case TOKEN_AUTHORIZATION:
		noted->authorizations++;
		return false;
	case TOKEN_TE:
		noted->trailers |= text_lists(f->value, TEXT("trailers"));
		return true;
	case TOKEN_FORWARDED:
	case TOKEN_X_FORWARDED_FOR:
	case TOKEN_X_FORWARDED_PROTO:
	case TOKEN_X_FORWARDED_HOST:
	case TOKEN_X_REAL_IP:
	case TOKEN_X_REQUEST_ID:
		return !trusted;
	case TOKEN_PROTECTED:
		return !trusted || token_is_lookalike(f->name, f->token);
	default:
		return takes_field(f, noted);
	}
}

/* The same in both directions: framing, and hop-by-hop (RFC 9110 7.6.1). */
static bool
takes_field(const struct field *f, struct noted *noted)
{
	switch (f->token) {
	case TOKEN_CONTENT_LENGTH:
		noted->lengths++;
		noted->length = f->value;
		return true;
	case TOKEN_TRANSFER_ENCODING:
		noted->codings++;
		noted->coding = f->value;
		return true;
	case TOKEN_UPGRADE:
		noted->upgrades++;
		noted->upgrade = f->value;
		return true;
	case TOKEN_KEEP_ALIVE:
		read_keep_alive(f->value, noted);
		return true;
	case TOKEN_CONNECTION:
	case TOKEN_PROXY_CONNECTION:
	case TOKEN_TE:
	case TOKEN_HTTP2_SETTINGS:
		return true;
	default:
		return false;
	}
}

/* timeout=N among other words; the shortest counts, and 0 as 1. */
static void
read_keep_alive(struct text words, struct noted *noted)
{
	struct text word;
	ptrdiff_t is;
	uint64_t s;

	while (text_split(&words, ',', &word)) {
		is = text_find(word, '=');
		if (is == -1 ||
		    !text_equal_fold(
			text_first(word, (size_t)is), TEXT("timeout")) ||
		    !text_to_u64(
			text_from(word, (size_t)is + 1), UINT32_MAX, &s))
			continue;
		s = s == 0 ? 1 : s;
		if (noted->kept_s == 0 || s < noted->kept_s)
			noted->kept_s = (unsigned)s;
	}
}

static bool
frame_request(struct head *head, const struct noted *noted, enum end *why)
{
	if (!frame(head, noted)) {
		if (noted->codings == 1 && noted->lengths == 0 &&
		    head->version == HTTP_1_1 &&
		    is_unknown_coding(noted->coding))
			*why = END_NOT_IMPLEMENTED;
		return false;
	}
	if (head->method != METHOD_TRACE && head->method != METHOD_CONNECT)
		return true;
	if (head->framing == FRAMING_CHUNKED || head->length > 0)
		return false; /* RFC 9110 9.3.6, 9.3.8 */
	head->framing = FRAMING_NONE;
	return true;
}

/*
 * RFC 9110 7.8.  One with a body could not tell it from what is said after the
 * switch; what only looks like an upgrade goes on without it.
 */
static bool
asks_upgrade(const struct head *head, const struct noted *noted)
{
	return noted->upgrades == 1 && noted->upgrading &&
	    head->version == HTTP_1_1 && head->method != METHOD_CONNECT &&
	    head->framing != FRAMING_CHUNKED && head->length == 0;
}

/* One length, or one coding that is chunked, or neither (RFC 9112 6). */
static bool
frame(struct head *head, const struct noted *noted)
{
	if (noted->lengths + noted->codings > 1)
		return false;
	if (noted->codings == 1) {
		head->framing = FRAMING_CHUNKED;
		return head->version == HTTP_1_1 &&
		    text_equal_fold(noted->coding, TEXT("chunked"));
	}
	if (noted->lengths == 0)
		return true;
	head->framing = FRAMING_LENGTH;
	return text_to_u64(noted->length, INT64_MAX, &head->length);
}

/* Codings that could be, the last of them perhaps chunked, but not ours. */
static bool
is_unknown_coding(struct text codings)
{
	struct text coding;
	bool chunked = false, other = false;

	while (text_split(&codings, ',', &coding)) {
		if (chunked || !is_token(coding))
			return false;
		chunked = text_equal_fold(coding, TEXT("chunked"));
		other |= !chunked;
	}
	return other;
}

static bool
is_token(struct text t)
{
	size_t i;

	for (i = 0; i < t.n; i++)
		if (!octet_is(t.p[i], OCTET_TOKEN))
			return false;
	return t.n > 0;
}

/* Where the request goes: Host, then the target in its form (9112 3.2). */
static bool
place(struct head *head, const struct noted *noted, struct arena *arena)
{
	struct text target = head->target;

	if (noted->hosts > 1 ||
	    (noted->hosts == 0 && head->version == HTTP_1_1))
		return false;
	head->authority = noted->host;
	if (noted->hosts == 1 &&
	    !uri_authority(&head->authority, &head->host, arena))
		return false;
	if (head->method == METHOD_CONNECT)
		return place_connect(head, arena);
	if (target.p[0] == '/')
		return place_path(head, target, noted, arena);
	if (!text_equal(target, TEXT("*")))
		return place_absolute(head, noted, arena);
	head->path = target;
	return head->method == METHOD_OPTIONS;
}

/* host:port, which wins over Host, and nothing else (RFC 9112 3.2.3). */
static bool
place_connect(struct head *head, struct arena *arena)
{
	struct text authority = head->target;
	ptrdiff_t colon = text_find_last(authority, ':');

	head->keep_alive = false; /* refused, a tunnel's bytes may follow */
	if (colon == -1 || (size_t)colon + 1 == authority.n)
		return false;
	head->authority = authority;
	return uri_authority(&head->authority, &head->host, arena) &&
	    head->host.n < head->authority.n;
}

/* http or https "://" authority, which wins over Host, and the rest. */
static bool
place_absolute(
    struct head *head, const struct noted *noted, struct arena *arena)
{
	struct text rest = head->target, scheme;
	ptrdiff_t colon = text_find(rest, ':');
	size_t n = 0;

	if (colon == -1)
		return false;
	scheme = text_first(rest, (size_t)colon);
	rest = text_from(rest, (size_t)colon);
	if ((!text_equal_fold(scheme, TEXT("http")) &&
		!text_equal_fold(scheme, TEXT("https"))) ||
	    !text_starts(rest, TEXT("://")))
		return false;
	rest = text_from(rest, 3);
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	head->authority = text_first(rest, n);
	if (!uri_authority(&head->authority, &head->host, arena))
		return false;
	rest = text_from(rest, n);
	if (rest.n > 0 || head->method != METHOD_OPTIONS)
		return place_path(head, rest, noted, arena);
	head->path = TEXT("*"); /* RFC 9112 3.2.4 */
	return true;
}

static bool
place_path(struct head *head, struct text path, const struct noted *noted,
    struct arena *arena)
{
	ptrdiff_t mark = text_find(path, '?');

	head->path = path;
	if (mark != -1) {
		head->has_query = true;
		head->query = text_from(path, (size_t)mark + 1);
		head->path.n = (size_t)mark;
	}
	if (head->path.n == 0)
		head->path = TEXT("/");
	return uri_path(&head->path, noted->path_grants, arena) &&
	    uri_query(&head->query, arena);
}

/* Max-Forwards counts down for two methods alone (RFC 9110 7.6.2). */
static bool
count_forwards(
    struct head *head, const struct noted *noted, struct arena *arena)
{
	struct field *f;
	uint64_t left;
	char *p;

	if (noted->forwards == 0 ||
	    (head->method != METHOD_TRACE && head->method != METHOD_OPTIONS))
		return true;
	f = fields_find(&head->fields, TOKEN_MAX_FORWARDS);
	if (noted->forwards > 1 || !text_to_u64(f->value, INT64_MAX, &left))
		return false;
	head->max_forwards_zero = left == 0;
	if (left == 0)
		return true;
	p = arena_alloc(arena, 20);
	f->value = (struct text){ p, text_put_u64(p, left - 1) };
	f->is_line = false;
	return true;
}

/* A 101 is one of the tokens asked for, and has no body (RFC 9110 7.8). */
static bool
is_agreed(struct head *head, const struct noted *noted, struct text asked)
{
	return head->version == HTTP_1_1 && noted->upgrading &&
	    noted->upgrades == 1 && text_lists(asked, noted->upgrade) &&
	    noted->codings == 0 && frame(head, noted) && head->length == 0;
}

/* RFC 9112 6.3, 1 and 8: some have no body, some end with the connection. */
static void
frame_response(struct head *head, enum method asked)
{
	bool empty = head->status < 200 || head->status == 204;

	if (head->status == 205)
		frame_reset_content(head);
	else if (!empty && head->status != 304 && asked != METHOD_HEAD) {
		if (head->framing == FRAMING_NONE) {
			head->framing = FRAMING_CLOSE;
			head->keep_alive = false;
		}
	} else {
		if (empty &&
		    (head->framing == FRAMING_CHUNKED || head->length > 0))
			head->keep_alive =
			    false; /* it may send one after all */
		head->has_length = !empty && head->framing == FRAMING_LENGTH;
		head->framing = FRAMING_NONE;
	}
}

/*
 * It has no content, but its framing may still say so, or lie (RFC 9110
 * 15.3.6): nobody gets any, and only a length of 0 leaves the wire clean.
 */
static void
frame_reset_content(struct head *head)
{
	if (head->framing != FRAMING_LENGTH || head->length > 0)
		head->keep_alive = false;
	head->framing = FRAMING_LENGTH;
	head->length = 0;
}

/*
 * Names that say how a message is read, routed, authorised or kept, and what
 * would become one of them behind us; those with a token of their own are all
 * barred.
 */
static bool
is_barred_from_trailers(struct text name)
{
	static const char *const barred[] = {
		"age",
		"cache-control",
		"content-encoding",
		"content-range",
		"cookie",
		"expires",
		"if-match",
		"if-modified-since",
		"if-none-match",
		"if-range",
		"if-unmodified-since",
		"pragma",
		"proxy-authenticate",
		"proxy-authorization",
		"range",
		"set-cookie",
		"vary",
		"www-authenticate",
	};
	size_t i;

	for (i = 0; i < sizeof(barred) / sizeof(barred[0]); i++)
		if (token_maps_to(name, text_of(barred[i])))
			return true;
	return false;
}
