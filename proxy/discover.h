#ifndef PROXY_DISCOVER_H
#define PROXY_DISCOVER_H

#include <stdbool.h>

struct conf_upstream;
struct control;
struct discover_options;
struct discovery;

/*
 * Discovery as the configuration wants it: which provider, how its bytes are
 * read, and what we listen on ourselves.  Control thread.
 */

/* Not started yet. */
struct discovery *discover_new(struct control *, const struct conf_upstream *,
		    void (*on_members)(void *), void *arg);
/* It asks who these options want to be asked. */
bool		 discover_fits(const struct discovery *,
		    const struct discover_options *);
/* What we listen on now, for all discoveries; the doors are open. */
void		 discover_own(struct control *);

#endif
