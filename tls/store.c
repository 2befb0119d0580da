/*
 * The certificates of a listener, chosen by name.  Built once by whoever
 * builds a snapshot, then only read.  Loading is all or none: one bad file
 * refuses the whole store, so that a reload never serves half of what was
 * meant.  Files that did not change cost a stat(2): the parsed certificate is
 * taken over from the store before.
 */
#include <openssl/ssl.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/certificate.h"
#include "tls/file.h"
#include "tls/index.h"
#include "tls/store.h"

#include "base/map.h"
#include "base/mem.h"

/* A pair of files and what they hold. */
struct pair {
	struct tls_certificate *certificate;
	const char *cert_path, *key_path;
	struct tls_stamp cert, key;
};

struct tls_store {
	struct pair *pairs; /* as the files */
	unsigned n;
	struct map by_path; /* cert_path to pair */
	struct tls_index index;
	struct tls_certificate **certificates; /* of the pairs, in a row */
	struct arena arena; /* all of the above */
};

/* A load under way. */
struct load {
	struct tls_store *store;
	const struct tls_store *old;
	struct tls_decoder *decoder; /* from the first need on */
	const struct tls_faults *faults;
	int64_t wall_s;
	bool failed;
};

static bool
load_pair(struct load *, unsigned, const struct tls_certificate_file *);
static bool take_over(struct pair *, const struct pair *);
static bool
read_pair(struct load *, struct pair *, const struct pair *, struct tls_why *);
static void parse_pair(struct load *, struct pair *, const struct pair *,
    const struct tls_bytes *, const struct tls_bytes *, struct tls_why *);
static const struct pair *find_pair(const struct tls_store *, const char *);
static void warn_of_pair(struct load *, unsigned);
static void build_index(struct load *);
static void warn_of_hidden(void *, unsigned, const struct tls_name *);
static const struct tls_set *set_of(const struct tls_store *, struct text);
static void fault(struct load *, unsigned, enum tls_file, bool, const char *,
    ...) __attribute__((format(printf, 5, 6)));

struct tls_store *
tls_store_load(const struct tls_certificate_file *files, unsigned n,
    const struct tls_store *old, int64_t wall_s,
    const struct tls_faults *faults)
{
	struct tls_store *store = xcalloc(1, sizeof(*store));
	struct load load = {
		.store = store,
		.old = old,
		.faults = faults,
		.wall_s = wall_s,
	};

	assert(n > 0);
	store->n = n;
	store->pairs = arena_zalloc(&store->arena, n * sizeof(*store->pairs));
	for (unsigned i = 0; i < n; i++)
		if (load_pair(&load, i, &files[i]))
			warn_of_pair(&load, i);
	tls_decoder_free(load.decoder);
	if (!load.failed) {
		build_index(&load);
		return store;
	}
	tls_store_free(store);
	return NULL;
}

void
tls_store_free(struct tls_store *store)
{
	if (store == NULL)
		return;
	for (unsigned i = 0; i < store->n; i++)
		if (store->pairs[i].certificate != NULL)
			tls_certificate_unref(store->pairs[i].certificate);
	map_fini(&store->by_path);
	arena_fini(&store->arena);
	free(store);
}

unsigned
tls_store_count(const struct tls_store *store)
{
	return store->n;
}

const struct tls_facts *
tls_store_facts(const struct tls_store *store, unsigned i)
{
	assert(i < store->n);
	return &store->pairs[i].certificate->facts;
}

bool
tls_store_same(const struct tls_store *store, struct text a, struct text b)
{
	const struct tls_set *sa = set_of(store, a), *sb = set_of(store, b);

	return sa->n == sb->n &&
	    memcmp(sa->members, sb->members, sa->n * sizeof(*sa->members)) == 0;
}

bool
tls_store_knows(const struct tls_store *store, struct text name)
{
	return tls_index_find(&store->index, name) != NULL;
}

bool
tls_store_apply(const struct tls_store *store, struct text name, SSL *ssl)
{
	const struct tls_set *set = set_of(store, name);

	for (unsigned i = 0; i < set->n; i++) {
		const struct tls_certificate *c = set->members[i];

		if (SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) !=
		    1)
			return false;
	}
	return true;
}

/* False when there is no certificate; the fault was told. */
static bool
load_pair(
    struct load *load, unsigned i, const struct tls_certificate_file *file)
{
	struct tls_store *store = load->store;
	struct pair *pair = &store->pairs[i];
	const struct pair *old = find_pair(load->old, file->cert);
	struct tls_why why;

	pair->cert_path = arena_strdup(&store->arena, file->cert);
	pair->key_path = arena_strdup(&store->arena, file->key);
	if ((old == NULL || !take_over(pair, old)) &&
	    !read_pair(load, pair, old, &why)) {
		fault(load, i, why.which, false, "%s", why.message);
		return false;
	}
	map_set(&store->by_path, text_of(pair->cert_path), pair);
	return true;
}

/* Without opening anything, if neither file changed. */
static bool
take_over(struct pair *pair, const struct pair *old)
{
	if (!tls_stamp_holds(&old->cert, pair->cert_path) ||
	    !tls_stamp_holds(&old->key, pair->key_path))
		return false;
	pair->cert = old->cert;
	pair->key = old->key;
	pair->certificate = tls_certificate_ref(old->certificate);
	return true;
}

static bool
read_pair(struct load *load, struct pair *pair, const struct pair *old,
    struct tls_why *why)
{
	struct tls_bytes cert = { NULL, 0 }, key = { NULL, 0 };

	why->which = TLS_FILE_CERT;
	if (tls_file_read(pair->cert_path, load->wall_s, &cert, &pair->cert,
		why->message)) {
		why->which = TLS_FILE_KEY;
		if (tls_file_read(pair->key_path, load->wall_s, &key,
			&pair->key, why->message))
			parse_pair(load, pair, old, &cert, &key, why);
	}
	tls_bytes_wipe(&cert);
	tls_bytes_wipe(&key);
	return pair->certificate != NULL;
}

/* Touched or copied files with the same bytes need no parsing either. */
static void
parse_pair(struct load *load, struct pair *pair, const struct pair *old,
    const struct tls_bytes *cert, const struct tls_bytes *key,
    struct tls_why *why)
{
	if (old != NULL && tls_stamp_same(&old->cert, &pair->cert) &&
	    tls_stamp_same(&old->key, &pair->key))
		pair->certificate = tls_certificate_ref(old->certificate);
	else {
		if (load->decoder == NULL)
			load->decoder = tls_decoder_new();
		pair->certificate =
		    tls_certificate_parse(load->decoder, cert, key, why);
	}
}

/* Whatever its key was: the stamps tell whether that is the same, too. */
static const struct pair *
find_pair(const struct tls_store *store, const char *cert_path)
{
	if (store == NULL)
		return NULL;
	return map_get(&store->by_path, text_of(cert_path));
}

static void
warn_of_pair(struct load *load, unsigned i)
{
	const struct tls_certificate *c = load->store->pairs[i].certificate;

	if (load->wall_s > c->facts.not_after)
		fault(load, i, TLS_FILE_CERT, true, "has expired");
	if (load->wall_s < c->facts.not_before)
		fault(load, i, TLS_FILE_CERT, true, "is not valid yet");
	if (c->nnames == 0 && i > 0)
		fault(load, i, TLS_FILE_CERT, true,
		    "has no host name in its subjectAltName, "
		    "so no client will get it");
}

static void
build_index(struct load *load)
{
	struct tls_store *store = load->store;
	struct tls_hidden hidden = { warn_of_hidden, load };

	store->certificates =
	    arena_alloc(&store->arena, store->n * sizeof(*store->certificates));
	for (unsigned i = 0; i < store->n; i++)
		store->certificates[i] = store->pairs[i].certificate;
	tls_index_build(&store->index, &store->arena, store->certificates,
	    store->n, &hidden);
}

static void
warn_of_hidden(void *arg, unsigned which, const struct tls_name *name)
{
	fault(arg, which, TLS_FILE_CERT, true,
	    "is not used for %s%s: an earlier certificate has the name",
	    name->wildcard ? "*." : "", name->name.p);
}

static const struct tls_set *
set_of(const struct tls_store *store, struct text name)
{
	const struct tls_set *set = tls_index_find(&store->index, name);

	return set != NULL ? set : &store->index.fallback;
}

static void
fault(struct load *load, unsigned i, enum tls_file which, bool warning,
    const char *format, ...)
{
	char message[512];
	struct tls_fault told = { i, which, warning, message };
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (!warning)
		load->failed = true;
	load->faults->fault(load->faults->arg, &told);
}
