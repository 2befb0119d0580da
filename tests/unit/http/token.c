/*
 * Known names in any case, their doubles, and methods.
 */
#include "http/token.h"

#include <criterion/criterion.h>
#include <string.h>

#include "http/octet.h"

static const struct {
	const char *name;
	enum token token;
} names[] = {
	{ "Host", TOKEN_HOST },
	{ "host", TOKEN_HOST },
	{ "HOST", TOKEN_HOST },
	{ "hOsT", TOKEN_HOST },
	{ "Connection", TOKEN_CONNECTION },
	{ "Content-Length", TOKEN_CONTENT_LENGTH },
	{ "Transfer-Encoding", TOKEN_TRANSFER_ENCODING },
	{ "TRANSFER-ENCODING", TOKEN_TRANSFER_ENCODING },
	{ "TE", TOKEN_TE },
	{ "Trailer", TOKEN_TRAILER },
	{ "Upgrade", TOKEN_UPGRADE },
	{ "Keep-Alive", TOKEN_KEEP_ALIVE },
	{ "Proxy-Connection", TOKEN_PROXY_CONNECTION },
	{ "Expect", TOKEN_EXPECT },
	{ "Max-Forwards", TOKEN_MAX_FORWARDS },
	{ "Via", TOKEN_VIA },
	{ "X-Forwarded-For", TOKEN_X_FORWARDED_FOR },
	{ "X-Forwarded-Proto", TOKEN_X_FORWARDED_PROTO },
	{ "X-Forwarded-Host", TOKEN_X_FORWARDED_HOST },
	{ "Forwarded", TOKEN_FORWARDED },
	{ "X-Request-Id", TOKEN_X_REQUEST_ID },
	{ "X-Request-ID", TOKEN_X_REQUEST_ID },
	{ "X-Real-IP", TOKEN_X_REAL_IP },
	{ "User-Agent", TOKEN_USER_AGENT },
	{ "Referer", TOKEN_REFERER },
	{ "Date", TOKEN_DATE },
	{ "Server", TOKEN_SERVER },
	{ "Content-Type", TOKEN_CONTENT_TYPE },
	{ "Location", TOKEN_LOCATION },
	{ "Retry-After", TOKEN_RETRY_AFTER },
	{ "HTTP2-Settings", TOKEN_HTTP2_SETTINGS },
	/* BEHAVIOURS C.3, 7: protected without a token of their own */
	{ "X-Forwarded-Port", TOKEN_PROTECTED },
	{ "X-Forwarded-Prefix", TOKEN_PROTECTED },
	{ "X-Forwarded-Server", TOKEN_PROTECTED },
	{ "x-forwarded-client-cert", TOKEN_PROTECTED },
	{ "X-Original-URL", TOKEN_PROTECTED },
	{ "X-Rewrite-URL", TOKEN_PROTECTED },
	{ "X-Fairlead-Reason", TOKEN_PROTECTED },
	{ "X-FAIRLEAD-a-name-that-is-long", TOKEN_PROTECTED },
	/* doubles of known names under the map of CGI and its children */
	{ "X_Forwarded_For", TOKEN_PROTECTED },
	{ "x_forwarded-for", TOKEN_PROTECTED },
	{ "X.Forwarded.Proto", TOKEN_PROTECTED },
	{ "X_Forwarded_Port", TOKEN_PROTECTED },
	{ "X_Real_IP", TOKEN_PROTECTED },
	{ "X-Request_Id", TOKEN_PROTECTED },
	{ "X~Original~URL", TOKEN_PROTECTED },
	{ "X_Fairlead_Reason", TOKEN_PROTECTED },
	{ "Content_Length", TOKEN_PROTECTED },
	{ "Content.Length", TOKEN_PROTECTED },
	{ "Transfer_Encoding", TOKEN_PROTECTED },
	{ "Keep_Alive", TOKEN_PROTECTED },
	{ "Proxy_Connection", TOKEN_PROTECTED },
	{ "Max_Forwards", TOKEN_PROTECTED },
	{ "HTTP2_Settings", TOKEN_PROTECTED },
	{ "User_Agent", TOKEN_PROTECTED },
	{ "Content_Type", TOKEN_PROTECTED },
	{ "Retry.After", TOKEN_PROTECTED },
	/* near, but not it */
	{ "", TOKEN_OTHER },
	{ "H", TOKEN_OTHER },
	{ "Hos", TOKEN_OTHER },
	{ "Hosts", TOKEN_OTHER },
	{ "Most", TOKEN_OTHER },
	{ "Cookie", TOKEN_OTHER },
	{ "Accept", TOKEN_OTHER },
	{ "ContentLength", TOKEN_OTHER },
	{ "Content-LengtH2", TOKEN_OTHER },
	{ "Content-Lengt", TOKEN_OTHER },
	{ "XForwardedFor", TOKEN_OTHER },
	{ "X-Forwarded", TOKEN_OTHER },
	{ "X-Fairlead", TOKEN_OTHER },
	{ "Y-Forwarded-For", TOKEN_OTHER },
	{ "Z-Fairlead-Reason", TOKEN_OTHER },
	{ "X-Request-Ids", TOKEN_OTHER },
	{ "Access-Control-Allow-Origin", TOKEN_OTHER },
};

static bool
is_odd(struct text name)
{
	size_t i = 0;

	while (i < name.n &&
	    (name.p[i] == '-' || octet_is(name.p[i], OCTET_ALNUM)))
		i++;
	return i < name.n;
}

static bool
is_protected_by_prefix(struct text name)
{
	struct text prefix = text_first(name, 12);

	return token_maps_to(prefix, TEXT("x-forwarded-")) ||
	    token_maps_to(text_first(name, 11), TEXT("x-fairlead-"));
}

/* Found by looking at each, without places. */
static enum token
looked_for(struct text name)
{
	size_t i, at;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct text known = text_of(names[i].name);

		if (known.n != name.n || names[i].token == TOKEN_OTHER ||
		    is_odd(known))
			continue;
		for (at = 0; at < name.n; at++)
			if (octet_name(name.p[at]) != octet_name(known.p[at]))
				break;
		if (at == name.n)
			return is_odd(name) ? TOKEN_PROTECTED : names[i].token;
	}
	return is_protected_by_prefix(name) ? TOKEN_PROTECTED : TOKEN_OTHER;
}

Test(token, finds_every_name_in_any_case_and_no_other)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(token_find(text_of(names[i].name)), names[i].token,
		    "%s", names[i].name);
}

Test(token, one_other_byte_is_another_name_or_a_double)
{
	size_t i, at;
	char name[64];
	int c;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct text t = { name, strlen(names[i].name) };

		for (at = 0; at < t.n; at++)
			for (c = 0; c < 256; c++) {
				memcpy(name, names[i].name, t.n);
				name[at] = (char)c;
				if (octet_is(name[at], OCTET_TOKEN))
					cr_assert_eq(token_find(t),
					    looked_for(t), "%.*s", TEXT_ARG(t));
			}
	}
}

Test(token, length_of_the_name_counts_not_its_terminator)
{
	struct text cut = { "Hosting", 4 };

	cr_assert_eq(token_find(cut), TOKEN_HOST);
}

Test(token, lookalikes_are_the_protected_in_odd_spelling)
{
	struct text odd = TEXT("X_Forwarded_Port"), even = TEXT("X-Real-IP2");

	cr_assert(token_is_lookalike(odd, TOKEN_PROTECTED));
	cr_assert(token_is_lookalike(TEXT("X-Foo."), TOKEN_PROTECTED));
	cr_assert(token_is_lookalike(TEXT("_x-foo"), TOKEN_PROTECTED));
	cr_assert_not(token_is_lookalike(even, TOKEN_PROTECTED));
	cr_assert_not(token_is_lookalike(TEXT("a_b"), TOKEN_OTHER));
}

Test(token, methods_are_exact)
{
	unsigned m;

	for (m = METHOD_OTHER + 1; m < METHOD_COUNT; m++)
		cr_assert_eq(
		    method_find(text_of(method_label((enum method)m))), m);
	cr_assert_eq(method_find(TEXT("GET")), METHOD_GET);
	cr_assert_eq(method_find(TEXT("PATCH")), METHOD_PATCH);
	cr_assert_eq(method_find(TEXT("get")), METHOD_OTHER);
	cr_assert_eq(method_find(TEXT("GE")), METHOD_OTHER);
	cr_assert_eq(method_find(TEXT("GETS")), METHOD_OTHER);
	cr_assert_eq(method_find(TEXT("OTHER")), METHOD_OTHER);
	cr_assert_eq(method_find(TEXT("")), METHOD_OTHER);
	cr_assert_str_eq(method_label(METHOD_OTHER), "OTHER");
}

/* RFC 9110 9.2.2 */
Test(token, idempotent_methods_are_those_of_the_rfc)
{
	static const bool idempotent[METHOD_COUNT] = {
		[METHOD_GET] = true,
		[METHOD_HEAD] = true,
		[METHOD_PUT] = true,
		[METHOD_DELETE] = true,
		[METHOD_OPTIONS] = true,
		[METHOD_TRACE] = true,
	};
	unsigned m;

	for (m = 0; m < METHOD_COUNT; m++)
		cr_assert_eq(method_is_idempotent((enum method)m),
		    idempotent[m], "%s", method_label((enum method)m));
}
