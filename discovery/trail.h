#ifndef DISCOVERY_TRAIL_H
#define DISCOVERY_TRAIL_H

#include <stdbool.h>

/*
 * Each step that opening a path takes: a name in a directory, symbolic links
 * followed.  A change at any of them can make the path mean another file.
 * `last': nothing comes behind it.  A step that is not there, or a loop of
 * links, ends it.  Reads directories; any thread.
 */
void	trail_walk(const char *path, void (*step)(void *arg,
	    const char *directory, const char *name, bool last), void *arg);

#endif
