#ifndef HTTP_UPGRADE_H
#define HTTP_UPGRADE_H

#include <stdbool.h>

#include "base/text.h"
#include "http/token.h"

struct arena;

/*
 * Upgrade tokens, name or name/version, compared without case (RFC 9110 7.8).
 */

/*
 * Those of the tokens asked for that are allowed, in the asker's order, as the
 * field to send on; empty: none.  websocket goes with GET alone (RFC 6455 4.1),
 * and another HTTP never.
 */
struct text	upgrade_select(struct text asked, enum method,
		    const char *const *allowed, unsigned nallowed,
		    struct arena *);
bool		upgrade_is_token(struct text);
bool		upgrade_is_websocket(struct text);
/* h2c and its like: what follows would be requests that nobody judged. */
bool		upgrade_is_http(struct text);

#endif
