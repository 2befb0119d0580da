#include <limits.h>
#include <stdlib.h>

#include "fleet.h"

/* So many attempts in flight at a member. */
static void
load(struct fleet *fleet, unsigned index, unsigned count)
{
	*fleet_at(fleet, (int)index)->lane = count;
}

static void
unload(struct fleet *fleet)
{
	for (unsigned i = 0; i < fleet->roster->n; i++)
		load(fleet, i, 0);
}

Test(least_connections, picks_the_least_for_its_weight)
{
	static const struct {
		unsigned weights[3], loads[3];
		int want;
	} cases[] = {
		{ { 1, 1, 1 }, { 2, 1, 3 }, 1 },
		{ { 1, 1, 1 }, { 0, 1, 1 }, 0 },
		{ { 1, 1, 1 }, { 5, 5, 4 }, 2 },
		{ { 2, 1, 1 }, { 3, 2, 2 }, 0 },
		{ { 2, 1, 1 }, { 5, 2, 3 }, 1 },
		{ { 256, 1, 1 }, { 255, 1, 1 }, 0 },
		{ { 256, 1, 1 }, { 257, 1, 2 }, 1 },
		{ { 0, 1, 1 }, { 0, 9, 8 }, 2 },
		{ { 256, 255, 1 }, { 4000000000, 3984375001, 4000000000 }, 0 },
		{ { 256, 255, 1 }, { 4000000000, 3984374999, 4000000000 }, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct post posts[3] = { 0 };
		struct fleet fleet;

		for (unsigned k = 0; k < 3; k++)
			posts[k].weight = cases[i].weights[k];
		fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, posts, 3);
		for (unsigned k = 0; k < 3; k++)
			load(&fleet, k, cases[i].loads[k]);
		for (unsigned again = 0; again < 10; again++)
			cr_assert_eq(
			    fleet_pick(&fleet), cases[i].want, "case %zu", i);
		unload(&fleet);
		fleet_fini(&fleet);
	}
}

Test(least_connections, looks_only_at_those_who_may)
{
	struct fleet fleet;

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 1, false }, { 1, false }, { 1, false }), 3);
	load(&fleet, 0, 5);
	load(&fleet, 2, 3);
	serverset_clear(&fleet.may, 1);
	cr_assert_eq(fleet_pick(&fleet), 2);
	serverset_clear(&fleet.may, 2);
	cr_assert_eq(fleet_pick(&fleet), 0);
	serverset_clear(&fleet.may, 0);
	cr_assert_eq(fleet_pick(&fleet), -1);
	unload(&fleet);
	fleet_fini(&fleet);
}

Test(least_connections, ties_take_turns_by_weight)
{
	struct fleet fleet;
	unsigned got[4];

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 3, false }, { 2, false }, { 1, false }, { 6, false }), 4);
	load(&fleet, 3, 1);
	fleet_deal(&fleet, 6000, got);
	cr_assert_eq(got[0], 3000);
	cr_assert_eq(got[1], 2000);
	cr_assert_eq(got[2], 1000);
	cr_assert_eq(got[3], 0);
	fleet_deal_4(&fleet, 1500, got);
	cr_assert_eq(got[0], 3000);
	cr_assert_eq(got[1], 2000);
	cr_assert_eq(got[2], 1000);
	unload(&fleet);
	fleet_fini(&fleet);
}

/* Who is alone with the least goes by that: it is nobody's turn that is used. */
Test(least_connections, ties_go_on_where_they_were_after_a_clear_choice)
{
	struct fleet fleet;

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 1, false }, { 1, false }, { 1, false }), 3);
	for (unsigned alone = 0; alone < 3; alone++) {
		for (unsigned i = 0; i < 3; i++)
			load(&fleet, i, i != alone);
		cr_assert_eq(fleet_pick(&fleet), (int)alone);
		cr_assert_eq(fleet_pick(&fleet), (int)alone);
		unload(&fleet);
		cr_assert_eq(fleet_pick(&fleet), (int)alone, "its turn");
	}
	fleet_fini(&fleet);
}

Test(least_connections, ties_of_the_last_of_64_take_turns_too)
{
	struct post posts[64];
	struct fleet fleet;
	unsigned got[64];

	for (unsigned i = 0; i < 64; i++)
		posts[i] = (struct post){ .weight = 1 };
	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, posts, 64);
	for (unsigned i = 0; i < 64; i++)
		load(&fleet, i, i < 62);
	fleet_deal(&fleet, 1000, got);
	cr_assert_eq(got[62], 500);
	cr_assert_eq(got[63], 500);
	unload(&fleet);
	fleet_fini(&fleet);
}

Test(least_connections, picks_backups_only_when_no_primary_may)
{
	struct fleet fleet;

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 1, true }, { 1, false }, { 1, true }), 3);
	load(&fleet, 1, 100);
	load(&fleet, 0, 1);
	cr_assert_eq(fleet_pick(&fleet), 1);
	serverset_clear(&fleet.may, 1);
	cr_assert_eq(fleet_pick(&fleet), 2);
	unload(&fleet);
	fleet_fini(&fleet);
}

Test(least_connections, counts_carry_over_a_reload)
{
	struct fleet fleet;
	struct member members[3];
	struct roster *next;

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 1, false }, { 1, false }), 2);
	server_enter(fleet_at(&fleet, 0));
	server_enter(fleet_at(&fleet, 0));

	/* Another order, a new server in front, another weight. */
	members[0] = (struct member){ fleet_server(fleet.board, 9), 1, false };
	members[1] = (struct member){ fleet_at(&fleet, 1), 1, false };
	members[2] = (struct member){ fleet_at(&fleet, 0), 8, false };
	next = roster_new(members, 3);
	server_unref(members[0].server);
	roster_unref(fleet.roster);
	fleet.roster = next;
	serverset_init(&fleet.may, 3);
	serverset_set(&fleet.may, 2);
	serverset_set(&fleet.may, 1);

	cr_assert_eq(server_inflight(fleet_at(&fleet, 2)), 2);
	cr_assert_eq(fleet_pick(&fleet), 1);
	server_enter(fleet_at(&fleet, 1));
	cr_assert_eq(fleet_pick(&fleet), 2, "2 of weight 8 is less than 1");
	serverset_set(&fleet.may, 0);
	cr_assert_eq(fleet_pick(&fleet), 0);
	unload(&fleet);
	fleet_fini(&fleet);
}

/* A big roster: two are drawn, and the better one goes. */
static void
big_fleet(struct fleet *fleet, unsigned n)
{
	struct post *posts = xcalloc(n, sizeof(*posts));

	for (unsigned i = 0; i < n; i++)
		posts[i].weight = 1;
	fleet_init(fleet, BALANCE_LEAST_CONNECTIONS, posts, n);
	free(posts);
}

Test(least_connections, above_64_the_worst_is_never_picked)
{
	struct fleet fleet;
	unsigned got[65], fewest = UINT_MAX;

	big_fleet(&fleet, 65);
	load(&fleet, 7, 1);
	fleet_deal(&fleet, 65 * 200, got);
	cr_assert_eq(got[7], 0);
	for (unsigned i = 0; i < 65; i++)
		if (i != 7 && got[i] < fewest)
			fewest = got[i];
	cr_assert_gt(fewest, 130, "drawn evenly");
	unload(&fleet);
	fleet_fini(&fleet);
}

Test(least_connections, above_64_the_best_wins_each_pair_it_is_in)
{
	struct fleet fleet;
	unsigned got[65];

	big_fleet(&fleet, 65);
	for (unsigned i = 0; i < 65; i++)
		load(&fleet, i, i != 20);
	fleet_deal(&fleet, 65 * 200, got);
	cr_assert_gt(got[20], 320, "two chances of 65");
	cr_assert_lt(got[20], 480);
	unload(&fleet);
	fleet_fini(&fleet);
}

Test(least_connections, above_64_weight_is_respected)
{
	struct post posts[100];
	struct fleet fleet;
	unsigned got[100], heavy = 0;

	for (unsigned i = 0; i < 100; i++)
		posts[i] = (struct post){ .weight = i < 10 ? 90 : 10 };
	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, posts, 100);
	for (unsigned i = 0; i < 20000; i++)
		server_enter(fleet_at(&fleet, fleet_pick(&fleet)));
	for (unsigned i = 0; i < 100; i++)
		got[i] = server_inflight(fleet_at(&fleet, (int)i));
	for (unsigned i = 0; i < 10; i++)
		heavy += got[i];
	cr_assert_gt(heavy, 9500, "half of the weight, got %u", heavy);
	cr_assert_lt(heavy, 10500);
	unload(&fleet);
	fleet_fini(&fleet);
}

/* A tie is not a reason to prefer who was drawn without the other. */
Test(least_connections, above_64_ties_go_by_weight)
{
	struct post posts[65];
	struct fleet fleet;
	unsigned got[65];

	for (unsigned i = 0; i < 65; i++)
		posts[i] = (struct post){ .weight = i == 30 ? 64 : 1 };
	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, posts, 65);
	fleet_deal(&fleet, 10000, got);
	cr_assert_gt(got[30], 4500, "half of the weight, got %u", got[30]);
	cr_assert_lt(got[30], 5500, "half of the weight, got %u", got[30]);
	fleet_fini(&fleet);
}

Test(least_connections, above_64_few_who_may_are_found)
{
	struct fleet fleet;
	unsigned *got = xcalloc(1000, sizeof(*got));

	big_fleet(&fleet, 1000);
	serverset_empty(&fleet.may);
	cr_assert_eq(fleet_pick(&fleet), -1);
	serverset_set(&fleet.may, 999);
	fleet_deal(&fleet, 50, got);
	cr_assert_eq(got[999], 50);

	serverset_set(&fleet.may, 0);
	serverset_set(&fleet.may, 500);
	load(&fleet, 0, 2);
	load(&fleet, 500, 1);
	load(&fleet, 999, 2);
	fleet_deal(&fleet, 600, got);
	cr_assert_eq(got[0] + got[500] + got[999], 600);
	cr_assert_gt(got[500], 300, "in two pairs of three");
	unload(&fleet);
	fleet_fini(&fleet);
	free(got);
}

/*
 * A closed loop under a virtual clock: 16 requests are always in flight, and
 * each ends after its server's time.
 */
struct flight {
	int server;
	uint64_t ends;
};

static void
fly(struct fleet *fleet, const uint64_t *times, unsigned requests,
    unsigned *got)
{
	struct flight flights[16], *next;

	for (unsigned i = 0; i < 16; i++)
		flights[i] = (struct flight){ .server = -1 };
	memset(got, 0, fleet->roster->n * sizeof(*got));
	for (unsigned i = 0; i < requests; i++) {
		next = &flights[0];
		for (unsigned k = 1; k < 16; k++)
			if (flights[k].ends < next->ends)
				next = &flights[k];
		if (next->server != -1)
			server_leave(fleet_at(fleet, next->server));
		next->server = fleet_pick(fleet);
		next->ends += times[next->server] +
		    rng_below(&fleet->rng, times[next->server] / 4);
		server_enter(fleet_at(fleet, next->server));
		got[next->server]++;
	}
	for (unsigned k = 0; k < 16; k++)
		server_leave(fleet_at(fleet, flights[k].server));
}

Test(least_connections, a_slow_server_gets_less_than_a_sixth)
{
	const uint64_t times[] = { 1000, 10000, 1000 };
	struct fleet fleet;
	unsigned got[3];

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 1, false }, { 1, false }, { 1, false }), 3);
	fly(&fleet, times, 6000, got);
	cr_assert_lt(got[1], 1000, "seed 7: %u", got[1]);
	cr_assert_gt(got[1], 60, "but not nothing: %u", got[1]);
	cr_assert_lt(abs((int)got[0] - (int)got[2]), 300);
	cr_assert_eq(server_inflight(fleet_at(&fleet, 0)), 0);
	fleet_fini(&fleet);
}

Test(least_connections, weights_hold_under_load)
{
	const uint64_t times[] = { 1000, 1000, 1000 };
	struct fleet fleet;
	unsigned got[3];

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS,
	    POSTS({ 2, false }, { 1, false }, { 1, false }), 3);
	fly(&fleet, times, 8000, got);
	cr_assert_gt(got[0], 3800, "seed 7: %u", got[0]);
	cr_assert_lt(got[0], 4200, "seed 7: %u", got[0]);
	fleet_fini(&fleet);
}

/* A lane that moves all the time. */
struct flicker {
	struct server *srv;
	atomic_bool stop;
};

static void *
flicker(void *arg)
{
	struct flicker *f = arg;

	while (!f->stop) {
		server_enter(f->srv);
		server_leave(f->srv);
	}
	return NULL;
}

Test(least_connections, counts_may_move_while_it_looks)
{
	struct fleet fleet;
	struct flicker f = { 0 };
	pthread_t thread;

	fleet_init(&fleet, BALANCE_LEAST_CONNECTIONS, POSTS({ 1, false }), 1);
	f.srv = fleet_at(&fleet, 0);
	pthread_create(&thread, NULL, flicker, &f);
	for (unsigned i = 0; i < 300000; i++)
		cr_assert_eq(fleet_pick(&fleet), 0);
	f.stop = true;
	pthread_join(thread, NULL);
	fleet_fini(&fleet);
}
