/*
 * Tunnels: what a connection is after a 101.  Its bytes both ways, how it ends,
 * and what it outlives.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/lib/tunnel.h"
#include "tests/lib/wait.h"

enum { MIB = 1024 * 1024 };

TestSuite(tunnel, .init = tunnels_start, .fini = tunnels_stop, .timeout = 120);

Test(tunnel, a_websocket_passes_in_both_directions)
{
	struct client *near = dial(t.port), *far;
	char *head;
	json_t *line;

	must_say(near, WEBSOCKET_ASK);
	far = far_accept();
	head = read_head(far);
	cr_assert(says(head, "\r\nUpgrade: websocket\r\n"));
	cr_assert(says(head, "\r\nConnection: Upgrade\r\n"));
	cr_assert(says(head, "\r\nSec-WebSocket-Version: 13\r\n"));
	cr_assert(
	    says(head, "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
	must_say(far, WEBSOCKET_AGREE "hello");
	head = read_head(near);
	cr_assert(says(head, "HTTP/1.1 101 Switching Protocols\r\n"));
	cr_assert(says(head, "\r\nUpgrade: websocket\r\n"));
	cr_assert(says(head, "\r\nConnection: Upgrade\r\n"));
	cr_assert_not(says(head, "Content-Length"));
	cr_assert_not(says(head, "Transfer-Encoding"));
	must_hear(near, "hello");
	must_say(near, "good day");
	must_hear(far, "good day");
	must_count(t.f.d, "fairlead_websocket_sessions{route=\"all\"}", 1);
	cr_assert(
	    says(daemon_admin(t.f.d, "/requests"), "\"phase\":\"tunnel\""));
	end_both(near, far);
	line = front_line(&t.f, 0);
	cr_assert_eq(json_integer_value(json_object_get(line, "status")), 101);
	cr_assert_eq(json_integer_value(json_object_get(line, "bytes_in")), 8);
	cr_assert_eq(json_integer_value(json_object_get(line, "bytes_out")), 5);
	cr_assert_null(json_object_get(line, "reason"));
	must_count(t.f.d, "fairlead_websocket_sessions{route=\"all\"}", 0);
}

static void
halves_close_one_by_one(struct client *near)
{
	struct client *far = far_of(near);

	client_half_close(near);
	must_hear_end(far);
	must_say(far, "still here");
	must_hear(near, "still here");
	client_half_close(far);
	must_hear_end(near);
	cr_assert_str_eq(front_line_text(&t.f, 0, "reason"), "");
}

static void
the_server_may_close_first(struct client *near)
{
	struct client *far = far_of(near);

	client_half_close(far);
	must_hear_end(near);
	must_say(near, "still here");
	must_hear(far, "still here");
	client_half_close(near);
	must_hear_end(far);
	cr_assert_str_eq(front_line_text(&t.f, 0, "reason"), "");
}

Test(tunnel, a_half_close_of_the_client_is_no_more_than_that)
{
	halves_close_one_by_one(dial(t.port));
}

Test(tunnel, nor_is_one_over_tls)
{
	halves_close_one_by_one(dial_tls_to(t.tls_port));
}

Test(tunnel, a_half_close_of_the_server_is_no_more_than_that)
{
	the_server_may_close_first(dial(t.port));
}

Test(tunnel, nor_is_one_towards_tls)
{
	the_server_may_close_first(dial_tls_to(t.tls_port));
}

/* More than sockets and fairlead hold together does not go in. */
static void
must_hold_back(struct client *from, struct client *to)
{
	enum { MOST = 64 * MIB };
	char *bytes = keep(MOST);
	long before = daemon_rss(t.f.d), after;
	size_t n;

	pattern_fill(bytes, MOST, 0);
	n = client_send_some(from, bytes, MOST, 1000);
	cr_assert_lt(n, MOST);
	after = daemon_rss(t.f.d);
	cr_assert(daemon_is_sanitized() || after - before < 2048,
	    "%ld KiB more", after - before);
	client_half_close(from);
	must_hear_pattern(to, n);
	must_hear_end(to);
}

Test(tunnel, a_slow_server_holds_the_client_back)
{
	struct client *near = dial(t.port), *far = far_of(near);

	must_hold_back(near, far);
}

Test(tunnel, a_slow_client_holds_the_server_back)
{
	struct client *near = dial(t.port), *far = far_of(near);

	must_hold_back(far, near);
}

Test(tunnel, a_slow_client_over_tls_holds_the_server_back)
{
	struct client *near = dial_tls_to(t.tls_port), *far = far_of(near);

	must_hold_back(far, near);
}

Test(tunnel, a_slow_server_holds_a_tls_client_back)
{
	struct client *near = dial_tls_to(t.tls_port), *far = far_of(near);
	char *bytes = keep(16 * MIB);
	size_t n;

	pattern_fill(bytes, 16 * MIB, 0);
	n = client_send_some(near, bytes, 16 * MIB, 1000);
	cr_assert_lt(n, 16 * MIB);
	must_hear_pattern(far, n);
	client_abort(near);
}

/* ---- ends that are none ---- */

Test(tunnel, a_reset_by_the_client_cuts_the_server)
{
	struct client *near = dial(t.port), *far = far_of(near);

	client_abort(near);
	must_be_cut(far);
	front_must_log(&t.f, "/ws", "client_closed");
}

Test(tunnel, a_reset_by_the_server_cuts_the_client)
{
	struct client *near = dial(t.port), *far = far_of(near);

	client_abort(far);
	must_be_cut(near);
	front_must_log(&t.f, "/ws", "upstream_truncated");
}

Test(tunnel, and_a_tls_client_sees_the_cut)
{
	struct client *near = dial_tls_to(t.tls_port), *far = far_of(near);

	client_abort(far);
	must_be_cut(near);
}

/* No close_notify: what came may not be all. */
Test(tunnel, a_tls_client_that_only_sends_fin_cuts_the_server)
{
	struct client *near = dial_tls_to(t.tls_port), *far = far_of(near);

	shutdown(near->fd, SHUT_WR);
	must_be_cut(far);
}

Test(tunnel, a_server_that_closes_is_still_heard_to_its_last_byte)
{
	struct client *near = dial(t.port), *far = far_of(near);

	cr_assert(client_send_pattern(far, 100000));
	client_close(far);
	must_hear_pattern(near, 100000);
	must_hear_end(near);
	must_say(near, "anybody?");
	must_say(near, "nobody");
	client_half_close(near);
	cr_assert_str_eq(front_line_text(&t.f, 0, "reason"), "");
}

Test(tunnel, a_client_that_speaks_on_to_nobody_is_cut)
{
	struct client *near = dial(t.port), *far = far_of(near);

	client_close(far);
	must_hear_end(near);
	cr_assert(WAIT_FOR(10000, !client_print(near, "anybody?")));
	cr_assert_str_eq(front_line_text(&t.f, 0, "reason"), "");
}

/* A tunnel that may be silent for 2 s. */
static struct client *
far_of_brief(struct client *near)
{
	struct client *far = far_asked(near,
	    "GET /brief/ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n");

	must_say(far, WEBSOCKET_AGREE);
	(void)read_head(near);
	return far;
}

/* For longer than it may be silent. */
static void
speak_on(struct client *from, struct client *to)
{
	int64_t until = wait_now() + 3000;

	while (wait_now() < until) {
		must_say(from, "a");
		must_hear(to, "a");
		wait_till(wait_now() + 50);
	}
}

Test(tunnel, tunnel_idle__silence_ends_it)
{
	struct client *near = dial(t.port), *far = far_of_brief(near);

	speak_on(near, far);
	must_be_cut(near);
	must_be_cut(far);
	front_must_log(&t.f, "/brief/ws", "tunnel_idle");
}

Test(tunnel, the_words_of_one_side_are_enough_to_keep_it)
{
	struct client *near = dial(t.port), *far = far_of_brief(near);

	speak_on(far, near);
	end_both(near, far);
}

/* ---- time, reloads, ends ---- */

Test(tunnel, it_outlives_its_route_and_its_listener)
{
	struct client *near = dial(t.port), *secure = dial_tls_to(t.tls_port);
	struct client *far = far_of(near), *away = far_of(secure);

	daemon_reload(t.f.d, "%s",
	    tunnels_yaml("other: { address: \"127.0.0.1:0\" }, ",
		"{ name: none, path: /x, respond: { status: 200 } }, ", ""));
	must_say(near, "over");
	must_hear(far, "over");
	must_say(away, "and out");
	must_hear(secure, "and out");
	must_count(t.f.d, "fairlead_config_generations", 1);
	end_both(near, far);
	end_both(secure, away);
	cr_assert_str_eq(front_line_text(&t.f, 0, "reason"), "");
	cr_assert_str_eq(front_line_text(&t.f, 0, "route"), "all");
}

Test(tunnel, many_over_many_reloads_keep_no_old_configuration)
{
	enum { TUNNELS = 12 };
	struct client *near[TUNNELS], *far[TUNNELS];

	for (unsigned i = 0; i < TUNNELS; i++) {
		near[i] = dial(t.port);
		far[i] = far_of(near[i]);
		daemon_reload(t.f.d, "%s",
		    tunnels_yaml(TUNNEL_LISTENERS, TUNNEL_ROUTES, ""));
		cr_assert_leq(
		    daemon_metric(t.f.d, "fairlead_config_generations"), 3);
	}
	must_count(t.f.d, "fairlead_config_generations", 1);
	must_count(
	    t.f.d, "fairlead_websocket_sessions{route=\"all\"}", TUNNELS);
	cr_assert_eq(
	    json_integer_value(json_object_get(
		json_array_get(
		    json_object_get(
			json_object_get(
			    json_object_get(daemon_stats(t.f.d), "upstreams"),
			    "up"),
			"servers"),
		    0),
		"in_flight")),
	    TUNNELS);
	for (unsigned i = 0; i < TUNNELS; i++) {
		must_say(near[i], "x");
		must_hear(far[i], "x");
		end_both(near[i], far[i]);
	}
}

Test(tunnel, shutdown__it_goes_on_until_the_timeout)
{
	struct client *near = dial(t.port), *far = far_of(near);

	daemon_signal(t.f.d, SIGTERM);
	cr_assert(daemon_says(t.f.d, 0, "shutting down"));
	must_say(near, "still");
	must_hear(far, "still");
	must_be_cut(near);
	must_be_cut(far);
	front_must_log(&t.f, "/ws", "shutdown");
	cr_assert_eq(daemon_wait(t.f.d, 10000), 0);
}

Test(tunnel, a_breaker_judges_its_trial_by_the_101)
{
	struct client *near = dial(t.port), *far;
	struct response r;

	daemon_reload(t.f.d, "%s",
	    tunnels_yaml(TUNNEL_LISTENERS, TUNNEL_ROUTES,
		", circuit_breaker: { consecutive_failures: 1, "
		"failure_rate: off, open_for: 50ms, half_open_requests: 1 }"));
	far = far_asked(near, WEBSOCKET_ASK);
	must_say(far, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
	cr_assert(client_response(near, &r, "GET"));
	client_close(far);
	must_count(t.f.d,
	    "fairlead_circuit_breaker_transitions_total"
	    "{upstream=\"up\",to=\"open\"}",
	    1);
	wait_till(wait_now() + 100);
	far = far_of(near);
	must_count(t.f.d,
	    "fairlead_circuit_breaker_state{upstream=\"up\",state=\"closed\"}",
	    1);
	end_both(near, far);
}
