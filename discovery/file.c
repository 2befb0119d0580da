/*
 * A file that lists servers.  Whoever writes it may do so in place, by rename
 * or by a link somewhere on the way to it: each step of the path is watched by
 * name, and what happens there makes us look.  What is not told, as on network
 * file systems, is found by looking every ten seconds.
 *
 * The control thread reads it: it is a local file of at most 4 MiB.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discovery/file.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/hash.h"
#include "base/mem.h"
#include "discovery/discovery.h"
#include "discovery/trail.h"
#include "net/loop.h"
#include "net/notify.h"
#include "net/timer.h"

#define LOOK_NS (10 * CLOCK_S)
#define SETTLE_NS (50 * CLOCK_MS) /* several changes make one look */
#define STEPS_MOST 128

/* What a file that is another one differs in. */
struct mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec written;
};

struct file {
	struct provider provider;
	struct discovery *discovery;
	struct notifier *notifier; /* NULL: none */
	char *path;
	void (*read)(struct discovery *, const char *, struct text, bool anew);
	struct notice *notices[STEPS_MOST];
	unsigned nnotices;
	struct timer *timer;
	bool told; /* something happened on the way to it */
	struct mark mark; /* as it was read last; all 0: it was not */
	uint64_t hash; /* of its bytes */
};

static void file_start(struct provider *, struct discovery *);
static void file_again(struct provider *);
static void file_free(struct provider *);
static void on_change(void *);
static void look(void *);
static void watch(struct file *);
static void
watch_step(void *, const char *directory, const char *name, bool last);
static void unwatch(struct notice **, unsigned);
static void check(struct file *, int fd, const struct stat *, bool told);
static struct mark mark_of(const struct stat *);
static bool mark_equal(const struct mark *, const struct mark *);
static char *read_all(struct file *, int fd, size_t *);
static void unreadable(struct file *, const char *why);

static const struct provider_ops file_ops = {
	.name = "file",
	.start = file_start,
	.again = file_again,
	.free = file_free,
};

struct provider *
discovery_file_new(struct loop *loop, struct notifier *notifier,
    const char *path,
    void (*read)(struct discovery *, const char *, struct text, bool))
{
	struct file *f = xcalloc(1, sizeof(*f));

	f->provider.ops = &file_ops;
	f->notifier = notifier;
	f->path = xstrdup(path);
	f->read = read;
	f->timer = timer_new(loop, look, f);
	return &f->provider;
}

bool
discovery_file_fits(const struct provider *p, const char *path)
{
	return p->ops == &file_ops && path != NULL &&
	    strcmp(((const struct file *)p)->path, path) == 0;
}

static void
file_start(struct provider *p, struct discovery *d)
{
	struct file *f = CONTAINER_OF(p, struct file, provider);

	f->discovery = d;
	look(f);
}

/* Nobody wrote it since, but it counts as if its bytes were others. */
static void
file_again(struct provider *p)
{
	struct file *f = CONTAINER_OF(p, struct file, provider);

	f->hash = ~f->hash;
	f->told = true;
	look(f);
}

static void
file_free(struct provider *p)
{
	struct file *f = CONTAINER_OF(p, struct file, provider);

	unwatch(f->notices, f->nnotices);
	timer_free(f->timer);
	free(f->path);
	free(f);
}

static void
on_change(void *arg)
{
	struct file *f = arg;

	if (!f->told)
		timer_set(f->timer, SETTLE_NS);
	f->told = true;
}

/* The steps are watched first: what changes behind our back is told then. */
static void
look(void *arg)
{
	struct file *f = arg;
	bool told = f->told;
	struct stat st;
	int fd;

	f->told = false;
	timer_set(f->timer, LOOK_NS);
	watch(f);
	fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		unreadable(f, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		unreadable(f, "not a regular file");
	else
		check(f, fd, &st, told);
	if (fd != -1)
		close(fd);
}

/* New notices before the old ones go: a watch that both have stays. */
static void
watch(struct file *f)
{
	struct notice *old[STEPS_MOST];
	unsigned n = f->nnotices;

	if (f->notifier == NULL)
		return;
	memcpy(old, f->notices, sizeof(old));
	f->nnotices = 0;
	trail_walk(f->path, watch_step, f);
	unwatch(old, n);
}

/* Where none can be had, as in what we may not read, looking has to do. */
static void
watch_step(void *arg, const char *directory, const char *name, bool last)
{
	struct file *f = arg;
	struct notice *n;

	if (f->nnotices == STEPS_MOST)
		return;
	n = notice_new(f->notifier, directory, name, last, on_change, f);
	if (n != NULL)
		f->notices[f->nnotices++] = n;
}

static void
unwatch(struct notice **notices, unsigned n)
{
	while (n > 0)
		notice_free(notices[--n]);
}

static void
check(struct file *f, int fd, const struct stat *st, bool told)
{
	struct mark mark = mark_of(st);
	bool anew = !mark_equal(&mark, &f->mark);
	uint64_t hash;
	char *bytes;
	size_t n;

	if (!anew && !told) {
		discovery_same(f->discovery);
		return;
	}
	if ((bytes = read_all(f, fd, &n)) == NULL)
		return;
	hash = hash_text((struct text){ bytes, n }, 0);
	if (!anew && hash == f->hash)
		discovery_same(f->discovery);
	else
		f->read(f->discovery, f->path, (struct text){ bytes, n }, anew);
	f->mark = mark;
	f->hash = hash;
	free(bytes);
}

static struct mark
mark_of(const struct stat *st)
{
	return (struct mark){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.written = st->st_mtim,
	};
}

static bool
mark_equal(const struct mark *a, const struct mark *b)
{
	return a->device == b->device && a->inode == b->inode &&
	    a->size == b->size && a->written.tv_sec == b->written.tv_sec &&
	    a->written.tv_nsec == b->written.tv_nsec;
}

/* NULL: told why. */
static char *
read_all(struct file *f, int fd, size_t *n)
{
	char *bytes = xmalloc(FILE_BYTES_MOST + 1);
	ssize_t got;

	*n = 0;
	while ((got = read(fd, bytes + *n, FILE_BYTES_MOST + 1 - *n)) > 0)
		*n += (size_t)got;
	if (got == 0 && *n <= FILE_BYTES_MOST)
		return bytes;
	if (got == -1)
		unreadable(f, strerror(errno));
	else
		discovery_fail(f->discovery, DISCOVERY_TOO_LARGE,
		    "%s: more than %u MiB", f->path, FILE_BYTES_MOST >> 20);
	f->mark = (struct mark){ 0 };
	free(bytes);
	return NULL;
}

static void
unreadable(struct file *f, const char *why)
{
	f->mark = (struct mark){ 0 };
	discovery_fail(f->discovery, DISCOVERY_UNREADABLE,
	    "%s: cannot read it: %s", f->path, why);
}
