/*
 * Mail between threads: senders push on a stack, the owner takes the whole of
 * it at once.  Only the letter that finds the stack empty rings the eventfd, so
 * a burst costs one wake-up.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mailbox.h"

int
mailbox_init(struct mailbox *m)
{
	atomic_init(&m->head, NULL);
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return m->fd == -1 ? -1 : 0;
}

void
mailbox_fini(struct mailbox *m)
{
	close(m->fd);
	m->fd = -1;
}

void
mailbox_post(struct mailbox *m, struct mail *letter)
{
	struct mail *head =
	    atomic_load_explicit(&m->head, memory_order_relaxed);

	do
		letter->next = head;
	while (!atomic_compare_exchange_weak_explicit(&m->head, &head, letter,
	    memory_order_acq_rel, memory_order_relaxed));
	if (head != NULL)
		return;
	while (eventfd_write(m->fd, 1) == -1 && errno == EINTR)
		continue;
}

/*
 * The bell is silenced first: a letter that comes after the stack was taken
 * rings it again.
 */
void
mailbox_run(struct mailbox *m)
{
	struct mail *newest, *oldest = NULL, *next;
	eventfd_t rings;

	(void)eventfd_read(m->fd, &rings);
	newest = atomic_exchange_explicit(&m->head, NULL, memory_order_acquire);
	for (; newest != NULL; newest = next) {
		next = newest->next;
		newest->next = oldest;
		oldest = newest;
	}
	for (; oldest != NULL; oldest = next) {
		next = oldest->next;
		oldest->open(oldest);
	}
}
