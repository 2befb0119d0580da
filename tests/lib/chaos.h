#ifndef TESTS_LIB_CHAOS_H
#define TESTS_LIB_CHAOS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/bytes.h"

/*
 * What the clients of the chaos test (crowd.c) and its servers (bin/chaos.c)
 * agree on.  A request is named by its id, in path and field; its body and that
 * of its response are the pattern's bytes from a place that only this id has,
 * so that each side knows every byte that the other must have sent.
 *
 *	METHOD /c/<id>?n=<size of the response>&f=<sized|chunked>
 *	X-Id: <id>
 *	X-Size: <size of the request's body>
 */
enum {
	CHAOS_BODY_MOST = 256 * 1024,
	CHAOS_PIECE = 16384,
	CHAOS_PIECE_MOST = CHAOS_PIECE + 32	/* with its framing */
};

/* Where the body of that request begins in the pattern. */
static inline uint64_t
chaos_request_offset(unsigned id)
{
	return (uint64_t)id * 40503;
}

/* And that of its response. */
static inline uint64_t
chaos_response_offset(unsigned id)
{
	return (uint64_t)id * 40503 + 30011;
}

/* A piece of a body that has `left' bytes from there on; how long it became. */
static inline size_t
chaos_piece(char *to, bool chunked, uint64_t offset, uint64_t left)
{
	size_t n = left < CHAOS_PIECE ? (size_t)left : CHAOS_PIECE;
	size_t head = 0;

	if (chunked)
		head = (size_t)snprintf(to, 16, "%zx\r\n", n);
	pattern_fill(to + head, n, offset);
	if (!chunked)
		return n;
	memcpy(to + head + n, "\r\n", 2);
	return head + n + 2;
}

#endif
