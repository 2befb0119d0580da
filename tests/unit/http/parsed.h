#ifndef TESTS_HTTP_PARSED_H
#define TESTS_HTTP_PARSED_H

#include <sys/types.h>

#include "base/mem.h"
#include "http/end.h"
#include "http/h1_parse.h"
#include "http/head.h"

/* Requests, responses and trailers are parsed alike. */
typedef ssize_t	 parse(struct h1_parser *, struct head *, struct arena *,
		    const char *, size_t, const struct h1_limits *, enum end *);
parse		 parse_trailers;	/* into the head's fields */

/* Wider than any head of a test that is not about limits. */
extern const struct h1_limits wide;
/* What heads lie in. */
extern struct arena arena;

/* The head that all of this text is. */
struct head	 parsed_request(const char *);
struct head	 parsed_response(const char *);

#endif
