#ifndef TESTS_FUZZ_STRICT_H
#define TESTS_FUZZ_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * A reader of HTTP/1.1 that takes the canonical form alone and shares nothing
 * with http/: one space, CRLF, one framing, lower or upper case as fairlead
 * writes it, no field of one hop.  What it refuses another reader may read
 * otherwise.  Feeding it in pieces changes nothing.
 */
enum strict_state { STRICT_HEAD, STRICT_LENGTH, STRICT_CLOSE, STRICT_SIZE,
	STRICT_DATA, STRICT_DATA_END, STRICT_TRAILERS,
	STRICT_TUNNEL,		/* anything goes */
	STRICT_LOST };		/* it was not canonical; `why' */

/* What a head's owner says of it. */
enum strict_body { STRICT_AS_SAID, STRICT_NO_BODY, STRICT_UPGRADED,
	STRICT_UNWANTED };

struct strict;
struct strict_ops {
	/* A head is whole: s->head, for a response s->status. */
	enum strict_body (*head)(struct strict *);
	void	(*body)(struct strict *, const char *, size_t);	/* a tunnel's too */
	void	(*end)(struct strict *);	/* of a message, 1xx too */
};

struct strict {
	const struct strict_ops	*ops;
	void			*arg;
	bool			 responses;
	enum strict_state	 state;
	const char		*why;
	char			*line;		/* the head or line so far */
	size_t			 n, cap;
	uint64_t		 left;
	size_t			 fed;		/* bytes understood in all */
	/* of the head that `head' sees */
	struct text		 head;
	unsigned		 status;
	bool			 close, chunked, has_length;
	uint64_t		 length;
};

void	strict_init(struct strict *, bool responses, const struct strict_ops *,
	    void *arg);
void	strict_fini(struct strict *);
void	strict_feed(struct strict *, const char *, size_t);
/* The stream has ended: true when no message was cut by that. */
bool	strict_finish(struct strict *);
/* The value of the first field of that name in the head; p NULL: none. */
struct text	strict_field(struct text head, struct text name);

#endif
