/*
 * One certificate: PEM to X509 objects, the key that belongs to it, and what
 * it says of itself.  OpenSSL 3.0 spends most of a key's parsing on setting
 * up decoders; one decoder that is used again and again is ten times as fast.
 * For the public key of an X509 it leaves no such choice (190 us each), so at
 * least the certificates of the chains are parsed once and shared.
 */
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/certificate.h"

#include "base/map.h"
#include "base/mem.h"

struct tls_decoder {
	OSSL_DECODER_CTX *pem;
	EVP_PKEY *key; /* where `pem' puts it; whoever asked has it */
	SSL_CTX *trial; /* judges each pair */
	struct map issuers; /* DER to X509 */
	STACK_OF(X509) * issuer_refs; /* the map's */
	struct arena ders; /* its keys */
	bool locked; /* a passphrase was asked for */
};

static int no_passphrase(char *, size_t, size_t *, const OSSL_PARAM *, void *);
static bool parse_chain(struct tls_certificate *, struct tls_decoder *,
    const struct tls_bytes *, struct tls_why *);
static bool at_end(void);
static bool
add_to_chain(struct tls_certificate *, struct tls_decoder *, struct text);
static bool next_der(BIO *, struct text *);
static bool is_certificate(const char *);
static X509 *decode(struct text);
static X509 *decode_issuer(struct tls_decoder *, struct text);
static bool parse_key(struct tls_certificate *, struct tls_decoder *,
    const struct tls_bytes *, struct tls_why *);
static EVP_PKEY *decode_key(struct tls_decoder *, BIO *);
static bool
judge(const struct tls_certificate *, struct tls_decoder *, struct tls_why *);
static void learn_names(struct tls_certificate *);
static struct text dns_name(const GENERAL_NAME *);
static void learn_facts(struct tls_certificate *);
static char *common_name(const X509 *);
static int64_t unix_seconds(const ASN1_TIME *);
static const char *first_reason(void);
static bool refuse(struct tls_why *, enum tls_file, const char *, ...)
    __attribute__((format(printf, 3, 4)));

struct tls_decoder *
tls_decoder_new(void)
{
	struct tls_decoder *d = xcalloc(1, sizeof(*d));

	d->pem = OSSL_DECODER_CTX_new_for_pkey(
	    &d->key, "PEM", NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
	d->trial = SSL_CTX_new(TLS_server_method());
	d->issuer_refs = sk_X509_new_null();
	if (d->pem != NULL && d->trial != NULL &&
	    OSSL_DECODER_CTX_set_passphrase_cb(d->pem, no_passphrase, d) == 1)
		return d;
	tls_decoder_free(d);
	return NULL;
}

void
tls_decoder_free(struct tls_decoder *d)
{
	if (d == NULL)
		return;
	OSSL_DECODER_CTX_free(d->pem);
	SSL_CTX_free(d->trial);
	sk_X509_pop_free(d->issuer_refs, X509_free);
	map_fini(&d->issuers);
	arena_fini(&d->ders);
	free(d);
}

struct tls_certificate *
tls_certificate_parse(struct tls_decoder *d, const struct tls_bytes *cert,
    const struct tls_bytes *key, struct tls_why *why)
{
	struct tls_certificate *c;

	if (d == NULL) {
		refuse(why, TLS_FILE_CERT,
		    "cannot be parsed: "
		    "OpenSSL offers no decoder, see openssl.cnf(5)");
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->refs = 1;
	ERR_clear_error();
	if (parse_chain(c, d, cert, why) && parse_key(c, d, key, why) &&
	    judge(c, d, why)) {
		learn_names(c);
		learn_facts(c);
		return c;
	}
	ERR_clear_error();
	tls_certificate_unref(c);
	return NULL;
}

struct tls_certificate *
tls_certificate_ref(struct tls_certificate *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
tls_certificate_unref(struct tls_certificate *c)
{
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return;
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	free(c->names);
	free(c->folded);
	free(c->common_name);
	free(c);
}

/* Never ask the terminal, as OpenSSL would. */
static int
no_passphrase(
    char *to, size_t n, size_t *used, const OSSL_PARAM *params, void *arg)
{
	struct tls_decoder *d = arg;

	(void)to, (void)n, (void)used, (void)params;
	d->locked = true;
	return 0;
}

static bool
parse_chain(struct tls_certificate *c, struct tls_decoder *d,
    const struct tls_bytes *bytes, struct tls_why *why)
{
	BIO *bio = BIO_new_mem_buf(bytes->p, (int)bytes->n);
	struct text der;
	bool whole = true;
	int n = 0;

	c->chain = sk_X509_new_null();
	while (whole && next_der(bio, &der)) {
		whole = add_to_chain(c, d, der);
		OPENSSL_free((void *)(uintptr_t)der.p);
		n += whole;
	}
	BIO_free(bio);
	if (!whole || !at_end())
		return refuse(why, TLS_FILE_CERT,
		    "certificate %d in it cannot be parsed: %s", n + 1,
		    first_reason());
	return n > 0 ||
	    refuse(why, TLS_FILE_CERT, "holds no certificate in PEM form");
}

/* PEM_read_bio found nothing more, rather than something damaged. */
static bool
at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static bool
add_to_chain(struct tls_certificate *c, struct tls_decoder *d, struct text der)
{
	X509 *x;

	if (c->leaf == NULL)
		return (c->leaf = decode(der)) != NULL;
	x = decode_issuer(d, der);
	return x != NULL && sk_X509_push(c->chain, x) > 0;
}

/* The next certificate's bytes, to be freed by OpenSSL; false: no more. */
static bool
next_der(BIO *bio, struct text *der)
{
	char *name, *header;
	unsigned char *bytes;
	long n;

	while (PEM_read_bio(bio, &name, &header, &bytes, &n) == 1) {
		bool found = is_certificate(name);

		OPENSSL_free(name);
		OPENSSL_free(header);
		*der = (struct text){ (const char *)bytes, (size_t)n };
		if (found)
			return true;
		OPENSSL_clear_free(bytes, (size_t)n);
	}
	return false;
}

static bool
is_certificate(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 ||
	    strcmp(name, PEM_STRING_X509_OLD) == 0;
}

static X509 *
decode(struct text der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509(NULL, &p, (long)der.n);
}

static X509 *
decode_issuer(struct tls_decoder *d, struct text der)
{
	X509 *x = map_get(&d->issuers, der);

	if (x == NULL) {
		if ((x = decode(der)) == NULL)
			return NULL;
		map_set(&d->issuers, arena_copy(&d->ders, der), x);
		sk_X509_push(d->issuer_refs, x);
	}
	X509_up_ref(x);
	return x;
}

static bool
parse_key(struct tls_certificate *c, struct tls_decoder *d,
    const struct tls_bytes *bytes, struct tls_why *why)
{
	BIO *bio = BIO_new_mem_buf(bytes->p, (int)bytes->n);

	d->locked = false;
	c->key = decode_key(d, bio);
	BIO_free(bio);
	ERR_clear_error();
	if (c->key != NULL)
		return true;
	if (d->locked)
		return refuse(why, TLS_FILE_KEY,
		    "is encrypted; fairlead takes keys without passphrase");
	return refuse(why, TLS_FILE_KEY, "holds no private key in PEM form");
}

/*
 * The decoder takes one PEM block at a time: others, such as EC PARAMETERS
 * or the certificates of a common file, are passed over.
 */
static EVP_PKEY *
decode_key(struct tls_decoder *d, BIO *bio)
{
	size_t left, before;

	d->key = NULL;
	left = BIO_ctrl_pending(bio);
	do {
		before = left;
		OSSL_DECODER_from_bio(d->pem, bio);
		left = BIO_ctrl_pending(bio);
	} while (d->key == NULL && !d->locked && left > 0 && left < before);
	return d->key;
}

/* OpenSSL's own verdict now, rather than at each handshake. */
static bool
judge(
    const struct tls_certificate *c, struct tls_decoder *d, struct tls_why *why)
{
	if (X509_check_private_key(c->leaf, c->key) != 1)
		return refuse(
		    why, TLS_FILE_KEY, "is not the key of the certificate");
	if (SSL_CTX_use_cert_and_key(d->trial, c->leaf, c->key, c->chain, 1) !=
	    1)
		return refuse(
		    why, TLS_FILE_CERT, "cannot be used: %s", first_reason());
	return true;
}

/* dNSNames alone, never the CN (RFC 9525); what is no host name is left out. */
static void
learn_names(struct tls_certificate *c)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(all);
	size_t most = n > 0 ? (size_t)n : 1;
	char *to;

	c->names = xcalloc(most, sizeof(*c->names));
	to = c->folded = xcalloc(most, TLS_NAME_MAX + 1);
	for (int i = 0; i < n; i++) {
		struct tls_name *name = &c->names[c->nnames];

		if (!tls_pattern_fold(
			dns_name(sk_GENERAL_NAME_value(all, i)), to, name))
			continue;
		to += name->name.n + 1;
		c->nnames++;
	}
	GENERAL_NAMES_free(all);
}

/* Its text, or none when the name is of another type. */
static struct text
dns_name(const GENERAL_NAME *name)
{
	const ASN1_STRING *san = name->d.dNSName;

	if (name->type != GEN_DNS)
		return TEXT_NONE;
	return (struct text){ (const char *)ASN1_STRING_get0_data(san),
		(size_t)ASN1_STRING_length(san) };
}

static void
learn_facts(struct tls_certificate *c)
{
	struct tls_facts *f = &c->facts;

	c->common_name = common_name(c->leaf);
	if (c->common_name == NULL && c->nnames > 0)
		c->common_name = xasprintf("%s%s",
		    c->names[0].wildcard ? "*." : "", c->names[0].name.p);
	f->common_name = c->common_name != NULL ? c->common_name : "";
	f->kind = EVP_PKEY_get0_type_name(c->key);
	f->not_before = unix_seconds(X509_get0_notBefore(c->leaf));
	f->not_after = unix_seconds(X509_get0_notAfter(c->leaf));
}

static char *
common_name(const X509 *x)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8;
	char *name;
	int n;

	if (at < 0)
		return NULL;
	n = ASN1_STRING_to_UTF8(
	    &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (n < 0)
		return NULL;
	name = xstrndup((const char *)utf8, (size_t)n);
	OPENSSL_free(utf8);
	return name;
}

static int64_t
unix_seconds(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return timegm(&tm);
}

static const char *
first_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return reason != NULL ? reason : "unknown error";
}

static bool
refuse(struct tls_why *why, enum tls_file which, const char *format, ...)
{
	va_list args;

	why->which = which;
	va_start(args, format);
	vsnprintf(why->message, sizeof(why->message), format, args);
	va_end(args);
	return false;
}
