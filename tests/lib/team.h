#ifndef TESTS_LIB_TEAM_H
#define TESTS_LIB_TEAM_H

#include <stddef.h>

/*
 * Threads that do the same at the same time.  The ith gets the ith of the
 * arguments, which lie `size' bytes apart; 0: all get the same one.
 */
struct team;

struct team	*team_start(unsigned n, void *(*run)(void *), void *arguments,
		    size_t size);
/* Until all have ended. */
void		 team_wait(struct team *);

#endif
