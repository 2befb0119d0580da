/*
 * Inotify as events.  The kernel knows a directory by one watch however often
 * it is asked for, so notices share watches by their number, and the last one
 * takes the watch away.
 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include <sys/inotify.h>

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "net/notify.h"

#include "base/mem.h"
#include "net/loop.h"

#define OF_NAMES \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)

LIST_HEAD(notice_list, notice);

struct notifier {
	struct event ev;
	struct loop *loop;
	int fd;
	struct notice_list notices;
};

struct notice {
	LIST_ENTRY(notice) entry;
	struct notifier *notifier;
	int wd;
	char *name;
	void (*on_change)(void *);
	void *arg;
};

static void on_ready(evutil_socket_t, short, void *);
static void tell(struct notifier *, const struct inotify_event *);
static bool concerns(const struct notice *, const struct inotify_event *);

struct notifier *
notifier_new(struct loop *loop)
{
	struct notifier *n = xcalloc(1, sizeof(*n));

	n->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (n->fd == -1) {
		free(n);
		return NULL;
	}
	n->loop = loop;
	LIST_INIT(&n->notices);
	event_assign(
	    &n->ev, loop_base(loop), n->fd, EV_READ | EV_PERSIST, on_ready, n);
	event_add(&n->ev, NULL);
	return n;
}

void
notifier_free(struct notifier *n)
{
	event_del(&n->ev);
	close(n->fd);
	free(n);
}

struct notice *
notice_new(struct notifier *notifier, const char *directory, const char *name,
    bool contents, void (*on_change)(void *), void *arg)
{
	uint32_t mask = OF_NAMES | (contents ? IN_CLOSE_WRITE : 0);
	int wd = inotify_add_watch(notifier->fd, directory, mask);
	struct notice *n;

	if (wd == -1)
		return NULL;
	n = xcalloc(1, sizeof(*n));
	n->notifier = notifier;
	n->wd = wd;
	n->name = xstrdup(name);
	n->on_change = on_change;
	n->arg = arg;
	LIST_INSERT_HEAD(&notifier->notices, n, entry);
	return n;
}

void
notice_free(struct notice *n)
{
	struct notice *other;

	if (n == NULL)
		return;
	LIST_REMOVE(n, entry);
	LIST_FOREACH (other, &n->notifier->notices, entry)
		if (other->wd == n->wd)
			break;
	if (other == NULL) /* fails when the directory has gone: no matter */
		inotify_rm_watch(n->notifier->fd, n->wd);
	free(n->name);
	free(n);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct notifier *n = arg;
	alignas(struct inotify_event) char bytes[16384];
	ssize_t got, at;

	(void)what;
	loop_now(n->loop);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		for (at = 0; at < got;) {
			const struct inotify_event *e =
			    (const void *)(bytes + at);

			tell(n, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
}

static void
tell(struct notifier *notifier, const struct inotify_event *e)
{
	struct notice *n;

	LIST_FOREACH (n, &notifier->notices, entry)
		if (concerns(n, e))
			n->on_change(n->arg);
}

/* IN_IGNORED also follows our own rm_watch: nobody has that number then. */
static bool
concerns(const struct notice *n, const struct inotify_event *e)
{
	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return true;
	return e->wd == n->wd && (e->len == 0 || strcmp(e->name, n->name) == 0);
}
