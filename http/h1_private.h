#ifndef HTTP_H1_PRIVATE_H
#define HTTP_H1_PRIVATE_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/spares.h"
#include "http/chunk.h"
#include "http/h1.h"
#include "http/h1_parse.h"
#include "http/head.h"
#include "http/pace.h"
#include "net/conn.h"

/* Shared by h1.c (life), h1_in.c (bytes to sink) and h1_out.c (verbs to bytes). */

enum h1_in {
	IN_HEAD,		/* a head is read or awaited */
	IN_BODY,
	IN_TRAILERS,
	IN_DONE			/* whole, or given up on */
};
/* What the conn waits for: one deadline at a time. */
enum h1_wait {
	WAIT_NOT,
	WAIT_HEAD,		/* the whole head, absolute */
	WAIT_BODY,		/* from here on at a pace: body bytes */
	WAIT_TAKE		/* the peer to take ours */
};
enum h1_out {
	OUT_HEAD,		/* no final head yet */
	OUT_BODY,
	OUT_DONE
};

struct h1 {
	struct stream		 stream;
	struct conn		*conn;
	const struct h1_settings *settings;
	const struct h1_server_owner *server;	/* one of the two roles */
	const struct h1_client_owner *client;
	void			*owner;
	enum h1_in		 in;
	enum h1_out		 out;
	/* reading */
	struct buf		 bytes;		/* read, not yet understood */
	struct h1_parser	 parser;
	struct chunk		 chunk;
	struct head		 head;
	struct fields		 trailers;
	struct arena		 arena;		/* head's fields */
	struct block		*held;		/* under head's texts */
	struct block		*held_tail;	/* under those of the trailers */
	enum framing		 in_framing;
	uint64_t		 in_left;
	size_t			 untook;	/* delivered, not yet gone onward */
	unsigned		 interim;	/* 1xx heads so far */
	size_t			 interim_bytes;	/* and theirs */
	/* writing */
	enum framing		 out_framing;
	uint64_t		 out_left;
	uint64_t		 out_mark;	/* conn->sent as the message began */
	enum method		 asked;		/* client: the method it was */
	struct text		 upgrade;	/* client: what it asked for */
	enum http_version	 peer;		/* server: the request's */
	/* waiting */
	enum h1_wait		 wait;
	struct pace		 body_pace, take_pace;	/* of this message */
	uint64_t		 moved;		/* bytes at the last look at it */
	uint64_t		 body_bytes;	/* read, of all bodies */
	bool			 keep;		/* after this message */
	bool			 farewell;	/* server: the client said that this is its last */
	bool			 tunnel;	/* raw bytes both ways from now on */
	bool			 reused, trusted;
	bool			 over;		/* the sink hears no more */
	bool			 eof;		/* the peer has ended its half */
	bool			 out_failed;	/* client: writing is over, the answer may be there */
	bool			 got_any;	/* bytes of a head */
	bool			 timed;		/* server: the head's time runs */
	enum end		 wrong;		/* to be told as gone */
	struct again		 again;
	struct grave		 grave;
	struct spare		 spare;
};

#define H1_INTERIM_MOST	32	/* 1xx heads before a final one, in one head's bytes */
#define H1_RATION	(256 * 1024)	/* bytes read per conn and pass */

/* h1.c */
void	h1_release(struct h1 *, bool keep);	/* give the conn back to its owner */
void	h1_give_up(struct h1 *);		/* server: on the request, not on its answer */
void	h1_nothing(struct h1 *);		/* server: as release, of an untouched conn */
void	h1_fail(struct h1 *, enum end);		/* close the conn, tell the sink gone */
/*
 * A response cut short must not look whole to whoever reads to FIN, and a
 * server that reads nothing must hear of it all the same.  What there is of it
 * still goes out: hearing nothing at all, a client may take the conn for one
 * that was idle too long, and send its request again.
 */
void	h1_close(struct h1 *);
void	h1_touch(struct h1 *);			/* see to the deadline that now applies */
void	h1_time_head(struct h1 *);		/* server: a head has begun */
void	h1_next(struct h1 *);			/* server: answer is out; go on */
bool	h1_may_follow(const struct h1 *);	/* server: another request */
void	h1_open_tunnel(struct h1 *);		/* the head that says so came or goes */
bool	h1_tunnel_is_over(const struct h1 *);	/* both halves, with all that was sent */

/* h1_in.c */
void	h1_readable(struct conn *);
bool	h1_consume(struct h1 *);		/* false: the codec is gone or done */
void	h1_server_end(struct h1 *, bool clean);	/* the client's FIN or RST is read */
void	h1_refuse(struct h1 *, enum end);	/* server: the head is none */

/* h1_out.c */
extern const struct stream_ops h1_stream_ops;
void	h1_flush(struct h1 *);			/* a failure is told in a turn of its own */

#endif
