/*
 * Certificate and key files: read whole, and told apart without reading.  A
 * file written twice within one tick of the filesystem's clock can keep its
 * times, so a stamp that young says nothing by itself: then the file is read
 * again and its bytes decide.
 */
#include <sys/stat.h>

#include <openssl/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/file.h"

#include "base/hash.h"
#include "base/mem.h"

#define FILE_MOST (1 << 20)
#define SETTLED_S 2 /* the coarsest clock of a filesystem */

static bool read_open(int, struct tls_bytes *, struct stat *, char *);
static bool read_all(int, struct tls_bytes *);
static bool same_time(const struct timespec *, const struct timespec *);
static bool refuse(char *, const char *, const char *);

bool
tls_file_read(const char *path, int64_t wall_s, struct tls_bytes *bytes,
    struct tls_stamp *stamp, char *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok;

	if (fd == -1)
		return refuse(why, "cannot be opened: ", strerror(errno));
	ok = read_open(fd, bytes, &stamp->stat, why);
	close(fd);
	if (!ok)
		return false;
	stamp->hash = hash_text((struct text){ bytes->p, bytes->n }, 0);
	stamp->settled = stamp->stat.st_ctim.tv_sec + SETTLED_S <= wall_s;
	return true;
}

void
tls_bytes_wipe(struct tls_bytes *bytes)
{
	if (bytes->p != NULL)
		OPENSSL_cleanse(bytes->p, bytes->n);
	free(bytes->p);
	*bytes = (struct tls_bytes){ NULL, 0 };
}

bool
tls_stamp_holds(const struct tls_stamp *stamp, const char *path)
{
	const struct stat *was = &stamp->stat;
	struct stat is;

	return stamp->settled && stat(path, &is) == 0 &&
	    is.st_dev == was->st_dev && is.st_ino == was->st_ino &&
	    is.st_size == was->st_size &&
	    same_time(&is.st_mtim, &was->st_mtim) &&
	    same_time(&is.st_ctim, &was->st_ctim);
}

bool
tls_stamp_same(const struct tls_stamp *a, const struct tls_stamp *b)
{
	return a->stat.st_size == b->stat.st_size && a->hash == b->hash;
}

static bool
read_open(int fd, struct tls_bytes *bytes, struct stat *st, char *why)
{
	if (fstat(fd, st) == -1)
		return refuse(why, "cannot be read: ", strerror(errno));
	if (!S_ISREG(st->st_mode))
		return refuse(why, "is not a regular file", "");
	if (st->st_size > FILE_MOST)
		return refuse(why, "is larger than 1 MiB", "");
	bytes->n = (size_t)st->st_size;
	bytes->p = xmalloc(bytes->n + 1);
	if (read_all(fd, bytes))
		return true;
	tls_bytes_wipe(bytes);
	return refuse(why, "changed while it was read", "");
}

/* Exactly as long as fstat said, or it is being written right now. */
static bool
read_all(int fd, struct tls_bytes *bytes)
{
	size_t done = 0;
	ssize_t n;

	while ((n = read(fd, bytes->p + done, bytes->n + 1 - done)) > 0)
		if ((done += (size_t)n) > bytes->n)
			return false;
	return n == 0 && done == bytes->n;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
refuse(char *why, const char *what, const char *detail)
{
	snprintf(why, TLS_WHY_BYTES, "%s%s", what, detail);
	return false;
}
