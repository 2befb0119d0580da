#ifndef TESTS_LIB_CHILD_H
#define TESTS_LIB_CHILD_H

/*
 * For a process just forked off a test: go on as that program, looked for as a
 * shell does, with nothing to read and its words at the end of these files
 * (NULL: where the test's go).  It dies with the test's process, however that
 * ends.  What hinders it is said on stderr, and the status is 126 or 127.
 */
void	 child_become(char *const argv[], const char *out, const char *err)
	    __attribute__((noreturn));

#endif
