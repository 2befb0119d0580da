#ifndef TESTS_UNIT_HTTP_GUARD_H
#define TESTS_UNIT_HTTP_GUARD_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/text.h"

/*
 * Memory that ends where a page without any access begins: reading one byte
 * too far ends the test.  Lives as long as the process.
 */
static inline char *
guarded(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (n + page - 1) / page * page;
	char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	cr_assert_eq(mprotect(p + size, page, PROT_NONE), 0);
	return p + size - n;
}

static inline char *
guarded_copy(struct text t)
{
	char *p = guarded(t.n);

	memcpy(p, t.p, t.n);
	return p;
}

#endif
