#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include <openssl/types.h>
#include <openssl/x509.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tls/file.h"
#include "tls/names.h"
#include "tls/store.h"

/*
 * A certificate with its chain and key, parsed and found to fit.  Immutable;
 * several stores hold it, and so do the sessions through OpenSSL's own counts.
 */
struct tls_certificate {
	atomic_uint	 refs;		/* any thread */
	X509		*leaf;
	STACK_OF(X509)	*chain;		/* without the leaf, may be empty */
	EVP_PKEY	*key;
	struct tls_facts facts;
	struct tls_name	*names;		/* of the SAN; values unused */
	unsigned	 nnames;
	char		*folded;	/* what the names point into */
	char		*common_name;	/* what the facts show */
};

/* Why a pair was refused. */
struct tls_why {
	enum tls_file	which;
	char		message[TLS_WHY_BYTES];
};

/*
 * What is costly to make and serves one certificate after the other, and the
 * chains' certificates seen so far: most share theirs.
 */
struct tls_decoder;
struct tls_decoder	*tls_decoder_new(void);	/* NULL: OpenSSL has none */
void			 tls_decoder_free(struct tls_decoder *);

/*
 * From the bytes of both PEM files; NULL with `why' filled in.  A NULL decoder
 * is a reason too.
 */
struct tls_certificate	*tls_certificate_parse(struct tls_decoder *,
			    const struct tls_bytes *cert,
			    const struct tls_bytes *key, struct tls_why *);
struct tls_certificate	*tls_certificate_ref(struct tls_certificate *);
void			 tls_certificate_unref(struct tls_certificate *);

#endif
