/*
 * base/buf: against a plain array by random operations, and the promises about
 * sharing, copying and free lists one by one.  Each test runs in a process of
 * its own, so counts start from zero.
 */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/poison.h"
#include "base/rng.h"

#define BUFS 4
#define MODEL_MOST 300000

/* A buf and what should be in it. */
struct pair {
	struct buf buf;
	size_t n;
	unsigned char bytes[MODEL_MOST];
};

static char pattern[70000];

static void
fill_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 131 + i / 251);
}

static size_t
live(void)
{
	return block_count().live_bytes;
}

static void
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

static void
model_drop(struct pair *p, size_t n)
{
	memmove(p->bytes, p->bytes + n, p->n - n);
	p->n -= n;
}

static void
model_add(struct pair *p, const void *bytes, size_t n)
{
	memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

static size_t
some(struct rng *rng, size_t most)
{
	static const size_t scales[] = { 1, 10, 600, 20000, 70000 };
	size_t n = rng_below(rng, scales[rng_below(rng, 5)] + 1);

	return n < most ? n : most;
}

static void
op_append(struct rng *rng, struct pair *p)
{
	size_t n = some(rng, MODEL_MOST - p->n);

	if (n > sizeof(pattern))
		n = sizeof(pattern);
	buf_append(&p->buf, pattern, n);
	model_add(p, pattern, n);
}

static void
op_reserve(struct rng *rng, struct pair *p)
{
	size_t least = rng_below(rng, BUF_ROOM + 1), room, n;
	char *to = buf_reserve(&p->buf, least, &room);

	cr_assert_geq(room, least);
	cr_assert_gt(room, 0);
	n = some(rng, room);
	if (n > MODEL_MOST - p->n)
		n = 0;
	memcpy(to, pattern + 7, n);
	model_add(p, pattern + 7, n);
	buf_commit(&p->buf, n);
	if (rng_below(rng, 2))
		buf_release(&p->buf);
}

static void
op_move(struct rng *rng, struct pair *to, struct pair *from)
{
	size_t n = some(rng, from->n);

	if (to == from || n > MODEL_MOST - to->n)
		return;
	buf_move(&to->buf, &from->buf, n);
	model_add(to, from->bytes, n);
	model_drop(from, n);
}

static void
op_share(struct rng *rng, struct pair *to, struct pair *from)
{
	size_t n = some(rng, from->n);

	if (to == from || n > MODEL_MOST - to->n)
		return;
	buf_share(&to->buf, &from->buf, n);
	model_add(to, from->bytes, n);
}

static void
op_drop(struct rng *rng, struct pair *p)
{
	size_t n = rng_below(rng, 8) == 0 ? p->n : some(rng, p->n);

	buf_drop(&p->buf, n);
	model_drop(p, n);
}

static void
op_join(struct rng *rng, struct pair *p)
{
	size_t n = some(rng, p->n), room = some(rng, 40000);

	if (n == 0)
		return;
	cr_assert_eq(memcmp(buf_join(&p->buf, n, room), p->bytes, n), 0);
	cr_assert_geq(buf_front(&p->buf).n, n);
}

static void
run(uint64_t seed)
{
	static struct pair pairs[BUFS];
	struct rng rng;

	rng_seed(&rng, seed);
	for (int i = 0; i < 600; i++) {
		struct pair *p = &pairs[rng_below(&rng, BUFS)];
		struct pair *q = &pairs[rng_below(&rng, BUFS)];

		switch (rng_below(&rng, 8)) {
		case 0:
			op_append(&rng, p);
			break;
		case 1:
			op_reserve(&rng, p);
			break;
		case 2:
		case 3:
			op_move(&rng, p, q);
			break;
		case 4:
			op_share(&rng, p, q);
			break;
		case 5:
		case 6:
			op_drop(&rng, p);
			break;
		default:
			op_join(&rng, p);
		}
		check_content(&p->buf, p->bytes, p->n);
		check_content(&q->buf, q->bytes, q->n);
	}
	for (int i = 0; i < BUFS; i++) {
		buf_clear(&pairs[i].buf);
		cr_assert_null(pairs[i].buf.first);
		cr_assert_null(pairs[i].buf.last);
		cr_assert_eq(pairs[i].buf.n, 0);
		pairs[i].n = 0;
	}
	cr_assert_eq(live(), 0, "seed %lu", (unsigned long)seed);
}

Test(buf, holds_what_a_plain_array_holds)
{
	fill_pattern();
	for (uint64_t seed = 1; seed <= 60; seed++)
		run(seed);
	block_pool_fini();
	cr_assert_eq(block_count().free_bytes, 0);
}

Test(buf, empty_holds_no_block)
{
	struct buf b = { 0 };
	size_t room;

	cr_assert_eq(buf_front(&b).n, 0);
	buf_drop(&b, 0);
	buf_clear(&b);
	buf_release(&b);
	buf_append(&b, NULL, 0);
	cr_assert_eq(live(), 0);
	buf_append(&b, "abc", 3);
	cr_assert_eq(live(), BLOCK_BYTES);
	buf_drop(&b, 3);
	cr_assert_eq(live(), 0);
	buf_reserve(&b, 1, &room);
	cr_assert_eq(live(), BLOCK_BYTES);
	cr_assert_eq(buf_front(&b).n, 0);
	buf_commit(&b, 0);
	buf_release(&b);
	cr_assert_eq(live(), 0);
	cr_assert_null(b.first);
}

Test(buf, reserve_gives_the_whole_of_a_fresh_block)
{
	struct buf b = { 0 };
	size_t room;
	char *first = buf_reserve(&b, BUF_ROOM, &room);

	cr_assert_eq(room, BUF_ROOM);
	memset(first, 'x', room);
	buf_commit(&b, room);
	cr_assert_eq(live(), BLOCK_BYTES);
	buf_reserve(&b, 1, &room);
	cr_assert_eq(room, BUF_ROOM);
	cr_assert_eq(live(), 2 * BLOCK_BYTES);
	buf_release(&b);
	cr_assert_eq(live(), BLOCK_BYTES);
	cr_assert_eq(b.n, BUF_ROOM);
	buf_clear(&b);
}

Test(buf, reserve_goes_on_in_the_last_block_while_it_has_room)
{
	struct buf b = { 0 };
	size_t room;
	char *p = buf_reserve(&b, 10, &room);

	buf_commit(&b, 10);
	cr_assert_eq(buf_reserve(&b, room - 10, &room), p + 10);
	cr_assert_eq(room, BUF_ROOM - 10);
	cr_assert_neq(buf_reserve(&b, room + 1, &room), p + 10);
	cr_assert_eq(live(), 2 * BLOCK_BYTES);
	buf_release(&b);
	cr_assert_eq(buf_reserve(&b, 0, &room), p + 10);
	buf_clear(&b);
}

Test(buf, release_leaves_bytes_before_the_empty_tail)
{
	struct buf b = { 0 };
	size_t room;

	fill_pattern();
	buf_append(&b, pattern, 2 * BUF_ROOM);
	buf_reserve(&b, 1, &room);
	buf_release(&b);
	buf_release(&b);
	check_content(&b, pattern, 2 * BUF_ROOM);
	buf_append(&b, "z", 1);
	cr_assert_eq(b.n, 2 * BUF_ROOM + 1);
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

Test(buf, a_block_that_someone_else_holds_does_not_grow)
{
	struct buf b = { 0 };
	struct block *held;
	struct text seen;
	size_t room;

	buf_append(&b, "head", 4);
	seen = buf_front(&b);
	held = buf_hold(&b);
	cr_assert_neq(buf_reserve(&b, 1, &room), seen.p + 4);
	buf_release(&b);
	buf_clear(&b);
	cr_assert_eq(live(), BLOCK_BYTES);
	cr_assert_eq(memcmp(seen.p, "head", 4), 0);
	block_unref(held);
	cr_assert_eq(live(), 0);
}

Test(buf, a_held_block_grows_again_once_it_is_let_go)
{
	struct buf b = { 0 };
	struct text seen;
	size_t room;

	buf_append(&b, "head", 4);
	seen = buf_front(&b);
	block_unref(buf_hold(&b));
	cr_assert_eq(buf_reserve(&b, 1, &room), seen.p + 4);
	buf_clear(&b);
}

Test(buf, moving_much_moves_the_block)
{
	struct buf a = { 0 }, b = { 0 };
	const char *p;

	fill_pattern();
	buf_append(&a, pattern, 1000);
	p = buf_front(&a).p;
	buf_move(&b, &a, 1000);
	cr_assert_eq(buf_front(&b).p, p);
	cr_assert_null(a.first);
	cr_assert_null(a.last);
	cr_assert_eq(live(), BLOCK_BYTES);
	buf_append(&b, "x", 1);
	cr_assert_eq(live(), BLOCK_BYTES, "it grows at its new place");
	buf_clear(&b);
}

Test(buf, moving_a_part_shares_the_block)
{
	struct buf a = { 0 }, b = { 0 };
	const char *p;

	fill_pattern();
	buf_append(&a, pattern, 3000);
	p = buf_front(&a).p;
	buf_move(&b, &a, 1000);
	cr_assert_eq(buf_front(&b).p, p);
	cr_assert_eq(buf_front(&a).p, p + 1000);
	cr_assert_eq(live(), BLOCK_BYTES);
	buf_clear(&a);
	check_content(&b, pattern, 1000);
	buf_append(&b, "x", 1);
	cr_assert_eq(live(), BLOCK_BYTES, "alone again, it grows");
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

/* A quarter of a block and more is linked. */
Test(buf, few_bytes_are_copied_behind_others)
{
	const size_t few = BUF_ROOM / 4 - 1;
	struct buf a = { 0 }, b = { 0 };

	fill_pattern();
	buf_append(&a, pattern, 2 * few + 100);
	buf_append(&b, "head", 4);
	buf_move(&b, &a, few);
	cr_assert_eq(buf_front(&b).n, 4 + few, "these are few");
	buf_move(&b, &a, few + 1);
	cr_assert_eq(buf_front(&b).n, 4 + few, "one more is not");
	cr_assert_eq(b.n, 4 + 2 * few + 1);
	check_content(&a, pattern + 2 * few + 1, 99);
	buf_clear(&b);
	buf_append(&b, pattern, BUF_ROOM - 10);
	buf_share(&b, &a, 11);
	cr_assert_eq(buf_front(&b).n, BUF_ROOM, "what there is room for");
	cr_assert_eq(b.n, BUF_ROOM + 1);
	cr_assert_eq(live(), 3 * BLOCK_BYTES, "and a block for the rest");
	buf_clear(&a);
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

Test(buf, few_bytes_into_an_empty_buf_are_linked)
{
	struct buf a = { 0 }, b = { 0 };
	const char *p;

	buf_append(&a, "abcdef", 6);
	p = buf_front(&a).p;
	buf_move(&b, &a, 3);
	cr_assert_eq(buf_front(&b).p, p);
	cr_assert_eq(live(), BLOCK_BYTES);
	buf_clear(&a);
	buf_clear(&b);
}

Test(buf, share_leaves_both_with_the_bytes)
{
	struct buf a = { 0 }, b = { 0 };

	fill_pattern();
	buf_append(&a, pattern, 40000);
	buf_share(&b, &a, 33000);
	cr_assert_eq(live(), 4 * BLOCK_BYTES, "the last few are copied");
	check_content(&a, pattern, 40000);
	check_content(&b, pattern, 33000);
	buf_clear(&a);
	check_content(&b, pattern, 33000);
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

Test(buf, a_reserved_tail_does_not_part_what_is_moved_in)
{
	struct buf a = { 0 }, b = { 0 };
	size_t room;

	fill_pattern();
	buf_append(&a, pattern, 5000);
	buf_reserve(&b, 1, &room);
	buf_move(&b, &a, 5000);
	check_content(&b, pattern, 5000);
	cr_assert_eq(live(), BLOCK_BYTES);
	buf_clear(&b);
}

Test(buf, join_is_free_when_the_bytes_are_contiguous)
{
	struct buf b = { 0 };
	const char *p;

	fill_pattern();
	buf_append(&b, pattern, 1000);
	p = buf_front(&b).p;
	cr_assert_eq(buf_join(&b, 1000, 0), p);
	cr_assert_eq(buf_join(&b, 1000, BUF_ROOM - 1000), p);
	cr_assert_eq(buf_join(&b, 400, BUF_ROOM - 400), p);
	cr_assert_neq(buf_join(&b, 1000, BUF_ROOM - 999), p);
	check_content(&b, pattern, 1000);
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

Test(buf, join_makes_room_that_reserve_then_gives)
{
	struct buf b = { 0 };
	size_t room;
	char *p;

	fill_pattern();
	buf_append(&b, pattern, BUF_ROOM);
	p = buf_join(&b, BUF_ROOM, 20000);
	cr_assert_eq(live() / 1000, (BUF_ROOM + 20000) / 1000);
	cr_assert_eq(buf_reserve(&b, 8000, &room), p + BUF_ROOM);
	cr_assert_eq(room, 20000);
	memset(p + BUF_ROOM, 'x', room);
	buf_commit(&b, room);
	cr_assert_eq(buf_front(&b).n, BUF_ROOM + 20000);
	buf_clear(&b);
	cr_assert_eq(live(), 0);
	cr_assert_leq(block_count().free_bytes, BLOCK_BYTES);
}

Test(buf, join_of_a_part_keeps_the_rest_in_order)
{
	struct buf b = { 0 };

	fill_pattern();
	buf_append(&b, pattern, 50000);
	cr_assert_eq(memcmp(buf_join(&b, 20000, 0), pattern, 20000), 0);
	cr_assert_eq(buf_front(&b).n, 20000);
	check_content(&b, pattern, 50000);
	buf_append(&b, pattern + 50000, 10);
	check_content(&b, pattern, 50010);
	buf_clear(&b);
}

Test(buf, iov_fills_no_more_than_asked)
{
	struct buf b = { 0 };
	struct iovec iov[3];

	fill_pattern();
	cr_assert_eq(buf_iov(&b, iov, 3), 0);
	buf_append(&b, pattern, 3 * BUF_ROOM);
	cr_assert_eq(buf_iov(&b, iov, 2), 2);
	cr_assert_eq(buf_iov(&b, iov, 3), 3);
	cr_assert_eq(iov[2].iov_len, BUF_ROOM);
	buf_clear(&b);
}

Test(buf, append_text_appends_the_text)
{
	struct buf b = { 0 };

	buf_append_text(&b, text_of("abc"));
	buf_append_text(&b, TEXT_NONE);
	check_content(&b, "abc", 3);
	buf_clear(&b);
}

/* Under ASan nothing is kept: a use after the last unref must be seen. */
static size_t
kept(size_t bytes)
{
	return POOL_MALLOC ? 0 : bytes;
}

Test(buf, freed_blocks_are_used_again_last_first)
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

Test(buf, the_free_list_is_capped)
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
		buf_share(&parts[i], &b, 600 + i);
	cr_assert_eq(live(), BLOCK_BYTES);
	for (size_t i = 0; i < n; i++) {
		check_content(&parts[i], pattern, 600 + i);
		buf_clear(&parts[i]);
	}
	buf_clear(&b);
	cr_assert_eq(live(), 0);
}

/* More shares than the free list of spans holds, twice: none is lost. */
Test(buf, thousands_of_spans_over_one_block)
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
Test(buf, a_thousand_spans_are_kept_and_given_back_at_the_end)
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
Test(buf, single_bytes_kept_twice_do_not_keep_a_block_each)
{
	struct buf kept = { 0 }, held = { 0 };

	for (unsigned i = 0; i < 4000; i++) {
		struct buf read = { 0 };

		buf_append(&read, pattern, 1);
		buf_share(&kept, &read, 1);
		buf_move(&held, &read, 1);
	}
	cr_assert_eq(kept.n, 4000);
	cr_assert_eq(held.n, 4000);
	cr_assert_leq(live(), 4 * BLOCK_BYTES);
	buf_clear(&kept);
	buf_clear(&held);
	cr_assert_eq(live(), 0);
}

/* What waits costs no more than four times its bytes, however it came. */
Test(buf, pieces_of_any_size_keep_blocks_in_proportion)
{
	for (size_t piece = 1; piece <= 16000; piece += 97) {
		struct buf kept = { 0 }, held = { 0 };

		while (held.n < 65536) {
			struct buf read = { 0 };

			buf_append(&read, pattern, piece);
			buf_share(&kept, &read, piece);
			buf_move(&held, &read, piece);
		}
		cr_assert_leq(live(),
		    4 * (held.n + BLOCK_BYTES) + 2 * BLOCK_BYTES,
		    "pieces of %zu: %zu", piece, live());
		buf_clear(&kept);
		buf_clear(&held);
	}
}
