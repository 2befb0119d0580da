#ifndef TESTS_LIB_CHAOS_H
#define TESTS_LIB_CHAOS_H

#include <stdint.h>

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
enum { CHAOS_BODY_MOST = 256 * 1024 };

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

#endif
