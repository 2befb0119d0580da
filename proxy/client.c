/*
 * A connection from a client: handshake, then the codec while messages are
 * under way, and next to nothing while it idles.  Ends by lingering where the
 * client may still be sending, so that an early answer is not lost to a reset
 * (RFC 9112 9.6).
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/client.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/h1.h"
#include "limit/sources.h"
#include "proxy/exchange.h"
#include "proxy/gate.h"
#include "proxy/lease.h"
#include "proxy/port.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tls/transport.h"

#define LINGER_NS (2 * CLOCK_S)
#define LINGER_RATION 262144 /* bytes dropped in one pass */

/* A handshake: then it is the conn's owner. */
struct shake {
	struct client *client;
	struct lease *lease; /* its store is in use */
	uint64_t began;
};

static bool client_shake(struct client *);
static void client_serve(struct client *);
static void client_linger(struct client *);
static void client_free(struct grave *);
static void shake_over(struct shake *);
static void shake_failed(struct client *, enum tls_failure);
static void shaking_writable(struct conn *);
static void shaking_failed(struct conn *, int);
static void shaking_expired(struct conn *, bool);
static void idle_readable(struct conn *);
static void idle_nothing(struct conn *);
static void idle_failed(struct conn *, int);
static void idle_expired(struct conn *, bool);
static void linger_readable(struct conn *);
static void on_request(void *, struct stream *, struct head *, bool, enum end);
static void on_done(void *, enum h1_left);
static void on_nothing(void *);

static const struct conn_ops shaking_ops = {
	.readable = idle_nothing,
	.writable = shaking_writable,
	.failed = shaking_failed,
	.expired = shaking_expired,
};
static const struct conn_ops idle_ops = {
	.readable = idle_readable,
	.writable = idle_nothing,
	.failed = idle_failed,
	.expired = idle_expired,
};
static const struct conn_ops linger_ops = {
	.readable = linger_readable,
	.writable = idle_nothing,
	.failed = idle_failed,
	.expired = idle_expired,
};
static const struct h1_server_owner codec_owner = {
	.request = on_request,
	.done = on_done,
	.nothing = on_nothing,
};

_Static_assert(sizeof(struct client) <= 320, "an idle connection is too large");

void
client_new(struct port *p, int fd, const struct addr *peer, uint64_t source)
{
	struct worker *w = p->worker;
	struct client *c = xcalloc(1, sizeof(*c));

	c->port = p;
	c->counted = source != 0;
	c->trusted = port_trusts(p, peer);
	addr_bytes(peer, c->ip);
	p->refs++;
	TAILQ_INSERT_TAIL(&w->clients, c, entry);
	stats_connection_begin(p->stats);
	if (conn_open(&c->conn, w->loop, fd, &idle_ops, c) == -1) {
		client_end(c);
		return;
	}
	if (p->has_tls) {
		if (!client_shake(c))
			client_end(c);
		return;
	}
	conn_deadline(&c->conn, p->h1.head_ns);
}

void
client_close_soon(struct client *c)
{
	if (c->conn.ops == &idle_ops)
		client_end(c);
}

void
client_end(struct client *c)
{
	struct worker *w = c->port->worker;

	if (c->conn.ops == &shaking_ops)
		shake_over(c->conn.owner);
	h1_drop(&c->conn);
	conn_close(&c->conn);
	stats_connection_end(c->port->stats);
	atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
	gate_leave(c->port->gate, c->counted ? source_of(c->ip) : 0);
	TAILQ_REMOVE(&w->clients, c, entry);
	c->grave.free = client_free;
	loop_bury(w->loop, &c->grave);
	worker_check_drained(w);
}

/*
 * The store of certificates is the snapshot's: hold it meanwhile.  A listener
 * that is gone has none any more.
 */
static bool
client_shake(struct client *c)
{
	struct lease *lease = c->port->worker->lease;
	struct tls_session *session;
	struct shake *shake;

	if (c->port->context == NULL || c->port->gone)
		return false;
	session = tls_session_new(c->port->context,
	    lease->snapshot->listeners[c->port->index].store, c->conn.fd);
	if (session == NULL)
		return false;
	shake = xmalloc(sizeof(*shake));
	*shake = (struct shake){
		.client = c,
		.lease = lease_take(lease),
		.began = loop_now(c->conn.loop),
	};
	c->secure = true;
	c->conn.ops = &shaking_ops;
	c->conn.owner = shake;
	conn_secure(&c->conn, &transport_tls, session);
	conn_deadline(&c->conn, c->port->handshake_ns);
	return true;
}

static void
client_serve(struct client *c)
{
	h1_serve(&c->conn, &c->port->h1, c->trusted, &codec_owner, c);
}

/* Our end is shut; read what the client still sends, for a while, and drop it. */
static void
client_linger(struct client *c)
{
	c->conn.ops = &linger_ops;
	c->conn.owner = c;
	conn_deadline(&c->conn, LINGER_NS);
	conn_shut(&c->conn);
	c->conn.can_read = true;
	loop_again(c->conn.loop, &c->conn.again);
}

/* Its exchange, if it ends in the same pass, still looks at the port. */
static void
client_free(struct grave *grave)
{
	struct client *c = CONTAINER_OF(grave, struct client, grave);

	port_unref(c->port);
	free(c);
}

/* The conn is the client's own again, and idle. */
static void
shake_over(struct shake *shake)
{
	struct client *c = shake->client;

	lease_give(shake->lease);
	free(shake);
	c->conn.ops = &idle_ops;
	c->conn.owner = c;
}

static void
shake_failed(struct client *c, enum tls_failure why)
{
	counter_add(&c->port->stats->shake_failures[why], 1);
	client_end(c);
}

static void
shaking_writable(struct conn *conn)
{
	struct shake *shake = conn->owner;
	struct client *c = shake->client;
	struct tls_session *session = conn->session;

	stats_shake(c->port->stats,
	    stats_shake_find(tls_session_version(session)),
	    tls_session_resumed(session), loop_now(conn->loop) - shake->began);
	shake_over(shake);
	conn_deadline(conn, c->port->h1.head_ns);
}

static void
shaking_failed(struct conn *conn, int error)
{
	struct client *c = ((struct shake *)conn->owner)->client;
	char why[160], ip[ADDR_IP_MAX];

	(void)error;
	if (log_wants(LOG_DEBUG)) {
		tls_session_explain(conn->session, why, sizeof(why));
		addr_print_bytes(c->ip, ip);
		log_debug("listener %s, client %s: handshake failed: %s",
		    c->port->name, ip, why);
	}
	shake_failed(c, tls_session_failure(conn->session));
}

static void
shaking_expired(struct conn *conn, bool stalled)
{
	(void)stalled;
	shake_failed(((struct shake *)conn->owner)->client, TLS_FAILED_TIMEOUT);
}

/* The first bytes of a request, or the client's end. */
static void
idle_readable(struct conn *conn)
{
	client_serve(conn->owner);
}

static void
idle_nothing(struct conn *conn)
{
	(void)conn;
}

static void
idle_failed(struct conn *conn, int error)
{
	(void)error;
	client_end(conn->owner);
}

static void
idle_expired(struct conn *conn, bool stalled)
{
	(void)stalled;
	client_end(conn->owner);
}

static void
linger_readable(struct conn *conn)
{
	struct buf waste = { 0 };
	size_t dropped = 0;
	ssize_t n;

	while ((n = conn_read(conn, &waste, BUF_ROOM)) > 0) {
		buf_clear(&waste);
		dropped += (size_t)n;
		if (dropped >= LINGER_RATION) {
			loop_again(conn->loop, &conn->again);
			return;
		}
	}
	if (n == 0 || errno != EAGAIN)
		client_end(conn->owner);
}

static void
on_request(
    void *arg, struct stream *s, struct head *head, bool last, enum end why)
{
	struct client *c = arg;

	c->requests++;
	if (why != END_NONE)
		counter_add(&c->port->stats->protocol_errors[why], 1);
	exchange_new(c, s, head, last, why);
}

/* The codec is done with the conn. */
static void
on_done(void *arg, enum h1_left left)
{
	struct client *c = arg;

	if (c->conn.fd == -1)
		client_end(c);
	else if (left != H1_IDLE && c->requests == 0)
		client_end(c);
	else if (left == H1_SPENT && !c->secure)
		client_end(c);
	else if (left != H1_IDLE)
		client_linger(c);
	else if (c->port->worker->draining)
		client_end(c);
	else {
		c->conn.ops = &idle_ops;
		c->conn.owner = c;
		conn_deadline(&c->conn, c->port->keepalive_ns);
		if (c->conn.can_read)
			loop_again(c->conn.loop, &c->conn.again);
	}
}

/* A wake-up without a byte: the wait goes on as it was. */
static void
on_nothing(void *arg)
{
	struct client *c = arg;

	c->conn.ops = &idle_ops;
	c->conn.owner = c;
}
