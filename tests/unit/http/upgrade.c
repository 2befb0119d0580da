/* Upgrade tokens, and the heads that ask for a tunnel and open it. */
#include <criterion/criterion.h>

#include "http/rules.h"
#include "http/upgrade.h"
#include "tests/unit/http/parsed.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
tear_down(void)
{
	arena_fini(&arena);
}

TestSuite(upgrade, .fini = tear_down);

Test(upgrade, what_is_allowed_of_what_is_asked_for_goes_on)
{
	static const char *const allowed[] = { "websocket", "Chat/2", "h2c",
		"http/2.0" };
	static const struct {
		const char *asked;
		enum method method;
		const char *some;
	} rows[] = {
		{ "websocket", METHOD_GET, "websocket" },
		{ "WebSocket", METHOD_GET, "WebSocket" },
		{ "websocket", METHOD_POST, "" },
		{ "chat/2", METHOD_POST, "chat/2" },
		{ "chat", METHOD_GET, "" },
		{ "chat/1", METHOD_GET, "" },
		{ "h2c", METHOD_GET, "" },
		{ "H2C, HTTP/2.0", METHOD_GET, "" },
		{ "h2c, websocket", METHOD_GET, "websocket" },
		{ "chat/2 ,x,, websocket", METHOD_GET, "chat/2, websocket" },
		{ "websocket, websocket", METHOD_GET, "websocket" },
		{ "web socket", METHOD_GET, "" },
		{ "websocket/", METHOD_GET, "" },
		{ ",", METHOD_GET, "" },
		{ "", METHOD_GET, "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text some = upgrade_select(text_of(rows[i].asked),
		    rows[i].method, allowed, COUNT(allowed), &arena);

		cr_expect(text_equal(some, text_of(rows[i].some)), "%s: %.*s",
		    rows[i].asked, TEXT_ARG(some));
	}
}

Test(upgrade, a_token_has_a_name_and_perhaps_a_version)
{
	cr_expect(upgrade_is_token(TEXT("a")));
	cr_expect(upgrade_is_token(TEXT("a/1.0")));
	cr_expect_not(upgrade_is_token(TEXT("")));
	cr_expect_not(upgrade_is_token(TEXT("/1")));
	cr_expect_not(upgrade_is_token(TEXT("a/")));
	cr_expect_not(upgrade_is_token(TEXT("a/b/c")));
	cr_expect_not(upgrade_is_token(TEXT("a b")));
}

/* ---- requests ---- */

/* What it asks for, "" for nothing; NULL: refused. */
static const char *
asks(const char *in)
{
	struct head head = parsed_request(in);
	enum end why;

	if (!rules_request(&head, &arena, (struct rules_grants){ 0 }, &why))
		return NULL;
	cr_assert_null(fields_find(&head.fields, TOKEN_UPGRADE));
	return arena_copy(&arena, head.upgrade).p;
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define UP "Connection: keep-alive, Upgrade\r\n"

Test(upgrade, a_request_asks_when_it_may)
{
	static const struct {
		const char *in, *asked;
	} rows[] = {
		{ GET UP "Upgrade: websocket\r\n\r\n", "websocket" },
		{ GET UP "Upgrade: a/1, b\r\n\r\n", "a/1, b" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" UP
		  "Upgrade: a\r\n\r\n",
		    "a" },
		{ GET "Upgrade: websocket\r\n\r\n", "" },
		{ GET UP "\r\n", "" },
		{ GET UP "Upgrade:\r\n\r\n", "" },
		{ GET UP "Upgrade: a\r\nUpgrade: b\r\n\r\n", "" },
		{ GET UP "Upgrade: a\r\nContent-Length: 1\r\n\r\n", "" },
		{ GET UP "Upgrade: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "" },
		{ "GET / HTTP/1.0\r\nHost: a\r\n" UP "Upgrade: a\r\n\r\n", "" },
		{ "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n" UP
		  "Upgrade: a\r\n\r\n",
		    "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *asked = asks(rows[i].in);

		cr_assert_not_null(asked, "%s", rows[i].in);
		cr_expect_str_eq(asked, rows[i].asked, "%s", rows[i].in);
	}
}

Test(upgrade, connect_goes_where_its_target_says)
{
	struct head head =
	    parsed_request("CONNECT B.test:443 HTTP/1.1\r\nHost: a\r\n\r\n");
	enum end why;

	cr_assert(
	    rules_request(&head, &arena, (struct rules_grants){ 0 }, &why));
	cr_expect(text_equal_fold(head.authority, TEXT("b.test:443")));
	cr_expect(text_equal(head.host, TEXT("b.test")));
	cr_expect_eq(head.path.n, 0);
	cr_expect_eq(head.framing, FRAMING_NONE);
	cr_expect_not(head.keep_alive);
}

/* ---- responses ---- */

static bool
opens(const char *in, const char *asked, struct head *head)
{
	enum end why = END_COUNT;
	bool good;

	*head = parsed_response(in);
	good = rules_tunnel(head, text_of(asked), &why);
	cr_assert_eq(why, good ? END_NONE : END_UPSTREAM_PROTOCOL, "%s", in);
	return good;
}

#define SWITCH "HTTP/1.1 101 S\r\n"

Test(upgrade, a_101_is_one_of_what_was_asked_for)
{
	static const struct {
		const char *in, *asked;
		bool opens;
	} rows[] = {
		{ SWITCH UP "Upgrade: web\r\n\r\n", "web", true },
		{ SWITCH UP "Upgrade: WEB\r\n\r\n", "chat/2, web", true },
		{ SWITCH UP "Upgrade: web\r\nContent-Length: 0\r\n\r\n", "web",
		    true },
		{ SWITCH UP "Upgrade: web\r\n\r\n", "", false },
		{ SWITCH UP "Upgrade: web\r\n\r\n", "chat", false },
		{ SWITCH UP "Upgrade: web, web\r\n\r\n", "web", false },
		{ SWITCH UP "Upgrade: web\r\nUpgrade: web\r\n\r\n", "web",
		    false },
		{ SWITCH UP "\r\n", "web", false },
		{ SWITCH "Upgrade: web\r\n\r\n", "web", false },
		{ "HTTP/1.0 101 S\r\n" UP "Upgrade: web\r\n\r\n", "web",
		    false },
		{ SWITCH UP "Upgrade: web\r\nContent-Length: 1\r\n\r\n", "web",
		    false },
		{ SWITCH UP
		    "Upgrade: web\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "web", false },
		{ SWITCH "Connection: upgrade, a b\r\nUpgrade: web\r\n\r\n",
		    "web", false },
	};
	struct head head;

	for (size_t i = 0; i < COUNT(rows); i++) {
		cr_expect_eq(opens(rows[i].in, rows[i].asked, &head),
		    rows[i].opens, "%s", rows[i].in);
		cr_expect_eq(head.tunnel, rows[i].opens, "%s", rows[i].in);
	}
}

Test(upgrade, a_2xx_to_connect_has_no_framing)
{
	struct head head;

	cr_assert(opens("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n"
			"Transfer-Encoding: chunked\r\nUpgrade: x\r\n\r\n",
	    "", &head));
	cr_expect(head.tunnel);
	cr_expect_eq(head.framing, FRAMING_NONE);
	cr_expect_eq(head.upgrade.n, 0);
	cr_expect_null(fields_find(&head.fields, TOKEN_CONTENT_LENGTH));
	cr_expect_null(fields_find(&head.fields, TOKEN_TRANSFER_ENCODING));
	cr_expect_not_null(fields_find_name(&head.fields, TEXT("A")));
}
