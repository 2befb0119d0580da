#include <malloc.h>

#include "fleet.h"

/* Turns as letters: member 0 is a. */
static void
expect_turns(const struct turns *turns, const char *want)
{
	char got[300] = "";

	cr_assert_lt(turns->n, sizeof(got));
	for (unsigned i = 0; i < turns->n; i++)
		got[i] = (char)('a' + turns->order[i]);
	cr_assert_str_eq(got, want);
}

Test(roster, turns_are_smooth)
{
	static const struct {
		unsigned n, weights[8];
		const char *turns;
	} cases[] = {
		{ 3, { 5, 1, 1 }, "aabacaa" },
		{ 3, { 1, 1, 5 }, "ccacbcc" },
		{ 3, { 3, 2, 1 }, "abacba" },
		{ 3, { 1, 1, 1 }, "abc" },
		{ 3, { 2, 1, 2 }, "acbac" },
		{ 1, { 256 }, "a" },
		{ 2, { 256, 128 }, "aba" },
		{ 3, { 6, 4, 2 }, "abacba" },
		{ 3, { 4, 0, 4 }, "ac" },
		{ 2, { 0, 0 }, "" },
		{ 0, { 0 }, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct board *board = board_new();
		struct post posts[8] = { 0 };
		struct roster *roster;

		for (unsigned k = 0; k < cases[i].n; k++)
			posts[k].weight = cases[i].weights[k];
		roster = fleet_roster(board, posts, cases[i].n);
		expect_turns(&roster->primary, cases[i].turns);
		expect_turns(&roster->backup, "");
		roster_unref(roster);
		board_unref(board);
	}
}

/* nginx's own loop, as plain as it can be said. */
static unsigned
plain_step(const unsigned *weights, int64_t *gained, unsigned n)
{
	int64_t all = 0;
	unsigned best = n;

	for (unsigned i = 0; i < n; i++) {
		gained[i] += weights[i];
		all += weights[i];
		if (weights[i] != 0 && (best == n || gained[i] > gained[best]))
			best = i;
	}
	gained[best] -= all;
	return best;
}

Test(roster, turns_are_those_of_nginx_for_any_weights)
{
	struct rng rng;

	rng_seed(&rng, 11);
	for (unsigned round = 0; round < 200; round++) {
		struct board *board = board_new();
		unsigned n = 1 + (unsigned)rng_below(&rng, 40), weights[40];
		unsigned most = round % 2 ? 4 : ROSTER_WEIGHT_MAX;
		int64_t gained[40] = { 0 };
		struct post posts[40] = { 0 };
		struct roster *roster;

		for (unsigned i = 0; i < n; i++) {
			weights[i] = 1 + (unsigned)rng_below(&rng, most);
			posts[i].weight = weights[i];
		}
		roster = fleet_roster(board, posts, n);
		for (unsigned i = 0; i < 2 * roster->primary.n; i++)
			cr_assert_eq(
			    roster->primary.order[i % roster->primary.n],
			    plain_step(weights, gained, n), "round %u, step %u",
			    round, i);
		roster_unref(roster);
		board_unref(board);
	}
}

Test(roster, backups_have_turns_of_their_own)
{
	struct board *board = board_new();
	struct roster *roster = fleet_roster(board,
	    POSTS({ 4, false }, { 200, true }, { 2, false }, { 100, true },
		{ 0, true }),
	    5);

	expect_turns(&roster->primary, "aca");
	expect_turns(&roster->backup, "bdb");
	cr_assert_eq(roster->primary.who.u.word, 0x5);
	cr_assert_eq(roster->backup.who.u.word, 0xa);
	roster_unref(roster);
	board_unref(board);
}

Test(roster, choice_is_among_primaries_while_one_may)
{
	struct board *board = board_new();
	struct roster *roster = fleet_roster(board,
	    POSTS({ 1, false }, { 1, true }, { 0, false }, { 0, true }), 4);
	struct serverset may;

	serverset_init(&may, 4);
	cr_assert_null(roster_turns(roster, &may));
	serverset_set(&may, 2);
	serverset_set(&may, 3);
	cr_assert_null(roster_turns(roster, &may), "weight 0");
	serverset_set(&may, 1);
	cr_assert_eq(roster_turns(roster, &may), &roster->backup);
	serverset_set(&may, 0);
	cr_assert_eq(roster_turns(roster, &may), &roster->primary);
	serverset_fini(&may);
	roster_unref(roster);
	board_unref(board);
}

Test(roster, finds_a_server_by_its_address)
{
	struct board *board = board_new();
	struct roster *roster = fleet_roster(
	    board, POSTS({ 1, false }, { 0, false }, { 3, true }), 3);
	struct addr addr;

	for (unsigned i = 0; i < 3; i++) {
		addr = fleet_addr(i);
		cr_assert_eq(
		    roster_find(roster, &addr), roster->members[i].server);
	}
	addr = fleet_addr(3);
	cr_assert_null(roster_find(roster, &addr));
	addr = fleet_addr(1);
	addr.u.in.sin_port = htons(81);
	cr_assert_null(roster_find(roster, &addr));
	roster_unref(roster);
	board_unref(board);
}

Test(roster, holds_its_servers_and_their_lanes)
{
	struct board *board = board_new();
	struct server *srv = fleet_server(board, 1);
	struct member member = { .server = srv, .weight = 3, .backup = true };
	struct roster *roster = roster_new(&member, 1);

	member.weight = 0;
	cr_assert_eq(srv->refs, 2);
	cr_assert_eq(roster->n, 1);
	cr_assert_eq(roster->members[0].weight, 3);
	cr_assert(roster->members[0].backup);
	cr_assert_eq(roster->lanes[0], srv->lane);
	cr_assert_eq(roster_ref(roster), roster);
	roster_unref(roster);
	cr_assert_eq(srv->refs, 2);
	roster_unref(roster);
	cr_assert_eq(srv->refs, 1);
	roster_unref(NULL);
	server_unref(srv);
	board_unref(board);
}

Test(roster, share_deals_tickets_by_weight)
{
	struct board *board = board_new();
	struct roster *roster = fleet_roster(board,
	    POSTS({ 2, false }, { 3, false }, { 0, false }, { 1, false },
		{ 9, true }),
	    5);
	const struct turns *turns = &roster->primary;
	struct serverset may;

	serverset_init(&may, 5);
	cr_assert_eq(roster_share(roster, turns, &may, -1, 0), -1);
	for (unsigned i = 0; i < 5; i++)
		serverset_set(&may, i);
	for (unsigned i = 0; i < 24; i++)
		cr_assert_eq(roster_share(roster, turns, &may, -1, i),
		    "\0\0\1\1\1\3"[i % 6]);
	for (unsigned i = 0; i < 24; i++)
		cr_assert_eq(
		    roster_share(roster, turns, &may, 1, i), "\0\0\3"[i % 3]);
	serverset_clear(&may, 0);
	for (unsigned i = 0; i < 24; i++)
		cr_assert_eq(roster_share(roster, turns, &may, -1, i),
		    "\1\1\1\3"[i % 4]);
	cr_assert_eq(roster_share(roster, &roster->backup, &may, -1, 5), 4);
	cr_assert_eq(roster_share(roster, &roster->backup, &may, 4, 5), -1);
	serverset_fini(&may);
	roster_unref(roster);
	board_unref(board);
}

/* 128 fill two words to the last bit: what looks beyond is seen under ASan. */
Test(roster, share_reaches_the_last_of_128)
{
	struct board *board = board_new();
	struct post posts[128];
	struct roster *roster;
	struct serverset may;

	for (unsigned i = 0; i < 128; i++)
		posts[i] = (struct post){ .weight = 2 };
	roster = fleet_roster(board, posts, 128);
	serverset_init(&may, 128);
	serverset_set(&may, 0);
	serverset_set(&may, 127);
	cr_assert_eq(roster_share(roster, &roster->primary, &may, -1, 1), 0);
	cr_assert_eq(roster_share(roster, &roster->primary, &may, -1, 2), 127);
	cr_assert_eq(roster_share(roster, &roster->primary, &may, 127, 3), 0);
	cr_assert_eq(roster_share(roster, &roster->primary, &may, 0, 3), 127);
	serverset_fini(&may);
	roster_unref(roster);
	board_unref(board);
}

/* What so many upstreams, each made and freed, leave in use. */
static size_t
live_and_die(unsigned rounds)
{
	struct post posts[200];
	struct fleet fleet;

	for (unsigned i = 0; i < 200; i++)
		posts[i] = (struct post){ i % 5, i % 3 == 0 };
	for (unsigned i = 0; i < rounds; i++) {
		fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, posts, 200);
		fleet_fini(&fleet);
		fleet_init(&fleet, BALANCE_ROUND_ROBIN, posts, 3);
		fleet_fini(&fleet);
	}
	return mallinfo2().uordblks;
}

/* A roster is made at each reload: what one leaves behind adds up. */
Test(roster, leaves_no_memory_behind)
{
	size_t before = live_and_die(20);

	cr_assert_lt(live_and_die(100), before + 100 * 16);
}
