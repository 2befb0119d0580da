/*
 * Memory and bytes of the tests.  Whatever is allocated here stays reachable
 * through one list, so that a leak checker in the test's own process has
 * nothing to say about tests that simply end.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"

/* Prime, so that no buffer size of a program divides it. */
enum { PATTERN_PERIOD = 65521 };

struct kept {
	struct kept *prev, *next;
	max_align_t memory[];
};

struct digest {
	EVP_MD_CTX *md;
};

static struct kept kept = { &kept, &kept };
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char pattern[PATTERN_PERIOD];
static pthread_once_t pattern_once = PTHREAD_ONCE_INIT;

static void *kept_resize(void *, size_t);
static void pattern_make(void);

void
bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n + 1 > b->cap) {
		b->cap = (b->n + n + 1) * 2;
		b->p = kept_resize(b->p, b->cap);
	}
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	bytes_add(b, text, (size_t)n);
	free(text);
}

void
bytes_drop(struct bytes *b, size_t n)
{
	if (n == 0)
		return;
	assert(n <= b->n);
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

void
bytes_free(struct bytes *b)
{
	keep_no_more(b->p);
	*b = (struct bytes){ 0 };
}

long
bytes_find(const struct bytes *b, size_t from, const char *needle)
{
	const char *at;

	if (b->n == 0 || from > b->n)
		return -1;
	at = memmem(b->p + from, b->n - from, needle, strlen(needle));
	return at == NULL ? -1 : at - b->p;
}

bool
bytes_hold(const struct bytes *b, const char *needle)
{
	return bytes_find(b, 0, needle) >= 0;
}

void *
keep(size_t n)
{
	void *p = kept_resize(NULL, n);

	memset(p, 0, n);
	return p;
}

char *
keep_printf(const char *fmt, ...)
{
	va_list ap;
	char *text, *copy;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	copy = keep_text(text, (size_t)n);
	free(text);
	return copy;
}

char *
keep_text(const char *p, size_t n)
{
	char *copy = keep(n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

void
keep_no_more(void *memory)
{
	struct kept *k;

	if (memory == NULL)
		return;
	k = (struct kept *)((char *)memory - offsetof(struct kept, memory));
	pthread_mutex_lock(&kept_lock);
	k->prev->next = k->next;
	k->next->prev = k->prev;
	pthread_mutex_unlock(&kept_lock);
	free(k);
}

char *
keep_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct bytes b = { 0 };
	char piece[16384];
	size_t n;

	bytes_add(&b, "", 0);
	if (f == NULL)
		return b.p;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		bytes_add(&b, piece, n);
	fclose(f);
	return b.p;
}

void
pattern_fill(char *p, size_t n, uint64_t offset)
{
	size_t at = offset % PATTERN_PERIOD, piece;

	pthread_once(&pattern_once, pattern_make);
	for (; n > 0; n -= piece, p += piece, at = 0) {
		piece = PATTERN_PERIOD - at < n ? PATTERN_PERIOD - at : n;
		memcpy(p, pattern + at, piece);
	}
}

bool
pattern_is(const char *p, size_t n, uint64_t offset)
{
	size_t at = offset % PATTERN_PERIOD, piece;

	pthread_once(&pattern_once, pattern_make);
	for (; n > 0; n -= piece, p += piece, at = 0) {
		piece = PATTERN_PERIOD - at < n ? PATTERN_PERIOD - at : n;
		if (memcmp(p, pattern + at, piece) != 0)
			return false;
	}
	return true;
}

char *
pattern_digest(uint64_t n)
{
	struct digest *d = digest_new();
	char piece[16384];
	uint64_t at;
	size_t now;

	for (at = 0; at < n; at += now) {
		now = n - at < sizeof piece ? (size_t)(n - at) : sizeof piece;
		pattern_fill(piece, now, at);
		digest_add(d, piece, now);
	}
	return digest_end(d);
}

struct digest *
digest_new(void)
{
	struct digest *d = keep(sizeof *d);

	d->md = EVP_MD_CTX_new();
	EVP_DigestInit_ex(d->md, EVP_sha256(), NULL);
	return d;
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	EVP_DigestUpdate(d->md, p, n);
}

char *
digest_end(struct digest *d)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct bytes hex = { 0 };
	unsigned n, i;

	EVP_DigestFinal_ex(d->md, sum, &n);
	EVP_MD_CTX_free(d->md);
	keep_no_more(d);
	for (i = 0; i < n; i++)
		bytes_printf(&hex, "%02x", sum[i]);
	return hex.p;
}

static void *
kept_resize(void *memory, size_t n)
{
	struct kept *k = NULL;

	pthread_mutex_lock(&kept_lock);
	if (memory != NULL) {
		k = (struct kept *)((char *)memory -
		    offsetof(struct kept, memory));
		k->prev->next = k->next;
		k->next->prev = k->prev;
	}
	k = realloc(k, sizeof *k + n);
	assert(k != NULL);
	k->next = kept.next;
	k->prev = &kept;
	k->next->prev = k;
	kept.next = k;
	pthread_mutex_unlock(&kept_lock);
	return k->memory;
}

/* A linear generator's upper bits: random enough, the same everywhere. */
static void
pattern_make(void)
{
	uint64_t x = 0x9e3779b97f4a7c15;
	size_t i;

	for (i = 0; i < PATTERN_PERIOD; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		pattern[i] = (unsigned char)(x >> 56);
	}
}
