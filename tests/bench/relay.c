/*
 * The limit that the benchmark measures proxies by: what comes from one side
 * goes to the other, unread.  Its system calls are the fewest there can be.
 *
 *	relay [-g | -a] [-s] [-c CERT -k KEY -n TICKETS] PORT ORIGIN...
 *
 *	-g	a client that ends gives its connection to the origin back for
 *		the next one; else each has its own
 *	-a	give it back after each answer: as a proxy that spreads requests
 *		over all origins by turns.  An answer must come in one piece
 *	-s	pass what the origin says by splice(2)
 *	-c -k -n  TLS for clients, and how many tickets they get
 *
 * One thread, edge-triggered, 16 KiB at a time.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/lib/wire.h"

enum { EVENTS = 256, READ_BYTES = 16384, ACCEPTS = 64 };
enum { PIPE_BYTES = 1 << 20 };
enum sharing { FOR_LIFE, BY_CLIENT, BY_ANSWER };

struct side {
	struct wire wire;
	struct side *peer; /* NULL: at rest, or a client that said nothing */
	bool is_origin, is_dead;
	bool is_held; /* there is more to read when the peer takes it */
	bool is_ended; /* read to the end, whatever a read looks like */
	char *kept; /* what its connection did not take */
	size_t kept_n, kept_at, kept_room;
	int pipe[2]; /* of an origin, to splice by */
	size_t in_pipe;
	struct side *next; /* at rest, or dead */
};

static enum sharing sharing;
static bool by_splice;
static SSL_CTX *tls;
static int epoll, listener;
static int *origins;
static unsigned norigins, opened; /* the next one is opened % norigins */
static struct side *rest_first, **rest_end = &rest_first;
static struct side *dead;

static bool read_arguments(int, char *[], int *port);
static void accept_some(void);
static void happen(struct side *, uint32_t events);
static void pump(struct side *);
static bool pump_bytes(struct side *);
static bool pump_pipe(struct side *);
static bool make_pipe(struct side *);
static bool pair(struct side *);
static struct side *open_origin(void);
static void part(struct side *origin);
static struct side *take_rested(void);
static void forget_rested(struct side *);
static bool pass(struct side *, const char *, size_t);
static void keep_rest(struct side *, const char *, size_t);
static bool flush(struct side *);
static struct side *new_side(struct wire, bool is_origin);
static void end_both(struct side *);
static void end(struct side *);
static void bury(void);

int
main(int argc, char *argv[])
{
	struct epoll_event events[EVENTS];
	int i, n, port;

	if (!read_arguments(argc, argv, &port)) {
		fprintf(stderr,
		    "usage: relay [-g|-a] [-s] [-c CERT -k KEY "
		    "-n TICKETS] PORT ORIGIN...\n");
		return 2;
	}
	epoll = wire_start();
	listener = wire_listen(&port);
	wire_watch(epoll, listener, NULL, false);
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++)
			if (events[i].data.ptr == NULL)
				accept_some();
			else
				happen(events[i].data.ptr, events[i].events);
		bury();
	}
}

static bool
read_arguments(int argc, char *argv[], int *port)
{
	const char *cert = NULL, *key = NULL;
	size_t tickets = 1;
	int option, i;

	while ((option = getopt(argc, argv, "gasc:k:n:")) != -1)
		switch (option) {
		case 'g':
			sharing = BY_CLIENT;
			break;
		case 'a':
			sharing = BY_ANSWER;
			break;
		case 's':
			by_splice = true;
			break;
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'n':
			tickets = strtoul(optarg, NULL, 10);
			break;
		default:
			return false;
		}
	if (argc - optind < 2)
		return false;
	*port = (int)strtol(argv[optind++], NULL, 10);
	norigins = (unsigned)(argc - optind);
	origins = calloc(norigins, sizeof(*origins));
	for (i = optind; i < argc; i++)
		origins[i - optind] = (int)strtol(argv[i], NULL, 10);
	if (cert != NULL && key != NULL)
		tls = wire_server_tls(cert, key, tickets);
	return true;
}

static void
accept_some(void)
{
	struct side *client;
	struct wire w;
	int i;

	for (i = 0; i < ACCEPTS && wire_accept(&w, listener, tls); i++) {
		client = new_side(w, false);
		if (sharing == FOR_LIFE && !pair(client))
			end(client);
		else
			wire_watch(epoll, w.fd, client, true);
	}
}

static void
happen(struct side *s, uint32_t events)
{
	if (s->is_dead)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->is_ended = true;
	if (events & EPOLLOUT && !flush(s)) {
		end_both(s);
		return;
	}
	if (s->peer != NULL && s->peer->is_held && s->kept_n == 0) {
		s->peer->is_held = false;
		pump(s->peer);
	}
	if (!s->is_dead && events & ~(uint32_t)EPOLLOUT)
		pump(s);
}

/* All there is, from this side to its peer. */
static void
pump(struct side *s)
{
	bool go_on;

	do {
		if (s->peer != NULL && s->peer->kept_n > 0) {
			s->is_held = true;
			return;
		}
		go_on = by_splice && s->is_origin && s->peer != NULL
		    ? pump_pipe(s)
		    : pump_bytes(s);
	} while (go_on);
}

/* Whether there may be more. */
static bool
pump_bytes(struct side *s)
{
	static char buffer[READ_BYTES];
	ssize_t n = wire_read(&s->wire, buffer, sizeof(buffer));

	if (n == WIRE_WAITS)
		return false;
	if (n <= 0 || (s->peer == NULL && (s->is_origin || !pair(s))) ||
	    !pass(s->peer, buffer, (size_t)n)) {
		end_both(s);
		return false;
	}
	if (sharing == BY_ANSWER && s->is_origin)
		part(s);
	return s->is_ended ||
	    !wire_is_drained(&s->wire, (size_t)n, sizeof(buffer));
}

static bool
pump_pipe(struct side *s)
{
	const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	ssize_t n;

	if (s->in_pipe == 0) {
		if (!make_pipe(s))
			abort();
		n = splice(
		    s->wire.fd, NULL, s->pipe[1], NULL, PIPE_BYTES, flags);
		if (n == -1)
			return false;
		if (n == 0) {
			end_both(s);
			return false;
		}
		s->in_pipe = (size_t)n;
	}
	while (s->in_pipe > 0) {
		n = splice(s->pipe[0], NULL, s->peer->wire.fd, NULL, s->in_pipe,
		    flags);
		if (n <= 0) {
			s->is_held = true;
			return false;
		}
		s->in_pipe -= (size_t)n;
	}
	return true;
}

static bool
make_pipe(struct side *s)
{
	if (s->pipe[0] != -1)
		return true;
	if (pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) == -1)
		return false;
	fcntl(s->pipe[0], F_SETPIPE_SZ, PIPE_BYTES);
	return true;
}

/* ---- pairs --------------------------------------------------------------- */

/*
 * An origin for a client: all of them are opened before one is taken again, the
 * one that has rested longest; but between clients the last one, as it is warm.
 */
static bool
pair(struct side *client)
{
	struct side *s = NULL;

	if (rest_first != NULL && opened >= norigins)
		s = take_rested();
	if (s == NULL)
		s = open_origin();
	if (s == NULL)
		return false;
	s->peer = client;
	client->peer = s;
	return true;
}

static struct side *
open_origin(void)
{
	struct side *s;
	struct wire w;

	if (!wire_connect(&w, origins[opened++ % norigins], NULL, NULL))
		return NULL;
	s = new_side(w, true);
	wire_watch(epoll, w.fd, s, true);
	return s;
}

static void
part(struct side *origin)
{
	origin->peer->peer = NULL;
	origin->peer = NULL;
	origin->next = NULL;
	if (sharing == BY_CLIENT) {
		origin->next = rest_first;
		rest_first = origin;
		if (origin->next == NULL)
			rest_end = &origin->next;
		return;
	}
	*rest_end = origin;
	rest_end = &origin->next;
}

static struct side *
take_rested(void)
{
	struct side *s = rest_first;

	rest_first = s->next;
	if (rest_first == NULL)
		rest_end = &rest_first;
	s->next = NULL;
	return s;
}

static void
forget_rested(struct side *origin)
{
	struct side **at = &rest_first;

	while (*at != NULL && *at != origin)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = origin->next;
	if (*at == NULL)
		rest_end = at;
}

/* ---- bytes that have to wait --------------------------------------------- */

static bool
pass(struct side *to, const char *p, size_t n)
{
	ssize_t wrote;

	while (n > 0) {
		wrote = wire_write(&to->wire, p, n);
		if (wrote == WIRE_BROKEN)
			return false;
		if (wrote > 0) {
			p += wrote;
			n -= (size_t)wrote;
		}
		/* TLS writes a record at a time; a socket all it can. */
		if (wrote == WIRE_WAITS || to->wire.ssl == NULL)
			break;
	}
	if (n > 0)
		keep_rest(to, p, n);
	return true;
}

static void
keep_rest(struct side *to, const char *p, size_t n)
{
	if (n > to->kept_room) {
		free(to->kept);
		to->kept = malloc(n);
		to->kept_room = n;
	}
	if (to->kept == NULL)
		abort();
	memcpy(to->kept, p, n);
	to->kept_at = 0;
	to->kept_n = n;
}

/* False when the connection is broken. */
static bool
flush(struct side *s)
{
	ssize_t n;

	while (s->kept_n > 0) {
		n = wire_write(&s->wire, s->kept + s->kept_at, s->kept_n);
		if (n < 0)
			return n == WIRE_WAITS;
		s->kept_at += (size_t)n;
		s->kept_n -= (size_t)n;
	}
	return true;
}

/* ---- from first to last -------------------------------------------------- */

static struct side *
new_side(struct wire w, bool is_origin)
{
	struct side *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->wire = w;
	s->is_origin = is_origin;
	s->pipe[0] = s->pipe[1] = -1;
	return s;
}

/* But for an origin that the next client may have. */
static void
end_both(struct side *s)
{
	struct side *peer = s->peer;

	if (peer == NULL && s->is_origin)
		forget_rested(s);
	if (peer != NULL && sharing == BY_CLIENT && !s->is_origin &&
	    !peer->is_ended && peer->kept_n == 0)
		part(peer);
	else if (peer != NULL)
		end(peer);
	end(s);
}

/* Another event of the same wait may still name it. */
static void
end(struct side *s)
{
	s->is_dead = true;
	wire_close(&s->wire);
	if (s->pipe[0] != -1) {
		close(s->pipe[0]);
		close(s->pipe[1]);
	}
	free(s->kept);
	s->next = dead;
	dead = s;
}

static void
bury(void)
{
	struct side *s;

	while ((s = dead) != NULL) {
		dead = s->next;
		free(s);
	}
}
