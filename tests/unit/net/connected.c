/* The conn of the one test that runs, and its owner. */
#include "tests/unit/net/connected.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/drive.h"

struct conn c;
int peer = -1, listener = -1;
struct addr at;
struct owner owner;

static void
on_readable(struct conn *conn)
{
	ssize_t n;

	cr_assert_eq(conn, &c);
	owner.readables++;
	if (!owner.reads_all)
		return;
	while ((n = conn_read(conn, &owner.in, BUF_ROOM)) > 0)
		;
	owner.at_end = n == 0;
}

static void
on_writable(struct conn *conn)
{
	cr_assert_eq(conn, &c);
	owner.writables++;
	if (owner.on_writable_do != NULL)
		owner.on_writable_do();
}

static void
on_failed(struct conn *conn, int error)
{
	cr_assert_eq(conn, &c);
	owner.failures++;
	owner.failure = error;
}

static void
on_expired(struct conn *conn, bool stalled)
{
	cr_assert_eq(conn, &c);
	owner.expiries++;
	owner.was_stalled = stalled;
}

const struct conn_ops ops = {
	.readable = on_readable,
	.writable = on_writable,
	.failed = on_failed,
	.expired = on_expired,
};

void
connected_up(void)
{
	loop_up();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	at = (struct addr){ .len = sizeof(at.u.in),
		.u.in = { .sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	cr_assert_eq(bind(listener, &at.u.sa, at.len), 0);
	cr_assert_eq(getsockname(listener, &at.u.sa, &at.len), 0);
	c.fd = -1;
}

void
connected_down(void)
{
	conn_close(&c);
	buf_clear(&owner.in);
	cr_assert_eq(block_count().live_bytes, 0, "blocks leak");
	block_pool_fini();
	if (peer != -1)
		close(peer);
	if (listener != -1)
		close(listener);
	loop_down();
}

void
settle(void)
{
	for (int i = 0; i < 4; i++)
		drive_once(loop);
}

void
open_conn(void)
{
	int fd;

	cr_assert_eq(listen(listener, 1), 0);
	peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(peer, &at.u.sa, at.len), 0);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_neq(fd, -1);
	cr_assert_eq(conn_open(&c, loop, fd, &ops, &c), 0);
	settle();
}

void
say(const char *bytes)
{
	struct pollfd p = { c.fd, POLLIN, 0 };

	cr_assert_eq(
	    send(peer, bytes, strlen(bytes), 0), (ssize_t)strlen(bytes));
	cr_assert_eq(poll(&p, 1, 10000), 1);
}

void
fill(size_t n)
{
	char bytes[1000];

	memset(bytes, 'x', sizeof(bytes));
	for (; n >= sizeof(bytes); n -= sizeof(bytes))
		buf_append(&c.out, bytes, sizeof(bytes));
	buf_append(&c.out, bytes, n);
}

void
reset_by_peer(void)
{
	struct linger now = { 1, 0 };
	struct pollfd p = { c.fd, 0, 0 };

	setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(peer);
	peer = -1;
	cr_assert_eq(poll(&p, 1, 10000), 1);
}
