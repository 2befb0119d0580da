#ifndef CONF_GRAMMAR_H
#define CONF_GRAMMAR_H

#include <stdbool.h>

#include "base/text.h"

/*
 * Whether a text is what its key wants.  PURE.  When it is not, *hint may say
 * how to write it; it is left alone when there is no more to say.
 */
bool	grammar_name(struct text, const char **hint);	/* letters, digits, '_', '-', '.' */
#define LABEL_MAX	128
bool	grammar_label(struct text, const char **hint);	/* printable, at most LABEL_MAX bytes */
bool	grammar_text(struct text, const char **hint);	/* no NUL */
bool	grammar_host(struct text, const char **hint);	/* a.example.com, *.example.com, [::1] */
bool	grammar_authority(struct text, const char **hint); /* a.example.com, a.example.com:80 */
bool	grammar_pattern(struct text, const char **hint); /* /a, /a and a star below */
bool	grammar_path(struct text, const char **hint);	/* /a?b: what a request line takes */
bool	grammar_prefix(struct text, const char **hint);	/* /a, /a/b */
bool	grammar_method(struct text, const char **hint);
bool	grammar_upgrade(struct text, const char **hint);	/* websocket, a/1.0; no HTTP */
bool	grammar_field(struct text, const char **hint);	/* a header name that may be changed */
bool	grammar_value(struct text, const char **hint);	/* a header value */

#endif
