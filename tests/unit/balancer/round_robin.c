#include "fleet.h"

Test(round_robin, follows_the_turns)
{
	struct fleet fleet;
	const char *want = "aabacaa";

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 5, false }, { 1, false }, { 1, false }), 3);
	for (unsigned i = 0; i < 21; i++)
		cr_assert_eq(fleet_pick(&fleet), want[i % 7] - 'a');
	fleet_fini(&fleet);
}

Test(round_robin, the_others_keep_their_order_when_one_is_out)
{
	struct fleet fleet;
	const char *want = "aaacaa";

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 5, false }, { 1, false }, { 1, false }), 3);
	serverset_clear(&fleet.may, 1);
	for (unsigned i = 0; i < 18; i++)
		cr_assert_eq(fleet_pick(&fleet), want[i % 6] - 'a');
	fleet_fini(&fleet);
}

Test(round_robin, shares_are_exact_over_four_threads)
{
	struct fleet fleet;
	unsigned got[3];

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 3, false }, { 2, false }, { 1, false }), 3);
	fleet_deal_4(&fleet, 1500, got);
	cr_assert_eq(got[0], 3000);
	cr_assert_eq(got[1], 2000);
	cr_assert_eq(got[2], 1000);
	fleet_fini(&fleet);
}

Test(round_robin, shares_stay_exact_when_one_is_out)
{
	struct fleet fleet;
	unsigned got[3];

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 3, false }, { 2, false }, { 1, false }), 3);
	serverset_clear(&fleet.may, 1);
	fleet_deal(&fleet, 6000, got);
	cr_assert_eq(got[0], 4500);
	cr_assert_eq(got[1], 0);
	cr_assert_eq(got[2], 1500);
	fleet_deal_4(&fleet, 1500, got);
	cr_assert_eq(got[0], 4500);
	cr_assert_eq(got[1], 0);
	cr_assert_eq(got[2], 1500);
	fleet_fini(&fleet);
}

Test(round_robin, does_not_favour_the_neighbour_of_one_that_is_out)
{
	struct fleet fleet;
	unsigned got[3];

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 1, false }, { 1, false }, { 1, false }), 3);
	for (unsigned out = 0; out < 3; out++) {
		serverset_clear(&fleet.may, out);
		fleet_deal(&fleet, 3000, got);
		cr_assert_eq(got[out], 0);
		cr_assert_eq(got[(out + 1) % 3], 1500);
		cr_assert_eq(got[(out + 2) % 3], 1500);
		serverset_set(&fleet.may, out);
	}
	fleet_fini(&fleet);
}

Test(round_robin, shares_stay_exact_where_turns_are_rare)
{
	struct fleet fleet;
	unsigned got[4];

	/* Those who may have 2 turns of 511, so most draws are lost. */
	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 253, false }, { 1, false }, { 1, false }, { 256, false }),
	    4);
	serverset_clear(&fleet.may, 0);
	serverset_clear(&fleet.may, 3);
	fleet_deal(&fleet, 3000, got);
	cr_assert_eq(got[1], 1500);
	cr_assert_eq(got[2], 1500);
	fleet_fini(&fleet);
}

Test(round_robin, finds_the_only_one_of_a_thousand)
{
	struct fleet fleet;
	struct post *posts = xcalloc(1000, sizeof(*posts));
	unsigned *got = xcalloc(1000, sizeof(*got));

	for (unsigned i = 0; i < 1000; i++)
		posts[i].weight = 256 - i % 2;
	fleet_init(&fleet, BALANCE_ROUND_ROBIN, posts, 1000);
	serverset_empty(&fleet.may);
	serverset_set(&fleet.may, 777);
	fleet_deal(&fleet, 100, got);
	cr_assert_eq(got[777], 100);
	fleet_fini(&fleet);
	free(posts);
	free(got);
}

Test(round_robin, never_picks_weight_0)
{
	struct fleet fleet;
	unsigned got[2];

	fleet_init(
	    &fleet, BALANCE_ROUND_ROBIN, POSTS({ 0, false }, { 1, false }), 2);
	fleet_deal(&fleet, 100, got);
	cr_assert_eq(got[0], 0);
	serverset_clear(&fleet.may, 1);
	cr_assert_eq(fleet_pick(&fleet), -1);
	fleet_fini(&fleet);
}

Test(round_robin, picks_backups_only_when_no_primary_may)
{
	struct fleet fleet;
	unsigned got[4];

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 1, true }, { 1, false }, { 3, true }, { 0, false }), 4);
	fleet_deal(&fleet, 100, got);
	cr_assert_eq(got[1], 100);
	serverset_clear(&fleet.may, 1);
	fleet_deal(&fleet, 400, got);
	cr_assert_eq(got[0], 100);
	cr_assert_eq(got[2], 300);
	fleet_fini(&fleet);
}

Test(round_robin, says_when_nobody_may)
{
	struct fleet fleet;

	fleet_init(&fleet, BALANCE_ROUND_ROBIN, POSTS({ 1, false }), 1);
	serverset_empty(&fleet.may);
	cr_assert_eq(fleet_pick(&fleet), -1);
	fleet_fini(&fleet);
	fleet_init(&fleet, BALANCE_ROUND_ROBIN, NULL, 0);
	cr_assert_eq(fleet_pick(&fleet), -1);
	fleet_fini(&fleet);
}

Test(round_robin, goes_on_where_it_was_after_a_reload)
{
	struct fleet fleet;
	struct roster *next;

	fleet_init(&fleet, BALANCE_ROUND_ROBIN,
	    POSTS({ 1, false }, { 1, false }, { 1, false }), 3);
	cr_assert_eq(fleet_pick(&fleet), 0);
	next = roster_new(fleet.roster->members, 3);
	roster_unref(fleet.roster);
	fleet.roster = next;
	cr_assert_eq(fleet_pick(&fleet), 1);
	cr_assert_eq(fleet_pick(&fleet), 2);
	fleet_fini(&fleet);
}
