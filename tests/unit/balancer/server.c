#include "fleet.h"

Test(server, is_made_unknown_and_idle)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 5);
	struct addr addr = fleet_addr(5);

	cr_assert_str_eq(srv->name, "server-5");
	cr_assert_str_eq(srv->upstream, "fleet");
	cr_assert(addr_equal(&srv->addr, &addr));
	cr_assert_eq(srv->verdict, SERVER_UNKNOWN);
	cr_assert_eq(srv->suspect_until, 0);
	cr_assert_eq(server_inflight(srv), 0);
	cr_assert_str_empty(srv->why);
	cr_assert_eq((uintptr_t)srv % 64, 0);
	server_unref(srv);
	board_unref(board);
}

Test(server, counts_what_is_in_flight)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 1);
	struct server *other = fleet_server(board, 2);

	server_enter(srv);
	server_enter(srv);
	cr_assert_eq(server_inflight(srv), 2);
	cr_assert_eq(server_inflight(other), 0);
	server_leave(srv);
	cr_assert_eq(server_inflight(srv), 1);
	server_leave(srv);
	server_unref(srv);
	server_unref(other);
	board_unref(board);
}

Test(server, keeps_its_lane_until_the_last_reference_goes)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 1), *next, *last;
	atomic_uint *lane = srv->lane;

	cr_assert_eq(server_ref(srv), srv); /* an attempt */
	server_enter(srv);
	server_unref(srv); /* its last roster */
	next = fleet_server(board, 2);
	cr_assert_neq(next->lane, lane);

	server_leave(srv);
	server_unref(srv);
	last = fleet_server(board, 3);
	cr_assert_eq(last->lane, lane);
	cr_assert_eq(server_inflight(last), 0);
	server_unref(next);
	server_unref(last);
	board_unref(board);
}

Test(server, keeps_its_board_alive)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 1);

	board_unref(board);
	server_enter(srv);
	board_epoch_move(srv->board);
	cr_assert_eq(server_inflight(srv), 1);
	server_leave(srv);
	server_unref(srv);
}

Test(server, cuts_a_why_that_is_too_long)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 1);
	char text[2 * SERVER_WHY_MAX];

	server_set_why(srv, "refused");
	cr_assert_str_eq(srv->why, "refused");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	server_set_why(srv, text);
	cr_assert_eq(strlen(srv->why), SERVER_WHY_MAX - 1);
	text[SERVER_WHY_MAX - 1] = '\0';
	server_set_why(srv, "");
	server_set_why(srv, text);
	cr_assert_str_eq(srv->why, text);
	server_set_why(srv, "timeout");
	cr_assert_str_eq(srv->why, "timeout");
	server_unref(srv);
	board_unref(board);
}

Test(server, counters_add_up)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 1);

	server_count(&srv->requests[1]);
	server_count(&srv->requests[1]);
	cr_assert_eq(srv->requests[1], 2);
	cr_assert_eq(srv->requests[0], 0);
	server_unref(srv);
	board_unref(board);
}
