/* base/mem: allocation that cannot fail, arenas. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/poison.h"

Test(mem, nothing_is_still_a_pointer)
{
	void *p = xmalloc(0), *q = xcalloc(0, 8), *r = xcalloc(8, 0);

	cr_assert(p != NULL && q != NULL && r != NULL);
	p = xrealloc(p, 0);
	cr_assert_not_null(p);
	free(p);
	free(q);
	free(r);
}

Test(mem, calloc_zeroes_every_byte)
{
	char *p = xcalloc(100, 3);

	for (size_t i = 0; i < 300; i++)
		cr_assert_eq(p[i], 0);
	free(p);
}

Test(mem, realloc_keeps_the_bytes)
{
	char *p = xmalloc(3);

	memcpy(p, "abc", 3);
	p = xrealloc(p, 5000);
	cr_assert_eq(memcmp(p, "abc", 3), 0);
	free(p);
}

Test(mem, strings_are_copied)
{
	char *a = xstrdup("abc"), *b = xstrndup("abcdef", 4);
	char *c = xasprintf("%d-%s", 7, "x");

	cr_assert_str_eq(a, "abc");
	cr_assert_str_eq(b, "abcd");
	cr_assert_str_eq(c, "7-x");
	free(a);
	free(b);
	free(c);
}

/* A character that no encoding has stands for a string that cannot be made. */
Test(mem, failure_ends_the_process, .signal = SIGABRT)
{
	free(xasprintf("%lc", (wint_t)0x110000));
}

Test(arena, pieces_are_aligned_and_apart)
{
	struct arena a = { 0 };
	char *p[600];

	for (unsigned i = 0; i < 600; i++) {
		p[i] = arena_alloc(&a, i % 70);
		cr_assert_eq((uintptr_t)p[i] % 16, 0);
		memset(p[i], (int)(i % 251), i % 70);
	}
	for (unsigned i = 0; i < 600; i++)
		for (unsigned j = 0; j < i % 70; j++)
			cr_assert_eq((unsigned char)p[i][j], i % 251);
	arena_fini(&a);
}

Test(arena, a_piece_may_be_larger_than_a_chunk)
{
	struct arena a = { 0 };
	char *small = arena_alloc(&a, 8), *big = arena_alloc(&a, 100000);

	memset(small, 1, 8);
	memset(big, 2, 100000);
	cr_assert_eq(small[7], 1);
	cr_assert_geq(a.bytes, 100000);
	arena_fini(&a);
	cr_assert_eq(a.bytes, 0);
	cr_assert_null(a.first);
	cr_assert_null(a.now);
}

Test(arena, zalloc_is_zero_after_a_reset)
{
	struct arena a = { 0 };
	char *p = arena_alloc(&a, 500);

	memset(p, 0xff, 500);
	arena_reset(&a);
	p = arena_zalloc(&a, 500);
	for (size_t i = 0; i < 500; i++)
		cr_assert_eq(p[i], 0);
	arena_fini(&a);
}

Test(arena, reset_keeps_the_first_chunk_and_no_other)
{
	struct arena a = { 0 };
	void *first = arena_alloc(&a, 100);
	size_t bytes = a.bytes;

	for (int i = 0; i < 100; i++)
		arena_alloc(&a, 1000);
	cr_assert_gt(a.bytes, 100000);
	arena_reset(&a);
	cr_assert_eq(a.bytes, bytes);
	cr_assert_eq(arena_alloc(&a, 100), first);
	cr_assert_eq(a.bytes, bytes);
	arena_fini(&a);
}

Test(arena, reset_and_fini_of_nothing_do_nothing)
{
	struct arena a = { 0 };

	arena_reset(&a);
	arena_fini(&a);
	cr_assert_null(a.first);
	cr_assert_eq(a.bytes, 0);
}

Test(arena, fills_a_chunk_before_it_takes_another)
{
	struct arena a = { 0 };
	size_t bytes, n = 0;

	arena_alloc(&a, 16);
	bytes = a.bytes;
	cr_assert_leq(bytes, 4096);
	for (; a.bytes == bytes; n++)
		arena_alloc(&a, 16);
	cr_assert_geq(n * 16, 2000);
	cr_assert_eq(a.bytes, 2 * bytes);
	arena_fini(&a);
}

Test(arena, copies_end_with_a_nul)
{
	struct arena a = { 0 };
	struct text t = arena_copy(&a, text_first(text_of("abcdef"), 3));

	cr_assert_eq(t.n, 3);
	cr_assert_str_eq(t.p, "abc");
	cr_assert_eq(arena_copy(&a, TEXT_NONE).p[0], '\0');
	cr_assert_str_eq(arena_strdup(&a, "xyz"), "xyz");
	t = arena_printf(&a, "%s %d", "n", 42);
	cr_assert_eq(t.n, 4);
	cr_assert_str_eq(t.p, "n 42");
	arena_fini(&a);
}

/* Whatever its length and what was there before: the next piece begins behind. */
Test(arena, a_nul_is_the_copy_s_own)
{
	struct arena a = { 0 };
	char bytes[65];

	memset(arena_alloc(&a, 3000), '#', 3000);
	arena_reset(&a);
	memset(bytes, 'x', 64);
	bytes[64] = '\0';
	for (size_t n = 0; n <= 64; n++) {
		const char *s = bytes + 64 - n;
		const char *copies[3];

		copies[0] = arena_copy(&a, text_of(s)).p;
		memset(arena_alloc(&a, 16), '#', 16);
		copies[1] = arena_strdup(&a, s);
		memset(arena_alloc(&a, 16), '#', 16);
		copies[2] = arena_printf(&a, "%s", s).p;
		memset(arena_alloc(&a, 16), '#', 16);
		for (int i = 0; i < 3; i++)
			cr_assert_str_eq(copies[i], s);
	}
	arena_fini(&a);
}

#ifdef BASE_POISON
static bool
is_given(const void *p, size_t n)
{
	return !__asan_address_is_poisoned((const char *)p + n - 1) &&
	    __asan_address_is_poisoned((const char *)p + n);
}

Test(arena, only_bytes_that_were_given_may_be_touched)
{
	struct arena a = { 0 };
	char *small = arena_alloc(&a, 5);
	char *large = arena_alloc(&a, 10003);

	cr_assert(is_given(small, 5));
	cr_assert(is_given(large, 10003));
	arena_reset(&a);
	cr_assert(__asan_address_is_poisoned(small));
	cr_assert_eq(arena_alloc(&a, 13), small);
	cr_assert(is_given(small, 13));
	arena_fini(&a);
}
#endif
