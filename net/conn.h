#ifndef NET_CONN_H
#define NET_CONN_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "net/loop.h"

struct addr;
struct conn;
struct iovec;

/*
 * How bytes go over the wire: plain sockets here, TLS in tls/transport.  All
 * return as read(2) does: bytes, 0 at the peer's end, -1 with errno, EAGAIN when
 * the socket must become ready first.
 */
struct transport {
	ssize_t	(*read)(struct conn *, void *, size_t);
	ssize_t	(*writev)(struct conn *, const struct iovec *, int);
	int	(*shake)(struct conn *);	/* 0 done, -1 with errno */
	int	(*shut)(struct conn *);		/* no more from us: close_notify, FIN; -1/EAGAIN: again when it is writable */
	bool	(*pending)(const struct conn *);	/* decoded bytes wait without an event */
	void	(*free)(struct conn *);		/* its session */
};
extern const struct transport transport_plain;

/* What the owner of a conn hears; one owner at a time. */
struct conn_ops {
	void	(*readable)(struct conn *);	/* read until -1/EAGAIN, or pause */
	void	(*writable)(struct conn *);	/* connected, shaken, or some of a blocked `out' went (look at conn_unsent) */
	void	(*failed)(struct conn *, int error);	/* connect, handshake or write failed */
	void	(*expired)(struct conn *, bool stalled);	/* its deadline */
};

enum conn_state { CONN_CONNECTING, CONN_SHAKING, CONN_OPEN };

/*
 * A transport connection: raw event, edge-triggered for reading and writing
 * at once, added once and never touched again, also while idle.  Embedded in
 * its owner, freed by the owner with conn_close.
 */
struct conn {
	struct event		 ev;
	struct loop		*loop;
	const struct transport	*transport;
	void			*session;	/* the transport's; a plain one's: the pipe with bytes that go before `out', or NULL */
	const struct conn_ops	*ops;
	void			*owner;
	struct buf		 out;		/* accepted for sending, not yet in the kernel */
	struct again		 again;
	struct deadline		 deadline;
	int			 fd;		/* -1: closed */
	uint8_t			 state : 2;	/* enum conn_state */
	bool			 can_read : 1;	/* an edge said so and EAGAIN has not */
	bool			 can_write : 1;
	bool			 hangup : 1;	/* the peer's FIN or RST is behind what can be read */
	bool			 paused : 1;	/* the owner wants no readable() */
	bool			 shut : 1;		/* our end is to be shut once nothing is unsent */
	bool			 ended : 1;	/* it is shut */
	bool			 was_short : 1;	/* the last read left the socket empty */
	bool			 was_cut : 1;	/* another call heard of the reset that reading is to tell */
	uint64_t		 sent;		/* bytes the kernel has taken */
};

/* Take over an open, non-blocking socket.  -1: no memory for the event. */
int	conn_open(struct conn *, struct loop *, int fd, const struct conn_ops *, void *owner);
/*
 * Begin to connect; writable() or failed() tells the outcome.  -1 with errno
 * when not even that was possible (EMFILE, EADDRNOTAVAIL: local).
 */
int	conn_connect(struct conn *, struct loop *, const struct addr *, const struct conn_ops *, void *owner);
/* Put a transport with a handshake on it; state becomes CONN_SHAKING. */
void	conn_secure(struct conn *, const struct transport *, void *session);
/* Close at once; what is unsent is lost.  The struct may be freed after the pass. */
void	conn_close(struct conn *);
/* As conn_close, with an RST instead of a FIN so that the peer sees the cut. */
void	conn_abort(struct conn *);

/*
 * Append what is there to `in'.  > 0 bytes read, 0 the peer's end, -1 with
 * errno; EAGAIN: nothing there now.  `want' bounds the read.
 */
ssize_t	conn_read(struct conn *, struct buf *in, size_t want);
/*
 * The last read completed a message: if it was short, the socket is drained and
 * no further read is needed to know it (DESIGN 8.1).
 */
void	conn_drained(struct conn *);
/*
 * Take at most so many bytes out of another conn without reading them: they are
 * unsent bytes of `to', which may have none yet.  0: it cannot be done, or not
 * now; reading tells why.  Both must be plain.
 */
size_t	conn_splice(struct conn *to, struct conn *from, size_t most);
/* Accepted for sending, not yet in the kernel. */
size_t	conn_unsent(const struct conn *);
/* It will never be sent. */
void	conn_forget(struct conn *);
/*
 * Send as much as the kernel takes.  0: all gone or waiting for room; -1 with
 * errno: the wire failed.
 */
int	conn_flush(struct conn *);
/* Bytes of ours that the peer has taken: what the kernel holds he has not. */
uint64_t conn_taken(const struct conn *);
/* The peer has reset the connection, whatever is still to be read. */
bool	conn_is_reset(struct conn *);
void	conn_pause(struct conn *);		/* no readable() until resumed */
void	conn_resume(struct conn *);		/* readable() comes in this pass or the next if there is something */
/* As conn_flush, and behind the last of it our end: in one packet, if it can be. */
int	conn_shut(struct conn *);
/* For a transport's send(2): the last bytes wait for the FIN that follows. */
int	conn_send_flags(const struct conn *);
void	conn_deadline(struct conn *, uint64_t after_ns);	/* 0: none */

#endif
