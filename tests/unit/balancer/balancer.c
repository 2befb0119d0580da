#include "fleet.h"

Test(balancer, knows_its_policies_by_name)
{
	cr_assert_str_eq(
	    balancer_policy_name(BALANCE_ROUND_ROBIN), "round_robin");
	cr_assert_str_eq(balancer_policy_name(BALANCE_LEAST_CONNECTIONS),
	    "least_connections");
}

Test(balancer, picks_by_its_policy)
{
	static const int want[] = {
		[BALANCE_ROUND_ROBIN] = 0,
		[BALANCE_LEAST_CONNECTIONS] = 1,
	};

	for (unsigned policy = 0; policy < 2; policy++) {
		struct fleet fleet;

		fleet_init(&fleet, (enum balance_policy)policy,
		    POSTS({ 1, false }, { 1, false }), 2);
		cr_assert_eq(fleet.balancer->policy, policy);
		server_enter(fleet_at(&fleet, 0));
		cr_assert_eq(fleet_pick(&fleet), want[policy]);
		server_leave(fleet_at(&fleet, 0));
		fleet_fini(&fleet);
	}
}

Test(balancer, free_takes_nothing_too)
{
	balancer_free(NULL);
}
