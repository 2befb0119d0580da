/*
 * Paths, queries and authorities in one form, so that what is routed on is
 * what a server reads (RFC 3986 6.2.2).  Text that has the form already, which
 * is nearly all, is only looked at; the rest is written anew.
 */
#include "http/uri.h"

#include <assert.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "http/octet.h"

#define NAME_BYTES 255 /* RFC 1035 2.3.4 */

struct anew {
	char *p;
	size_t n;
	unsigned allowed; /* in a path */
};

static bool path_is_canonical(struct text);
static bool path_keeps(struct text path, size_t at);
static bool path_put(struct anew *, struct text *rest);
static bool path_close_segment(struct anew *);
static bool hides_dots(struct text segment);
static size_t piece_length(struct text);
static bool path_may_encode(char, unsigned allowed);
static bool query_is_canonical(struct text);
static bool query_keeps(char);
static bool query_put(struct anew *, struct text *rest);
static bool is_dots(struct text);
static bool is_encoded(struct text, char *octet);
static void put(struct anew *, char);
static void put_encoded(struct anew *, char);
static bool authority_split(struct text, struct text *host, struct text *port);
static bool name_is_valid(struct text);
static bool literal_is_valid(struct text);
static bool port_is_valid(struct text);
static struct text lower(struct text, struct arena *);

bool
uri_path(struct text *path, unsigned allowed, struct arena *arena)
{
	struct text rest = *path;
	struct anew to;

	assert(path->n > 0 && path->p[0] == '/');
	if (path_is_canonical(*path))
		return true;
	to = (struct anew){ arena_alloc(arena, 3 * path->n), 0, allowed };
	while (rest.n > 0)
		if (!path_put(&to, &rest))
			return false;
	if (!path_close_segment(&to))
		return false;
	*path = (struct text){ to.p, to.n };
	return true;
}

bool
uri_query(struct text *query, struct arena *arena)
{
	struct text rest = *query;
	struct anew to;

	if (query_is_canonical(*query))
		return true;
	to = (struct anew){ arena_alloc(arena, 3 * query->n), 0, 0 };
	while (rest.n > 0)
		if (!query_put(&to, &rest))
			return false;
	*query = (struct text){ to.p, to.n };
	return true;
}

bool
uri_authority(struct text *authority, struct text *host, struct arena *arena)
{
	struct text name, port;

	if (!authority_split(*authority, &name, &port))
		return false;
	if (port.n == 0)
		authority->n = name.n;
	if (name.p[name.n - 1] == '.')
		name.n--;
	*host = lower(name, arena);
	return true;
}

static bool
path_is_canonical(struct text path)
{
	size_t i;

	for (i = 0; i < path.n; i++)
		if (!octet_is(path.p[i], OCTET_PLAIN) && !path_keeps(path, i))
			return false;
	return true;
}

/* A byte that depends on what is beside it; what must be allowed never is. */
static bool
path_keeps(struct text path, size_t at)
{
	struct text rest = text_from(path, at);
	char octet;

	switch (rest.p[0]) {
	case '/':
		return rest.n == 1 || rest.p[1] != '/';
	case '.':
		return rest.p[-1] != '/' || !is_dots(rest);
	case '%':
		return is_encoded(rest, &octet) && path_may_encode(octet, 0) &&
		    !octet_is(octet, OCTET_UNRESERVED) && rest.p[1] < 'a' &&
		    rest.p[2] < 'a';
	default:
		return false;
	}
}

/* Move one octet or encoded octet; false: refused. */
static bool
path_put(struct anew *to, struct text *rest)
{
	char c = rest->p[0];

	if (is_encoded(*rest, &c)) {
		*rest = text_from(*rest, 3);
		if (!path_may_encode(c, to->allowed))
			return false;
		if (octet_is(c, OCTET_UNRESERVED))
			put(to, c);
		else
			put_encoded(to, c);
		return true;
	}
	*rest = text_from(*rest, 1);
	if (c == '/') {
		if (!path_close_segment(to))
			return false;
		if (to->n == 0 || to->p[to->n - 1] != '/')
			put(to, c);
	} else if (c == '.' || octet_is(c, OCTET_PLAIN) ||
	    (c == ';' && (to->allowed & URI_PARAMETERS) != 0))
		put(to, c);
	else if (c != '%' && c != '#' && c != '?' && path_may_encode(c, 0) &&
	    octet_is(c, OCTET_VCHAR))
		put_encoded(to, c);
	else
		return false;
	return true;
}

/*
 * The segment at the end is complete; dots are resolved.  False: above root, or
 * dots that only some would see.
 */
static bool
path_close_segment(struct anew *to)
{
	size_t start = to->n;
	struct text segment;

	while (start > 0 && to->p[start - 1] != '/')
		start--;
	segment = (struct text){ to->p + start, to->n - start };
	if (!is_dots(segment))
		return to->allowed == 0 || !hides_dots(segment);
	if (to->n - start == 2) {
		if (start == 1)
			return false;
		while (to->p[--start - 1] != '/')
			;
	}
	to->n = start;
	return true;
}

/* A part of it is dots, for who decodes it or takes parameters off. */
static bool
hides_dots(struct text segment)
{
	size_t n;

	for (;;) {
		n = piece_length(segment);
		if (is_dots(text_first(segment, n)))
			return true;
		if (n == segment.n)
			return false;
		segment = text_from(segment, n + (segment.p[n] == ';' ? 1 : 3));
	}
}

/* Up to a ';' or an encoded '/', '\\' or ';', which are in upper case. */
static size_t
piece_length(struct text t)
{
	size_t n;
	char octet;

	for (n = 0; n < t.n; n++)
		if (t.p[n] == ';' ||
		    (is_encoded(text_from(t, n), &octet) &&
			!path_may_encode(octet, 0)))
			break;
	return n;
}

/* Others may decode these, and read another path. */
static bool
path_may_encode(char c, unsigned allowed)
{
	unsigned char u = (unsigned char)c;

	switch (c) {
	case '/':
		return (allowed & URI_ENCODED_SLASH) != 0;
	case '\\':
		return (allowed & URI_ENCODED_BACKSLASH) != 0;
	case ';':
		return (allowed & URI_PARAMETERS) != 0;
	default:
		return u >= 0x20 && u != 0x7f;
	}
}

static bool
query_is_canonical(struct text query)
{
	size_t i;
	char octet;

	for (i = 0; i < query.n; i++)
		if (!query_keeps(query.p[i]) &&
		    !is_encoded(text_from(query, i), &octet))
			return false;
	return true;
}

static bool
query_keeps(char c)
{
	return octet_is(c, OCTET_PCHAR) || c == '/' || c == '?';
}

static bool
query_put(struct anew *to, struct text *rest)
{
	char octet, c = rest->p[0];

	if (query_keeps(c) || is_encoded(*rest, &octet))
		put(to, c);
	else if (octet_is(c, OCTET_VCHAR) && c != '%' && c != '#')
		put_encoded(to, c);
	else
		return false;
	*rest = text_from(*rest, 1);
	return true;
}

/* The first segment is "." or "..". */
static bool
is_dots(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.p[n] == '.')
		n++;
	return (n == 1 || n == 2) && (n == t.n || t.p[n] == '/');
}

static bool
is_encoded(struct text t, char *octet)
{
	int high, low;

	if (t.n < 3 || t.p[0] != '%' || (high = octet_hex(t.p[1])) == -1 ||
	    (low = octet_hex(t.p[2])) == -1)
		return false;
	*octet = (char)(high << 4 | low);
	return true;
}

static void
put(struct anew *to, char c)
{
	to->p[to->n++] = c;
}

static void
put_encoded(struct anew *to, char c)
{
	static const char digits[] = "0123456789ABCDEF";

	put(to, '%');
	put(to, digits[(unsigned char)c >> 4]);
	put(to, digits[(unsigned char)c & 15]);
}

static bool
authority_split(struct text authority, struct text *host, struct text *port)
{
	char after = authority.n > 0 && authority.p[0] == '[' ? ']' : ':';
	ptrdiff_t at = text_find(authority, after);

	*host = authority;
	if (at != -1)
		host->n = (size_t)at + (after == ']');
	*port = text_from(authority, host->n);
	if (port->n > 0 && port->p[0] != ':')
		return false;
	if (port->n > 0)
		*port = text_from(*port, 1);
	return (port->n == 0 || port_is_valid(*port)) &&
	    (after == ']' ? literal_is_valid(*host) : name_is_valid(*host));
}

static bool
name_is_valid(struct text name)
{
	size_t i;

	if (name.n == 0 || name.n > NAME_BYTES || name.p[0] == '.')
		return false;
	for (i = 0; i < name.n; i++)
		if (!octet_is(name.p[i], OCTET_HOST) ||
		    (name.p[i] == '.' && name.p[i - 1] == '.'))
			return false;
	return true;
}

static bool
literal_is_valid(struct text literal)
{
	struct addr addr;

	if (literal.n < 2 || literal.p[literal.n - 1] != ']')
		return false;
	literal = text_first(text_from(literal, 1), literal.n - 2);
	return text_find(literal, ':') != -1 && addr_from_ip(literal, 0, &addr);
}

static bool
port_is_valid(struct text port)
{
	uint64_t value;

	return port.p[0] != '0' && text_to_u64(port, UINT16_MAX, &value);
}

static struct text
lower(struct text t, struct arena *arena)
{
	size_t i;
	char *p;

	for (i = 0; i < t.n && (t.p[i] < 'A' || t.p[i] > 'Z'); i++)
		;
	if (i == t.n)
		return t;
	p = arena_alloc(arena, t.n);
	memcpy(p, t.p, t.n);
	text_fold(p, t.n);
	return (struct text){ p, t.n };
}
