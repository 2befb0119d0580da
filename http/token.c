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
};

static const struct known *look_up(struct text);
static bool is_odd(struct text);
static bool starts_as(struct text, struct text prefix);

#define LONGEST 17 /* bytes */
#define SAME_LENGTH 3 /* names, at most */
static const struct known known[LONGEST + 1][SAME_LENGTH] = {
	[2] = { { "te", TOKEN_TE } },
	[3] = { { "via", TOKEN_VIA } },
	[4] = { { "host", TOKEN_HOST }, { "date", TOKEN_DATE } },
	[6] = { { "expect", TOKEN_EXPECT }, { "server", TOKEN_SERVER } },
	[7] = { { "referer", TOKEN_REFERER }, { "upgrade", TOKEN_UPGRADE },
	    { "trailer", TOKEN_TRAILER } },
	[8] = { { "location", TOKEN_LOCATION } },
	[9] = { { "forwarded", TOKEN_FORWARDED },
	    { "x-real-ip", TOKEN_X_REAL_IP } },
	[10] = { { "user-agent", TOKEN_USER_AGENT },
	    { "connection", TOKEN_CONNECTION },
	    { "keep-alive", TOKEN_KEEP_ALIVE } },
	[11] = { { "retry-after", TOKEN_RETRY_AFTER } },
	[12] = { { "content-type", TOKEN_CONTENT_TYPE },
	    { "x-request-id", TOKEN_X_REQUEST_ID },
	    { "max-forwards", TOKEN_MAX_FORWARDS } },
	[13] = { { "x-rewrite-url", TOKEN_PROTECTED },
	    { "authorization", TOKEN_AUTHORIZATION } },
	[14] = { { "content-length", TOKEN_CONTENT_LENGTH },
	    { "x-original-url", TOKEN_PROTECTED },
	    { "http2-settings", TOKEN_HTTP2_SETTINGS } },
	[15] = { { "x-forwarded-for", TOKEN_X_FORWARDED_FOR } },
	[16] = { { "x-forwarded-host", TOKEN_X_FORWARDED_HOST },
	    { "proxy-connection", TOKEN_PROXY_CONNECTION } },
	[17] = { { "x-forwarded-proto", TOKEN_X_FORWARDED_PROTO },
	    { "transfer-encoding", TOKEN_TRANSFER_ENCODING } },
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
	const struct known *k = name.n <= LONGEST ? look_up(name) : NULL;

	if (k != NULL)
		return is_odd(name) ? TOKEN_PROTECTED : k->token;
	if (starts_as(name, TEXT("x-forwarded-")) ||
	    starts_as(name, TEXT("x-fairlead-")))
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

static const struct known *
look_up(struct text name)
{
	const struct known *row = known[name.n], *k;

	for (k = row; k < row + SAME_LENGTH && k->name != NULL; k++)
		if (token_maps_to(name, (struct text){ k->name, name.n }))
			return k;
	return NULL;
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
