#ifndef TESTS_LIB_MESSAGE_H
#define TESTS_LIB_MESSAGE_H

#include <jansson.h>

#include "tests/lib/bytes.h"

/*
 * What a server understood a request to be, as one text in a normal form: two
 * servers understood the same if their texts are equal.  It has the method, the
 * target, the host, the fields sorted by their names in lower case, those of
 * one name joined by commas, and the body.  Left out is what belongs to one hop
 * (framing, Connection, Max-Forwards and the like) and what differs from one
 * request to the next by itself (X-Request-Id); what names the server itself is
 * `(server)'.
 */

/*
 * From a head and a body as they came.  The grammar is that of RFC 9112 at its
 * strictest: what is not in the one canonical form gives NULL and a reason.
 * `server' is the address under which this server is known.
 */
char	*message_of_bytes(const struct bytes *head, const struct bytes *body,
	    const char *server, const char **why);
/*
 * From what the servers in tests/oracles/ write: method, target, host, fields
 * as pairs, body in hex, all characters below 256 and meaning bytes.
 */
char	*message_of_json(const json_t *, const char *server);

#endif
