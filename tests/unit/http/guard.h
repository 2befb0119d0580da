#ifndef TESTS_UNIT_HTTP_GUARD_H
#define TESTS_UNIT_HTTP_GUARD_H

#include <string.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

#include "base/text.h"

#define GUARD_PAGE	4096

/*
 * n bytes that end where a page without any access begins: reading one byte
 * too far ends the test.
 */
static inline char *
guarded(size_t n)
{
	size_t size = (n / GUARD_PAGE + 1) * GUARD_PAGE;
	char *p = mmap(NULL, size + GUARD_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	cr_assert_eq(mprotect(p + size, GUARD_PAGE, PROT_NONE), 0);
	return p + size - n;
}

static inline void
guarded_free(char *p, size_t n)
{
	size_t size = (n / GUARD_PAGE + 1) * GUARD_PAGE;

	cr_assert_eq(munmap(p + n - size, size + GUARD_PAGE), 0);
}

static inline char *
guarded_copy(struct text t)
{
	char *p = guarded(t.n);

	memcpy(p, t.p, t.n);
	return p;
}

#endif
