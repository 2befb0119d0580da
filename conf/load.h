#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/errors.h"
#include "conf/node.h"

/* The files of one configuration while they are read. */
struct loader {
	struct node_reader	 reader;
	struct arena		 texts;		/* of the sources */
	struct conf_source	*last;
	uint64_t		 hash;		/* of all bytes so far */
	struct open_file	*open;		/* being read: to find cycles */
	bool			 broken;	/* a file could not be read at all */
};

/*
 * The trees of a file and of what it includes, variables expanded, merged into
 * one.  Faults are added to the errors; NULL, or `broken', when what is missing
 * would only lead to wrong errors further on.
 */
struct conf_node *load_file(struct loader *, const char *path);
struct conf_node *load_text(struct loader *, const char *name, struct text);
void		 loader_fini(struct loader *);

#endif
