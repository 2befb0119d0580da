#ifndef PROXY_REQUESTS_H
#define PROXY_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct exchange;

/*
 * GET /requests: what every worker has under way.  Each is asked by letter; the
 * answer goes out when all have written, or after a second with those who
 * have, so that one that hangs does not hide the others.
 */
void	requests_ask(struct exchange *, uint64_t older_ns);
/* The exchange ends, or fails, before its answer: nobody waits for it now. */
void	requests_forget(struct exchange *);
/* "older=5s", or nothing. */
bool	requests_parse_query(struct text query, uint64_t *older_ns);

#endif
