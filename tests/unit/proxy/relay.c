/* proxy/relay: bodies on their way, and what is kept of them. */
#include <string.h>
#include <unistd.h>

#include "tests/unit/proxy/exchanged.h"

#include "http/h1_private.h"
#include "net/pipe.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/lease.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/origin.h"

enum { KEPT = 65536 }; /* of a body, to be sent again */

TestSuite(relay, .timeout = 60);

Test(relay, nothing_is_kept_to_be_sent_again_once_there_is_an_answer)
{
	struct exchange *x;
	int fd;

	start("", "", "");
	origin_reply(o,
	    (struct reply){ .early = true,
		.sized = true,
		.size = 100,
		.piece = 1,
		.pace_ms = 100 });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
	    "\r\nab");
	RIG_UNTIL(!TAILQ_EMPTY(&w->exchanges));
	x = TAILQ_FIRST(&w->exchanges);
	RIG_UNTIL(x->phase == PHASE_ANSWER);
	cr_assert_eq(x->replay.n, 0);
	rig_send(fd, "cd");
	RIG_UNTIL(x->bytes_in == 4);
	cr_assert_eq(x->replay.n, 0);
	close(fd);
	rig_stop_at_once();
}

/* A body of n bytes to a server that is silent; the exchange with all of it. */
static struct exchange *
hold_body(size_t n)
{
	char *bytes = keep(n + 1);
	struct exchange *x;
	int fd;

	start("", "", "");
	origin_reply(o, (struct reply){ .silent = true });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    keep_printf(
		"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n));
	memset(bytes, 'b', n);
	rig_send(fd, bytes);
	RIG_UNTIL(!TAILQ_EMPTY(&w->exchanges));
	x = TAILQ_FIRST(&w->exchanges);
	RIG_UNTIL(x->bytes_in == n && x->up != NULL);
	return x;
}

Test(relay, so_much_of_a_body_is_kept_to_be_sent_again)
{
	struct exchange *x = hold_body(KEPT);

	cr_assert(x->replayable);
	cr_assert_eq(x->replay.n, KEPT);
	rig_stop_at_once();
}

Test(relay, and_not_a_byte_more)
{
	struct exchange *x = hold_body(KEPT + 1);

	cr_assert_not(x->replayable);
	cr_assert_eq(x->replay.n, 0);
	rig_stop_at_once();
}

/* As much as is taken; the socket is not blocking. */
static void
pour(int fd)
{
	static const char bytes[100000];

	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
}

Test(relay, a_window_of_body_waits_for_a_server_that_takes_none)
{
	struct exchange *x;
	int fd;

	start("", "", "");
	origin_reply(o, (struct reply){ .silent = true, .unread = true });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
	RIG_UNTIL(!TAILQ_EMPTY(&w->exchanges));
	x = TAILQ_FIRST(&w->exchanges);
	while (x->down_untook < STREAM_WINDOW) {
		pour(fd);
		rig_turn();
	}
	cr_assert_leq(((struct h1 *)x->up)->conn->out.n, STREAM_WINDOW);
	close(fd);
	rig_stop_at_once();
}

Test(relay, a_window_of_answer_waits_for_a_client_that_is_slow)
{
	const uint64_t much = 16u << 20;
	struct exchange *x;
	char some[5000];
	bool piped = false;
	int fd;

	start("", "", "");
	origin_reply(o, (struct reply){ .sized = true, .size = much });
	fd = rig_dial(rig_port("http"));
	rig_send(fd, ASK);
	RIG_UNTIL(!TAILQ_EMPTY(&w->exchanges));
	x = TAILQ_FIRST(&w->exchanges);
	while (!TAILQ_EMPTY(&w->exchanges)) {
		(void)!read(fd, some, sizeof(some));
		cr_assert_leq(x->client->conn.out.n, STREAM_WINDOW);
		cr_assert_leq(conn_unsent(&x->client->conn), PIPE_BYTES);
		piped |= conn_unsent(&x->client->conn) > STREAM_WINDOW;
		rig_turn();
	}
	close(fd);
	cr_assert(piped, "unread, it is more");
	rig_stop_at_once();
}

Test(relay, bodies_pass_both_ways_whole)
{
	int fd;
	struct rig_answer a;
	char *body = keep(200001);

	start("", "", "");
	memset(body, 'b', 200000);
	origin_reply(o, (struct reply){ .digest = true });
	fd = rig_dial(rig_port("http"));
	rig_send(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n"
	    "\r\n");
	for (size_t n = 0; n < 200000;) {
		ssize_t k = write(fd, body + n, 200000 - n);

		rig_turn();
		n += k > 0 ? (size_t)k : 0;
	}
	a = rig_answer(fd);
	cr_assert(says(a.body, "200000 "), "%s", a.body);
	cr_assert_eq(
	    counter_get(&lease_route(w->lease, 0)->request_bytes), 200000);
	origin_reply(o, (struct reply){ .sized = true, .size = 300000 });
	rig_send(fd, ASK);
	a = rig_answer(fd);
	cr_assert_eq(a.status, 200);
	RIG_UNTIL(
	    counter_get(&lease_route(w->lease, 0)->response_bytes) >= 300000);
	close(fd);
	rig_stop();
}

Test(relay, body_limits_are_the_routes_before_the_listeners)
{
	start("", "", ", limits: { body_size: 4B }");
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
			 "\r\nabcd")
			 .status,
	    200);
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
			 "\r\nabcde")
			 .status,
	    413);
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n"
			 "4\r\nabcd\r\n0\r\n\r\n")
			 .status,
	    200);
	cr_assert_eq(ask("PUT / HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n"
			 "5\r\nabcde\r\n0\r\n\r\n")
			 .status,
	    413);
	rig_stop();
}

Test(relay, an_expectation_is_answered_when_there_is_a_server)
{
	int fd;
	struct rig_answer a;

	start("", "", "");
	origin_reply(o, (struct reply){ .digest = true, .no_continue = true });
	fd = rig_dial(rig_port("http"));
	a = rig_ask(fd,
	    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
	    "Expect: 100-continue\r\n\r\n");
	cr_assert_eq(a.status, 100);
	cr_assert_str_eq(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
	a = rig_ask(fd, "hi");
	cr_assert(says(a.body, "2 "));
	cr_assert_null(origin_field(&origin_seen(o, 0)->head, "Expect", 0));
	close(fd);
	rig_stop();
}

Test(relay, interim_heads_pass_but_100_does_not)
{
	int fd;

	start("", "", "");
	origin_reply(o,
	    (struct reply){ .interim = "HTTP/1.1 100 Continue\r\n\r\n"
				       "HTTP/1.1 103 Early\r\nA: b\r\n\r\n",
		.text = "x" });
	fd = rig_dial(rig_port("http"));
	rig_send(fd, ASK);
	cr_assert_eq(rig_answer(fd).status, 103);
	cr_assert_eq(rig_answer(fd).status, 200);
	close(fd);
	rig_stop();
}
