#ifndef TESTS_CONF_READING_H
#define TESTS_CONF_READING_H

#include "base/mem.h"
#include "conf/errors.h"
#include "conf/node.h"

/* What a test reads into. */
struct reading {
	struct arena		 arena;
	struct conf_errors	 errors;
	struct node_reader	 reader;
};

/* As from t.yaml, into what is new; good or bad. */
struct conf_node	*read_yaml(struct reading *, const char *yaml);
void			 done(struct reading *);

#endif
