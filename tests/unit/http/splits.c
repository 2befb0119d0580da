/*
 * However the bytes of a connection are cut into reads, what comes of them is
 * the same (talk.h).  So it is for each message of the corpus, good and bad, and
 * for the longer talks made here.
 */
#include <criterion/criterion.h>

#include "tests/lib/corpus.h"
#include "tests/unit/http/h1_wire.h"
#include "tests/unit/http/talk.h"

TestSuite(splits, .init = talk_init, .fini = talk_fini, .timeout = 600);

/* ---- the corpus ---------------------------------------------------------------- */

static void
no_cut_changes_the_corpus(const char *kind, const struct head *asked)
{
	unsigned n;
	char **names = corpus_names(kind, &n);

	for (unsigned i = 0; i < n; i++) {
		struct bytes b;

		cr_assert(corpus_read(kind, names[i], &b));
		no_cut_changes(
		    &(struct talk){ names[i], { b.p, b.n }, asked, true });
		bytes_free(&b);
	}
}

Test(splits, no_cut_changes_a_request)
{
	no_cut_changes_the_corpus("requests", NULL);
}

Test(splits, no_cut_changes_a_response)
{
	struct head get = wire_request(METHOD_GET, FRAMING_NONE, 0);

	no_cut_changes_the_corpus("responses", &get);
}

Test(splits, no_cut_changes_a_response_to_head)
{
	struct head head = wire_request(METHOD_HEAD, FRAMING_NONE, 0);

	no_cut_changes_the_corpus("responses", &head);
}

/* ---- long talks ------------------------------------------------------------ */

#define HOST "Host: h\r\n"
#define GET "GET /a%41?b HTTP/1.1\r\n" HOST "A: b\r\n\r\n"
#define HELLO "Content-Length: 5\r\n\r\nhello"
#define CHUNKS \
	"Transfer-Encoding: chunked\r\n\r\n" \
	"1\r\nx\r\n05;a;b = \"c\\\"\\r\" ; d=e\r\nh\r\n\0o\r\n" \
	"000A;f\r\n0\r\n\r\nGET /\r\n0;g=h\r\nX-T:  v \r\nHost: i\r\nY-T:\r\n\r\n"
#define WEBSOCKET "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define SAYS(t) \
	{ \
		(t), sizeof(t) - 1 \
	}

static const struct talk requests[] = {
	{ "one after the other",
	    SAYS(GET "\r\n\r\nPOST / HTTP/1.1\r\n" HOST HELLO GET
		     "POST / HTTP/1.1\r\n" HOST CHUNKS
		     "HEAD http://i/../b HTTP/1.1\r\n" HOST "\r\n"
		     "POST / HTTP/1.0\r\n" HOST
		     "Connection: keep-alive\r\n" HELLO
		     "\r\nGET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
		     "GET /unread HTTP/1.1\r\n"),
	    NULL, false },
	{ "a bad one behind two good ones",
	    SAYS(GET "POST / HTTP/1.1\r\n" HOST CHUNKS "GET / HTTP/1.1\r\n" HOST
		     "A : b\r\n\r\n" GET),
	    NULL, false },
	{ "a bad chunk behind good ones",
	    SAYS(GET "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
		     "\r\n3\r\nabc\r\n2\r\nde\r\nx\r\n0\r\n\r\n" GET),
	    NULL, false },
	{ "expectations",
	    SAYS(
		"POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n" HELLO
		"POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n" CHUNKS GET
		"POST / HTTP/1.1\r\n" HOST "Expect: a-miracle\r\n" HELLO),
	    NULL, false },
	{ "a tunnel",
	    SAYS(GET "GET /w HTTP/1.1\r\n" HOST WEBSOCKET "\x81\0\r\n\r\n" GET
		     "0\r\n\r\n"),
	    NULL, true },
	{ "a tunnel that is not granted",
	    SAYS("GET /w HTTP/1.1\r\n" HOST WEBSOCKET GET GET), NULL, false },
	{ "connect",
	    SAYS("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n\x16\3\1" GET),
	    NULL, true },
	{ "connect that is not granted",
	    SAYS("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n" GET), NULL,
	    false },
};

Test(splits, no_cut_changes_a_talk_with_a_client)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		no_cut_changes(&requests[i]);
}

/* Heads and chunks lie across the blocks that bytes are read into. */
Test(splits, no_cut_changes_a_talk_of_many_blocks)
{
	struct bytes b = { 0 };
	char body[1500];

	for (unsigned i = 0; i < 14; i++) {
		pattern_fill(body, sizeof(body), i);
		bytes_printf(&b,
		    "PUT /%u HTTP/1.1\r\n" HOST "A: %0300u\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
		    i, i, 500 + i);
		bytes_add(&b, body, 500 + i);
		bytes_printf(&b, "\r\n%x\r\n", 1000 - i);
		bytes_add(&b, body + 500 + i, 1000 - i);
		bytes_printf(&b, "\r\n0\r\nX-T: %0200u\r\n\r\n", i);
	}
	cr_assert_gt(b.n, 28000);
	no_cut_changes(
	    &(struct talk){ "many blocks", { b.p, b.n }, NULL, false });
}

static const struct {
	enum method method;
	struct text bytes;
} responses[] = {
	{ METHOD_GET,
	    SAYS(
		"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hint\r\nLink: x\r\n\r\n" OK
		"Keep-Alive: timeout=7\r\n" CHUNKS) },
	{ METHOD_GET, SAYS(OK CHUNKS OK HELLO) },
	{ METHOD_GET, SAYS(OK HELLO "\n") },
	{ METHOD_GET, SAYS(OK "\r\nto the end\0of it" OK) },
	{ METHOD_GET,
	    SAYS("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" HELLO) },
	{ METHOD_GET,
	    SAYS(
		"HTTP/1.1 304 No\r\nContent-Length: 9\r\nETag: \"a\"\r\n\r\n") },
	{ METHOD_GET, SAYS("HTTP/1.1 304 No\r\n" CHUNKS) },
	{ METHOD_GET, SAYS("HTTP/1.1 204 No\r\n\r\n" OK) },
	{ METHOD_HEAD, SAYS(OK "Content-Length: 9\r\n\r\n") },
	{ METHOD_HEAD, SAYS(OK CHUNKS) },
	{ METHOD_GET,
	    SAYS(OK "Transfer-Encoding: chunked\r\n\r\n"
		    "3\r\nabc\r\n2\r\nde\r\n5 \r\nhello\r\n0\r\n\r\n") },
	{ METHOD_GET,
	    SAYS(OK "Transfer-Encoding: chunked\r\n\r\n"
		    "3\r\nabc\r\n0\r\nA b: c\r\n\r\n") },
	{ METHOD_GET,
	    SAYS(OK "Transfer-Encoding: chunked\r\n\r\n9\r\nabc\r\n") },
	{ METHOD_GET,
	    SAYS("HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 101 Switch\r\n" WEBSOCKET
		 "\x81\0\r\n" OK HELLO) },
	{ METHOD_GET,
	    SAYS("HTTP/1.1 101 Switch\r\nUpgrade: other\r\n"
		 "Connection: Upgrade\r\n\r\nabc") },
	{ METHOD_GET, SAYS(OK HELLO) },
	{ METHOD_CONNECT,
	    SAYS("HTTP/1.1 200 Yes\r\nContent-Length: 2\r\n\r\nabcd" GET) },
	{ METHOD_CONNECT, SAYS("HTTP/1.1 407 No\r\n" HELLO) },
};

Test(splits, no_cut_changes_a_talk_with_a_server)
{
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct head asked =
		    wire_request(responses[i].method, FRAMING_NONE, 0);

		if (asked.method == METHOD_GET)
			asked.upgrade = TEXT("websocket");
		no_cut_changes(&(struct talk){ keep_printf("answer %zu", i),
		    responses[i].bytes, &asked, false });
	}
}
