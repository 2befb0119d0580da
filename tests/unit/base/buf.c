/*
 * base/buf: the promises about sharing, copying and blocks, one by one.  Each
 * test runs in a process of its own, so counts start from zero.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/base/buf_content.h"

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

/* Half a block and more is linked. */
Test(buf, few_bytes_are_copied_behind_others)
{
	const size_t few = BUF_ROOM / 2 - 1;
	struct buf a = { 0 }, b = { 0 };

	fill_pattern();
	buf_append(&a, pattern, 2 * few + 1);
	buf_append(&b, "head", 4);
	buf_move(&b, &a, few);
	cr_assert_eq(buf_front(&b).n, 4 + few, "these are few");
	buf_move(&b, &a, few + 1);
	cr_assert_eq(buf_front(&b).n, 4 + few, "one more is not");
	cr_assert_eq(b.n, 4 + 2 * few + 1);
	buf_clear(&b);
	buf_append(&a, pattern, 11);
	buf_append(&b, pattern, BUF_ROOM - 10);
	buf_copy(&b, &a, 11);
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

Test(buf, copy_leaves_both_with_the_bytes)
{
	struct buf a = { 0 }, b = { 0 };

	fill_pattern();
	buf_append(&a, pattern, 40000);
	buf_copy(&b, &a, 33000);
	cr_assert_eq(live(), 6 * BLOCK_BYTES);
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
