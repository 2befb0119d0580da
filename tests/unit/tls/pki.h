#ifndef TESTS_TLS_PKI_H
#define TESTS_TLS_PKI_H

#include <openssl/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/store.h"

/*
 * Throw-away keys, certificates and files for the tests of tls/.  All that is
 * returned, but stores, lives until the test's process ends.
 */

/* "P-256", "P-384", "RSA:2048" */
EVP_PKEY	*pki_key(const char *kind);

struct pki_spec {
	const char	*cn;		/* NULL: none */
	const char	*names;		/* "DNS:a,DNS:b"; NULL: no SAN */
	int64_t		 from, to;	/* Unix seconds; 0: around now */
	EVP_PKEY	*key;		/* NULL, for pki_pair: a new P-256 */
	EVP_PKEY	*issuer;	/* NULL: itself */
};

char	*pki_pem(const struct pki_spec *);	/* the certificate */
char	*pki_key_pem(EVP_PKEY *);
char	*pki_join(const char *, const char *, const char *);

/* A directory of the test's own. */
const char	*pki_directory(void);
/* dir/name, written; its path. */
const char	*pki_file(const char *name, const char *bytes);
/* name.pem and name.key. */
struct tls_certificate_file pki_pair(const char *name, struct pki_spec);

/* Bytes of heap that twenty more calls keep for good: 0 without a leak. */
long	pki_heap_growth(void (*once)(void));

/* What a load complained about. */
struct pki_faults {
	struct tls_faults	to;
	unsigned		n;
	struct {
		unsigned	index;
		enum tls_file	which;
		bool		warning;
		char		message[256];
	} v[16];
};
void	pki_faults_init(struct pki_faults *);
/* Load what must load; `now' is real. */
struct tls_store *pki_store(const struct tls_certificate_file *, unsigned);

#endif
