#ifndef HTTP_RULES_H
#define HTTP_RULES_H

#include <stdbool.h>

#include "http/end.h"
#include "http/head.h"

struct arena;

/*
 * What stands between the parser and the forwarding decision.  A head that
 * passed has one meaning for everyone who reads it later.
 */

/* What a listener grants its clients. */
struct rules_grants {
	bool		trusted;	/* the peer is a proxy: its forwarding fields are believed */
	unsigned	path;		/* URI_ENCODED_SLASH... */
};

/*
 * Judge a parsed request and bring it to its canonical form.  False: refused,
 * *why says which end; answer it and close.  After true:
 *
 * - framing and length are decided; keep_alive says what the client asked;
 * - authority is Host's, or the absolute target's, and valid; host is its host
 *   in lower case without port and trailing dot.  Both are empty for HTTP/1.0
 *   without Host: whoever forwards puts a name in;
 * - path is normalised (or "*", for OPTIONS alone), query valid;
 * - expect_continue is set for HTTP/1.1 with a body;
 * - max_forwards_zero: a TRACE or OPTIONS that must be answered here (RFC 9110
 *   7.6.2); another Max-Forwards of these methods is one less;
 * - upgrade is what Upgrade asks for, when it may: in HTTP/1.1, named by
 *   Connection, without a body, in one field; which of it a route allows is
 *   not judged here;
 * - removed are Host, framing, Expect, hop-by-hop fields (TE, whose
 *   `trailers' takes_trailers tells, Upgrade and HTTP2-Settings) and what
 *   Connection names, save
 *   protected names; protected names unless trusted; doubles of known
 *   names, such as X_Forwarded_For, always.
 *
 * CONNECT has authority and host from its target, no path, and keep_alive
 * unset: whether a route allows it is not judged here.
 */
bool	rules_request(struct head *, struct arena *, struct rules_grants,
	    enum end *why);

/*
 * Judge a parsed response, 1xx or final, to a request of that method.  False
 * with UPSTREAM_PROTOCOL when its framing or Connection is not valid, and for
 * 101: see rules_tunnel.  After true framing, length, has_length and
 * keep_alive (the server's connection may be used again) are set, and kept_s, if
 * the server says in Keep-Alive for how long; framing and hop-by-hop fields and
 * what Connection names are removed.
 */
bool	rules_response(struct head *, enum method asked, enum end *why);

/*
 * Judge a response that opens a tunnel: 101, or 2xx to CONNECT.  `asked' is the
 * Upgrade field that was sent.  False with UPSTREAM_PROTOCOL for a 101 that is
 * not exactly one of the tokens asked for, or that announces a body; the
 * framing of a 2xx means nothing (RFC 9110 9.3.6).  After true `tunnel' is set,
 * `upgrade' is the token, and hop-by-hop fields and framing are removed.
 */
bool	rules_tunnel(struct head *, struct text asked, enum end *why);

/*
 * Remove what must not travel in trailers: framing, routing, authentication,
 * content description, hop-by-hop and protected fields (RFC 9110 6.5.1).
 */
void	rules_trailers(struct fields *);

#endif
