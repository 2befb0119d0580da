#ifndef TESTS_LIB_ORIGIN_CONN_H
#define TESTS_LIB_ORIGIN_CONN_H

#include <pthread.h>
#include <sys/queue.h>

#include "tests/lib/origin.h"

/* What origin.c (the loop) and origin_conn.c (a connection) share. */
enum { ORIGIN_REPLIES = 64 };

enum origin_phase {
	PHASE_HEAD,		/* waiting for a request's head */
	PHASE_BODY,		/* and its body */
	PHASE_DELAY,		/* the answer waits for `wake' */
	PHASE_SEND,		/* bytes of the answer go out */
	PHASE_SILENT,		/* there will be none */
	PHASE_OVER		/* to be closed */
};

enum chunk_phase { CHUNK_SIZE, CHUNK_DATA, CHUNK_CRLF, CHUNK_TRAILER };

struct origin_conn {
	TAILQ_ENTRY(origin_conn) entry;
	struct origin	*origin;
	int		 fd;
	unsigned	 number, nth;
	uint32_t	 interest;	/* of epoll */
	enum origin_phase phase;
	struct bytes	 in, out;
	size_t		 out_done;
	int64_t		 wake;		/* 0: none */
	bool		 reset;		/* close with RST */
	/* the request at work */
	struct seen	*seen;		/* NULL when none is kept */
	bool		 active;	/* between its head and the answer's end */
	bool		 is_head, keep_alive, chunked, body_done;
	enum chunk_phase chunk;
	uint64_t	 left;		/* of the length or the chunk */
	uint64_t	 body_n;
	struct digest	*digest;
	/* the answer */
	struct reply	 reply;
	uint64_t	 sent, size;	/* bytes of its body */
	const char	*text;		/* the body, or NULL: the pattern */
	bool		 paced;		/* a piece is out since the last wake */
	bool		 ended;		/* the last byte is in `out' */
};

TAILQ_HEAD(origin_conns, origin_conn);

struct origin {
	struct origin_options options;
	int		 listener, epoll, wakeup;
	int		 port;
	pthread_t	 thread;
	pthread_mutex_t	 lock;		/* all below */
	struct origin_conns conns, buried;
	struct reply	 replies[ORIGIN_REPLIES];
	unsigned	 nreplies;
	struct seen	**seen;
	unsigned	 nseen, cap_seen;
	unsigned	 requests, accepted, open, active, peak, failures;
	uint64_t	 bytes;
	bool		 dead;
};

/* Bytes came, the socket has room, or `wake' has passed: go as far as it goes. */
void	origin_conn_go(struct origin_conn *, bool readable);
/* The request at work is done with, answered or not. */
void	origin_conn_idle(struct origin_conn *);
/* The value of that field, not ended by a NUL, or NULL; the nth from 0. */
const char *origin_field_at(const struct bytes *head, const char *name,
	    unsigned nth, size_t *n);

#endif
