#ifndef TLS_INDEX_H
#define TLS_INDEX_H

#include "base/text.h"
#include "tls/names.h"

struct arena;
struct tls_certificate;

/* What a name is served with: one certificate of each kind of key. */
struct tls_set {
	struct tls_certificate	**members;
	unsigned		  n;
};

struct tls_index {
	struct tls_names	 names;		/* values: which of `sets' */
	struct tls_set		*sets;
	struct tls_certificate	**members;	/* of all sets, in a row */
	struct tls_set		 fallback;	/* for names nobody has */
};

/* Hears that certificates[which] is not used for a name it has. */
struct tls_hidden {
	void	(*hidden)(void *arg, unsigned which, const struct tls_name *);
	void	*arg;
};

/*
 * Index n >= 1 certificates, which the caller keeps.  Of two with a name and
 * a kind of key in common the earlier serves.  The fallback is the first
 * certificate, together with those of other kinds that share a name with it.
 * All memory is the arena's.
 */
void	tls_index_build(struct tls_index *, struct arena *,
	    struct tls_certificate **, unsigned n, const struct tls_hidden *);
/* A name as it came from the wire; NULL: nobody has it, or it is none. */
const struct tls_set	*tls_index_find(const struct tls_index *, struct text);

#endif
