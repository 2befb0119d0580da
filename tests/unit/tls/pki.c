/* Keys, certificates and their files, made by OpenSSL itself. */
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <criterion/criterion.h>
#include <ftw.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tls/pki.h"

#include "base/clock.h"
#include "base/mem.h"

#define DAY_S 86400

static char directory[64];
static struct arena strings;
static EVP_PKEY *keys[32];
static unsigned nkeys;

static void *twenty_times(void *);
static long heap_after(void (*)(void));
static void clean_up(void);
static int remove_one(const char *, const struct stat *, int, struct FTW *);
static void add_name(X509 *, const char *);
static char *drain(BIO *);
static void record(void *, const struct tls_fault *);

EVP_PKEY *
pki_key(const char *kind)
{
	EVP_PKEY *key;

	if (strncmp(kind, "RSA:", 4) == 0)
		key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
	else
		key = EVP_EC_gen(kind);
	cr_assert_not_null(key);
	cr_assert_lt(nkeys, 32);
	if (nkeys == 0)
		atexit(clean_up);
	return keys[nkeys++] = key;
}

char *
pki_pem(const struct pki_spec *spec)
{
	static long serial;
	int64_t now = (int64_t)(clock_wall() / CLOCK_S);
	EVP_PKEY *key = spec->key;
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	ASN1_TIME_set(
	    X509_getm_notBefore(x), spec->from != 0 ? spec->from : now - DAY_S);
	ASN1_TIME_set(
	    X509_getm_notAfter(x), spec->to != 0 ? spec->to : now + DAY_S);
	if (spec->cn != NULL)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
		    MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	if (spec->names != NULL)
		add_name(x, spec->names);
	cr_assert_gt(X509_sign(x, spec->issuer != NULL ? spec->issuer : key,
			 EVP_sha256()),
	    0);
	PEM_write_bio_X509(bio, x);
	X509_free(x);
	return drain(bio);
}

char *
pki_key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	return drain(bio);
}

char *
pki_join(const char *a, const char *b, const char *c)
{
	size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
	char *text = arena_alloc(&strings, n);

	snprintf(text, n, "%s%s%s", a, b, c);
	return text;
}

const char *
pki_directory(void)
{
	if (directory[0] == '\0') {
		snprintf(
		    directory, sizeof(directory), "/tmp/fairlead-tls-XXXXXX");
		cr_assert_not_null(mkdtemp(directory));
		atexit(clean_up);
	}
	return directory;
}

const char *
pki_file(const char *name, const char *bytes)
{
	char *path = pki_join(pki_directory(), "/", name);
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(bytes, f);
	fclose(f);
	return path;
}

struct tls_certificate_file
pki_pair(const char *name, struct pki_spec spec)
{
	if (spec.key == NULL)
		spec.key = pki_key("P-256");
	return (struct tls_certificate_file){
		.cert = pki_file(pki_join(name, ".pem", ""), pki_pem(&spec)),
		.key =
		    pki_file(pki_join(name, ".key", ""), pki_key_pem(spec.key)),
	};
}

/* The first round pays for what OpenSSL sets up once. */
long
pki_heap_growth(void (*once)(void))
{
	long before;

	mallopt(M_ARENA_MAX, 1);
	heap_after(once);
	before = heap_after(once);
	return heap_after(once) - before;
}

void
pki_faults_init(struct pki_faults *faults)
{
	*faults = (struct pki_faults){ .to = { record, faults } };
}

struct tls_store *
pki_store(const struct tls_certificate_file *files, unsigned n)
{
	struct pki_faults faults;
	struct tls_store *store;

	pki_faults_init(&faults);
	store = tls_store_load(
	    files, n, NULL, (int64_t)(clock_wall() / CLOCK_S), &faults.to);
	cr_assert_eq(faults.n, 0, "%s", faults.v[0].message);
	cr_assert_not_null(store);
	return store;
}

static void *
twenty_times(void *arg)
{
	void (**once)(void) = arg;

	for (int i = 0; i < 20; i++)
		(*once)();
	return NULL;
}

/* In a thread of its own: its end empties malloc's cache, which would count. */
static long
heap_after(void (*once)(void))
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, twenty_times, &once), 0);
	pthread_join(thread, NULL);
	return (long)mallinfo2().uordblks;
}

static void
clean_up(void)
{
	while (nkeys > 0)
		EVP_PKEY_free(keys[--nkeys]);
	arena_fini(&strings);
	if (directory[0] != '\0')
		nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	directory[0] = '\0';
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st, (void)what, (void)ftw;
	return remove(path);
}

static void
add_name(X509 *x, const char *names)
{
	X509_EXTENSION *e =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	cr_assert_not_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static char *
drain(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	char *text = arena_alloc(&strings, (size_t)n + 1);

	memcpy(text, p, (size_t)n);
	text[n] = '\0';
	BIO_free(bio);
	return text;
}

static void
record(void *arg, const struct tls_fault *fault)
{
	struct pki_faults *faults = arg;

	cr_assert_lt(faults->n, 16);
	faults->v[faults->n].index = fault->index;
	faults->v[faults->n].which = fault->which;
	faults->v[faults->n].warning = fault->warning;
	snprintf(faults->v[faults->n].message, sizeof(faults->v[0].message),
	    "%s", fault->message);
	faults->n++;
}
