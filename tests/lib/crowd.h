#ifndef TESTS_LIB_CROWD_H
#define TESTS_LIB_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/client.h"

/*
 * The clients of the chaos test: many connections, plain and TLS, each asking
 * one request after another as chaos.h describes, GET and POST, sized and
 * chunked, from nothing to 256 KiB both ways, and looking at every byte of the
 * answer.  What became of each request is noted by its id for whoever judges.
 */
enum outcome {
	OUT_OPEN,		/* not over, or never begun */
	OUT_OK,			/* 200, its own, every byte */
	OUT_ERROR,		/* a server's 5xx, its own, every byte */
	OUT_CUT,		/* its own, broken off where all can see it */
	OUT_REFUSED,		/* fairlead's own answer, with its reason */
	OUT_UNANSWERED,		/* the connection ended without a byte */
	OUT_LEFT,		/* the client went away on purpose */
	OUT_WRONG		/* anything else: never right */
};

struct crowd_note {
	int64_t		 began, ended;	/* wait_now() */
	short		 status;	/* 0: none */
	char		 outcome;	/* enum */
	bool		 post, tls;
	char		 reason[24];	/* of fairlead's own answer */
};

struct crowd_plan {
	int		 port, tls_port;	/* tls_port 0: plain only */
	unsigned	 connections;
	unsigned	 rate;		/* requests a second in all */
	unsigned	 most;		/* requests at most: the notes' number */
	bool		 only_get;	/* and small, and no client leaves */
};

struct crowd;

struct crowd	*crowd_start(const struct crowd_plan *);
/* End after the requests at work. */
void		 crowd_stop(struct crowd *);
/* How many were begun: ids go from 0. */
unsigned	 crowd_begun(struct crowd *);
/* Of that id; after crowd_stop(). */
struct crowd_note *crowd_note(struct crowd *, unsigned id);
/* What was wrong, sentences with a newline each, "" when nothing. */
const char	*crowd_complaints(struct crowd *);

#endif
