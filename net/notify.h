#ifndef NET_NOTIFY_H
#define NET_NOTIFY_H

#include <stdbool.h>

struct loop;
struct notice;
struct notifier;

/*
 * Changes of names in directories, by inotify: one instance for each loop, that
 * loop's thread only.  NULL with errno.
 */
struct notifier	*notifier_new(struct loop *);
/* All notices are freed before. */
void		 notifier_free(struct notifier *);

/*
 * Hear when `name' in that directory comes, goes or becomes another, and with
 * `contents' also when one who wrote to it has closed it; when the directory
 * itself goes; and when the kernel has lost count.  on_change may neither make
 * nor free notices.  NULL with errno: no such directory, or too many watches.
 */
struct notice	*notice_new(struct notifier *, const char *directory,
		    const char *name, bool contents, void (*on_change)(void *),
		    void *arg);
void		 notice_free(struct notice *);	/* NULL is fine */

#endif
