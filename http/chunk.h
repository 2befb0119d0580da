#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/*
 * A strict decoder of the chunked coding (RFC 9112 7.1) that says what is
 * framing and what is body, and touches no byte.  All zero is a valid start.
 */
struct chunk {
	uint64_t	left;		/* of the size line, or of the data */
	uint32_t	ext_total;	/* extension bytes of the message */
	uint16_t	ext;		/* and of this chunk */
	uint8_t		digits;
	uint8_t		state;
};

enum chunk_say {
	CHUNK_MORE,		/* all was framing; more bytes are needed */
	CHUNK_DATA,		/* *data bytes of body, at least one */
	CHUNK_TRAILERS,		/* the last chunk: the trailer section follows */
	CHUNK_BAD		/* not the chunked coding; nothing more is known */
};

#define CHUNK_EXT_BYTES		256	/* of one chunk's extensions */
#define CHUNK_EXT_TOTAL		16384	/* of one message's */

void	chunk_init(struct chunk *);

/*
 * Look at the next bytes.  *skip bytes of framing come first and are dropped
 * by the caller, then *data bytes of body (0 unless CHUNK_DATA), which the
 * caller takes: the decoder counts both as used.  Call again with what is left.
 * Ask nothing more after CHUNK_TRAILERS or CHUNK_BAD.
 */
enum chunk_say	chunk_next(struct chunk *, const char *p, size_t n,
		    size_t *skip, size_t *data);

#endif
