/*
 * What the kernel does with a path, step by step.  A ConfigMap's file is a link
 * to ..data/file, and ..data a link that is replaced: watching the file, or its
 * directory alone by the file's name, would miss what matters.
 */
#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discovery/trail.h"

#include "base/mem.h"

#define LINKS_MOST 40 /* as the kernel's */

struct trail {
	char at[PATH_MAX]; /* a directory, free of links */
	char rest[PATH_MAX]; /* what is still to go */
	unsigned links;
};

static bool trail_begin(struct trail *, const char *path);
static bool next_name(struct trail *, char name[NAME_MAX + 1]);
static void go_up(struct trail *);
static bool go_on(struct trail *, const char *name);
static bool follow(struct trail *, const char *link);

void
trail_walk(const char *path,
    void (*step)(void *, const char *, const char *, bool), void *arg)
{
	struct trail *t = xcalloc(1, sizeof(*t));
	char name[NAME_MAX + 1];
	bool on = trail_begin(t, path);

	while (on && next_name(t, name)) {
		if (strcmp(name, "..") == 0) {
			go_up(t);
			continue;
		}
		step(arg, t->at[0] != '\0' ? t->at : "/", name,
		    t->rest[strspn(t->rest, "/")] == '\0');
		on = go_on(t, name);
	}
	free(t);
}

static bool
trail_begin(struct trail *t, const char *path)
{
	if (path[0] != '/' && getcwd(t->at, sizeof(t->at)) == NULL)
		return false;
	if (strcmp(t->at, "/") == 0)
		t->at[0] = '\0';
	return snprintf(t->rest, sizeof(t->rest), "%s", path) <
	    (int)sizeof(t->rest);
}

/* Taken off the front of the rest; "." is none. */
static bool
next_name(struct trail *t, char name[NAME_MAX + 1])
{
	size_t skip, n;

	do {
		skip = strspn(t->rest, "/");
		n = strcspn(t->rest + skip, "/");
		if (n == 0 || n > NAME_MAX)
			return false;
		memcpy(name, t->rest + skip, n);
		name[n] = '\0';
		memmove(t->rest, t->rest + skip + n,
		    strlen(t->rest + skip + n) + 1);
	} while (strcmp(name, ".") == 0);
	return true;
}

static void
go_up(struct trail *t)
{
	char *slash = strrchr(t->at, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* Into a directory, or along a link. */
static bool
go_on(struct trail *t, const char *name)
{
	size_t n = strlen(t->at);
	struct stat st;

	if (n + strlen(name) + 2 > sizeof(t->at))
		return false;
	t->at[n] = '/';
	memcpy(t->at + n + 1, name, strlen(name) + 1);
	if (lstat(t->at, &st) == -1)
		return false;
	return S_ISDIR(st.st_mode) || (S_ISLNK(st.st_mode) && follow(t, t->at));
}

static bool
follow(struct trail *t, const char *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n <= 0 || ++t->links > LINKS_MOST)
		return false;
	target[n] = '\0';
	memcpy(rest, t->rest, sizeof(rest));
	if (snprintf(t->rest, sizeof(t->rest), "%s/%s", target, rest) >=
	    (int)sizeof(t->rest))
		return false;
	if (target[0] == '/')
		t->at[0] = '\0';
	else
		go_up(t);
	return true;
}
