#ifndef TESTS_LIB_LOAD_H
#define TESTS_LIB_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/client.h"

/*
 * Load from threads of the test's process: each connection asks at its share
 * of the rate, one request at a time, each request with an id of its own that
 * the origin's echo must hold, so that an answer given to the wrong client is
 * noticed.
 */
struct load_plan {
	int		 port;
	const char	*unix_path;	/* instead of the port */
	const char	*method;	/* NULL: GET */
	const char	*path;		/* NULL: "/" */
	unsigned	 paths;		/* instead of it "/0", "/1" ... in turn */
	const char	*fields;	/* further lines, each with its CRLF */
	unsigned	 connections;	/* 0: 1 */
	unsigned	 rate;		/* requests a second in all; 0: as fast as it goes */
	unsigned	 requests;	/* stop after so many in all; 0: until told */
	bool		 fresh;		/* a new connection for each request */
	bool		 opaque;	/* the body need not hold the id */
	const struct tls_wish *tls;	/* NULL: plain */
};

enum { LOAD_REASONS = 32 };

struct load_result {
	unsigned	 requests;	/* ended, well or not */
	unsigned	 ok;		/* 2xx, whole, with the right id */
	unsigned	 status[600];
	unsigned	 refused;	/* connecting or the handshake failed */
	unsigned	 unanswered;	/* no response head came */
	unsigned	 cut;		/* the response began and broke off */
	unsigned	 mixed;		/* the answer of another request */
	char		*reasons[LOAD_REASONS];	/* the first failures, in words */
	unsigned	 nreasons;
};

struct load;

struct load	*load_start(const struct load_plan *);
/* How many requests have ended so far. */
unsigned	 load_requests(struct load *);
/* End after the requests at work, or when `requests' are done; the result. */
struct load_result *load_stop(struct load *);
struct load_result *load_wait(struct load *);
/* All of it in one. */
struct load_result *load_run(const struct load_plan *);
/* The first failures as one text, for messages. */
char		*load_reasons(const struct load_result *);

#endif
