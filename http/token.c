/*
 * Names that fairlead itself looks at.  A name's length, first and last byte
 * tell which one it could be; it is compared with that one alone, in any case,
 * under the map that a gateway to CGI-like programs applies: what is no letter
 * or digit is '-'.  So a name that would become a known one behind us is found
 * as well, and told apart by its spelling.
 */
#include "http/token.h"

#include <stdint.h>
#include <string.h>

#include "http/octet.h"

struct known {
	struct text name;
	enum token token;
};

static bool is_spelled(struct text, struct text);
static bool differ(const char *, const char *, size_t);
static bool is_odd(struct text);
static bool starts_as(struct text, struct text prefix);

/*
 * No two known names share a place: of designated initialisers that do, the
 * compiler says so.
 */
#define PLACES 64
#define PLACE(n, first, last) (((n)*5 + (first)*19 + (last)*2) % PLACES)
#define KNOWN(first, name, last, token) \
	[PLACE(sizeof(name) - 1, first, \
	    last)] = { { (name), sizeof(name) - 1 }, (token) }
static const struct known known[PLACES] = {
	KNOWN('t', "te", 'e', TOKEN_TE),
	KNOWN('v', "via", 'a', TOKEN_VIA),
	KNOWN('h', "host", 't', TOKEN_HOST),
	KNOWN('d', "date", 'e', TOKEN_DATE),
	KNOWN('e', "expect", 't', TOKEN_EXPECT),
	KNOWN('s', "server", 'r', TOKEN_SERVER),
	KNOWN('r', "referer", 'r', TOKEN_REFERER),
	KNOWN('u', "upgrade", 'e', TOKEN_UPGRADE),
	KNOWN('t', "trailer", 'r', TOKEN_TRAILER),
	KNOWN('l', "location", 'n', TOKEN_LOCATION),
	KNOWN('f', "forwarded", 'd', TOKEN_FORWARDED),
	KNOWN('x', "x-real-ip", 'p', TOKEN_X_REAL_IP),
	KNOWN('u', "user-agent", 't', TOKEN_USER_AGENT),
	KNOWN('c', "connection", 'n', TOKEN_CONNECTION),
	KNOWN('k', "keep-alive", 'e', TOKEN_KEEP_ALIVE),
	KNOWN('r', "retry-after", 'r', TOKEN_RETRY_AFTER),
	KNOWN('c', "content-type", 'e', TOKEN_CONTENT_TYPE),
	KNOWN('x', "x-request-id", 'd', TOKEN_X_REQUEST_ID),
	KNOWN('m', "max-forwards", 's', TOKEN_MAX_FORWARDS),
	KNOWN('x', "x-rewrite-url", 'l', TOKEN_PROTECTED),
	KNOWN('a', "authorization", 'n', TOKEN_AUTHORIZATION),
	KNOWN('c', "content-length", 'h', TOKEN_CONTENT_LENGTH),
	KNOWN('x', "x-original-url", 'l', TOKEN_PROTECTED),
	KNOWN('h', "http2-settings", 's', TOKEN_HTTP2_SETTINGS),
	KNOWN('x', "x-forwarded-for", 'r', TOKEN_X_FORWARDED_FOR),
	KNOWN('x', "x-forwarded-host", 't', TOKEN_X_FORWARDED_HOST),
	KNOWN('p', "proxy-connection", 'n', TOKEN_PROXY_CONNECTION),
	KNOWN('x', "x-forwarded-proto", 'o', TOKEN_X_FORWARDED_PROTO),
	KNOWN('t', "transfer-encoding", 'g', TOKEN_TRANSFER_ENCODING),
};

static const char *const labels[METHOD_COUNT] = {
	[METHOD_OTHER] = "OTHER",
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_DELETE] = "DELETE",
	[METHOD_CONNECT] = "CONNECT",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_TRACE] = "TRACE",
	[METHOD_PATCH] = "PATCH",
};

enum token
token_find(struct text name)
{
	size_t first, last;
	const struct known *k;

	if (name.n == 0)
		return TOKEN_OTHER;
	first = (unsigned char)name.p[0] | 0x20;
	last = (unsigned char)name.p[name.n - 1] | 0x20;
	k = &known[PLACE(name.n, first, last)];
	if (k->name.n == name.n) {
		if (is_spelled(name, k->name))
			return k->token;
		if (token_maps_to(name, k->name))
			return TOKEN_PROTECTED;
	}
	if (first == 'x' &&
	    (starts_as(name, TEXT("x-forwarded-")) ||
		starts_as(name, TEXT("x-fairlead-"))))
		return TOKEN_PROTECTED;
	return TOKEN_OTHER;
}

bool
token_is_lookalike(struct text name, enum token token)
{
	return token == TOKEN_PROTECTED && is_odd(name);
}

bool
token_maps_to(struct text name, struct text to)
{
	return name.n == to.n && starts_as(name, to);
}

enum method
method_find(struct text name)
{
	unsigned m;

	for (m = METHOD_OTHER + 1; m < METHOD_COUNT; m++)
		if (strlen(labels[m]) == name.n &&
		    memcmp(labels[m], name.p, name.n) == 0)
			return (enum method)m;
	return METHOD_OTHER;
}

const char *
method_label(enum method method)
{
	return labels[method];
}

bool
method_is_idempotent(enum method method)
{
	switch (method) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_PUT:
	case METHOD_DELETE:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
		return true;
	default:
		return false;
	}
}

/*
 * In any case.  Eight bytes at once: of those that tokens are made of, none but
 * its capital differs from a known name's by the bit of case alone.
 */
static bool
is_spelled(struct text name, struct text known_name)
{
	size_t i, n = name.n;

	if (n < sizeof(uint64_t)) {
		for (i = 0; i < n; i++)
			if ((name.p[i] | 0x20) != known_name.p[i])
				return false;
		return true;
	}
	for (i = 0; i + sizeof(uint64_t) < n; i += sizeof(uint64_t))
		if (differ(name.p, known_name.p, i))
			return false;
	return !differ(name.p, known_name.p, n - sizeof(uint64_t));
}

static bool
differ(const char *name, const char *known_name, size_t at)
{
	uint64_t a, b;

	memcpy(&a, name + at, sizeof(a));
	memcpy(&b, known_name + at, sizeof(b));
	return (a | 0x2020202020202020) != b;
}

/* Under the map it is another name. */
static bool
is_odd(struct text name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] != '-' && !octet_is(name.p[i], OCTET_ALNUM))
			return true;
	return false;
}

static bool
starts_as(struct text name, struct text prefix)
{
	size_t i;

	if (name.n < prefix.n)
		return false;
	for (i = 0; i < prefix.n; i++)
		if (octet_name(name.p[i]) != prefix.p[i])
			return false;
	return true;
}
