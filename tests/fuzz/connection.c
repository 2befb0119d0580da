/*
 * Whole connections: two clients, servers, and what the wire and the clock do
 * to them, against the real codec, exchange, relay, attempts and pools in the
 * memory kernel.  tests/fuzz/lib/witness.h says what must hold.
 *
 * The input is a script.  Plain bytes are what somebody sends; 0xff and a
 * letter are what happens:
 *
 *	A B		what follows is sent by that client, in one piece
 *	0 .. 3		by the server at that connection, oldest live one first
 *	# @ *		inside: a request's number; a whole answer to the request
 *			at hand; 16 KiB that bear its number
 *	f r WHO		a FIN, an RST of WHO
 *	w WHO n		WHO's window becomes n * n bytes; 255: has no end
 *	n WHO		WHO opens a new connection (clients)
 *	t		time goes on to the next deadline
 *	a		and further, as if the worker had stood still
 *	s		a tenth of a second goes by
 *	c n		connects from now on end well, refused, never, or not
 *			even begin; o: those that hang are through
 *	+		what comes next happens in the same turn of the loop
 *	v		readiness is told in the other order
 *	R D		a reload; draining
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "tests/fuzz/lib/kernel.h"
#include "tests/fuzz/lib/witness.h"
#include "tests/fuzz/lib/world.h"

#define HAPPENS '\xff'
#define CLIENTS 2
#define PIECE_MOST (1024 * 1024) /* what one run makes of its input */
#define FILLER 16384
#define TIMERS_MOST 2000 /* until everything has ended by itself */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Whose bytes these are; both NULL: nobody's. */
struct who {
	struct down *down;
	struct up *up;
};

static struct down *clients[CLIENTS];
static struct who speaker;
static struct buf piece;
static size_t written; /* by all pieces */
static bool at_once; /* the next bytes wait for those behind them */
static bool waiting;

/* ---- who ------------------------------------------------------------------- */

static void
connect_client(unsigned n)
{
	clients[n] = witness_down();
	if (clients[n] != NULL)
		world_accept(kernel_fd(clients[n]->sock));
}

static struct who
who_is(char name)
{
	struct who who = { NULL, NULL };

	if (name == 'A' || name == 'B') {
		if (clients[name - 'A'] == NULL)
			connect_client((unsigned)(name - 'A'));
		who.down = clients[name - 'A'];
	} else if (name >= '0' && name <= '3')
		who.up = witness_up((unsigned)(name - '0'));
	return who;
}

static struct sock *
sock_of(struct who who)
{
	if (who.down != NULL)
		return who.down->sock->is_open ? who.down->sock : NULL;
	return who.up != NULL && who.up->sock->is_open ? who.up->sock : NULL;
}

/* ---- what is sent ------------------------------------------------------------ */

static void
settle(void)
{
	waiting = at_once;
	if (!waiting)
		world_settle();
	at_once = false;
}

/*
 * Nobody can tell an answer from what came before it was asked for: an idle
 * server speaks when nothing waits, for more bytes or for room, and what it says
 * comes by itself.
 */
static void
let_speak(void)
{
	struct sock *sock = sock_of(speaker);

	if (sock == NULL || speaker.up == NULL || !witness_is_idle(speaker.up))
		return;
	kernel_room(sock, KERNEL_NO_LIMIT);
	world_settle();
	waiting = false;
}

static void
send_piece(void)
{
	const char *p = piece.n > 0 ? buf_join(&piece, piece.n, 0) : NULL;
	struct sock *sock = sock_of(speaker);

	if (piece.n > 0 && sock != NULL && kernel_hears(sock)) {
		if (speaker.up != NULL) {
			at_once = at_once && !witness_is_idle(speaker.up);
			witness_up_says(speaker.up, p, piece.n);
		} else
			witness_down_says(speaker.down, p, piece.n);
		kernel_receive(sock, p, piece.n);
		settle();
	}
	buf_clear(&piece);
}

static void
put(const char *p, size_t n)
{
	if (written + n > PIECE_MOST)
		return;
	written += n;
	buf_append(&piece, p, n);
}

static size_t
tag(char to[WITNESS_TAG], bool new)
{
	if (speaker.up != NULL)
		return witness_tag(speaker.up, to);
	return new ? witness_new_tag(to) : witness_last_tag(to);
}

static void
put_filler(void)
{
	static char filler[FILLER];
	char text[WITNESS_TAG];
	size_t n = tag(text, false);

	text[n++] = '\n';
	for (size_t i = 0; i < FILLER; i += n)
		memcpy(filler + i, text, n < FILLER - i ? n : FILLER - i);
	put(filler, FILLER);
}

static void
put_answer(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Length: 15\r\n\r\n";
	char text[WITNESS_TAG];

	put(head, sizeof(head) - 1);
	put(text, tag(text, false));
}

/* ---- what happens -------------------------------------------------------------- */

static void
end_of(struct who who, bool reset)
{
	struct sock *sock = sock_of(who);

	if (sock == NULL || !kernel_hears(sock))
		return;
	if (reset)
		kernel_reset(sock);
	else {
		kernel_fin(sock);
		if (who.up != NULL)
			witness_up_ends(who.up);
	}
	settle();
}

static void
window_of(struct who who, unsigned char n)
{
	struct sock *sock = sock_of(who);

	if (sock == NULL)
		return;
	kernel_room(sock, n == 255 ? KERNEL_NO_LIMIT : (size_t)n * n);
	settle();
}

/* To one body alone; the bytes it takes beside its letter. */
static size_t
happens_to(char what, const char *p, size_t n)
{
	if (n < 1)
		return 0;
	if (what == 'n') {
		if (p[0] == 'A' || p[0] == 'B')
			connect_client((unsigned)(p[0] - 'A'));
	} else if (what == 'f' || what == 'r')
		end_of(who_is(p[0]), what == 'r');
	else if (n >= 2)
		window_of(who_is(p[0]), (unsigned char)p[1]);
	return what == 'w' && n >= 2 ? 2 : 1;
}

static void
happens(char what)
{
	switch (what) {
	case 't':
		kernel_next_timer(0);
		break;
	case 'a':
		kernel_next_timer(CLOCK_S);
		break;
	case 's':
		kernel_sleep(100 * CLOCK_MS);
		break;
	case 'o':
		kernel_connected();
		break;
	case 'v':
		kernel_turn_order();
		return;
	case 'R':
		world_reload();
		break;
	case 'D':
		world_drain();
		break;
	default:
		return;
	}
	settle();
}

/* 0xff was read; the bytes used behind it. */
static size_t
event(const char *p, size_t n)
{
	char text[WITNESS_TAG];

	if (n == 0)
		return 0;
	switch (p[0]) {
	case '#':
		put(text, tag(text, true));
		return 1;
	case '*':
		put_filler();
		return 1;
	case '@':
		put_answer();
		return 1;
	}
	send_piece();
	if (p[0] == '+')
		at_once = true;
	else if (p[0] == 'c' && n > 1) {
		kernel_connects((enum kernel_connect)((unsigned char)p[1] % 4));
		return 2;
	} else if (strchr("AB0123", p[0]) != NULL && p[0] != '\0')
		speaker = who_is(p[0]);
	else if (strchr("nfrw", p[0]) != NULL && p[0] != '\0')
		return 1 + happens_to(p[0], p + 1, n - 1);
	else
		happens(p[0]);
	return 1;
}

static void
play(const char *p, size_t n)
{
	while (n > 0) {
		const char *at = memchr(p, HAPPENS, n);
		size_t plain = at == NULL ? n : (size_t)(at - p);

		if (piece.n == 0)
			let_speak();
		put(p, plain);
		p += plain;
		n -= plain;
		if (n > 0) {
			plain = 1 + event(p + 1, n - 1);
			p += plain;
			n -= plain;
		}
	}
	send_piece();
	at_once = false;
	settle();
}

/*
 * Whatever is under way has a deadline, so that all of it ends by itself, also
 * when nobody does anything more.
 */
static void
wait_for_the_end(void)
{
	unsigned fired = 0;

	while (kernel_open() > 0) {
		assert(kernel_next_timer(0));
		world_settle();
		assert(++fired < TIMERS_MOST);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text in = { (const char *)bytes, n };
	uint64_t seed = hash_text(in, 0);

	kernel_start(&witness_ops);
	witness_begin(seed);
	world_begin(seed);
	memset(clients, 0, sizeof(clients));
	speaker = (struct who){ NULL, NULL };
	written = 0;
	at_once = waiting = false;
	play(in.p, in.n);
	wait_for_the_end();
	world_end();
	witness_end();
	kernel_finish();
	return 0;
}
