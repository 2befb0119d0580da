/*
 * Certificates made on the spot: an ECDSA authority and one leaf.  P-256 keys
 * cost nothing; an RSA leaf is only made where a test wants one.
 */
#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/lib/certs.h"

static EVP_PKEY *make_key(enum cert_kind);
static X509 *make_x509(EVP_PKEY *, const char *name);
static void add_extension(X509 *, int nid, const char *value);
static char *alternative_names(const char *names);
static void write_certificate(const char *path, X509 *);
static void write_key(const char *path, EVP_PKEY *);

struct cert
cert_make(const char *directory, const char *file, const char *names,
    enum cert_kind kind)
{
	struct cert made = { .cert = keep_printf("%s/%s.pem", directory, file),
		.key = keep_printf("%s/%s.key", directory, file),
		.ca = keep_printf("%s/%s.ca", directory, file) };
	EVP_PKEY *ca_key = make_key(CERT_ECDSA), *key = make_key(kind);
	X509 *ca = make_x509(ca_key, "Throw-away CA"), *leaf;

	add_extension(ca, NID_basic_constraints, "critical,CA:TRUE");
	cr_assert_gt(X509_sign(ca, ca_key, EVP_sha256()), 0);
	leaf = make_x509(key, "leaf");
	X509_set_issuer_name(leaf, X509_get_subject_name(ca));
	add_extension(leaf, NID_subject_alt_name, alternative_names(names));
	cr_assert_gt(X509_sign(leaf, ca_key, EVP_sha256()), 0);
	write_certificate(made.ca, ca);
	write_certificate(made.cert, leaf);
	write_key(made.key, key);
	X509_free(ca);
	X509_free(leaf);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	return made;
}

static EVP_PKEY *
make_key(enum cert_kind kind)
{
	EVP_PKEY *key =
	    kind == CERT_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

	cr_assert_not_null(key);
	return key;
}

/* Valid from yesterday for ten days, its own issuer, not yet signed. */
static X509 *
make_x509(EVP_PKEY *key, const char *name)
{
	static long serial;
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 864000);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	return x;
}

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	cr_assert_not_null(e, "extension %s", value);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static char *
alternative_names(const char *names)
{
	struct bytes b = { 0 };
	size_t n;

	for (; *names != '\0'; names += n, names += *names == ',') {
		n = strcspn(names, ",");
		bytes_printf(
		    &b, "%sDNS:%.*s", b.n > 0 ? "," : "", (int)n, names);
	}
	return b.p;
}

static void
write_certificate(const char *path, X509 *x)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	cr_assert_eq(PEM_write_X509(f, x), 1);
	fclose(f);
}

static void
write_key(const char *path, EVP_PKEY *key)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	cr_assert_eq(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}
