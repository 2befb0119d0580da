/*
 * The rules between parser and route, row by row: a head as it comes, and what
 * it means or why it is refused.  Numbers are BEHAVIOURS.md's, part C.2.
 */
#include "http/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/http/parsed.h"
#include "tests/unit/http/said.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "host-authority-path?query framing keep" and the fields that are left. */
static enum end
request(const char *in, bool trusted)
{
	struct head head = parsed_request(in);
	enum end why = END_NONE;

	said[0] = '\0';
	if (!rules_request(&head, &arena,
		(struct rules_grants){ .trusted = trusted }, &why)) {
		cr_assert_neq(why, END_NONE, "%s", in);
		return why;
	}
	cr_assert_eq(why, END_NONE, "%s", in);
	say("%.*s %.*s %.*s", TEXT_ARG(head.host), TEXT_ARG(head.authority),
	    TEXT_ARG(head.path));
	if (head.has_query)
		say("?%.*s", TEXT_ARG(head.query));
	say_framing(&head);
	if (head.expect_continue)
		say(" expect");
	if (head.max_forwards_zero)
		say(" here");
	say_fields(&head.fields);
	return END_NONE;
}

struct passes {
	const char *in, *out;
};

struct refused {
	const char *in;
	enum end why;
};

static void
pass(const struct passes *rows, size_t count, bool trusted)
{
	size_t i;

	for (i = 0; i < count; i++) {
		cr_assert_eq(
		    request(rows[i].in, trusted), END_NONE, "%s", rows[i].in);
		cr_assert_str_eq(said, rows[i].out, "%s: %s", rows[i].in, said);
	}
}

static void
refuse(const struct refused *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		cr_assert_eq(request(rows[i].in, false), rows[i].why, "%zu: %s",
		    i, rows[i].in);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define END_ "\r\n"

static const struct passes framings[] = {
	{ GET END_, "a a / none keep" },
	{ GET "Content-Length: 0\r\n" END_, "a a / length:0 keep" },
	{ GET "Content-Length: 5\r\n" END_, "a a / length:5 keep" },
	{ POST "content-length:0042\r\n" END_, "a a / length:42 keep" },
	{ POST "Content-Length: 9223372036854775807\r\n" END_,
	    "a a / length:9223372036854775807 keep" },
	{ POST "Transfer-Encoding: chunked\r\n" END_, "a a / chunked keep" },
	{ POST "transfer-encoding:\tCHUNKED \r\n" END_, "a a / chunked keep" },
	{ "POST / HTTP/1.0\r\nContent-Length: 1\r\n" END_,
	    "  / length:1 close" },
	{ "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" END_,
	    "a a / none keep" },
};

static const struct refused bad_framings[] = {
	/* 1: both, RFC 9112 6.1 */
	{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n" END_,
	    END_BAD_REQUEST },
	/* 2: anything but one chunked */
	{ POST "Transfer-Encoding:\r\n" END_, END_BAD_REQUEST },
	/* RFC 9110 5.3: one of them counts, but which? */
	{ GET "Authorization: a\r\nauthorization: a\r\n" END_,
	    END_BAD_REQUEST },
	{ GET "Content-Type: a\r\nContent-Type: b\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: ,chunked\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked,\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked, chunked\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked\r\n"
	       "Transfer-Encoding: chunked\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked, gzip\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked;q=1\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: \"chunked\"\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: chunked x\r\n" END_, END_BAD_REQUEST },
	{ POST "Transfer-Encoding: gzip;q=1, chunked\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Transfer-Encoding: gzip\r\n" END_, END_NOT_IMPLEMENTED },
	{ POST "Transfer-Encoding: xchunked\r\n" END_, END_NOT_IMPLEMENTED },
	{ POST "Transfer-Encoding: identity\r\n" END_, END_NOT_IMPLEMENTED },
	{ POST "Transfer-Encoding: gzip, chunked\r\n" END_,
	    END_NOT_IMPLEMENTED },
	{ POST "Transfer-Encoding: gzip, deflate\r\n" END_,
	    END_NOT_IMPLEMENTED },
	/* 3: HTTP/1.0 */
	{ "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" END_,
	    END_BAD_REQUEST },
	{ "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: gzip\r\n" END_,
	    END_BAD_REQUEST },
	/* 4: lengths; CVE-2021-40346, CVE-2023-40225 (empty) */
	{ POST "Content-Length:\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: +5\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: -5\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 0x5\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 5 5\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 5, 5\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 5,\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 5.0\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 1_0\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: \xc2\xb2\r\n" END_, END_BAD_REQUEST },
	{ POST "Content-Length: 9223372036854775808\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Content-Length: 18446744073709551621\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Content-Length: 5\r\nContent-Length: 5\r\n" END_,
	    END_BAD_REQUEST },
	{ POST "Content-Length: 5\r\nContent-Length: 6\r\n" END_,
	    END_BAD_REQUEST },
	/* RFC 9110 9.3.8 */
	{ "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n" END_,
	    END_BAD_REQUEST },
	{ "TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" END_,
	    END_BAD_REQUEST },
};

static const struct passes places[] = {
	{ "GET /p?q HTTP/1.1\r\nHost: A.b:80\r\n" END_,
	    "a.b A.b:80 /p?q none keep" },
	{ "GET /? HTTP/1.1\r\nHost: a\r\n" END_, "a a /? none keep" },
	{ "GET /a?b?c HTTP/1.1\r\nHost: a\r\n" END_, "a a /a?b?c none keep" },
	{ "GET //x/../%7e?a[] HTTP/1.1\r\nHost: a.\r\n" END_,
	    "a a. /~?a%5B%5D none keep" },
	{ "GET /p HTTP/1.0\r\n" END_, "  /p none close" },
	{ "GET /p HTTP/1.0\r\nHost: a\r\n" END_, "a a /p none close" },
	/* 10: absolute-form, its authority wins; RFC 9112 3.2.2 */
	{ "GET http://A:81/p?q HTTP/1.1\r\nHost: b\r\n" END_,
	    "a A:81 /p?q none keep" },
	{ "GET HTTPS://a HTTP/1.1\r\nHost: a\r\n" END_, "a a / none keep" },
	{ "GET http://a?q HTTP/1.1\r\nHost: a\r\n" END_, "a a /?q none keep" },
	{ "GET http://a//b HTTP/1.0\r\n" END_, "a a /b none close" },
	/* asterisk-form; RFC 9112 3.2.4 */
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n" END_, "a a * none keep" },
	{ "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n" END_, "a a * none keep" },
	{ "OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n" END_, "a a / none keep" },
	{ "OPTIONS http://a?q HTTP/1.1\r\nHost: a\r\n" END_,
	    "a a /?q none keep" },
	{ "OPTIONS /p HTTP/1.1\r\nHost: a\r\n" END_, "a a /p none keep" },
};

static const struct refused bad_places[] = {
	/* 9: Host; RFC 9112 3.2 */
	{ "GET / HTTP/1.1\r\n" END_, END_BAD_REQUEST },
	{ "GET / HTTP/1.1\r\nHost:\r\n" END_, END_BAD_REQUEST },
	{ "GET / HTTP/1.0\r\nHost:\r\n" END_, END_BAD_REQUEST },
	{ GET "Host: a\r\n" END_, END_BAD_REQUEST },
	{ GET "hOST: b\r\n" END_, END_BAD_REQUEST },
	{ "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET / HTTP/1.1\r\nHost: a, b\r\n" END_, END_BAD_REQUEST },
	{ "GET / HTTP/1.1\r\nHost: u@a\r\n" END_, END_BAD_REQUEST },
	{ "GET / HTTP/1.1\r\nHost: a:x\r\n" END_, END_BAD_REQUEST },
	{ "GET http://a/ HTTP/1.1\r\n" END_, END_BAD_REQUEST },
	{ "GET http://a/ HTTP/1.1\r\nHost: u@b\r\n" END_, END_BAD_REQUEST },
	{ "CONNECT a:1 HTTP/1.1\r\n" END_, END_BAD_REQUEST },
	/* 10: absolute-form */
	{ "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET xhttp://a/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http:/a/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http:a HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http:///p HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http:// HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http://?q HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http://a#f HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET http://a/%2f HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	/* other forms; RFC 9112 3.2.3 */
	{ "GET * HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "OPTIONS ** HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET a HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET a:80 HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET ?q HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET a/p HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	/* 8 and 11; CVE-2023-45539: '#' */
	{ "GET /a#b HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET /a?b#c HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET /%2e%2e/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET /..;/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "GET /a?%zz HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	/* 14 */
	{ "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n" END_,
	    END_BAD_REQUEST },
	{ "CONNECT / HTTP/1.0\r\n" END_, END_BAD_REQUEST },
	{ "CONNECT a HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "CONNECT a: HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "CONNECT a:1/ HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "CONNECT u@a:1 HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "CONNECT [::1] HTTP/1.1\r\nHost: a\r\n" END_, END_BAD_REQUEST },
};

static const struct passes connections[] = {
	/* RFC 9112 9.3 */
	{ GET "Connection: close\r\n" END_, "a a / none close" },
	{ GET "Connection: Keep-Alive\r\n" END_, "a a / none keep" },
	{ GET "Connection: keep-alive, close\r\n" END_, "a a / none close" },
	{ GET "Connection: close\r\nConnection: keep-alive\r\n" END_,
	    "a a / none close" },
	{ GET "Connection: ,, CLOSE ,\r\n" END_, "a a / none close" },
	{ GET "Connection:\r\n" END_, "a a / none keep" },
	{ GET "Connection: closed\r\n" END_, "a a / none keep" },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n" END_,
	    "  / none keep" },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n" END_,
	    "  / none close" },
	{ "GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n" END_,
	    "  / none close" },
	/* 12: hop-by-hop, RFC 9110 7.6.1 */
	{ GET "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\n"
	      "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nTrailer: X\r\n" END_,
	    "a a / none keep|Trailer=X" },
	{ GET "X: 1\r\nConnection: x, y\r\nY: 2\r\nZ: 3\r\nx: 4\r\n" END_,
	    "a a / none keep|Z=3" },
	{ GET "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" END_,
	    "a a / none keep" },
	{ GET "Connection: Authorization\r\nAuthorization: b\r\n" END_,
	    "a a / none keep" },
	{ GET "Connection: User-Agent\r\nUser-Agent: b\r\n" END_,
	    "a a / none keep" },
	/* what a client cannot strip: CVE-2022-31813 */
	{ POST "Connection: Host, Content-Length\r\nContent-Length: 3\r\n" END_,
	    "a a / length:3 keep" },
	{ POST "Transfer-Encoding: chunked\r\n"
	       "Connection: transfer-encoding\r\n" END_,
	    "a a / chunked keep" },
	{ GET "Connection: Via\r\nVia: 1.1 b\r\n" END_,
	    "a a / none keep|Via=1.1 b" },
	{ GET "Connection: connection\r\nConnection: close\r\n" END_,
	    "a a / none close" },
};

static const struct refused bad_connections[] = {
	{ GET "Connection: a b\r\n" END_, END_BAD_REQUEST },
	{ GET "Connection: close;x\r\n" END_, END_BAD_REQUEST },
	{ GET "Connection: \"close\"\r\n" END_, END_BAD_REQUEST },
};

#define FORWARDING \
	"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=a\r\n" \
	"X-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n" \
	"X-Forwarded-Port: 1\r\nX-Real-IP: c\r\nX-Request-Id: d\r\n" \
	"X-Original-URL: /e\r\nX-Rewrite-URL: /f\r\nX-Fairlead-G: h\r\n"
#define LOOKALIKES \
	"X_Forwarded_For: 1\r\nX.Forwarded-Proto: 2\r\n" \
	"X_Real_IP: 3\r\nX-Request_Id: 4\r\nX_Original_URL: 5\r\n" \
	"X_Fairlead_G: 6\r\nContent_Length: 7\r\nTransfer.Encoding: 8\r\n"

static const struct passes untrusted[] = {
	{ GET FORWARDING "Via: 1.1 x\r\n" END_, "a a / none keep|Via=1.1 x" },
	{ GET LOOKALIKES "Foo_Bar: x\r\n" END_, "a a / none keep|Foo_Bar=x" },
};

static const struct passes trusted[] = {
	{ GET FORWARDING END_,
	    "a a / none keep|X-Forwarded-For=1.2.3.4|Forwarded=for=a"
	    "|X-Forwarded-Proto=https|X-Forwarded-Host=b|X-Forwarded-Port=1"
	    "|X-Real-IP=c|X-Request-Id=d|X-Original-URL=/e|X-Rewrite-URL=/f"
	    "|X-Fairlead-G=h" },
	{ GET LOOKALIKES END_, "a a / none keep" },
	/* 12: what is believed cannot be stripped either */
	{ GET "Connection: X-Forwarded-For, Forwarded, X-Forwarded-Proto, "
	      "X-Forwarded-Host, X-Forwarded-Port, X-Real-IP, X-Request-Id, "
	      "X-Original-URL, X-Rewrite-URL, X-Fairlead-G\r\n" FORWARDING END_,
	    "a a / none keep|X-Forwarded-For=1.2.3.4|Forwarded=for=a"
	    "|X-Forwarded-Proto=https|X-Forwarded-Host=b|X-Forwarded-Port=1"
	    "|X-Real-IP=c|X-Request-Id=d|X-Original-URL=/e|X-Rewrite-URL=/f"
	    "|X-Fairlead-G=h" },
};

static const struct passes expectations[] = {
	/* RFC 9110 10.1.1 */
	{ POST "Expect: 100-Continue\r\nContent-Length: 1\r\n" END_,
	    "a a / length:1 keep expect" },
	{ POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n" END_,
	    "a a / chunked keep expect" },
	{ POST "Expect: 100-continue\r\nContent-Length: 0\r\n" END_,
	    "a a / length:0 keep" },
	{ GET "Expect: 100-continue\r\n" END_, "a a / none keep" },
	{ "POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
	  "Content-Length: 1\r\n" END_,
	    "  / length:1 close" },
	/* RFC 9110 7.6.2 */
	{ "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n" END_,
	    "a a / none keep here|Max-Forwards=0" },
	{ "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 00\r\n" END_,
	    "a a / none keep here|Max-Forwards=00" },
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 10\r\n" END_,
	    "a a * none keep|Max-Forwards=9" },
	{ "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n" END_,
	    "a a / none keep|Max-Forwards=0" },
	{ GET "Max-Forwards: 0\r\n" END_, "a a / none keep|Max-Forwards=0" },
	{ GET "Max-Forwards: x\r\nMax-Forwards: 1\r\n" END_,
	    "a a / none keep|Max-Forwards=x|Max-Forwards=1" },
};

static const struct refused bad_expectations[] = {
	{ POST
	    "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n" END_,
	    END_EXPECTATION },
	{ GET "Expect: 200-ok\r\n" END_, END_EXPECTATION },
	{ GET "Expect:\r\n" END_, END_EXPECTATION },
	{ GET "Expect: x\r\nHost: a\r\n" END_, END_BAD_REQUEST },
	{ "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: x\r\n" END_,
	    END_BAD_REQUEST },
	{ "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards:\r\n" END_,
	    END_BAD_REQUEST },
	{ "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 2\r\n"
	  "Max-Forwards: 2\r\n" END_,
	    END_BAD_REQUEST },
};

Test(rules, a_request_has_one_length)
{
	pass(framings, COUNT(framings), false);
	refuse(bad_framings, COUNT(bad_framings));
}

Test(rules, a_request_goes_to_one_place)
{
	pass(places, COUNT(places), false);
	refuse(bad_places, COUNT(bad_places));
}

Test(rules, connection_is_for_one_hop_and_strips_nothing_that_matters)
{
	pass(connections, COUNT(connections), false);
	refuse(bad_connections, COUNT(bad_connections));
}

Test(rules, forwarding_fields_are_believed_from_the_trusted_alone)
{
	pass(untrusted, COUNT(untrusted), false);
	pass(trusted, COUNT(trusted), true);
}

Test(rules, expectations_and_forwards_are_counted)
{
	pass(expectations, COUNT(expectations), false);
	refuse(bad_expectations, COUNT(bad_expectations));
}

Test(rules, connect_leaves_no_connection_to_reuse)
{
	struct head head =
	    parsed_request("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
	enum end why;

	cr_assert(
	    rules_request(&head, &arena, (struct rules_grants){ 0 }, &why));
	cr_assert_not(head.keep_alive);
}

/* Each name walks all fields: many of them would be an attack of its own. */
Test(rules, connection_names_at_most_64)
{
	char in[1024];
	size_t n = (size_t)snprintf(in, sizeof(in), "%sConnection: ", GET);
	int i;

	for (i = 0; i < 63; i++)
		n += (size_t)snprintf(in + n, sizeof(in) - n, "x,");
	snprintf(in + n, sizeof(in) - n, "x\r\n\r\n");
	cr_assert_eq(request(in, false), END_NONE);
	snprintf(in + n, sizeof(in) - n, "x,\r\n\r\n");
	cr_assert_eq(request(in, false), END_HEADER_TOO_LARGE);
}

/* 6; RFC 9110 6.5.1 */
Test(rules, trailers_carry_nothing_that_reads_routes_or_authorises)
{
	static const char *const barred[] = { "Host", "Content-Length",
		"Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade",
		"Expect", "Max-Forwards", "Via", "X-Forwarded-For",
		"X_Forwarded_For", "X-Fairlead-Reason", "X-Request-Id", "Date",
		"Location", "Content-Type", "Content_Length", "Age",
		"Authorization", "Cache-Control", "Content-Encoding",
		"Content-Range", "Cookie", "Expires", "If-Match",
		"If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Pragma", "Proxy-Authenticate",
		"Proxy-Authorization", "Range", "SET-COOKIE", "Vary",
		"www-authenticate", "Proxy_Authorization", "Set.Cookie" };
	static const char *const allowed[] = { "Grpc-Status", "grpc-message",
		"Digest", "Server-Timing", "X-Checksum", "X_Checksum",
		"Cookies" };
	struct fields fields = { .n = 0 };
	unsigned i;

	for (i = 0; i < COUNT(barred); i++)
		fields_add(&fields, &arena, token_find(text_of(barred[i])),
		    text_of(barred[i]), TEXT("x"));
	for (i = 0; i < COUNT(allowed); i++)
		fields_add(&fields, &arena, token_find(text_of(allowed[i])),
		    text_of(allowed[i]), TEXT("x"));
	rules_trailers(&fields);
	for (i = 0; i < fields.n; i++)
		cr_assert_eq(fields.v[i].token,
		    i < COUNT(barred) ? TOKEN_NONE : TOKEN_OTHER, "%s",
		    fields.v[i].name.p);
}
