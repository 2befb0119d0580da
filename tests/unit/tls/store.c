/* Stores: all or none, shared with the one before, judged by name. */
#include <sys/stat.h>

#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/store.h"

#include "base/clock.h"
#include "tests/unit/tls/pki.h"

static struct pki_faults faults;

static void
setup(void)
{
	pki_faults_init(&faults);
}

TestSuite(store, .init = setup);

static int64_t
now(void)
{
	return (int64_t)(clock_wall() / CLOCK_S);
}

static struct tls_store *
load(const struct tls_certificate_file *files, unsigned n,
    const struct tls_store *old, int64_t wall_s)
{
	faults.n = 0;
	return tls_store_load(files, n, old, wall_s, &faults.to);
}

/* The certificate of a kind that a session gets for the name. */
static X509 *
given(const struct tls_store *store, const char *name)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(ctx);
	X509 *x;

	cr_assert(tls_store_apply(store, text_of(name), ssl));
	x = SSL_get_certificate(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return x;
}

static void
has_fault(unsigned i, unsigned index, enum tls_file which, bool warning,
    const char *message)
{
	cr_assert_lt(i, faults.n);
	cr_assert_eq(faults.v[i].index, index);
	cr_assert_eq(faults.v[i].which, which);
	cr_assert_eq(faults.v[i].warning, warning);
	cr_assert_str_eq(faults.v[i].message, message);
}

Test(store, gives_exact_wildcard_and_default)
{
	struct tls_certificate_file files[] = {
		pki_pair(
		    "a", (struct pki_spec){ .cn = "A", .names = "DNS:a.x" }),
		pki_pair(
		    "b", (struct pki_spec){ .cn = "B", .names = "DNS:*.x" }),
	};
	struct tls_store *store = pki_store(files, 2);

	cr_assert_eq(tls_store_count(store), 2);
	cr_assert_str_eq(tls_store_facts(store, 0)->common_name, "A");
	cr_assert_str_eq(tls_store_facts(store, 1)->common_name, "B");
	cr_assert_neq(given(store, "a.x"), given(store, "b.x"));
	cr_assert_eq(given(store, "b.x"), given(store, "c.x"));
	cr_assert_eq(given(store, "unknown"), given(store, "a.x"));
	cr_assert_eq(given(store, NULL), given(store, "a.x"));
	cr_assert(tls_store_knows(store, TEXT("A.X.")));
	cr_assert(tls_store_knows(store, TEXT("z.x")));
	cr_assert_not(tls_store_knows(store, TEXT("unknown")));
	tls_store_free(store);
}

/* As on a system whose policy became stricter than at the start. */
Test(store, tells_when_openssl_takes_a_certificate_no_more)
{
	struct tls_certificate_file file =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_store *store = pki_store(&file, 1);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(ctx);

	SSL_set_security_level(ssl, 5);
	cr_assert_not(tls_store_apply(store, TEXT("a.x"), ssl));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	tls_store_free(store);
}

Test(store, says_which_names_are_one_site)
{
	struct tls_certificate_file files[] = {
		pki_pair("a", (struct pki_spec){ .names = "DNS:a.x,DNS:b.x" }),
		pki_pair("b", (struct pki_spec){ .names = "DNS:*.x" }),
		pki_pair("c",
		    (struct pki_spec){
			.names = "DNS:a.x", .key = pki_key("RSA:2048") }),
	};
	struct tls_store *store = pki_store(files, 2);

	cr_assert(tls_store_same(store, TEXT("a.x"), TEXT("B.X")));
	cr_assert(tls_store_same(store, TEXT("q.x"), TEXT("r.x")));
	cr_assert(tls_store_same(store, TEXT("a.x"), TEXT("unknown")));
	cr_assert(tls_store_same(store, TEXT("unknown"), TEXT("other")));
	cr_assert_not(tls_store_same(store, TEXT("a.x"), TEXT("q.x")));
	cr_assert_not(tls_store_same(store, TEXT("q.x"), TEXT("unknown")));
	tls_store_free(store);
	store = pki_store(files, 3);
	cr_assert_not(tls_store_same(store, TEXT("a.x"), TEXT("b.x")));
	tls_store_free(store);
}

Test(store, is_all_or_none_and_tells_every_fault)
{
	struct tls_certificate_file good =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_certificate_file other =
	    pki_pair("b", (struct pki_spec){ .names = "DNS:b.x" });
	struct tls_certificate_file files[] = {
		good,
		{ "/nonexistent", other.key },
		{ other.cert, "/nonexistent" },
		{ other.cert, good.key },
		{ pki_file("g", "garbage"), good.key },
		other,
	};

	cr_assert_null(load(files, 6, NULL, now()));
	cr_assert_eq(faults.n, 4);
	has_fault(0, 1, TLS_FILE_CERT, false,
	    "cannot be opened: No such file or directory");
	has_fault(1, 2, TLS_FILE_KEY, false,
	    "cannot be opened: No such file or directory");
	has_fault(
	    2, 3, TLS_FILE_KEY, false, "is not the key of the certificate");
	has_fault(
	    3, 4, TLS_FILE_CERT, false, "holds no certificate in PEM form");
}

Test(store, warns_of_dates_but_serves)
{
	struct tls_certificate_file file = pki_pair("a",
	    (struct pki_spec){ .names = "DNS:a.x", .from = 1000, .to = 2000 });
	const struct {
		int64_t wall_s;
		const char *warning;
	} cases[] = {
		{ 999, "is not valid yet" },
		{ 1000, NULL },
		{ 2000, NULL },
		{ 2001, "has expired" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_store *store = load(&file, 1, NULL, cases[i].wall_s);

		cr_assert_not_null(store);
		cr_assert_eq(faults.n, cases[i].warning != NULL);
		if (faults.n > 0)
			has_fault(0, 0, TLS_FILE_CERT, true, cases[i].warning);
		cr_assert_eq(tls_store_facts(store, 0)->not_before, 1000);
		cr_assert_eq(tls_store_facts(store, 0)->not_after, 2000);
		tls_store_free(store);
	}
}

Test(store, warns_of_what_no_client_will_get)
{
	struct tls_certificate_file files[] = {
		pki_pair("a", (struct pki_spec){ .cn = "a" }),
		pki_pair("b", (struct pki_spec){ .cn = "b" }),
		pki_pair("c", (struct pki_spec){ .names = "DNS:c.x,DNS:*.c" }),
		pki_pair("d", (struct pki_spec){ .names = "DNS:c.x,DNS:*.c" }),
	};
	struct tls_store *store = load(files, 4, NULL, now());

	cr_assert_not_null(store);
	cr_assert_eq(faults.n, 3);
	has_fault(0, 1, TLS_FILE_CERT, true,
	    "has no host name in its "
	    "subjectAltName, so no client will get it");
	has_fault(1, 3, TLS_FILE_CERT, true,
	    "is not used for *.c: "
	    "an earlier certificate has the name");
	has_fault(2, 3, TLS_FILE_CERT, true,
	    "is not used for c.x: "
	    "an earlier certificate has the name");
	tls_store_free(store);
}

/* What this process has read from files so far. */
static long
bytes_read(void)
{
	char text[512];
	int fd = open("/proc/self/io", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	return strtol(text + strlen("rchar: "), NULL, 10);
}

Test(store, shares_unchanged_files_without_reading_them)
{
	struct tls_certificate_file file =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_store *old = load(&file, 1, NULL, now() + 9);
	X509 *x = given(old, "a.x");
	long before = bytes_read();
	struct tls_store *store = load(&file, 1, old, now() + 9);

	cr_assert_lt(bytes_read() - before, 300);
	cr_assert_eq(given(store, "a.x"), x);
	tls_store_free(old);
	cr_assert_eq(given(store, "a.x"), x);
	/* what was taken over can be taken over again */
	before = bytes_read();
	old = store;
	store = load(&file, 1, old, now() + 9);
	cr_assert_lt(bytes_read() - before, 300);
	cr_assert_eq(given(store, "a.x"), x);
	tls_store_free(store);
	tls_store_free(old);
}

Test(store, shares_files_whose_bytes_are_the_same)
{
	struct tls_certificate_file file =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_store *old = load(&file, 1, NULL, now() + 9), *store;
	struct timespec times[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
	long before;

	utimensat(AT_FDCWD, file.cert, times, 0);
	store = load(&file, 1, old, now() + 9);
	cr_assert_eq(given(store, "a.x"), given(old, "a.x"));
	tls_store_free(old);
	/* and the new times are remembered */
	before = bytes_read();
	old = load(&file, 1, store, now() + 9);
	cr_assert_lt(bytes_read() - before, 300);
	tls_store_free(old);
	tls_store_free(store);
}

Test(store, loads_again_what_changed)
{
	struct tls_certificate_file a =
	    pki_pair("a", (struct pki_spec){ .cn = "old", .names = "DNS:a.x" });
	struct tls_certificate_file b =
	    pki_pair("b", (struct pki_spec){ .cn = "b", .names = "DNS:b.x" });
	struct tls_certificate_file both[] = { a, b }, swapped[] = { b, a };
	struct tls_store *old = load(both, 2, NULL, now()), *store;

	pki_pair("a", (struct pki_spec){ .cn = "new", .names = "DNS:a.x" });
	store = load(swapped, 2, old, now());
	cr_assert_eq(faults.n, 0, "%s", faults.v[0].message);
	cr_assert_str_eq(tls_store_facts(store, 0)->common_name, "b");
	cr_assert_str_eq(tls_store_facts(store, 1)->common_name, "new");
	cr_assert_str_eq(tls_store_facts(old, 0)->common_name, "old");
	cr_assert_eq(given(store, "b.x"), given(old, "b.x"));
	tls_store_free(store);
	tls_store_free(old);
}

Test(store, does_not_take_over_a_certificate_with_another_key_file)
{
	struct tls_certificate_file a =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_certificate_file b =
	    pki_pair("b", (struct pki_spec){ .names = "DNS:b.x" });
	struct tls_certificate_file mixed = { a.cert, b.key };
	struct tls_store *old = load(&a, 1, NULL, now() + 9);

	cr_assert_null(load(&mixed, 1, old, now() + 9));
	has_fault(
	    0, 0, TLS_FILE_KEY, false, "is not the key of the certificate");
	tls_store_free(old);
}

Test(store, notices_when_only_the_key_changed)
{
	struct tls_certificate_file a =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_store *old = load(&a, 1, NULL, now() + 9);
	EVP_PKEY *other = pki_key("P-256");

	pki_file("a.key", pki_key_pem(other));
	cr_assert_null(load(&a, 1, old, now() + 9));
	has_fault(
	    0, 0, TLS_FILE_KEY, false, "is not the key of the certificate");
	tls_store_free(old);
}

Test(store, of_a_bad_reload_leaves_the_old_one_whole)
{
	struct tls_certificate_file a =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });
	struct tls_store *old = load(&a, 1, NULL, now());
	X509 *x = given(old, "a.x");

	unlink(a.cert);
	cr_assert_null(load(&a, 1, old, now()));
	cr_assert_eq(given(old, "a.x"), x);
	tls_store_free(old);
	tls_store_free(NULL);
}

static struct tls_certificate_file good[2], bad[2];

static void
load_and_free(void)
{
	struct tls_store *old = load(good, 2, NULL, now());
	struct tls_store *store = load(good, 2, old, now() + 9);

	cr_assert_null(load(bad, 2, old, now()));
	tls_store_free(old);
	old = load(good, 2, store, now() + 9);
	tls_store_free(store);
	tls_store_free(old);
}

/* Good and bad loads, fresh and shared, with a chain and a key beside it. */
Test(store, leaves_nothing_behind)
{
	struct pki_spec issuer = { .cn = "c", .key = pki_key("P-256") };
	struct pki_spec leaf = {
		.cn = "a", .key = pki_key("P-256"), .names = "DNS:a.x"
	};

	good[0].cert = good[0].key = pki_file("all",
	    pki_join(pki_key_pem(leaf.key), pki_pem(&leaf), pki_pem(&issuer)));
	good[1] = pki_pair("b", (struct pki_spec){ .names = "DNS:b.x" });
	bad[0] = good[1];
	bad[1] = (struct tls_certificate_file){ good[0].cert, good[1].key };
	cr_assert_eq(pki_heap_growth(load_and_free), 0);
}
