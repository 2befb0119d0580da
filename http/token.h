#ifndef HTTP_TOKEN_H
#define HTTP_TOKEN_H

#include <stdbool.h>

#include "base/text.h"

/* Names that fairlead itself looks at: nobody compares strings twice. */
enum token {
	TOKEN_NONE,		/* a removed field */
	TOKEN_OTHER,
	TOKEN_HOST, TOKEN_CONNECTION, TOKEN_CONTENT_LENGTH,
	TOKEN_TRANSFER_ENCODING, TOKEN_TE, TOKEN_TRAILER, TOKEN_UPGRADE,
	TOKEN_KEEP_ALIVE, TOKEN_PROXY_CONNECTION, TOKEN_EXPECT,
	TOKEN_MAX_FORWARDS, TOKEN_VIA, TOKEN_X_FORWARDED_FOR,
	TOKEN_X_FORWARDED_PROTO, TOKEN_X_FORWARDED_HOST, TOKEN_FORWARDED,
	TOKEN_X_REQUEST_ID, TOKEN_X_REAL_IP, TOKEN_USER_AGENT, TOKEN_REFERER,
	TOKEN_DATE, TOKEN_SERVER, TOKEN_CONTENT_TYPE, TOKEN_AUTHORIZATION, TOKEN_LOCATION,
	TOKEN_RETRY_AFTER, TOKEN_HTTP2_SETTINGS, TOKEN_PROTECTED
	/* PROTECTED: a name that only fairlead may set, or a lookalike of one
	 * (BEHAVIOURS C.3, 7): dropped when a client sends it */
};

enum method {
	METHOD_OTHER, METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT,
	METHOD_DELETE, METHOD_CONNECT, METHOD_OPTIONS, METHOD_TRACE,
	METHOD_PATCH, METHOD_COUNT
};

enum token	 token_find(struct text name);		/* any case; of token characters */
/*
 * Another name's double: a TOKEN_PROTECTED that is not spelled with letters,
 * digits and '-' alone, such as X_Forwarded_For or Content.Length.  Every
 * known name's double is TOKEN_PROTECTED.
 */
bool		 token_is_lookalike(struct text name, enum token);
/*
 * Whether the name is `to', which is in lower case, for who keeps letters and
 * digits in any case and reads all else as '-'.
 */
bool		 token_maps_to(struct text name, struct text to);
enum method	 method_find(struct text);		/* exact case */
const char	*method_label(enum method);		/* "GET"; METHOD_OTHER: "OTHER" */
bool		 method_is_idempotent(enum method);	/* RFC 9110 9.2.2 */

#endif
