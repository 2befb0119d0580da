#ifndef TESTS_LIB_ORIGIN_H
#define TESTS_LIB_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/bytes.h"

/*
 * A scripted HTTP/1.1 server: one thread, any number of connections.  It reads
 * leniently (what comes is written down for the test to judge) and answers as
 * told by path.  All functions are for the test's thread.
 */
struct origin;

enum cut { CUT_NOT, CUT_FIN, CUT_RST };

/* What one path answers.  All zero: 200 with the request's head as the body. */
struct reply {
	const char	*path;		/* without query; NULL: every other one */
	int		 status;	/* 0: 200 */
	const char	*reason;	/* NULL: "Fine" */
	const char	*fields;	/* further lines, each with its CRLF */
	const char	*interim;	/* bytes before the head: 1xx heads */
	/* the body: the first that is set */
	const char	*text;
	bool		 sized;		/* `size' bytes of the pattern */
	bool		 digest;	/* "<bytes> <sha256>" of the request's body */
	uint64_t	 size;
	/* its framing; else Content-Length */
	bool		 chunked;
	bool		 until_close;
	const char	*trailers;	/* lines, each with its CRLF */
	/* exactly these bytes in place of all the above; n 0: strlen */
	const char	*raw;
	size_t		 raw_n;
	/* how */
	bool		 silent;	/* never answer */
	bool		 early;		/* without waiting for the body */
	bool		 close;		/* after the answer */
	bool		 no_continue;	/* Expect gets no 100 */
	bool		 unread;	/* take no byte of the body */
	int		 delay_ms;	/* before the head */
	int		 pace_ms;	/* before each piece of `piece' body bytes */
	size_t		 piece;
	bool		 reused_only;	/* only on a connection that was used before */
	enum cut	 cut;		/* once `cut_at' bytes of body are out */
	uint64_t	 cut_at;
	unsigned	 fail_percent;	/* that many answers are 503 instead */
};

struct origin_options {
	const char	*name;		/* in the X-Origin field; NULL: "origin" */
	const char	*unix_path;	/* else [::1] or 127.0.0.1 */
	bool		 ipv6;
	bool		 any;		/* 0.0.0.0: for people, not for tests */
	int		 port;		/* 0: a free one */
	bool		 forget;	/* keep no log: for long runs */
};

/* Listens when it returns; NULL and errno when it cannot. */
struct origin	*origin_start(const struct origin_options *);
/* With a name, on 127.0.0.1; never NULL. */
struct origin	*origin_new(const char *name);
int		 origin_port(const struct origin *);
/* Set what reply->path answers from the next request on; strings are borrowed. */
void		 origin_reply(struct origin *, struct reply);
/* Refuse connections and reset those that are open, as a killed process. */
void		 origin_kill(struct origin *);
/* Come back on the same port. */
void		 origin_revive(struct origin *);
/* Close (FIN) the connections on which nothing goes on. */
void		 origin_close_idle(struct origin *);
/* The same with RST. */
void		 origin_reset_idle(struct origin *);

/* One request as it came. */
struct seen {
	unsigned	 conn, nth;	/* connection from 1, request on it from 1 */
	int64_t		 at;		/* wait_now() of its head */
	struct bytes	 head;		/* exact bytes with the empty line */
	struct bytes	 body;		/* exact bytes on the wire, first 64 KiB */
	char		*path;		/* the target without query */
	bool		 whole;		/* its last body byte came */
	bool		 answered;	/* the first byte of the answer is out */
	bool		 finished;	/* and the last one */
};

/* Requests (whole heads) so far, connections so far, connections now. */
unsigned	 origin_requests(struct origin *);
unsigned	 origin_accepted(struct origin *);
unsigned	 origin_open(struct origin *);
/* Most requests that were in the works at once. */
unsigned	 origin_peak(struct origin *);
/* Bytes that came on all connections, also what is no request. */
uint64_t	 origin_bytes(struct origin *);
/* Requests for that path. */
unsigned	 origin_count(struct origin *, const char *path);
/* A copy of the i-th request from 0; waits for it; NULL after 5 s. */
struct seen	*origin_seen(struct origin *, unsigned i);
/* The value of that field in a head of exact bytes, or NULL; the nth from 0. */
char		*origin_field(const struct bytes *head, const char *name,
		    unsigned nth);

#endif
