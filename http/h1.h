#ifndef HTTP_H1_H
#define HTTP_H1_H

#include <stdbool.h>
#include <stdint.h>

#include "http/h1_parse.h"
#include "http/stream.h"

struct conn;
struct head;

/* What a codec is bound to; borrowed for as long as it lives. */
struct h1_settings {
	struct h1_limits limits;
	uint64_t	 head_ns;	/* server: the request head, absolute; client: the response head, from the request's last byte */
	unsigned	 path_grants;	/* server: URI_ENCODED_SLASH... */
	uint64_t	 idle_ns;	/* between bytes of a body, and for the peer to take ours */
	uint64_t	 min_rate;	/* bytes a second of either; 0: any byte will do */
};

/* How a server leaves a conn. */
enum h1_left {
	H1_IDLE,	/* ready for another request, with nothing of it read */
	H1_ENDING,	/* to be closed, and the client may still be sending */
	H1_SPENT	/* to be closed: the client sends no more, by its own word or its end */
};

/*
 * The HTTP/1.1 codec on a conn, in both roles.  It lives for as long as
 * messages are under way; an idle conn has none.  While it lives it is the
 * conn's owner.
 */
struct h1_server_owner {
	/*
	 * A request head in canonical form, or the reason why it is none
	 * (`why'; the head is then as far as it was read).  Sets the stream's
	 * sink and arg.  The head and its texts stay good until `flushed'.
	 */
	void	(*request)(void *, struct stream *, struct head *, bool last,
		    enum end why);
	/* The conn is the owner's again. */
	void	(*done)(void *, enum h1_left);
	/* So too, as it was: there was no byte to read after all. */
	void	(*nothing)(void *);
};
struct h1_client_owner {
	/*
	 * The same; `keep' only after an exchange that left the wire clean.
	 * The server keeps it for kept_s seconds, if that is not 0.
	 */
	void	(*done)(void *, bool keep, unsigned kept_s);
};

/* Read requests from an open conn; the head has head_ns from its first byte. */
void	h1_serve(struct conn *, const struct h1_settings *, bool trusted,
	    const struct h1_server_owner *, void *owner);
/*
 * A stream for one request on an open conn.  `reused': the conn was idle
 * before, so that its loss before any response is nobody's fault.  The texts of
 * a response's head are good while the sink hears it, and no longer.
 */
struct stream	*h1_ask(struct conn *, const struct h1_settings *, bool reused,
		    const struct h1_client_owner *, void *owner);
/* The conn's end is its owner's wish: a codec on it, if any, goes without a word. */
void	h1_drop(struct conn *);
/* At a thread's end: free the recycled codecs. */
void	h1_pool_fini(void);
/* Free those that nobody needed since the last call.  false: none is left. */
bool	h1_pool_shed(void);

#endif
