#ifndef TLS_STORE_H
#define TLS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct ssl_st;
struct tls_store;

/* Two PEM files: the leaf, then its chain; the leaf's key. */
struct tls_certificate_file {
	const char	*cert, *key;
};

enum tls_file { TLS_FILE_CERT, TLS_FILE_KEY };

/* What is wrong with files[index]. */
struct tls_fault {
	unsigned	 index;
	enum tls_file	 which;
	bool		 warning;	/* the store can be used nevertheless */
	const char	*message;	/* without path; for the call */
};

/* Hears each fault, in the order of the files, in the thread that loads. */
struct tls_faults {
	void	(*fault)(void *arg, const struct tls_fault *);
	void	*arg;
};

/* For metrics, /stats and warnings ahead of time.  Belongs to the store. */
struct tls_facts {
	const char	*common_name;	/* else the first name, else "" */
	const char	*kind;		/* "RSA", "EC", ... */
	int64_t		 not_before, not_after;		/* Unix seconds */
};

/*
 * Load all certificates of a listener (n >= 1), all or none: NULL when there
 * was any fault that is not a warning.  Each pair is checked: both parse, the
 * key fits, both are strong enough for OpenSSL's security level.  Outdated
 * ones are warned of (`wall_s': Unix time).  What `old' (or NULL) has from the
 * same, unchanged files is shared with it; either may be freed first.  Reads
 * files.  Any thread, while nobody frees `old'.
 *
 * The result is immutable: any thread may read it.  Freeing NULL is fine.
 */
struct tls_store	*tls_store_load(const struct tls_certificate_file *,
			    unsigned n, const struct tls_store *old,
			    int64_t wall_s, const struct tls_faults *);
void			 tls_store_free(struct tls_store *);

unsigned		 tls_store_count(const struct tls_store *);
const struct tls_facts	*tls_store_facts(const struct tls_store *, unsigned);
/*
 * Do both names get the same certificates?  Else a request for one of them on
 * a connection made for the other is misdirected (421).  Names that nobody has
 * get the default.
 */
bool			 tls_store_same(const struct tls_store *,
			    struct text, struct text);

/*
 * For tls/ alone: give the session every kind of certificate (RSA, EC, ...)
 * that there is for the name, OpenSSL takes the one the client can verify;
 * the first file's (and its siblings') for an unknown or no name (TEXT_NONE).
 */
bool			 tls_store_apply(const struct tls_store *,
			    struct text name, struct ssl_st *);
bool			 tls_store_knows(const struct tls_store *, struct text);

#endif
