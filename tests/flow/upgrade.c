/*
 * What opens a tunnel and what does not: Upgrade, and CONNECT.
 */
#include <criterion/criterion.h>

#include "tests/lib/peer.h"
#include "tests/lib/tunnel.h"

TestSuite(upgrade, .init = tunnels_start, .fini = tunnels_stop, .timeout = 120);

static void
must_not_open(const char *ask, const char *answer)
{
	struct client *near = dial(t.port), *far;
	struct response r;

	far = far_asked(near, ask);
	must_say(far, answer);
	cr_assert(
	    client_response(near, &r, "GET"), "%s: %s", answer, near->why);
	must_refuse(&r, 502, "upstream_protocol");
	must_be_cut(far);
	client_close(near);
	client_close(far);
}

Test(upgrade, only_the_101_that_was_asked_for_opens_one)
{
	static const char *const wrong[] = {
		"HTTP/1.1 101 S\r\nUpgrade: chat/2\r\nConnection: upgrade\r\n"
		"\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket, chat/2\r\n"
		"Connection: upgrade\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n"
		"Connection: upgrade\r\n\r\n",
		"HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.0 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
		"\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
		"Content-Length: 5\r\n\r\nhello",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		must_not_open(WEBSOCKET_ASK, wrong[i]);
	must_not_open("GET / HTTP/1.1\r\nHost: t\r\n\r\n", WEBSOCKET_AGREE);
	must_count(t.f.d, "fairlead_websocket_sessions{route=\"all\"}", 0);
}

Test(upgrade, other_tokens_pass_where_the_route_allows_them)
{
	struct client *near = dial(t.port), *far;
	char *head;

	must_say(near,
	    "GET /more/x HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\n"
	    "Upgrade: websocket, h2c, CHAT/2, other, web\r\n\r\n");
	far = far_accept();
	head = read_head(far);
	cr_assert(says(head, "\r\nUpgrade: CHAT/2, web\r\n"), "%s", head);
	must_say(far,
	    "HTTP/1.1 101 S\r\nUpgrade: chat/2\r\nConnection: upgrade\r\n\r\n");
	cr_assert(says(read_head(near), "\r\nUpgrade: chat/2\r\n"));
	must_say(near, "hi");
	must_hear(far, "hi");
	must_count(t.f.d, "fairlead_websocket_sessions{route=\"more\"}", 0);
	end_both(near, far);
}

/* It goes on as the HTTP/1.1 that it is. */
static void
must_go_on_without(const char *ask)
{
	struct client *near = dial(t.port), *far;
	struct response r;
	char *head;

	must_say(near, ask);
	far = far_accept();
	head = read_head(far);
	cr_assert_not(says(head, "upgrade"), "%s", head);
	cr_assert_not(says(head, "HTTP2-Settings"), "%s", head);
	must_say(far, "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok");
	cr_assert(client_response(near, &r, "GET"), "%s: %s", ask, near->why);
	cr_assert_eq(r.status, 200);
	client_close(near);
	client_abort(far);
}

Test(upgrade, h2c_is_never_passed_on)
{
	must_go_on_without("GET / HTTP/1.1\r\nHost: t\r\nUpgrade: h2c\r\n"
			   "Connection: Upgrade, HTTP2-Settings\r\n"
			   "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
	must_go_on_without("GET /more/a HTTP/1.1\r\nHost: t\r\n"
			   "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
}

Test(upgrade, an_upgrade_that_is_none_is_ignored)
{
	must_go_on_without("GET / HTTP/1.1\r\nHost: t\r\n"
			   "Upgrade: websocket\r\n\r\n");
	must_go_on_without("GET / HTTP/1.0\r\nHost: t\r\n"
			   "Connection: Upgrade\r\n"
			   "Upgrade: websocket\r\n\r\n");
	must_go_on_without("POST / HTTP/1.1\r\nHost: t\r\n"
			   "Connection: Upgrade\r\n"
			   "Upgrade: websocket\r\n\r\n");
	must_go_on_without("GET / HTTP/1.1\r\nHost: t\r\n"
			   "Connection: Upgrade\r\nContent-Length: 2\r\n"
			   "Upgrade: websocket\r\n\r\nab");
	must_go_on_without("GET / HTTP/1.1\r\nHost: t\r\n"
			   "Connection: Upgrade\r\nUpgrade: chat/2\r\n\r\n");
	must_go_on_without("GET /none/x HTTP/1.1\r\nHost: t\r\n"
			   "Connection: Upgrade\r\n"
			   "Upgrade: websocket\r\n\r\n");
}

Test(upgrade, bytes_behind_the_request_wait_for_the_101)
{
	struct client *near = dial(t.port), *far;

	far = far_asked(near, WEBSOCKET_ASK "early");
	cr_assert_eq(far->in.n, 0);
	must_count(t.f.d, "fairlead_http_requests_in_flight{route=\"all\"}", 1);
	far->ms = 200;
	cr_assert_not(client_more(far), "%s came before the 101", far->in.p);
	far->ms = 0;
	must_say(far, WEBSOCKET_AGREE);
	must_hear(far, "early");
	(void)read_head(near);
	end_both(near, far);
}

Test(upgrade, and_so_does_a_half_close_behind_it)
{
	struct client *near = dial(t.port), *far;

	must_say(near, WEBSOCKET_ASK "all");
	client_half_close(near);
	far = far_accept();
	(void)read_head(far);
	must_say(far, WEBSOCKET_AGREE);
	must_hear(far, "all");
	must_hear_end(far);
	must_say(far, "bye");
	client_half_close(far);
	(void)read_head(near);
	must_hear(near, "bye");
	must_hear_end(near);
}

Test(upgrade, bytes_behind_a_refused_one_are_the_next_request)
{
	struct client *near = dial(t.port), *far;
	struct response r;

	must_say(near, WEBSOCKET_ASK "GET /next HTTP/1.1\r\nHost: t\r\n\r\n");
	far = far_accept();
	cr_assert(says(read_head(far), "GET /ws HTTP/1.1\r\n"));
	must_say(far,
	    "HTTP/1.1 426 No\r\nUpgrade: chat/2\r\nConnection: upgrade\r\n"
	    "Content-Length: 2\r\n\r\nno");
	cr_assert(client_response(near, &r, "GET"), "%s", near->why);
	cr_assert_eq(r.status, 426);
	cr_assert(says(read_head(far), "GET /next HTTP/1.1\r\n"));
	must_say(far, "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok");
	cr_assert(client_response(near, &r, "GET"), "%s", near->why);
	cr_assert_eq(r.status, 200);
}

Test(upgrade, bytes_behind_a_refused_one_are_judged_as_a_request)
{
	struct client *near = dial(t.port), *far;
	struct response r;

	far = far_asked(near, WEBSOCKET_ASK "\x81\x05hello");
	must_say(far, "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n");
	cr_assert(client_response(near, &r, "GET"), "%s", near->why);
	cr_assert_eq(r.status, 200);
	cr_assert(client_response(near, &r, "GET"), "%s", near->why);
	must_refuse(&r, 400, "bad_request");
	must_end(near);
	cr_assert_eq(far->in.n, 0);
}

Test(upgrade, servers_that_refuse_are_passed_by)
{
	struct client *near[4], *far[4];
	int dead;

	(void)port_hold(&dead);
	daemon_reload(t.f.d, "%s",
	    tunnels_yaml(TUNNEL_LISTENERS,
		keep_printf("{ name: all, path: /*, to: "
			    "[\"127.0.0.1:%d\", \"127.0.0.1:%d\"] }, ",
		    dead, t.far_port),
		""));
	for (unsigned i = 0; i < 4; i++) {
		near[i] = dial(t.port);
		far[i] = far_of(near[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		end_both(near[i], far[i]);
}

/* ---- CONNECT ---- */

#define CONNECT "CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n\r\n"

Test(upgrade, connect_passes_where_the_route_allows_it)
{
	struct client *near = dial(t.port), *far;
	char *head;

	must_say(near, CONNECT "early");
	far = far_accept();
	head = read_head(far);
	cr_assert(says(head, "CONNECT far.test:443 HTTP/1.1\r\n"), "%s", head);
	cr_assert(says(head, "\r\nHost: far.test:443\r\n"), "%s", head);
	cr_assert_eq(far->in.n, 0);
	must_say(far, "HTTP/1.1 200 Go\r\nContent-Length: 3\r\n\r\nabcdef");
	head = read_head(near);
	cr_assert(says(head, "HTTP/1.1 200 Go\r\n"));
	cr_assert_not(says(head, "Content-Length"), "%s", head);
	must_hear(near, "abcdef");
	must_hear(far, "early");
	must_count(t.f.d, "fairlead_websocket_sessions{route=\"pipe\"}", 0);
	end_both(near, far);
}

Test(upgrade, a_refused_connect_ends_the_connection)
{
	struct client *near = dial(t.port), *far;
	struct response r;

	far = far_asked(
	    near, CONNECT "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n");
	must_say(far, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
	cr_assert(client_response(near, &r, "CONNECT"), "%s", near->why);
	cr_assert_eq(r.status, 403);
	cr_assert_str_eq(response_field(&r, "connection"), "close");
	must_end(near);
	cr_assert_eq(far->in.n, 0);
}

Test(upgrade, connect_is_refused_everywhere_else)
{
	struct client *near = dial(t.port);
	struct response r;

	must_say(near, "CONNECT t:443 HTTP/1.1\r\nHost: t:443\r\n\r\n");
	cr_assert(client_response(near, &r, "CONNECT"), "%s", near->why);
	must_refuse(&r, 405, "method_not_allowed");
	cr_assert_not_null(response_field(&r, "allow"));
	must_end(near);
}
