/* base/buf: what is kept for the next, and how much bytes that wait cost. */
#include <criterion/criterion.h>
#include <malloc.h>

#include "base/poison.h"
#include "tests/unit/base/buf_content.h"

/* Under ASan nothing is kept: a use after the last unref must be seen. */
static size_t
kept(size_t bytes)
{
	return POOL_MALLOC ? 0 : bytes;
}

Test(buf_memory, freed_blocks_are_used_again_last_first)
{
	struct buf a = { 0 }, b = { 0 };
	const char *p;

	buf_append(&a, "a", 1);
	buf_append(&b, "b", 1);
	p = buf_front(&b).p;
	buf_clear(&a);
	buf_clear(&b);
	cr_assert_eq(block_count().free_bytes, kept(2 * BLOCK_BYTES));
	buf_append(&a, "c", 1);
	cr_assert_eq(block_count().free_bytes, kept(BLOCK_BYTES));
	if (!POOL_MALLOC)
		cr_assert_eq(buf_front(&a).p, p);
	buf_clear(&a);
}

Test(buf_memory, the_free_list_is_capped)
{
	static struct buf bufs[300];

	for (int i = 0; i < 300; i++)
		buf_append(&bufs[i], "x", 1);
	cr_assert_eq(live(), 300 * BLOCK_BYTES);
	for (int i = 0; i < 300; i++)
		buf_clear(&bufs[i]);
	cr_assert_eq(block_count().free_bytes, kept(256 * BLOCK_BYTES));
	cr_assert_eq(live(), 0);
	block_pool_fini();
	cr_assert_eq(block_count().free_bytes, 0);
	buf_append(&bufs[0], "x", 1);
	buf_clear(&bufs[0]);
	cr_assert_eq(block_count().free_bytes, kept(BLOCK_BYTES));
	block_pool_fini();
}

/* Share one block so many times over, and give all of it back. */
static void
share_often(struct buf *parts, size_t n)
{
	struct buf b = { 0 };

	buf_append(&b, pattern, 4000);
	for (size_t i = 0; i < n; i++)
		buf_move(&parts[i], &b, 1);
	cr_assert_eq(live(), BLOCK_BYTES);
	for (size_t i = 0; i < n; i++) {
		check_content(&parts[i], pattern + i, 1);
		buf_clear(&parts[i]);
	}
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

/* More shares than the free list of spans holds, twice: none is lost. */
Test(buf_memory, thousands_of_spans_over_one_block)
{
	static struct buf parts[3000];

	fill_pattern();
	share_often(parts, 3000);
	share_often(parts, 3000);
	block_pool_fini();
}

static size_t
in_use(void)
{
	return mallinfo2().uordblks;
}

/* Of some 48 bytes each; malloc's own book-keeping is not exact. */
Test(buf_memory, a_thousand_spans_are_kept_and_given_back_at_the_end)
{
	static struct buf parts[3000];
	size_t before = in_use();

	fill_pattern();
	for (int round = 0; round < 3; round++) {
		share_often(parts, 3000);
		cr_assert_geq(in_use(), before + kept(1024 * 32));
		cr_assert_leq(in_use(), before + kept(1024 * 64) + BLOCK_BYTES);
	}
	block_pool_fini();
	cr_assert_leq(in_use(), before + 4096);
}

/* As a body's bytes wait that are read one by one, kept and handed on. */
Test(buf_memory, single_bytes_kept_twice_do_not_keep_a_block_each)
{
	struct buf kept = { 0 }, held = { 0 };

	for (unsigned i = 0; i < 4000; i++) {
		struct buf read = { 0 };

		buf_append(&read, pattern, 1);
		buf_copy(&kept, &read, 1);
		buf_move(&held, &read, 1);
	}
	cr_assert_eq(kept.n, 4000);
	cr_assert_eq(held.n, 4000);
	cr_assert_leq(live(), 4 * BLOCK_BYTES);
	buf_clear(&kept);
	buf_clear(&held);
	cr_assert_eq(live(), 0);
}

/* As a body's bytes come in one read, are kept and handed on. */
static void
read_piece(struct buf *kept, struct buf *held, size_t n)
{
	struct buf read = { 0 };

	buf_append(&read, pattern, n);
	buf_copy(kept, &read, n);
	buf_move(held, &read, n);
}

/*
 * What waits costs no more than twice its bytes, and what is kept no more than
 * its bytes, however they came; a single byte behind a large piece is the worst
 * that can come.
 */
Test(buf_memory, pieces_of_any_size_keep_blocks_in_proportion)
{
	for (size_t piece = 1; piece <= 16000; piece += 97) {
		struct buf kept = { 0 }, held = { 0 };

		while (held.n < 65536) {
			read_piece(&kept, &held, piece);
			read_piece(&kept, &held, 1);
		}
		cr_assert_leq(live(), 3 * held.n + 3 * BLOCK_BYTES,
		    "pieces of %zu: %zu", piece, live());
		buf_clear(&kept);
		buf_clear(&held);
	}
}
