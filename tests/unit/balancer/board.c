#include <criterion/criterion.h>
#include <pthread.h>

#include "balancer/board.h"

#define MANY 200 /* lanes: more than three chunks of them */

Test(board, lanes_are_each_owners_own)
{
	struct board *board = board_new();
	atomic_uint *lanes[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		lanes[i] = board_take(board);
		cr_assert_eq(*lanes[i], 0);
		*lanes[i] = i + 1;
	}
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_eq(*lanes[i], i + 1);
	board_unref(board);
}

Test(board, lanes_are_packed)
{
	struct board *board = board_new();
	atomic_uint *first = board_take(board);

	for (unsigned i = 1; i < 64; i++)
		cr_assert_eq(board_take(board), first + i);
	cr_assert_eq((uintptr_t)first % 64, 0);
	board_unref(board);
}

Test(board, a_lane_that_came_back_goes_to_the_next_and_no_other_does)
{
	struct board *board = board_new();
	atomic_uint *lanes[MANY];

	for (unsigned i = 0; i < MANY; i++)
		lanes[i] = board_take(board);
	for (unsigned i = 0; i < MANY; i += 50) {
		board_give(board, lanes[i]);
		cr_assert_eq(board_take(board), lanes[i]);
	}
	board_unref(board);
}

Test(board, lives_until_the_last_reference)
{
	struct board *board = board_new();

	cr_assert_eq(board_ref(board), board);
	board_unref(board);
	cr_assert_eq(*board_take(board), 0);
	board_unref(board);
}

Test(board, epoch_moves_by_every_call)
{
	struct board *board = board_new();
	uint64_t before = board_epoch(board);

	cr_assert_eq(board_epoch(board), before);
	board_epoch_move(board);
	board_epoch_move(board);
	cr_assert_eq(board_epoch(board), before + 2);
	board_unref(board);
}
