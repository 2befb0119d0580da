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

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

static struct authority make_authority(const char *path);
static void free_authority(struct authority *);
static void write_leaf(
    const char *path, const struct authority *, EVP_PKEY *, const char *names);
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
	struct authority ca = make_authority(made.ca);
	EVP_PKEY *key = make_key(kind);

	write_key(made.key, key);
	write_leaf(made.cert, &ca, key, names);
	EVP_PKEY_free(key);
	free_authority(&ca);
	return made;
}

struct cert
cert_series(const char *directory, unsigned n)
{
	struct cert made = { .key = keep_printf("%s/series.key", directory),
		.ca = keep_printf("%s/series.ca", directory) };
	struct authority ca = make_authority(made.ca);
	EVP_PKEY *key = make_key(CERT_ECDSA);
	unsigned i;

	write_key(made.key, key);
	for (i = 0; i < n; i++) {
		made.cert = keep_printf("%s/c%u.pem", directory, i);
		write_leaf(made.cert, &ca, key, keep_printf("c%u.test", i));
	}
	EVP_PKEY_free(key);
	free_authority(&ca);
	return made;
}

static struct authority
make_authority(const char *path)
{
	struct authority a = { .key = make_key(CERT_ECDSA) };

	a.cert = make_x509(a.key, "Throw-away CA");
	add_extension(a.cert, NID_basic_constraints, "critical,CA:TRUE");
	cr_assert_gt(X509_sign(a.cert, a.key, EVP_sha256()), 0);
	write_certificate(path, a.cert);
	return a;
}

static void
free_authority(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static void
write_leaf(const char *path, const struct authority *ca, EVP_PKEY *key,
    const char *names)
{
	X509 *leaf = make_x509(key, "leaf");

	X509_set_issuer_name(leaf, X509_get_subject_name(ca->cert));
	add_extension(leaf, NID_subject_alt_name, alternative_names(names));
	cr_assert_gt(X509_sign(leaf, ca->key, EVP_sha256()), 0);
	write_certificate(path, leaf);
	X509_free(leaf);
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
