#ifndef TESTS_LIMIT_MEANWHILE_H
#define TESTS_LIMIT_MEANWHILE_H

#include <stdbool.h>

/*
 * What another thread does between one's look at a breaker and its change of
 * it: that is done once, just before the nth compare-and-swap from now on.
 */
void	 meanwhile(unsigned nth, void (*deed)(void *), void *arg);
/* It has been done. */
bool	 meanwhile_was(void);

#endif
