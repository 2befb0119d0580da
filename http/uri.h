#ifndef HTTP_URI_H
#define HTTP_URI_H

#include <stdbool.h>

#include "base/text.h"

struct arena;

/*
 * The parts of a request's target, each judged and brought to one form.  What
 * has that form already is left as it is; else the text becomes a copy in the
 * arena.  False: refused, and the text is as before.
 */

/* What a path may hold beyond the default, for servers that mean it; bits. */
#define URI_ENCODED_SLASH	1u	/* %2F */
#define URI_ENCODED_BACKSLASH	2u	/* %5C */
#define URI_PARAMETERS		4u	/* ';' and %3B */

/*
 * A path that starts with '/'.  Encoded unreserved bytes are decoded, the hex
 * of others is in upper case, bytes that no path may hold are encoded, dot
 * segments are resolved, repeated slashes are one.  Refused is what others may
 * read as another path: encoded slashes, backslashes and controls, path
 * parameters (';', also encoded), '#', a bad '%', and ".." above the root.
 * What is `allowed' is kept as it is, an octet like others, and stays refused
 * only where it would hide a dot segment, as in "/..;a/" and "/..%2F".
 */
bool	uri_path(struct text *path, unsigned allowed, struct arena *);

/*
 * A query, without its '?'.  Bytes that no query may hold ('[', '|', ...) are
 * encoded; the rest stays as it is.  Refused: '#', a bad '%', what is not
 * visible ASCII.
 */
bool	uri_query(struct text *query, struct arena *);

/*
 * host [ ":" port ], the host a name or address of the characters that DNS
 * knows and '_', or an IPv6 address in brackets; no userinfo, nothing encoded.
 * `host' becomes the host in lower case, in brackets if it was, without the
 * dot that may end it.  A colon without a port is taken off the authority.
 */
bool	uri_authority(struct text *authority, struct text *host,
	    struct arena *);

#endif
