#ifndef TESTS_HTTP_H1_WIRE_H
#define TESTS_HTTP_H1_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/h1.h"
#include "http/head.h"
#include "net/conn.h"

#define WIRE_HEAD_NS	(3600ull * 1000000000)
#define WIRE_IDLE_NS	(1800ull * 1000000000)

enum wire_wait { WAITS_NOT, WAITS_FOR_HEAD, WAITS_IDLE };

/*
 * The codec on one end of a connection, the test on the other, and a sink and
 * owner that write down in words what they hear, in order:
 *
 *	request GET /a?b last; refused bad_request; head 200 last; body hello
 *	last; tail X=1; room; flushed; broken body_timeout; gone stale;
 *	done keep; done close; nothing; unasked
 *
 * each ended by ';'.  Neighbouring body pieces are one, and an empty
 * tail is no other than "last", so that the words do not depend on how the
 * bytes came.  In `full' heads come with all they say, and once more when all is
 * flushed, and an idle conn is no news until it is closed, as it is when a server
 * speaks unasked.  Nothing here waits for a clock.
 */
struct wire {
	struct loop	*loop;
	struct conn	 conn;
	struct h1_settings settings;
	struct stream	*stream;
	struct head	*head;		/* of the last one heard */
	char		 heard[65536];
	size_t		 n;
	bool		 in_body;	/* the last word is a body's */
	size_t		 body;		/* body bytes heard */
	unsigned	 tails;		/* calls of tail(), empty or not */
	bool		 last;		/* what was heard ends its message */
	enum end	 why;		/* of the last request: it was refused */
	enum h1_left	 left;		/* how a server was done with it */
	bool		 full;		/* see above */
	bool		 quiet;		/* count them only */
	bool		 keeps;		/* nothing goes onward by itself */
	void		(*react)(struct wire *, const char *word);
	int		 fd;		/* the test's end */
	bool		 eof, reset;	/* seen by wire_read */
	char		 bytes[65536];	/* what wire_read gave */
	/* the kernel as the codec meets it */
	size_t		 takes;		/* bytes it still takes; SIZE_MAX */
	int		 write_error;
	bool		 flood;		/* reads never end */
	size_t		 flooded;
	unsigned	 sends, reads;
	size_t		 first_send;
	const struct cuts *records;	/* reads end there, as TLS's do; or NULL */
	size_t		 got, record;	/* bytes read, the record's end */
};

/* `tcp' where it matters how a connection is cut. */
void	 wire_open(struct wire *, bool tcp);
/* Ends what is there; no block of bytes may be left. */
void	 wire_close(struct wire *);
/* Both, for who does it often; not tcp. */
void	 wire_renew(struct wire *);
/* Let the conn idle as a client's: bytes start the codec. */
void	 wire_serve(struct wire *);
void	 wire_ask(struct wire *, bool reused);
/* Turn the loop until all that is ready is done. */
void	 wire_settle(struct wire *);
void	 wire_turn(struct wire *);		/* once */
/* Send from the test's end and settle. */
void	 wire_say(struct wire *, const char *);
void	 wire_say_n(struct wire *, const void *, size_t);
/* All that has come to the test's end. */
const char *wire_read(struct wire *);
/* Close the test's end: FIN, or RST (tcp only). */
void	 wire_fin(struct wire *);		/* half: reading goes on */
void	 wire_rst(struct wire *);
void	 wire_rst_unheard(struct wire *);	/* nobody has looked yet */
/* The kernel takes n bytes more; tell the conn. */
void	 wire_unblock(struct wire *, size_t n);
/* What was heard since the last call is exactly that. */
#define wire_heard(w, words) \
	cr_assert_str_eq(wire_words(w), words)
const char *wire_words(struct wire *);
/* Over tcp bytes come when they come. */
bool	 wire_heard_until(struct wire *, const char *words);
bool	 wire_ends(struct wire *);		/* eof or reset is set */
bool	 wire_is_reset(struct wire *);		/* and that is its end */

enum wire_wait wire_waits(struct wire *);
/* What has been read and not yet understood. */
const struct buf *wire_bytes(struct wire *);
/* When who must keep a pace is out of time. */
uint64_t wire_due(struct wire *);
/* As if it had been waited for that long already. */
void	 wire_wasted(struct wire *, uint64_t ns);
void	 wire_expire(struct wire *, bool stalled);

/* Heads: fields may be "Name: value\r\n..." or NULL. */
struct head wire_response(unsigned status, enum framing, uint64_t length);
struct head wire_request(enum method, enum framing, uint64_t length);
void	 wire_put_head(struct wire *, struct head, bool last);
void	 wire_put(struct wire *, const char *body, bool last);
void	 wire_put_n(struct wire *, size_t n, bool last);
void	 wire_put_tail(struct wire *, const char *name, const char *value);
void	 wire_took(struct wire *, size_t);

#endif
