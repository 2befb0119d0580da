#ifndef HTTP_H1_PARSE_H
#define HTTP_H1_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/end.h"

struct arena;
struct fields;
struct head;

/* What a head may cost; each is exact: one byte or field more is refused. */
struct h1_limits {
	uint32_t	head_bytes;	/* with its empty line */
	uint32_t	uri_bytes;	/* of a request's target */
	uint32_t	fields;
};

/*
 * Where a head's reading stands.  All zero is a valid start; the same parser
 * reads the next head after h1_parser_init.  Slow bytes cost O(n) in all: a
 * line that is not complete is only looked at again when its end is there.
 */
struct h1_parser {
	const char	*base;		/* the bytes of the last call */
	size_t		 line;		/* where the next unread line starts */
	size_t		 seen;		/* bytes searched for its end */
	unsigned	 empty;		/* empty lines before a request */
	bool		 started;	/* the start line is read */
};

void	h1_parser_init(struct h1_parser *);

/*
 * Read a head from p[0..n).  > 0: it is complete and that many bytes long,
 * with its empty line; 0: more bytes are needed; -1: refused, *why says which
 * end, and the first wrong byte decides it, however the bytes arrive.  p holds
 * the bytes of the call before and new ones after them; they may have moved
 * (then they are read again from the start).  The head is all zero at the
 * first call; its texts point into p, its fields lie in the arena.
 *
 * Ends of a request: BAD_REQUEST, VERSION, URI_TOO_LARGE, HEADER_TOO_LARGE.
 * Empty lines before it are skipped, as RFC 9112 2.2 asks, and counted into
 * its length.  Ends of a response: UPSTREAM_PROTOCOL,
 * UPSTREAM_HEADER_TOO_LARGE.
 */
ssize_t	h1_parse_request(struct h1_parser *, struct head *, struct arena *,
	    const char *p, size_t n, const struct h1_limits *, enum end *why);
ssize_t	h1_parse_response(struct h1_parser *, struct head *, struct arena *,
	    const char *p, size_t n, const struct h1_limits *, enum end *why);

/*
 * The same for the field lines after a last chunk, up to and with their empty
 * line.  Ends are a request's: BAD_REQUEST, HEADER_TOO_LARGE.
 */
ssize_t	h1_parse_trailers(struct h1_parser *, struct fields *, struct arena *,
	    const char *p, size_t n, const struct h1_limits *, enum end *why);

#endif
