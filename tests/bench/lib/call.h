#ifndef TESTS_BENCH_LIB_CALL_H
#define TESTS_BENCH_LIB_CALL_H

#include <stdint.h>

#include "tests/bench/lib/wire.h"
#include "tests/lib/bytes.h"

/*
 * One client's connection and the request on it.  It is begun anew after each
 * answer; a connection is opened when there is none.  One thread.
 */
enum call_news {
	CALL_WAITS,		/* for the other side */
	CALL_DONE,		/* the answer is whole: `status' */
	CALL_LOST,		/* a connection that was used before ended
				   without a byte of the answer */
	CALL_BROKEN		/* any other failure */
};

struct caller {
	int		 epoll, port;
	SSL_CTX		*tls;		/* NULL: plain */
	bool		 fresh;		/* a connection for each request */
	bool		 resume;	/* with TLS, from the last ticket */
	/* what came of it */
	uint64_t	 opened, resumed, tickets;
};

struct call {
	struct caller	*caller;
	const struct bytes *request;	/* the last one */
	bool		 is_asking;	/* it is under way */
	int64_t		 due_ns;	/* the caller's: when it should begin */
	int		 status;
	struct call	*next;		/* the caller's */
	/* its own */
	struct wire	 wire;
	SSL_SESSION	*session;
	size_t		 sent;
	bool		 used;		/* the connection had an answer before */
	bool		 in_body, must_close;
	uint64_t	 heard;		/* bytes of the answer */
	uint64_t	 left;		/* of its body */
	struct bytes	 head;		/* the part of one that came in pieces */
};

/* For caller->tls: counts tickets, and keeps them to resume from.  Or exits. */
SSL_CTX		*call_tls(void);

/* Ask; the request stays the caller's. */
enum call_news	 call_begin(struct call *, const struct bytes *request);
/* Something happened on its connection. */
enum call_news	 call_go_on(struct call *);
/* The connection ends, and so does the request, if one is under way. */
void		 call_hang_up(struct call *);

#endif
