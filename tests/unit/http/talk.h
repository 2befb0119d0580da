#ifndef TESTS_HTTP_TALK_H
#define TESTS_HTTP_TALK_H

#include <stdbool.h>

#include "base/text.h"

struct head;

/* What one end says on a connection; the codec's answers are its own. */
struct talk {
	const char		*name;
	struct text		 bytes;
	const struct head	*asked;		/* it is a server's answer to that; NULL: a client's */
	bool			 grants;	/* a client gets the tunnel that it asks for */
};

/* For a suite's .init and .fini. */
void	 talk_init(void);
void	 talk_fini(void);
/*
 * Whichever way of cuts.h the bytes come, with a pass of the loop for each read
 * or, as TLS's records do, with all of them in one: what comes of them is the
 * same as when they come whole.  That is every head with all it says, bodies,
 * trailers, ends and their reasons in order, what the codec writes, and whether
 * the connection goes on.  The end of the bytes is the end of the connection.
 */
void	 no_cut_changes(const struct talk *);

#endif
