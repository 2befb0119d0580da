#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include <stdint.h>

#include "base/text.h"

struct buf;
struct exchange;
struct fields;

/* Answers that fairlead makes itself.  Each puts the exchange into PHASE_ANSWER. */

/* The error reply of x->end, with its reason; for a 503 also when to come again. */
void	reply_error(struct exchange *, uint64_t retry_after_ns);
/* Any other: fields may be NULL; the body is moved. */
void	reply(struct exchange *, unsigned status, const struct fields *,
	    struct text content_type, struct buf *body);
/* What a route with `respond' or `redirect' says. */
void	reply_respond(struct exchange *);
void	reply_redirect(struct exchange *);
/* To the same URL by https. */
void	reply_https(struct exchange *);

#endif
