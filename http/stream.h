#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/end.h"

struct buf;
struct conn;
struct fields;
struct head;
struct stream;

/*
 * What a codec can do for an exchange, and what an exchange hears from a
 * codec.  HTTP/1, local answers and the tests' scripted stream implement it;
 * the exchange never asks which.
 *
 * - A message is head, then body any number of times, then its end: the last
 *   head or body says `last', or tail ends it with trailers.
 * - A head may come several times: 1xx heads first, then one final head.
 * - A sink may be asked to pass body bytes on that its codec has not read, and
 *   passes the question to the other stream.  What that took was delivered, and
 *   a body follows, empty, that sends it.
 * - No verb calls its own sink before it returns: what a call brings about is
 *   heard in a later turn of the loop.
 * - A codec delivers at most a window (32 KiB) of body beyond what was `took',
 *   but for what is passed on unread; a sink that is given bytes moves all of them out of the buf.
 * - After gone, and after reset, the sink hears no more, and the stream must
 *   not be touched again.  A server's stream (towards a client) also ends with
 *   flushed, whatever is left of the request; a client's (towards a server)
 *   when it delivers the last of the response.
 * - A final head with `tunnel' makes both bodies raw, and a last body a
 *   half-close.  Flushed then says, on either stream, that both halves have
 *   ended and all is in the kernel; the stream lives on until reset, which
 *   ends one that is flushed in peace and cuts one that is not.
 */
struct stream_ops {
	void	(*head)(struct stream *, struct head *, bool last);
	void	(*body)(struct stream *, struct buf *, bool last); /* moves the bytes */
	void	(*tail)(struct stream *, const struct fields *); /* trailers; ends */
	size_t	(*room)(const struct stream *);	/* body bytes it would take now */
	void	(*took)(struct stream *, size_t);	/* n of yours went onward: open the window */
	size_t	(*pass)(struct stream *, struct conn *, size_t most);	/* take body bytes out of that conn as they are; 0: have them read */
	void	(*reset)(struct stream *, enum end);	/* give up */
};

struct sink_ops {
	void	(*head)(void *, struct head *, bool last);
	void	(*body)(void *, struct buf *, bool last);
	void	(*tail)(void *, struct fields *);
	size_t	(*pass)(void *, struct conn *, size_t most);	/* as the stream's; NULL: never */
	void	(*room)(void *);		/* there is room again */
	void	(*flushed)(void *);		/* all we sent is in the kernel; a server's last call but in a tunnel */
	void	(*broken)(void *, enum end);	/* a server's: no more of the request will be heard, an answer may still go out */
	void	(*gone)(void *, enum end);	/* peer or wire failed; the last call */
};

struct stream {
	const struct stream_ops	*ops;
	const struct sink_ops	*sink;
	void			*arg;		/* the sink's */
	uint64_t		 began;		/* a server's: its first byte came, or its turn */
};

#define STREAM_WINDOW	32768		/* bytes delivered beyond took */

#endif
