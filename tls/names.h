#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define TLS_NAME_MAX	253		/* bytes of a host name, RFC 1035 */

/*
 * One name that a certificate is good for.  A wildcard's `name' is what
 * stands after "*.".  The bytes are lower case and belong to the owner.
 */
struct tls_name {
	struct text	name;
	bool		wildcard;
	unsigned	value;		/* the owner's: which certificates */
};

/* An index to look up in: the owner's memory, in tls_name_order. */
struct tls_names {
	struct tls_name	*v;
	size_t		 n;
};

/*
 * Bring a host name from the wire into `to' (TLS_NAME_MAX + 1 bytes): ASCII
 * lower case, one trailing dot dropped, NUL-ended; `*name' is what was
 * written.  False for what is no host name: empty, too long, an empty or too
 * long label, other bytes than letters, digits, '-' and '_', an IP address.
 */
bool	tls_name_fold(struct text wire, char *to, struct text *name);
/*
 * The same for a dNSName of a certificate, which may be "*.rest": the star
 * stands for exactly one whole, leftmost label and nowhere else (RFC 9525
 * 6.3).  `name->value' is left alone.
 */
bool	tls_pattern_fold(struct text san, char *to, struct tls_name *name);
/* < 0, 0, > 0: by name, exact ones before wildcards; `value' does not count. */
int	tls_name_order(const struct tls_name *, const struct tls_name *);
/* The entry for a folded name; an exact one beats a wildcard.  NULL: none. */
const struct tls_name	*tls_names_find(const struct tls_names *, struct text);

#endif
