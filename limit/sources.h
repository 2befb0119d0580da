#ifndef LIMIT_SOURCES_H
#define LIMIT_SOURCES_H

#include <stdint.h>

/*
 * How many connections each source has, where a source is an IPv4 address or
 * an IPv6 /64.  A table of fixed size shared by all workers, without a lock:
 * one word holds a source, exactly, and its count.  Never more than `most' are
 * in at once; of several that come to the limit in the same moment all may be
 * refused.
 */
struct sources;

/* Room for about so many sources at once; NULL: no memory. */
struct sources	*sources_new(unsigned sources, uint64_t seed);
void		 sources_free(struct sources *);

/*
 * The name here of the source that an IP belongs to, given as addr_bytes does;
 * 0: it has none (a unix socket).
 */
uint64_t	 source_of(const uint8_t ip[16]);

enum sources_say {
	SOURCES_IN,		/* counted; sources_leave undoes it */
	SOURCES_OVER,		/* it has as many as it may */
	SOURCES_FULL		/* no place to count it, as good as never */
};
/* One more of that source (not 0), if it then has no more than most. */
enum sources_say sources_enter(struct sources *, uint64_t source,
		    unsigned most);
void		 sources_leave(struct sources *, uint64_t source);
unsigned	 sources_count(const struct sources *, uint64_t source);

#endif
