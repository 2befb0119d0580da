#ifndef HTTP_H1_WRITE_H
#define HTTP_H1_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/head.h"

struct buf;

/*
 * The one canonical form in which messages leave.  Removed fields (TOKEN_NONE)
 * are left out; framing and Connection come from the head and the arguments,
 * never from a field.
 */

/*
 * Host is the head's authority, first of all fields.  A request whose method
 * expects a body and that has none says Content-Length: 0.  `Expect:
 * 100-continue' is written when head->expect_continue is still set, and what
 * head->upgrade asks for with its `Connection: Upgrade'.
 */
void	h1_write_request(struct buf *, const struct head *, bool keep_alive);

/*
 * How the body of a response travels to that peer: NONE (to HEAD, 1xx, 204,
 * 304), LENGTH, CHUNKED, or CLOSE when its length is not known and the peer
 * speaks HTTP/1.0.  A response with FRAMING_NONE is LENGTH of 0 where a body
 * could be.  The writer and the codec both ask here.
 */
enum framing	h1_framing(const struct head *, enum http_version peer,
		    bool head_request);

/*
 * A response, final or 1xx (never give a 1xx to HTTP/1.0).  Says `Connection:
 * close' when not keep_alive or when the framing is CLOSE, `keep-alive' to
 * HTTP/1.0.  An announced Content-Length is kept for HEAD and 304.  One that
 * opens a tunnel has no framing; a 101 says to what.
 */
void	h1_write_response(struct buf *, const struct head *,
	    enum http_version peer, bool keep_alive, bool head_request);

void	h1_write_chunk_head(struct buf *, size_t n);	/* n > 0 bytes follow */
void	h1_write_chunk_end(struct buf *);		/* after those bytes */
/* The end of a chunked body; trailers may be NULL. */
void	h1_write_last_chunk(struct buf *, const struct fields *trailers);

#endif
