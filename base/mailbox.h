#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdatomic.h>

/*
 * Messages from any thread to one loop: a lock-free stack that the owner takes
 * whole, woken by an eventfd.  Posting never blocks and never allocates; the
 * letter belongs to the receiver from then on.
 */
struct mail {
	struct mail	*next;
	void		(*open)(struct mail *);	/* run on the receiving thread */
};

struct mailbox {
	_Atomic(struct mail *)	 head;		/* any thread */
	int			 fd;		/* eventfd, readable when there is mail */
};

int	mailbox_init(struct mailbox *);		/* -1: no descriptor */
void	mailbox_fini(struct mailbox *);		/* letters still in it are not opened */
void	mailbox_post(struct mailbox *, struct mail *);
void	mailbox_run(struct mailbox *);		/* owner: open all, oldest first */

#endif
