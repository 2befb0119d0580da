/*
 * The rules for responses, row by row: a head as it comes, and what it means or
 * that it is refused.  Numbers are BEHAVIOURS.md's, part C.2.
 */
#include "http/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/http/parsed.h"
#include "tests/unit/http/said.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "framing keep" and the fields that are left. */
static enum end
response(const char *in, enum method asked)
{
	struct head head = parsed_response(in);
	enum end why = END_NONE;

	said[0] = '\0';
	if (!rules_response(&head, asked, &why))
		return why;
	say_framing(&head);
	say_fields(&head.fields);
	return END_NONE;
}

#define OK_ "HTTP/1.1 200 OK\r\n"
#define END_ "\r\n"

static const struct {
	enum method asked;
	const char *in, *out; /* NULL: refused */
} responses[] = {
	/* RFC 9112 6.3 */
	{ METHOD_GET, OK_ "Content-Length: 5\r\n" END_, " length:5 keep" },
	{ METHOD_GET, OK_ "Content-Length: 0\r\n" END_, " length:0 keep" },
	{ METHOD_GET, OK_ "Transfer-Encoding: Chunked\r\n" END_,
	    " chunked keep" },
	{ METHOD_GET, OK_ END_, " close close" },
	{ METHOD_GET, OK_ "Connection: keep-alive\r\n" END_, " close close" },
	{ METHOD_GET, "HTTP/1.1 205 R\r\n" END_, " length:0 close" },
	{ METHOD_GET, "HTTP/1.1 205 R\r\nContent-Length: 0\r\n" END_,
	    " length:0 keep" },
	{ METHOD_GET, "HTTP/1.1 205 R\r\nContent-Length: 4\r\n" END_,
	    " length:0 close" },
	{ METHOD_GET, "HTTP/1.1 205 R\r\nTransfer-Encoding: chunked\r\n" END_,
	    " length:0 close" },
	{ METHOD_GET, "HTTP/1.1 999 X\r\nContent-Length: 1\r\n" END_,
	    " length:1 keep" },
	/* no body by method or status; RFC 9110 8.6, 15.4.5 */
	{ METHOD_HEAD, OK_ END_, " none keep" },
	{ METHOD_HEAD, OK_ "Content-Length: 5\r\n" END_, " none:5 keep" },
	{ METHOD_HEAD, OK_ "Transfer-Encoding: chunked\r\n" END_,
	    " none keep" },
	{ METHOD_GET, "HTTP/1.1 304 N\r\nContent-Length: 5\r\n" END_,
	    " none:5 keep" },
	{ METHOD_HEAD, "HTTP/1.1 304 N\r\nContent-Length: 5\r\n" END_,
	    " none:5 keep" },
	{ METHOD_GET, "HTTP/1.1 304 N\r\n" END_, " none keep" },
	{ METHOD_GET, "HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n" END_,
	    " none keep" },
	{ METHOD_GET, "HTTP/1.1 204 N\r\n" END_, " none keep" },
	{ METHOD_GET, "HTTP/1.1 204 N\r\nContent-Length: 0\r\n" END_,
	    " none keep" },
	{ METHOD_GET, "HTTP/1.1 204 N\r\nContent-Length: 5\r\n" END_,
	    " none close" },
	{ METHOD_GET, "HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n" END_,
	    " none close" },
	{ METHOD_HEAD, "HTTP/1.1 204 N\r\nContent-Length: 5\r\n" END_,
	    " none close" },
	{ METHOD_GET, "HTTP/1.1 100 C\r\n" END_, " none keep" },
	{ METHOD_GET, "HTTP/1.1 103 E\r\nLink: a\r\n" END_,
	    " none keep|Link=a" },
	{ METHOD_GET, "HTTP/1.1 199 E\r\nContent-Length: 9\r\n" END_,
	    " none close" },
	/* 12: hop-by-hop */
	{ METHOD_GET,
	    OK_ "A: b\r\nConnection: close, a\r\nKeep-Alive: timeout=5\r\n"
		"Upgrade: h2c\r\nProxy-Connection: x\r\nC: d\r\n"
		"Content-Length: 1\r\n" END_,
	    " length:1 close:5|C=d" },
	{ METHOD_GET,
	    OK_ "Connection: keep-alive\r\nKeep-Alive: max=9 , TIMEOUT=5\r\n"
		"Content-Length: 1\r\n" END_,
	    " length:1 keep:5" },
	{ METHOD_GET,
	    OK_ "Keep-Alive: timeout=7, timeout=6\r\nKeep-Alive: timeout=9\r\n"
		"Content-Length: 1\r\n" END_,
	    " length:1 keep:6" },
	{ METHOD_GET, OK_ "Keep-Alive: timeout=0\r\nContent-Length: 1\r\n" END_,
	    " length:1 keep:1" },
	{ METHOD_GET,
	    OK_ "Keep-Alive: timeout, timeout=x, timeout=-1, xtimeout=3, "
		"timeout=4294967296\r\nContent-Length: 1\r\n" END_,
	    " length:1 keep" },
	{ METHOD_GET,
	    OK_ "Connection: Content-Length\r\nContent-Length: 1\r\n" END_,
	    " length:1 keep" },
	{ METHOD_GET, OK_ "Host: a\r\nExpect: b\r\nContent-Length: 1\r\n" END_,
	    " length:1 keep|Host=a|Expect=b" },
	/* HTTP/1.0 */
	{ METHOD_GET, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n" END_,
	    " length:1 close" },
	{ METHOD_GET,
	    "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n"
	    "Connection: keep-alive\r\n" END_,
	    " length:1 keep" },
	{ METHOD_GET, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" END_,
	    " close close" },
	{ METHOD_GET, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" END_,
	    NULL },
	/* 20: framing lies; RFC 9112 6.3 */
	{ METHOD_GET,
	    OK_ "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END_,
	    NULL },
	{ METHOD_GET, OK_ "Transfer-Encoding: gzip\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Transfer-Encoding: gzip, chunked\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Transfer-Encoding: chunked, chunked\r\n" END_,
	    NULL },
	{ METHOD_GET, OK_ "Transfer-Encoding:\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Content-Length: x\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Content-Length:\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Content-Length: 1, 1\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Content-Length: 1\r\nContent-Length: 1\r\n" END_,
	    NULL },
	{ METHOD_GET, OK_ "Content-Length: 9223372036854775808\r\n" END_,
	    NULL },
	{ METHOD_HEAD, OK_ "Content-Length: x\r\n" END_, NULL },
	{ METHOD_GET, "HTTP/1.1 304 N\r\nContent-Length: x\r\n" END_, NULL },
	{ METHOD_GET, OK_ "Connection: a b\r\nContent-Length: 1\r\n" END_,
	    NULL },
	/* 23: unasked */
	{ METHOD_GET, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n" END_, NULL },
};

Test(rules_response, a_response_has_one_length_by_its_fields_status_and_method)
{
	size_t i;

	for (i = 0; i < COUNT(responses); i++) {
		enum end end = response(responses[i].in, responses[i].asked);

		if (responses[i].out == NULL) {
			cr_assert_eq(
			    end, END_UPSTREAM_PROTOCOL, "%s", responses[i].in);
			continue;
		}
		cr_assert_eq(end, END_NONE, "%s", responses[i].in);
		cr_assert_str_eq(
		    said, responses[i].out, "%s: %s", responses[i].in, said);
	}
}

Test(rules_response, a_response_that_names_too_many_options_is_no_valid_one)
{
	char in[1024];
	size_t n = (size_t)snprintf(in, sizeof(in), OK_ "Connection: ");

	memset(in + n, ',', 64);
	snprintf(in + n + 64, sizeof(in) - n - 64, "\r\n\r\n");
	cr_assert_eq(response(in, METHOD_GET), END_UPSTREAM_PROTOCOL);
}
