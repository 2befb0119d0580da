/*
 * Fields in the order of the wire.  They are few, so that finding one is a
 * walk over tokens; a removed one keeps its place and has TOKEN_NONE.
 */
#include "http/head.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* Enough for a browser's request and the fields a proxy adds. */
#define FIELDS_FIRST 24

static bool named(const struct field *, struct text name);

struct text
status_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} known[] = {
		{ 100, "Continue" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 410, "Gone" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 451, "Unavailable For Legal Reasons" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status)
			return text_of(known[i].reason);
	return TEXT_NONE;
}

/* The old array stays behind in the arena: doubling bounds what that costs. */
void
fields_grow(struct fields *fields, struct arena *arena)
{
	unsigned cap = fields->cap == 0 ? FIELDS_FIRST : 2 * fields->cap;
	struct field *v = arena_alloc(arena, cap * sizeof(*v));

	if (fields->n > 0)
		memcpy(v, fields->v, fields->n * sizeof(*v));
	fields->v = v;
	fields->cap = cap;
}

void
fields_add(struct fields *fields, struct arena *arena, enum token token,
    struct text name, struct text value)
{
	*fields_slot(fields, arena, token) =
	    (struct field){ name, value, token, false };
}

void
fields_add_line(struct fields *fields, struct arena *arena, enum token token,
    struct text line, size_t name_n)
{
	struct text value = text_from(line, name_n + 2);

	assert(line.n >= name_n + 4);
	value.n -= 2;
	*fields_slot(fields, arena, token) =
	    (struct field){ text_first(line, name_n), value, token, true };
}

struct field *
fields_find(const struct fields *fields, enum token token)
{
	unsigned i;

	if (!fields_may_have(fields, token))
		return NULL;
	for (i = 0; i < fields->n; i++)
		if (fields->v[i].token == token)
			return &fields->v[i];
	return NULL;
}

struct field *
fields_find_name(const struct fields *fields, struct text name)
{
	unsigned i;

	for (i = 0; i < fields->n; i++)
		if (named(&fields->v[i], name))
			return &fields->v[i];
	return NULL;
}

unsigned
fields_remove(struct fields *fields, enum token token)
{
	unsigned i, count = 0;

	assert(token != TOKEN_NONE);
	for (i = 0; i < fields->n; i++)
		if (fields->v[i].token == token) {
			fields->v[i].token = TOKEN_NONE;
			count++;
		}
	return count;
}

unsigned
fields_remove_name(struct fields *fields, struct text name)
{
	unsigned i, count = 0;

	for (i = 0; i < fields->n; i++)
		if (named(&fields->v[i], name)) {
			fields->v[i].token = TOKEN_NONE;
			count++;
		}
	return count;
}

static bool
named(const struct field *f, struct text name)
{
	return f->token != TOKEN_NONE && text_equal_fold(f->name, name);
}
