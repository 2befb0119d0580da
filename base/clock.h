#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_US	1000ull
#define CLOCK_MS	1000000ull
#define CLOCK_S		1000000000ull

uint64_t	clock_now(void);	/* monotonic, ns */
uint64_t	clock_wall(void);	/* since 1970 UTC, ns */
/* RFC 3339 with milliseconds, UTC: 24 bytes and a NUL. */
size_t		clock_rfc3339(char to[32], uint64_t wall_ns);
/* IMF-fixdate for a Date field (RFC 9110 5.6.7): 29 bytes and a NUL. */
size_t		clock_http_date(char to[32], uint64_t wall_ns);

#endif
