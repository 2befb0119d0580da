#ifndef TESTS_LIB_STAGE_H
#define TESTS_LIB_STAGE_H

#include "tests/lib/front.h"

/*
 * For suites in which every test has one origin of its own and the usual front
 * before it.
 */
extern struct origin	*o;
extern struct front	 f;

/* The front with these settings, or with none. */
void	 stage_set(const struct front_settings *);
void	 stage_plain(void);
/* As daemon_stop(), for a suite's .fini. */
void	 stage_strike(void);

#endif
