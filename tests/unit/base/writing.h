#ifndef TESTS_BASE_WRITING_H
#define TESTS_BASE_WRITING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/writer.h"
#include "tests/lib/wait.h"

/* Two paths in a directory of the test's own; nothing is there yet. */
extern char	 path[64], other[64];

/* For .init and .fini. */
void		 writing_up(void);
void		 writing_down(void);

bool		 put(struct ring *, const char *line);
/* Lines of 100 bytes until one is dropped; how many were taken. */
unsigned	 fill(struct ring *);
char		*content(const char *of);
/* -1: there is no such file. */
off_t		 size_of(const char *of);

#define UNTIL(condition) \
	cr_assert(WAIT_FOR(20000, condition), "%s", #condition)

#endif
