#ifndef TESTS_LIB_CORPUS_H
#define TESTS_LIB_CORPUS_H

#include "tests/lib/bytes.h"

/*
 * tests/corpus: messages in files of exact bytes, and the tables that say what
 * becomes of each.  All functions assert; only for the test's own thread.
 */
enum { CORPUS_WORDS = 4 };

struct corpus_row {
	char		*name;
	char		*words[CORPUS_WORDS];	/* "-": nothing; NULL: not there */
};

/*
 * The rows of requests.txt (2 words) or responses.txt (4 words) whose names
 * begin with that class and '_'; at least one.
 */
struct corpus_row *corpus_rows(const char *kind, const char *class,
		    unsigned nwords, unsigned *n);
/* All files of requests/ or responses/, sorted; at least one. */
char		**corpus_names(const char *kind, unsigned *n);
/* A file's bytes; false: there is no such file. */
bool		 corpus_read(const char *kind, const char *name,
		    struct bytes *);

#endif
