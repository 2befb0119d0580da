#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define TLS_NAME_MAX	253		/* bytes of a host name, RFC 1035 */

/*
 * One name that a certificate is good for.  A wildcard's `name' is what
 * stands after "*.".  The bytes are lower case and belong to the certificate.
 */
struct tls_name {
	struct text	name;
	bool		wildcard;
	unsigned	value;		/* the owner's: which certificates */
};

/* An index: sorted, looked up by halving.  `v' is the owner's memory. */
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
/* Order by name, then by value: equal names stand together. */
void	tls_names_sort(struct tls_names *);
/*
 * The entry for a folded name; an exact one beats a wildcard.  NULL: none.
 * Of equal names: the first in the order of tls_names_sort.
 */
const struct tls_name	*tls_names_find(const struct tls_names *, struct text);
bool	tls_name_equal(const struct tls_name *, const struct tls_name *);

#endif
