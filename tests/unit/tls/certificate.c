/* Pairs parsed, judged, and asked what they say of themselves. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/certificate.h"

#include "base/mem.h"
#include "tests/unit/tls/pki.h"

static struct tls_decoder *decoder;
static EVP_PKEY *key;
static struct tls_why why;

static void
setup(void)
{
	decoder = tls_decoder_new();
	key = pki_key("P-256");
	why = (struct tls_why){ 0 };
}

static void
teardown(void)
{
	tls_decoder_free(decoder);
}

TestSuite(certificate, .init = setup, .fini = teardown);

static struct tls_certificate *
parse(const char *cert, const char *key_pem)
{
	struct tls_bytes c = { xstrdup(cert), strlen(cert) };
	struct tls_bytes k = { xstrdup(key_pem), strlen(key_pem) };
	struct tls_certificate *made =
	    tls_certificate_parse(decoder, &c, &k, &why);

	tls_bytes_wipe(&c);
	tls_bytes_wipe(&k);
	return made;
}

static void
refused(const char *cert, const char *key_pem, enum tls_file which,
    const char *message)
{
	cr_assert_null(parse(cert, key_pem));
	cr_assert_eq(why.which, which);
	cr_assert_str_eq(why.message, message);
}

Test(certificate, tells_names_dates_kind_and_common_name)
{
	struct pki_spec spec = { .cn = "Shop",
		.key = key,
		.from = 1700000000,
		.to = 4200000001,
		.names = "email:me@x,DNS:Shop.Example,IP:10.0.0.1,"
			 "DNS:*.shop.example,DNS:f*.example,DNS:b.example" };
	struct tls_certificate *c = parse(pki_pem(&spec), pki_key_pem(key));

	cr_assert_not_null(c, "%s", why.message);
	cr_assert_str_eq(c->facts.common_name, "Shop");
	cr_assert_str_eq(c->facts.kind, "EC");
	cr_assert_eq(c->facts.not_before, 1700000000);
	cr_assert_eq(c->facts.not_after, 4200000001);
	cr_assert_eq(c->nnames, 3);
	cr_assert_str_eq(c->names[0].name.p, "shop.example");
	cr_assert_not(c->names[0].wildcard);
	cr_assert_str_eq(c->names[1].name.p, "shop.example");
	cr_assert(c->names[1].wildcard);
	cr_assert_str_eq(c->names[2].name.p, "b.example");
	cr_assert_eq(sk_X509_num(c->chain), 0);
	tls_certificate_unref(c);
}

Test(certificate, without_cn_is_called_by_its_first_name)
{
	struct pki_spec spec = { .key = key, .names = "DNS:*.a.x,DNS:b.x" };
	struct tls_certificate *c = parse(pki_pem(&spec), pki_key_pem(key));

	cr_assert_str_eq(c->facts.common_name, "*.a.x");
	tls_certificate_unref(c);
	spec.names = "DNS:b.x";
	c = parse(pki_pem(&spec), pki_key_pem(key));
	cr_assert_str_eq(c->facts.common_name, "b.x");
	tls_certificate_unref(c);
}

Test(certificate, without_any_name_has_none_not_even_its_cn)
{
	struct pki_spec spec = { .cn = "a.x", .key = key };
	struct tls_certificate *c = parse(pki_pem(&spec), pki_key_pem(key));

	cr_assert_eq(c->nnames, 0);
	tls_certificate_unref(c);
	spec.cn = NULL;
	c = parse(pki_pem(&spec), pki_key_pem(key));
	cr_assert_str_eq(c->facts.common_name, "");
	tls_certificate_unref(c);
}

Test(certificate, keeps_its_chain_in_order_and_shares_issuers)
{
	EVP_PKEY *other = pki_key("P-256");
	struct pki_spec leaf = { .cn = "leaf", .key = key, .issuer = other };
	struct pki_spec one = { .cn = "one", .key = other };
	struct pki_spec two = { .cn = "two", .key = other };
	char *one_pem = pki_pem(&one);
	char *chain = pki_join(pki_pem(&leaf), one_pem, pki_pem(&two));
	struct tls_certificate *a = parse(chain, pki_key_pem(key));
	struct tls_certificate *b =
	    parse(pki_join(pki_pem(&leaf), one_pem, ""), pki_key_pem(key));

	cr_assert_str_eq(a->facts.common_name, "leaf");
	cr_assert_eq(sk_X509_num(a->chain), 2);
	cr_assert_eq(sk_X509_num(b->chain), 1);
	cr_assert_eq(sk_X509_value(a->chain, 0), sk_X509_value(b->chain, 0));
	cr_assert_neq(sk_X509_value(a->chain, 0), sk_X509_value(a->chain, 1));
	cr_assert_neq(a->leaf, b->leaf);
	tls_certificate_unref(a);
	tls_certificate_unref(b);
}

Test(certificate, and_key_may_share_a_file_with_anything_around)
{
	struct pki_spec spec = { .cn = "a", .key = key };
	char *both =
	    pki_join("Bag Attributes\n", pki_key_pem(key), pki_pem(&spec));
	struct tls_certificate *c = parse(both, both);

	cr_assert_not_null(c, "%s", why.message);
	tls_certificate_unref(c);
	both = pki_join(pki_pem(&spec), "\nbetween\n", pki_key_pem(key));
	cr_assert_not_null(c = parse(both, both), "%s", why.message);
	tls_certificate_unref(c);
}

Test(certificate, key_may_follow_its_curve_s_parameters)
{
	static const char parameters[] =
	    "-----BEGIN EC PARAMETERS-----\n"
	    "BggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
	struct pki_spec spec = { .cn = "a", .key = key };
	struct tls_certificate *c =
	    parse(pki_pem(&spec), pki_join(parameters, pki_key_pem(key), ""));

	cr_assert_not_null(c, "%s", why.message);
	tls_certificate_unref(c);
}

Test(certificate, of_every_usual_kind_is_taken)
{
	static const struct {
		const char *make, *kind;
	} kinds[] = {
		{ "P-256", "EC" },
		{ "P-384", "EC" },
		{ "RSA:2048", "RSA" },
	};

	for (int i = 0; i < 3; i++) {
		EVP_PKEY *k = pki_key(kinds[i].make);
		struct pki_spec spec = { .cn = "a", .key = k };
		struct tls_certificate *c =
		    parse(pki_pem(&spec), pki_key_pem(k));

		cr_assert_not_null(c, "%s", why.message);
		cr_assert_str_eq(c->facts.kind, kinds[i].kind);
		tls_certificate_unref(c);
	}
}

Test(certificate, file_without_one_is_refused)
{
	const char *none = "holds no certificate in PEM form";

	refused("", pki_key_pem(key), TLS_FILE_CERT, none);
	refused("garbage\n", pki_key_pem(key), TLS_FILE_CERT, none);
	refused(pki_key_pem(key), pki_key_pem(key), TLS_FILE_CERT, none);
}

Test(certificate, that_does_not_parse_is_refused_with_its_number)
{
	static const char broken[] = "-----BEGIN CERTIFICATE-----\n"
				     "AAAA\n-----END CERTIFICATE-----\n";
	struct pki_spec spec = { .cn = "a", .key = key };

	refused(broken, pki_key_pem(key), TLS_FILE_CERT,
	    "certificate 1 in it cannot be parsed: wrong tag");
	refused(pki_join(pki_pem(&spec), pki_pem(&spec), broken),
	    pki_key_pem(key), TLS_FILE_CERT,
	    "certificate 3 in it cannot be parsed: wrong tag");
}

Test(certificate, cut_short_is_refused)
{
	struct pki_spec spec = { .cn = "a", .key = key };
	char *whole = pki_pem(&spec), *chain = pki_join(whole, whole, "");

	whole[strlen(whole) / 2] = '\0';
	refused(whole, pki_key_pem(key), TLS_FILE_CERT,
	    "certificate 1 in it cannot be parsed: bad end line");
	chain[strlen(chain) - 40] = '\0';
	refused(chain, pki_key_pem(key), TLS_FILE_CERT,
	    "certificate 2 in it cannot be parsed: bad end line");
}

Test(certificate, key_that_is_none_is_refused)
{
	struct pki_spec spec = { .cn = "a", .key = key };
	const char *none = "holds no private key in PEM form";
	char *cert = pki_pem(&spec);
	BIO *bio = BIO_new(BIO_s_mem());
	char *public;

	PEM_write_bio_PUBKEY(bio, key);
	BIO_write(bio, "", 1);
	BIO_get_mem_data(bio, &public);
	refused(cert, "", TLS_FILE_KEY, none);
	refused(cert, "garbage", TLS_FILE_KEY, none);
	refused(cert, cert, TLS_FILE_KEY, none);
	refused(cert, public, TLS_FILE_KEY, none);
	BIO_free(bio);
}

Test(certificate, key_under_a_passphrase_is_refused_without_asking)
{
	struct pki_spec spec = { .cn = "a", .key = key };
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;

	PEM_write_bio_PKCS8PrivateKey(
	    bio, key, EVP_aes_128_cbc(), "pw", 2, NULL, NULL);
	BIO_write(bio, "", 1);
	BIO_get_mem_data(bio, &pem);
	refused(pki_pem(&spec), pem, TLS_FILE_KEY,
	    "is encrypted; fairlead takes keys without passphrase");
	BIO_free(bio);
	/* and that is not remembered for the next one */
	refused(pki_pem(&spec), "", TLS_FILE_KEY,
	    "holds no private key in PEM form");
}

Test(certificate, key_of_another_is_refused)
{
	EVP_PKEY *other = pki_key("P-256");
	struct pki_spec spec = { .cn = "a", .key = key };

	refused(pki_pem(&spec), pki_key_pem(other), TLS_FILE_KEY,
	    "is not the key of the certificate");
}

Test(certificate, too_weak_for_openssl_is_refused_at_load)
{
	EVP_PKEY *weak = pki_key("RSA:1024");
	struct pki_spec spec = { .cn = "a", .key = weak };

	refused(pki_pem(&spec), pki_key_pem(weak), TLS_FILE_CERT,
	    "cannot be used: ee key too small");
}

Test(certificate, needs_a_decoder)
{
	struct tls_bytes none = { NULL, 0 };

	cr_assert_null(tls_certificate_parse(NULL, &none, &none, &why));
	cr_assert_eq(why.which, TLS_FILE_CERT);
	cr_assert_not_null(strstr(why.message, "openssl.cnf"));
	tls_decoder_free(NULL);
}

Test(certificate, lives_until_the_last_reference)
{
	struct pki_spec spec = { .cn = "a", .key = key };
	struct tls_certificate *c = parse(pki_pem(&spec), pki_key_pem(key));

	cr_assert_eq(tls_certificate_ref(c), c);
	cr_assert_eq(c->refs, 2);
	tls_certificate_unref(c);
	cr_assert_eq(c->refs, 1);
	cr_assert_str_eq(c->facts.common_name, "a");
	tls_certificate_unref(c);
}

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L59 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* "*." and 253 bytes: the longest there is, several times. */
Test(certificate, may_have_names_of_any_length)
{
	static const char rest[] = "." L63 "." L63 "." L63 "." L59 ".";
	char names[1200];
	struct pki_spec spec = { .key = key, .names = names };
	struct tls_certificate *c;

	snprintf(names, sizeof(names), "DNS:*.a%s,DNS:*.b%s,DNS:c%s", rest,
	    rest, rest);
	c = parse(pki_pem(&spec), pki_key_pem(key));
	cr_assert_not_null(c, "%s", why.message);
	cr_assert_eq(c->nnames, 3);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(
		    c->names[i].name.n, 253, "%zu", c->names[i].name.n);
	tls_certificate_unref(c);
}
