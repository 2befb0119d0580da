#include "base/clock.h"
#include "health/options.h"
#include "health/verdict.h"
#include "tests/lib/team.h"
#include "tests/unit/balancer/fleet.h"

#define S CLOCK_S
#define START (1000 * S)

static const struct probe_options usual = {
	.on = true,
	.healthy_threshold = 2,
	.unhealthy_threshold = 3,
};

/* Four servers: a, b, a backup c, and d that drains. */
static void
begin(struct fleet *fleet)
{
	fleet_init(fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 1, false }, { 1, false }, { 1, true }, { 0, false }), 4);
}

static bool
probe(struct verdict *v, bool ok)
{
	return verdict_probe(v, &usual, ok, ok ? "200" : "refused", 77);
}

/* Probes by letters: + and - are results, | wants a change at the last one. */
static void
expect_course(const char *course, bool starts_up, const char *why)
{
	struct fleet fleet;
	struct verdict v;
	bool changed = false;

	begin(&fleet);
	verdict_init(&v, fleet_at(&fleet, 0));
	if (starts_up)
		cr_assert(probe(&v, true));
	for (const char *at = course; *at != '\0'; at++) {
		if (*at == '|') {
			cr_assert(changed, "%s at %td", course, at - course);
			changed = false;
			continue;
		}
		cr_assert_not(changed, "%s at %td", course, at - course);
		changed = probe(&v, *at == '+');
	}
	cr_assert_not(changed, "%s at its end", course);
	cr_assert_str_eq(v.server->why, why);
	fleet_fini(&fleet);
}

Test(verdict, first_probe_decides_alone)
{
	expect_course("+|", false, "1 of 1 probes passed: 200");
	expect_course("-|", false, "1 of 1 probes failed: refused");
}

Test(verdict, turns_after_so_many_in_a_row)
{
	static const struct {
		const char *course, *why;
	} cases[] = {
		{ "--", "1 of 1 probes passed: 200" },
		{ "---|", "3 of 3 probes failed: refused" },
		{ "--+--+--", "1 of 1 probes passed: 200" },
		{ "--+---|", "3 of 3 probes failed: refused" },
		{ "---|-----", "3 of 3 probes failed: refused" },
		{ "---|+", "3 of 3 probes failed: refused" },
		{ "---|++|", "2 of 2 probes passed: 200" },
		{ "---|+-+-+", "3 of 3 probes failed: refused" },
		{ "---|+-++|", "2 of 2 probes passed: 200" },
		{ "---|++|--", "2 of 2 probes passed: 200" },
		{ "---|++|---|++|++", "2 of 2 probes passed: 200" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_course(cases[i].course, true, cases[i].why);
}

Test(verdict, counts_probes_and_transitions)
{
	struct fleet fleet;
	struct server *srv;
	struct verdict v;

	begin(&fleet);
	srv = fleet_at(&fleet, 0);
	verdict_init(&v, srv);
	cr_assert(verdict_probe(&v, &usual, true, "200", 1000));
	cr_assert_eq(srv->changed_at, 1000);
	cr_assert_eq(srv->verdict, SERVER_UP);
	for (unsigned i = 0; i < 3; i++)
		verdict_probe(&v, &usual, false, "timeout", 2000 + i);
	cr_assert_eq(srv->verdict, SERVER_DOWN);
	cr_assert_eq(srv->changed_at, 2002);
	verdict_probe(&v, &usual, false, "timeout", 3000);
	cr_assert_eq(srv->changed_at, 2002);
	cr_assert_eq(srv->probes_ok, 1);
	cr_assert_eq(srv->probes_failed, 4);
	cr_assert_eq(srv->went_up, 1);
	cr_assert_eq(srv->went_down, 1);
	fleet_fini(&fleet);
}

Test(verdict, moves_the_epoch_when_it_changes_and_only_then)
{
	struct fleet fleet;
	struct verdict v;
	uint64_t epoch;

	begin(&fleet);
	verdict_init(&v, fleet_at(&fleet, 0));
	epoch = board_epoch(fleet.board);
	probe(&v, true);
	cr_assert_eq(board_epoch(fleet.board), epoch + 1);
	probe(&v, true);
	probe(&v, false);
	probe(&v, false);
	cr_assert_eq(board_epoch(fleet.board), epoch + 1);
	probe(&v, false);
	cr_assert_eq(board_epoch(fleet.board), epoch + 2);
	fleet_fini(&fleet);
}

Test(verdict, outlives_new_options_and_a_new_count)
{
	struct probe_options strict = { .healthy_threshold = 1,
		.unhealthy_threshold = 2 };
	struct fleet fleet;
	struct verdict v;

	begin(&fleet);
	verdict_init(&v, fleet_at(&fleet, 0));
	probe(&v, true);
	probe(&v, false);
	verdict_init(&v, v.server);
	cr_assert_not(verdict_probe(&v, &strict, false, "", 1));
	cr_assert(verdict_probe(&v, &strict, false, "", 1));
	verdict_init(&v, v.server);
	cr_assert(verdict_probe(&v, &strict, true, "", 1));
	fleet_fini(&fleet);
}

Test(verdict, is_turning_while_unknown_or_contradicted)
{
	struct fleet fleet;
	struct verdict v;

	begin(&fleet);
	verdict_init(&v, fleet_at(&fleet, 0));
	cr_assert(verdict_is_turning(&v));
	verdict_await(v.server);
	cr_assert(verdict_is_turning(&v));
	probe(&v, true);
	cr_assert_not(verdict_is_turning(&v));
	probe(&v, false);
	cr_assert(verdict_is_turning(&v));
	probe(&v, true);
	cr_assert_not(verdict_is_turning(&v));
	for (unsigned i = 0; i < 3; i++)
		probe(&v, false);
	cr_assert_not(verdict_is_turning(&v));
	probe(&v, true);
	cr_assert(verdict_is_turning(&v));
	fleet_fini(&fleet);
}

Test(verdict, one_that_waits_is_decided_by_its_first_probe)
{
	struct fleet fleet;
	struct verdict v;

	begin(&fleet);
	for (unsigned ok = 0; ok < 2; ok++) {
		verdict_init(&v, fleet_at(&fleet, (int)ok));
		verdict_await(v.server);
		cr_assert_eq(v.server->verdict, SERVER_WAITING);
		cr_assert(probe(&v, ok));
		cr_assert_eq(v.server->verdict, ok ? SERVER_UP : SERVER_DOWN);
	}
	fleet_fini(&fleet);
}

Test(verdict, forgets_when_there_are_no_probes_any_more)
{
	struct fleet fleet;
	struct verdict v;
	uint64_t epoch;

	begin(&fleet);
	verdict_init(&v, fleet_at(&fleet, 0));
	probe(&v, false);
	epoch = board_epoch(fleet.board);
	verdict_forget(v.server);
	cr_assert_eq(v.server->verdict, SERVER_UNKNOWN);
	cr_assert_str_empty(v.server->why);
	cr_assert_neq(board_epoch(fleet.board), epoch);
	fleet_fini(&fleet);
}

Test(verdict, suspicion_doubles_at_each_failure_after_it_up_to_a_cap)
{
	static const unsigned seconds[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
	struct fleet fleet;
	struct server *srv;
	uint64_t now = START;

	begin(&fleet);
	srv = fleet_at(&fleet, 0);
	for (unsigned i = 0; i < 8; i++) {
		cr_assert(verdict_connect_failed(srv, now));
		cr_assert_eq(srv->suspect_until, now + seconds[i] * S);
		now += seconds[i] * S - 1;
		cr_assert_not(verdict_connect_failed(srv, now), "a burst");
		cr_assert_eq(srv->suspect_until, now + 1);
		now += 1;
	}
	cr_assert(verdict_connected(srv));
	cr_assert_eq(srv->suspect_until, 0);
	cr_assert(verdict_connect_failed(srv, now));
	cr_assert_eq(srv->suspect_until, now + S);
	fleet_fini(&fleet);
}

Test(verdict, suspicion_moves_the_epoch_when_it_changes_and_only_then)
{
	struct fleet fleet;
	struct server *srv;
	uint64_t epoch;

	begin(&fleet);
	srv = fleet_at(&fleet, 0);
	epoch = board_epoch(fleet.board);
	cr_assert_not(verdict_connected(srv));
	cr_assert_eq(board_epoch(fleet.board), epoch);
	verdict_connect_failed(srv, START);
	cr_assert_eq(board_epoch(fleet.board), epoch + 1);
	verdict_connect_failed(srv, START);
	cr_assert_eq(board_epoch(fleet.board), epoch + 1);
	cr_assert(verdict_connected(srv));
	cr_assert_eq(board_epoch(fleet.board), epoch + 2);
	cr_assert_not(verdict_connected(srv));
	cr_assert_eq(board_epoch(fleet.board), epoch + 2);
	fleet_fini(&fleet);
}

/* The mask as letters. */
static void
expect_mask(struct fleet *fleet, const struct serverset *tried, uint64_t now,
    const char *want)
{
	char got[8] = "";
	uint64_t valid;

	verdict_mask(fleet->roster, tried, now, &fleet->may, &valid);
	for (unsigned i = 0; i < fleet->roster->n; i++)
		if (serverset_test(&fleet->may, i))
			got[strlen(got)] = (char)('a' + i);
	cr_assert_str_eq(got, want);
}

static void
suspect(struct fleet *fleet, const char *who)
{
	for (; *who != '\0'; who++)
		verdict_connect_failed(fleet_at(fleet, *who - 'a'), START);
}

static void
set(struct fleet *fleet, const char *who, enum server_verdict verdict)
{
	for (; *who != '\0'; who++)
		fleet_at(fleet, *who - 'a')->verdict = verdict;
}

Test(verdict, one_that_left_serves_only_if_nobody_else_may)
{
	struct fleet fleet;
	struct server *a;
	uint64_t epoch;

	begin(&fleet);
	a = fleet_at(&fleet, 0);
	set(&fleet, "a", SERVER_UP);
	epoch = board_epoch(fleet.board);
	verdict_leave(a);
	cr_assert_eq(board_epoch(fleet.board), epoch + 1);
	expect_mask(&fleet, NULL, START, "b");
	suspect(&fleet, "bcd");
	expect_mask(&fleet, NULL, START, "b");
	set(&fleet, "bcd", SERVER_DOWN);
	expect_mask(&fleet, NULL, START, "a");
	verdict_return(a);
	cr_assert_eq(board_epoch(fleet.board), epoch + 5);
	cr_assert_eq(a->verdict, SERVER_UP, "its health is what it was");
	verdict_leave(a);
	set(&fleet, "a", SERVER_DOWN);
	expect_mask(&fleet, NULL, START, "");
	fleet_fini(&fleet);
}

Test(verdict, mask_is_the_first_group_that_is_not_empty)
{
	static const struct {
		const char *up, *waiting, *down, *suspect, *want;
	} cases[] = {
		{ "", "", "", "", "ab" },
		{ "abcd", "", "", "", "ab" },
		{ "b", "", "", "", "ab" },
		{ "", "", "a", "", "b" },
		{ "", "", "", "a", "b" },
		{ "b", "a", "", "", "b" },
		{ "", "a", "", "b", "c" },
		{ "", "", "ab", "", "c" },
		{ "", "", "a", "b", "c" },
		{ "", "", "", "ab", "c" },
		{ "", "ab", "", "", "c" },
		{ "", "", "c", "ab", "ab" },
		{ "", "", "", "abc", "ab" },
		{ "", "a", "", "bc", "ab" },
		{ "", "ab", "c", "", "ab" },
		{ "", "", "b", "ac", "a" },
		{ "", "", "ab", "c", "c" },
		{ "", "c", "ab", "", "c" },
		{ "", "", "abc", "", "" },
		{ "", "", "abc", "abc", "" },
		{ "d", "", "abc", "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fleet fleet;

		begin(&fleet);
		set(&fleet, cases[i].up, SERVER_UP);
		set(&fleet, cases[i].waiting, SERVER_WAITING);
		set(&fleet, cases[i].down, SERVER_DOWN);
		suspect(&fleet, cases[i].suspect);
		expect_mask(&fleet, NULL, START, cases[i].want);
		fleet_fini(&fleet);
	}
}

Test(verdict, mask_leaves_out_who_was_tried)
{
	struct serverset tried;
	struct fleet fleet;

	begin(&fleet);
	serverset_init(&tried, 4);
	expect_mask(&fleet, &tried, START, "ab");
	serverset_set(&tried, 0);
	expect_mask(&fleet, &tried, START, "b");
	suspect(&fleet, "b");
	expect_mask(&fleet, &tried, START, "c");
	serverset_set(&tried, 2);
	expect_mask(&fleet, &tried, START, "b");
	serverset_set(&tried, 1);
	expect_mask(&fleet, &tried, START, "");
	serverset_fini(&tried);
	fleet_fini(&fleet);
}

Test(verdict, mask_of_nobody_is_empty)
{
	struct fleet fleet;
	uint64_t valid = 0;

	fleet_init(&fleet, BALANCE_ROUND_ROBIN, NULL, 0);
	verdict_mask(fleet.roster, NULL, START, &fleet.may, &valid);
	cr_assert(serverset_is_empty(&fleet.may));
	cr_assert_eq(valid, UINT64_MAX);
	fleet_fini(&fleet);
}

Test(verdict, mask_holds_until_the_first_suspicion_is_over)
{
	struct fleet fleet;
	uint64_t valid;

	begin(&fleet);
	verdict_mask(fleet.roster, NULL, START, &fleet.may, &valid);
	cr_assert_eq(valid, UINT64_MAX);
	verdict_connect_failed(fleet_at(&fleet, 0), START + 5);
	verdict_connect_failed(fleet_at(&fleet, 1), START + 3);
	verdict_connect_failed(fleet_at(&fleet, 2), START + 7);
	verdict_mask(fleet.roster, NULL, START + 8, &fleet.may, &valid);
	cr_assert_eq(valid, START + S + 3);
	expect_mask(&fleet, NULL, START + S + 2, "ab");
	verdict_mask(fleet.roster, NULL, valid, &fleet.may, &valid);
	cr_assert_eq(valid, START + S + 5);
	expect_mask(&fleet, NULL, START + S + 4, "b");
	expect_mask(&fleet, NULL, START + S + 5, "ab");
	verdict_mask(fleet.roster, NULL, START + S + 7, &fleet.may, &valid);
	cr_assert_eq(valid, UINT64_MAX);
	fleet_fini(&fleet);
}

Test(verdict, workers_mask_follows_epoch_and_time)
{
	struct fleet fleet;
	struct server *srv;
	struct mask mask;

	begin(&fleet);
	srv = fleet_at(&fleet, 0);
	board_epoch_move(fleet.board);
	mask_init(&mask, fleet.roster, fleet.board);
	cr_assert_eq(mask_at(&mask, START)->u.word, 0x3);

	srv->verdict = SERVER_DOWN; /* without the epoch: not looked at */
	cr_assert_eq(mask_at(&mask, START)->u.word, 0x3);
	board_epoch_move(fleet.board);
	cr_assert_eq(mask_at(&mask, START)->u.word, 0x2);

	srv->verdict = SERVER_UP;
	verdict_connect_failed(srv, START);
	cr_assert_eq(mask_at(&mask, START)->u.word, 0x2);
	cr_assert_eq(mask_at(&mask, START + S - 1)->u.word, 0x2);
	cr_assert_eq(mask_at(&mask, START + S)->u.word, 0x3);
	mask_fini(&mask);
	fleet_fini(&fleet);
}

Test(verdict, workers_mask_of_a_new_board_is_made_at_once)
{
	struct fleet fleet;
	struct mask mask;

	begin(&fleet);
	mask_init(&mask, fleet.roster, fleet.board);
	cr_assert_eq(mask_at(&mask, 0)->u.word, 0x3);
	mask_fini(&mask);
	fleet_fini(&fleet);
}

Test(verdict, works_beyond_64_servers)
{
	struct post posts[100];
	struct fleet fleet;
	struct mask mask;

	for (unsigned i = 0; i < 100; i++)
		posts[i] = (struct post){ .weight = 1 };
	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, posts, 100);
	mask_init(&mask, fleet.roster, fleet.board);
	cr_assert_eq(serverset_count(mask_at(&mask, START)), 100);
	verdict_connect_failed(fleet_at(&fleet, 99), START);
	cr_assert_eq(serverset_count(mask_at(&mask, START)), 99);
	cr_assert_not(serverset_test(mask_at(&mask, START), 99));
	mask_fini(&mask);
	fleet_fini(&fleet);
}

Test(verdict, state_says_the_gravest)
{
	static const struct {
		enum server_verdict verdict;
		bool suspect;
		unsigned weight;
		const char *name, *why;
	} cases[] = {
		{ SERVER_UP, false, 1, "healthy", "said so" },
		{ SERVER_DOWN, false, 1, "unhealthy", "said so" },
		{ SERVER_UNKNOWN, false, 1, "unknown", "said so" },
		{ SERVER_WAITING, false, 1, "unknown",
		    "waits for its first probe" },
		{ SERVER_UP, true, 1, "suspect",
		    "failed connects in a row: 1" },
		{ SERVER_UNKNOWN, true, 1, "suspect",
		    "failed connects in a row: 1" },
		{ SERVER_WAITING, true, 1, "suspect",
		    "failed connects in a row: 1" },
		{ SERVER_DOWN, true, 1, "unhealthy", "said so" },
		{ SERVER_UP, false, 0, "draining", "weight 0" },
		{ SERVER_DOWN, true, 0, "draining", "weight 0" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum verdict_state state;
		struct fleet fleet;
		struct server *srv;
		char why[64];

		begin(&fleet);
		srv = fleet_at(&fleet, 0);
		server_set_why(srv, "said so");
		srv->verdict = cases[i].verdict;
		if (cases[i].suspect)
			verdict_connect_failed(srv, START);
		state = verdict_state(srv, cases[i].weight, START + S - 1);
		verdict_why(srv, state, why, sizeof(why));
		cr_assert_str_eq(verdict_state_name(state), cases[i].name);
		cr_assert_str_eq(why, cases[i].why);
		cr_assert_neq(
		    verdict_state(srv, 1, START + S), VERDICT_SUSPECT);
		fleet_fini(&fleet);
	}
}

/* Four workers whose connects to one server fail in the same moment. */
struct burst {
	struct server *srv;
	atomic_uint arrived, won;
};

static void *
refused(void *arg)
{
	struct burst *burst = arg;
	unsigned won = 0;

	atomic_fetch_add(&burst->arrived, 1);
	while (burst->arrived < 4)
		continue;
	for (unsigned i = 0; i < 1000; i++)
		won += verdict_connect_failed(burst->srv, START + i * S);
	atomic_fetch_add(&burst->won, won);
	return NULL;
}

Test(verdict, a_burst_of_failures_over_threads_counts_once)
{
	for (unsigned round = 0; round < 50; round++) {
		struct burst burst = { 0 };
		struct fleet fleet;
		uint64_t epoch;

		begin(&fleet);
		burst.srv = fleet_at(&fleet, 0);
		epoch = board_epoch(fleet.board);
		team_wait(team_start(4, refused, &burst, 0));
		cr_assert_eq(burst.won, board_epoch(fleet.board) - epoch);
		fleet_fini(&fleet);
	}
}
