/*
 * Names that fairlead itself looks at.  Fields are found by length and then by
 * comparing the few known names of that length, any case, under the map that a
 * gateway to CGI-like programs applies: what is no letter or digit is '-'.  So
 * a name that would become a known one behind us is found as well, and told
 * apart by its spelling.
 */
#include "http/token.h"

#include <string.h>

#include "http/octet.h"

struct known {
	const char *name;
	enum token token;
	bool guarded; /* its lookalikes are dropped */
};

static enum token spelled(struct text, const struct known *);
static bool starts_as(struct text, struct text prefix);

#define LONGEST 17
static const struct known known[LONGEST + 1][4] = {
	[2] = { { "te", TOKEN_TE, false } },
	[3] = { { "via", TOKEN_VIA, false } },
	[4] = { { "host", TOKEN_HOST, false }, { "date", TOKEN_DATE, false } },
	[6] = { { "expect", TOKEN_EXPECT, false },
	    { "server", TOKEN_SERVER, false } },
	[7] = { { "referer", TOKEN_REFERER, false },
	    { "upgrade", TOKEN_UPGRADE, false },
	    { "trailer", TOKEN_TRAILER, false } },
	[8] = { { "location", TOKEN_LOCATION, false } },
	[9] = { { "forwarded", TOKEN_FORWARDED, false },
	    { "x-real-ip", TOKEN_X_REAL_IP, true } },
	[10] = { { "user-agent", TOKEN_USER_AGENT, false },
	    { "connection", TOKEN_CONNECTION, false },
	    { "keep-alive", TOKEN_KEEP_ALIVE, true } },
	[11] = { { "retry-after", TOKEN_RETRY_AFTER, false } },
	[12] = { { "content-type", TOKEN_CONTENT_TYPE, false },
	    { "x-request-id", TOKEN_X_REQUEST_ID, true },
	    { "max-forwards", TOKEN_MAX_FORWARDS, true } },
	[13] = { { "x-rewrite-url", TOKEN_PROTECTED, true } },
	[14] = { { "content-length", TOKEN_CONTENT_LENGTH, true },
	    { "x-original-url", TOKEN_PROTECTED, true },
	    { "http2-settings", TOKEN_HTTP2_SETTINGS, true } },
	[15] = { { "x-forwarded-for", TOKEN_X_FORWARDED_FOR, true } },
	[16] = { { "x-forwarded-host", TOKEN_X_FORWARDED_HOST, true },
	    { "proxy-connection", TOKEN_PROXY_CONNECTION, true } },
	[17] = { { "x-forwarded-proto", TOKEN_X_FORWARDED_PROTO, true },
	    { "transfer-encoding", TOKEN_TRANSFER_ENCODING, true } },
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
	const struct known *k;

	if (name.n == 0)
		return TOKEN_OTHER;
	if (name.n <= LONGEST)
		for (k = known[name.n]; k < known[name.n] + 4; k++)
			if (k->name != NULL &&
			    k->name[0] == (name.p[0] | 0x20) &&
			    starts_as(name, (struct text){ k->name, name.n }))
				return spelled(name, k);
	if ((name.p[0] | 0x20) == 'x' &&
	    (starts_as(name, TEXT("x-forwarded-")) ||
		starts_as(name, TEXT("x-fairlead-"))))
		return TOKEN_PROTECTED;
	return TOKEN_OTHER;
}

bool
token_is_lookalike(struct text name, enum token token)
{
	size_t i;

	if (token != TOKEN_PROTECTED)
		return false;
	for (i = 0; i < name.n; i++)
		if (name.p[i] != '-' && !octet_is(name.p[i], OCTET_ALNUM))
			return true;
	return false;
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

/* Of a name that is known under the map: itself, or a lookalike. */
static enum token
spelled(struct text name, const struct known *k)
{
	if (!token_is_lookalike(name, TOKEN_PROTECTED))
		return k->token;
	return k->guarded ? TOKEN_PROTECTED : TOKEN_OTHER;
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
