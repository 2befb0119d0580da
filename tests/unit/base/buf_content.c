/* What a buf should hold, and whether it does. */
#include "tests/unit/base/buf_content.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/uio.h>

char pattern[70000];

void
fill_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 131 + i / 251);
}

size_t
live(void)
{
	return block_count().live_bytes;
}

void
check_content(const struct buf *b, const void *want, size_t n)
{
	struct iovec iov[256];
	int count = buf_iov(b, iov, 256);
	size_t at = 0;

	cr_assert_eq(b->n, n);
	for (int i = 0; i < count; i++) {
		cr_assert_gt(iov[i].iov_len, 0);
		cr_assert_leq(at + iov[i].iov_len, n);
		cr_assert_eq(memcmp(iov[i].iov_base, (const char *)want + at,
				 iov[i].iov_len),
		    0);
		at += iov[i].iov_len;
	}
	cr_assert_eq(at, n);
}
