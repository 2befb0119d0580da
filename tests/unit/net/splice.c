/* net/conn and net/pipe: bytes that pass from one conn to another unread. */
#include <criterion/criterion.h>

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "net/pipe.h"
#include "tests/lib/bytes.h"
#include "tests/lib/descriptors.h"
#include "tests/lib/drive.h"
#include "tests/unit/net/connected.h"

enum { MUCH = 8 << 20, PIPES = 200 };

/* From a server, whose end is `source'; c goes to a client, `peer'. */
static struct conn server;
static int source;

static void
on_readable(struct conn *conn)
{
	(void)conn;
}

static const struct conn_ops server_ops = { .readable = on_readable };

static int
open_to(struct conn *conn)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX,
			 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	cr_assert_eq(conn_open(conn, loop, pair[0], &server_ops, NULL), 0);
	return pair[1];
}

static void
splice_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	connected_up();
	open_conn();
	source = open_to(&server);
}

static void
splice_down(void)
{
	conn_close(&server);
	close(source);
	pipe_pool_fini();
	connected_down();
}

TestSuite(conn_splice, .init = splice_up, .fini = splice_down, .timeout = 60);

static void
serve(const char *bytes)
{
	size_t n = strlen(bytes);

	cr_assert_eq(send(source, bytes, n, 0), (ssize_t)n);
}

static void
client_gets(const char *bytes)
{
	struct pollfd p = { peer, POLLIN, 0 };
	char got[100] = "";
	size_t n = 0;

	while (n < strlen(bytes) && poll(&p, 1, 10000) == 1) {
		ssize_t some = recv(peer, got + n, sizeof(got) - 1 - n, 0);

		cr_assert_gt(some, 0);
		n += (size_t)some;
	}
	cr_assert_str_eq(got, bytes);
}

Test(conn_splice, what_passes_is_unsent_until_it_is_flushed)
{
	serve("hello");
	cr_assert_eq(conn_splice(&c, &server, 100), 5);
	cr_assert_eq(conn_unsent(&c), 5);
	cr_assert_eq(c.sent, 0);
	cr_assert_eq(conn_flush(&c), 0);
	cr_assert_eq(conn_unsent(&c), 0);
	cr_assert_eq(c.sent, 5);
	client_gets("hello");
}

Test(conn_splice, no_more_passes_than_is_asked_for)
{
	struct buf rest = { 0 };

	serve("hello");
	cr_assert_eq(conn_splice(&c, &server, 2), 2);
	cr_assert_eq(conn_read(&server, &rest, 100), 3);
	cr_assert_eq(memcmp(buf_front(&rest).p, "llo", 3), 0);
	buf_clear(&rest);
	conn_flush(&c);
	client_gets("he");
}

Test(conn_splice, what_comes_later_goes_behind_it)
{
	serve("first ");
	cr_assert_eq(conn_splice(&c, &server, 100), 6);
	buf_append_text(&c.out, TEXT("second"));
	cr_assert_eq(conn_unsent(&c), 12);
	cr_assert_eq(conn_shut(&c), 0);
	cr_assert(!c.shut);
	client_gets("first second");
}

Test(conn_splice, nothing_passes_what_is_unsent)
{
	serve("late");
	buf_append_text(&c.out, TEXT("early"));
	cr_assert_eq(conn_splice(&c, &server, 100), 0);
	conn_flush(&c);
	cr_assert_eq(conn_splice(&c, &server, 2), 2);
	cr_assert_eq(conn_splice(&c, &server, 2), 0, "nor what is piped");
	conn_flush(&c);
	client_gets("earlyla");
}

Test(conn_splice, an_end_and_an_empty_socket_are_left_for_reading)
{
	struct buf in = { 0 };

	cr_assert_eq(conn_splice(&c, &server, 100), 0);
	cr_assert_eq(conn_read(&server, &in, 100), -1);
	cr_assert_eq(errno, EAGAIN);
	shutdown(source, SHUT_WR);
	cr_assert_eq(conn_splice(&c, &server, 100), 0);
	cr_assert_eq(conn_read(&server, &in, 100), 0);
}

/* What is behind a message must be found, however the last read was. */
/* The kernel tells of a reset once: after that it reads as an end. */
Test(conn_splice, a_reset_is_left_for_reading_too)
{
	struct buf none = { 0 };

	reset_by_peer();
	cr_assert_eq(conn_splice(&server, &c, 100), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(conn_read(&c, &none, 100), -1);
		cr_assert_eq(errno, ECONNRESET);
	}
}

Test(conn_splice, a_socket_is_not_known_to_be_empty_after_it)
{
	struct buf in = { 0 };

	serve("short");
	server.can_read = true;
	cr_assert_eq(conn_read(&server, &in, 100), 5);
	cr_assert(server.was_short);
	serve("bodynext");
	cr_assert_eq(conn_splice(&c, &server, 4), 4);
	conn_drained(&server);
	cr_assert(server.can_read);
	buf_clear(&in);
	conn_forget(&c);
}

Test(conn_splice, other_transports_are_read)
{
	struct transport other = transport_plain;

	serve("hello");
	server.transport = &other;
	cr_assert_eq(conn_splice(&c, &server, 100), 0);
	server.transport = &transport_plain;
	c.transport = &other;
	cr_assert_eq(conn_splice(&c, &server, 100), 0);
	cr_assert_eq(conn_unsent(&c), 0);
	c.transport = &transport_plain;
}

static size_t
drain(void)
{
	static char bytes[1 << 16];
	static size_t total;
	ssize_t n;

	while ((n = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		cr_assert(pattern_is(bytes, (size_t)n, total));
		total += (size_t)n;
	}
	return total;
}

/* The client takes none until it blocks, and then all. */
Test(conn_splice, what_a_client_does_not_take_waits_in_its_order)
{
	static char bytes[MUCH];
	size_t said = 0, passed = 0;
	ssize_t n;

	pattern_fill(bytes, MUCH, 0);
	while (passed < MUCH) {
		n = send(source, bytes + said, MUCH - said, MSG_DONTWAIT);
		said += n > 0 ? (size_t)n : 0;
		passed += conn_splice(&c, &server, MUCH - passed);
		cr_assert_eq(conn_flush(&c), 0);
		cr_assert_leq(conn_unsent(&c), PIPE_BYTES);
		if (conn_unsent(&c) > 0) {
			cr_assert(!c.can_write);
			drain();
			cr_assert(DRIVE_UNTIL(loop, conn_unsent(&c) == 0));
		}
	}
	cr_assert_gt(owner.writables, 0, "it was blocked");
	cr_assert(DRIVE_UNTIL(loop, drain() == MUCH));
	cr_assert_eq(c.sent, MUCH);
}

Test(conn_splice, what_is_left_of_one_conn_never_comes_out_of_another)
{
	struct conn gone;
	int far = open_to(&gone);

	serve("secret");
	cr_assert_eq(conn_splice(&gone, &server, 100), 6);
	conn_close(&gone);
	close(far);
	serve("secret");
	cr_assert_eq(conn_splice(&c, &server, 100), 6);
	conn_forget(&c);
	serve("public");
	cr_assert_eq(conn_splice(&c, &server, 100), 6);
	conn_flush(&c);
	client_gets("public");
}

Test(conn_splice, a_broken_wire_is_told_and_keeps_no_pipe)
{
	serve("hello");
	cr_assert_eq(conn_splice(&c, &server, 100), 5);
	reset_by_peer();
	cr_assert_eq(conn_flush(&c), -1);
	cr_assert(errno == ECONNRESET || errno == EPIPE);
	conn_forget(&c);
	cr_assert_eq(conn_unsent(&c), 0);
}

Test(conn_splice, an_empty_pipe_is_the_next_ones)
{
	struct pipe *p = pipe_take();

	cr_assert_not_null(p);
	pipe_give(p);
	cr_assert_eq(pipe_take(), p);
	pipe_give(p);
}

/* They are bounded in number, and what they hold by that. */
Test(conn_splice, there_are_only_so_many_pipes)
{
	struct pipe *pipes[PIPES];
	int before = descriptors_next();
	unsigned n = 0;

	while (n < PIPES && (pipes[n] = pipe_take()) != NULL)
		n++;
	cr_assert(n > 0 && n < PIPES);
	serve("hello");
	cr_assert_eq(conn_splice(&c, &server, 100), 0, "it is read instead");
	while (n > 0)
		pipe_give(pipes[--n]);
	cr_assert_eq(conn_splice(&c, &server, 100), 5);
	conn_forget(&c);
	pipe_pool_fini();
	cr_assert_eq(descriptors_next(), before);
}

Test(conn_splice, bytes_are_read_where_no_pipe_is_to_be_had)
{
	serve("hello");
	descriptors_end_at(descriptors_next() + 1);
	cr_assert_eq(conn_splice(&c, &server, 100), 0);
	descriptors_again();
	cr_assert_eq(conn_splice(&c, &server, 100), 5);
	conn_forget(&c);
}
