/*
 * Slow and greedy peers: whatever they do meets a deadline or a cap that says
 * its name, and what one of them can make fairlead hold is bounded.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/stage.h"
#include "tests/lib/wait.h"

#define POST "POST %s HTTP/1.1\r\nHost: t\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
#define GET_IT "GET /it HTTP/1.1\r\nHost: t\r\n\r\n"

TestSuite(greedy, .timeout = 120);

static void
start(const char *listener)
{
	stage_set(&(struct front_settings){ .listener = listener });
}

static bool
has_answer(const struct client *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* The beginning, then a piece again and again until there is an answer. */
static void
goes_on_until(const char *beginning, const char *piece, int pause_ms,
    int status, const char *reason)
{
	struct client *c = dial(f.port);
	struct response r = { 0 };
	unsigned i;

	cr_assert(client_print(c, "%s", beginning));
	for (i = 0; i < 100000 && !has_answer(c); i++) {
		if (!client_print(c, "%s", piece))
			break;
		if (pause_ms > 0)
			wait_till(wait_now() + pause_ms);
	}
	cr_assert(client_response(c, &r, "POST"), "%s", c->why);
	must_refuse(&r, status, reason);
	must_end(c);
	front_must_log(&f, "/on", reason);
	cr_assert(WAIT_FOR(5000, origin_open(o) == 0));
	daemon_stop(f.d);
}

static const char *
chunked(const char *more)
{
	return keep_printf(CHUNKED "%s", "/on", more);
}

Test(greedy, header_too_large__trailers_without_end)
{
	start("");
	goes_on_until(chunked("0\r\n"), "A: b\r\n", 0, 431, "header_too_large");
}

Test(greedy, header_too_large__a_trailer_without_end)
{
	start("");
	goes_on_until(chunked("0\r\nA: "), "aaaaaaaaaaaaaaaa", 0, 431,
	    "header_too_large");
}

Test(greedy, body_timeout__slow_trailers_are_part_of_the_body)
{
	start(", timeouts: { body: 500ms }");
	goes_on_until(chunked("0\r\n"), "A: b\r\n", 20, 408, "body_timeout");
}

Test(greedy, bad_request__a_chunk_extension_without_end)
{
	start("");
	goes_on_until(chunked("1"), ";a=b", 0, 400, "bad_request");
}

Test(greedy, bad_request__chunk_extensions_in_every_chunk)
{
	start("");
	goes_on_until(chunked(""), "1;a=bcdefghijklmnopqrstuvwxyz\r\na\r\n", 0,
	    400, "bad_request");
}

Test(greedy, body_too_large__chunks_without_end)
{
	start(", limits: { body_size: 64KiB }");
	goes_on_until(chunked(""), "4\r\naaaa\r\n", 0, 413, "body_too_large");
}

/* Each byte comes well within the time between two, but they are too few. */
Test(greedy, body_timeout__a_trickle_does_not_put_it_off)
{
	start(", timeouts: { body: 500ms }, limits: { min_rate: 10KB }");
	goes_on_until(
	    keep_printf(POST "Content-Length: 1000000\r\n\r\n", "/on"), "a", 20,
	    408, "body_timeout");
}

/* What is sent around the bytes of a body is no body. */
Test(greedy, body_timeout__chunk_framing_earns_nothing)
{
	start(", timeouts: { body: 500ms }, limits: { min_rate: 100B }");
	goes_on_until(chunked(""), "1;a=bcdefghijklmnopqrstuvwxyz\r\na\r\n", 50,
	    408, "body_timeout");
}

/* It takes some all the time, which is all that was asked for before. */
Test(greedy, too_slow__a_trickle_of_taking_does_not_put_it_off)
{
	struct client c = { .receive_buffer = 4096 };
	char piece[64];
	unsigned i;

	start(", timeouts: { body: 1s }, limits: { min_rate: 1MB }");
	origin_reply(o, (struct reply){ .sized = true, .size = 50 << 20 });
	cr_assert(client_connect(&c, f.port));
	cr_assert(client_print(&c, GET_IT));
	for (i = 0; i < 1000; i++) {
		ssize_t n = recv(c.fd, piece, sizeof(piece), 0);

		if (n <= 0)
			break;
		wait_till(wait_now() + 20);
	}
	cr_assert_lt(i, 1000, "it was never cut");
	front_must_log(&f, "/it", "too_slow");
	must_count(f.d,
	    "fairlead_http_failures_total{route=\"all\",reason=\"too_slow\"}",
	    1);
	daemon_stop(f.d);
}

/* They are more than min_rate wants of all its time, and earn none. */
Test(greedy, too_slow__what_is_taken_at_first_does_not_put_it_off)
{
	struct client c = { .receive_buffer = 65536 };
	json_t *line;

	start(", timeouts: { body: 3s }, limits: { min_rate: 1KB }");
	origin_reply(o, (struct reply){ .sized = true, .size = 50 << 20 });
	cr_assert(client_connect(&c, f.port));
	cr_assert(client_print(&c, GET_IT));
	front_must_log(&f, "/it", "too_slow");
	cr_assert_not_null(line = front_line(&f, 0));
	cr_assert_lt(
	    json_number_value(json_object_get(line, "duration_ms")), 5000);
	daemon_stop(f.d);
}

/* Each is read alone, and kept to be sent again: they must not keep a block each. */
Test(greedy, a_body_in_single_bytes_is_held_in_little_memory)
{
	enum { BYTES = 4000 };
	struct client *c;
	long before, after;
	unsigned i;

	start(", timeouts: { body: 60s }");
	c = dial(f.port);
	cr_assert(
	    client_print(c, POST "Content-Length: %d\r\n\r\n", "/on", BYTES));
	cr_assert(WAIT_FOR(5000, origin_requests(o) == 1));
	before = daemon_rss(f.d);
	for (i = 0; i < BYTES - 1; i++) {
		uint64_t sent = origin_bytes(o);

		cr_assert(client_print(c, "a"));
		while (origin_bytes(o) == sent)
			continue;
	}
	after = daemon_rss(f.d);
	if (!daemon_is_sanitized())
		cr_assert_lt(after - before, 4096, "%ld KiB", after - before);
	cr_assert(client_print(c, "a"));
	cr_assert_eq(answer(c, "POST")->status, 200);
	daemon_stop(f.d);
}

/* When it has not grown for a while. */
static long
rss_at_rest(void)
{
	long rss = 0, now;

	while ((now = daemon_rss(f.d)) > rss) {
		rss = now;
		wait_till(wait_now() + 300);
	}
	return rss;
}

/* A window of it, though the server would send much more. */
Test(greedy, an_answer_that_nobody_takes_is_held_in_little_memory)
{
	enum { CLIENTS = 40, KIB_EACH = 90 };
	struct client c[CLIENTS];
	long before, grown;
	unsigned i;

	start("");
	origin_reply(o, (struct reply){ .sized = true, .size = 50 << 20 });
	before = daemon_rss(f.d);
	for (i = 0; i < CLIENTS; i++) {
		c[i] = (struct client){ .receive_buffer = 4096 };
		cr_assert(client_connect(&c[i], f.port));
		cr_assert(client_print(&c[i], GET_IT));
	}
	for (i = 0; i < CLIENTS; i++)
		cr_assert(WAIT_FOR(10000, has_answer(&c[i])));
	grown = rss_at_rest() - before;
	if (!daemon_is_sanitized())
		cr_assert_lt(
		    grown, CLIENTS * KIB_EACH, "%ld KiB each", grown / CLIENTS);
	daemon_stop(f.d);
}

/* ---- connections from one address --------------------------------------- */

static const char *const rejected =
    "fairlead_listener_connections_rejected_total"
    "{listener=\"http\",reason=\"per_ip\"}";

/* Connected from that address and answered; NULL: refused. */
static struct client *
dial_from(const char *ip)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	struct client *c = keep(sizeof(*c));
	struct response r = { 0 };

	cr_assert_eq(inet_pton(AF_INET, ip, &from.sin_addr), 1);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)f.port);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(c->fd, (struct sockaddr *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	if (client_print(c, GET_IT) && client_response(c, &r, "GET"))
		return c;
	client_close(c);
	return NULL;
}

static bool
gets_in(const char *ip)
{
	struct client *c = dial_from(ip);

	if (c != NULL)
		client_close(c);
	return c != NULL;
}

Test(greedy, connections_from_one_address_have_a_limit_over_all_workers)
{
	struct client *in[4];
	unsigned i;

	stage_set(&(struct front_settings){ .workers = 3,
	    .listener = ", limits: { per_ip: 4 }, "
			"trusted_proxies: [127.0.0.9]" });
	for (i = 0; i < 4; i++)
		cr_assert_not_null(in[i] = dial_from("127.0.0.2"));
	for (i = 0; i < 5; i++)
		cr_assert_not(gets_in("127.0.0.2"));
	must_count(f.d, rejected, 5);
	cr_assert(gets_in("127.0.0.3"), "another address");
	for (i = 0; i < 8; i++)
		cr_assert_not_null(dial_from("127.0.0.9"), "a trusted proxy");
	client_close(in[2]);
	cr_assert(WAIT_FOR(5000, gets_in("127.0.0.2")), "one has left");
	daemon_stop(f.d);
}

Test(greedy, a_reload_forgets_nobody_and_may_change_the_limit)
{
	struct front_settings s = { .workers = 2,
		.listener = ", limits: { per_ip: 2 }" };
	struct origin *origins[] = { NULL, NULL };

	stage_set(&s);
	origins[0] = o;
	cr_assert_not_null(dial_from("127.0.0.2"));
	cr_assert_not_null(dial_from("127.0.0.2"));
	s.listener = ", limits: { per_ip: 3 }";
	daemon_reload(f.d, "%s", front_yaml(f.d->directory, &s, origins));
	cr_assert_not_null(dial_from("127.0.0.2"));
	cr_assert_null(dial_from("127.0.0.2"));
	s.listener = "";
	daemon_reload(f.d, "%s", front_yaml(f.d->directory, &s, origins));
	cr_assert_not_null(dial_from("127.0.0.2"));
	s.listener = ", limits: { per_ip: 3 }";
	daemon_reload(f.d, "%s", front_yaml(f.d->directory, &s, origins));
	cr_assert_null(dial_from("127.0.0.2"));
	daemon_stop(f.d);
}
