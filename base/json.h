#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct buf;

/*
 * A JSON writer with no allocation of its own: into a fixed array (a log line;
 * what does not fit sets `full') or, when `to' is set, into a buf.  Commas and
 * escapes are its business: output is always valid UTF-8 JSON; bytes that are
 * not UTF-8 become U+FFFD (RFC 8259 8.1).
 */
struct json {
	char		*p;		/* fixed array, or the buf's reserved room */
	size_t		 n, cap;
	struct buf	*to;		/* NULL: fixed */
	bool		 comma, full;
};

void	json_init_array(struct json *, char *, size_t);
void	json_init_buf(struct json *, struct buf *);
void	json_end(struct json *);	/* buf: commit what is pending */

void	json_open(struct json *);	/* { */
void	json_close(struct json *);	/* } */
void	json_open_list(struct json *);
void	json_close_list(struct json *);
void	json_key(struct json *, const char *);
void	json_key_text(struct json *, struct text);
void	json_text(struct json *, struct text);
void	json_cstring(struct json *, const char *);	/* NULL gives null */
void	json_u64(struct json *, uint64_t);
void	json_i64(struct json *, int64_t);
void	json_fixed(struct json *, double, int decimals);
void	json_bool(struct json *, bool);
void	json_none(struct json *);
void	json_raw(struct json *, struct text);		/* a value already in JSON */

#endif
