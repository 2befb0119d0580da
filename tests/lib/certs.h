#ifndef TESTS_LIB_CERTS_H
#define TESTS_LIB_CERTS_H

#include <stdbool.h>

/*
 * Throw-away certificates, each signed by its own throw-away authority, as
 * PEM files in a directory of the test's.  All functions assert.
 */
struct cert {
	char	*cert, *key;		/* paths */
	char	*ca;			/* of the authority to trust */
};

enum cert_kind { CERT_ECDSA, CERT_RSA };

/* For these names ("a.test", "*.b.test", commas between); files begin with `file'. */
struct cert	 cert_make(const char *directory, const char *file,
		    const char *names, enum cert_kind);

/*
 * So many of them quickly: c0.pem for c0.test and so on, all with one key,
 * series.key, and one authority.  The last one.
 */
struct cert	 cert_series(const char *directory, unsigned n);

#endif
