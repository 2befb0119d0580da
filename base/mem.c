/*
 * Allocation that cannot fail, and arenas.  An arena is a list of chunks that
 * is filled from the front; arena_reset keeps the first chunk, so an arena that
 * is used again and again comes to rest at no allocation at all.
 *
 * Under AddressSanitizer bytes that are not handed out are poisoned, so that a
 * use after arena_reset is seen, and a little is left unused after each piece.
 */
#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/poison.h"

#define CHUNK_BYTES 4096 /* with its header */

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size; /* of bytes[] */
	alignas(max_align_t) char bytes[];
};

static void *checked(void *);

void *
xmalloc(size_t n)
{
	return checked(malloc(n == 0 ? 1 : n));
}

void *
xcalloc(size_t n, size_t size)
{
	return checked(n == 0 || size == 0 ? calloc(1, 1) : calloc(n, size));
}

void *
xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n == 0 ? 1 : n));
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = xvasprintf(format, args);
	va_end(args);
	return s;
}

char *
xvasprintf(const char *format, va_list args)
{
	char *s;

	return checked(vasprintf(&s, format, args) == -1 ? NULL : s);
}

static void *
checked(void *p)
{
	if (p == NULL) {
		fputs("fairlead: out of memory\n", stderr);
		abort();
	}
	return p;
}

static struct arena_chunk *
chunk_new(struct arena *a, size_t least)
{
	size_t size = CHUNK_BYTES - sizeof(struct arena_chunk);
	struct arena_chunk *chunk;

	if (size < least)
		size = least;
	chunk = xmalloc(sizeof(*chunk) + size);
	chunk->next = NULL;
	chunk->used = 0;
	chunk->size = size;
	a->bytes += sizeof(*chunk) + size;
	POISON(chunk->bytes, size);
	if (a->now == NULL)
		a->first = chunk;
	else
		a->now->next = chunk;
	return a->now = chunk;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_chunk *chunk = a->now;
	size_t room;
	char *p;

	assert(n < SIZE_MAX / 2);
	room = (n + POISON_GAP + align - 1) & ~(align - 1);
	if (chunk == NULL || chunk->size - chunk->used < room)
		chunk = chunk_new(a, room);
	p = chunk->bytes + chunk->used;
	chunk->used += room;
	UNPOISON(p, n);
	return p;
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

static void
chunks_free(struct arena *a, struct arena_chunk *chunk)
{
	while (chunk != NULL) {
		struct arena_chunk *next = chunk->next;

		a->bytes -= sizeof(*chunk) + chunk->size;
		free(chunk);
		chunk = next;
	}
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *first = a->first;

	if (first == NULL)
		return;
	chunks_free(a, first->next);
	first->next = NULL;
	first->used = 0;
	POISON(first->bytes, first->size);
	a->now = first;
}

void
arena_fini(struct arena *a)
{
	chunks_free(a, a->first);
	a->first = a->now = NULL;
}

struct text
arena_copy(struct arena *a, struct text t)
{
	char *p = arena_alloc(a, t.n + 1);

	if (t.n > 0)
		memcpy(p, t.p, t.n);
	p[t.n] = '\0';
	return (struct text){ p, t.n };
}

char *
arena_strdup(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(arena_alloc(a, n), s, n);
}

struct text
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	int n;
	char *p;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	return (struct text){ p, (size_t)n };
}
