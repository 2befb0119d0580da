#ifndef TLS_FILE_H
#define TLS_FILE_H

#include <sys/stat.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole file in memory, to be wiped: it may be a private key. */
struct tls_bytes {
	char	*p;
	size_t	 n;
};

/* What a file was when it was read. */
struct tls_stamp {
	struct stat	 stat;
	uint64_t	 hash;		/* of its bytes */
	bool		 settled;	/* a later write must show in `stat' */
};

#define TLS_WHY_BYTES	256

/*
 * Read a file whole and stamp it; `wall_s' is Unix time.  False with `why'
 * (TLS_WHY_BYTES) filled in, without the path: "cannot be opened: ...".
 */
bool	tls_file_read(const char *path, int64_t wall_s, struct tls_bytes *,
	    struct tls_stamp *, char *why);
void	tls_bytes_wipe(struct tls_bytes *);
/* The file at the path is surely still the one that was stamped. */
bool	tls_stamp_holds(const struct tls_stamp *, const char *path);
/* Both were stamped on the same bytes. */
bool	tls_stamp_same(const struct tls_stamp *, const struct tls_stamp *);

#endif
