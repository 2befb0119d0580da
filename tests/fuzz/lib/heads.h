#ifndef TESTS_FUZZ_HEADS_H
#define TESTS_FUZZ_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "http/end.h"
#include "http/h1_parse.h"
#include "http/head.h"

struct arena;
struct buf;

/* What the fuzzers of requests and of responses claim alike. */
struct heads {
	bool		 responses;
	struct h1_limits limits;
	struct arena	*arena;
};

/* As h1_parse_request or h1_parse_response, all bytes in one call. */
ssize_t	heads_parse(const struct heads *, struct text, struct head *,
	    enum end *why);
/*
 * The verdict, the length and the head are the same for every way in which the
 * bytes may come, at one place or at new ones.
 */
void	heads_cuts_change_nothing(const struct heads *, struct text);
/* Names are tokens, values visible and trimmed, and there are not too many. */
void	heads_fields_are_well_formed(const struct heads *, const struct fields *);
/* Of those that go onward none is one hop's, or frames. */
void	heads_nothing_is_left_for_one_hop(const struct fields *);
/* The strict reader finds exactly one head in these bytes. */
void	heads_are_canonical(const struct heads *, struct text, bool no_body);
/* What was written, as text of the arena; clears the buf. */
struct text heads_text(const struct heads *, struct buf *);

#endif
