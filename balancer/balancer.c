/*
 * From the policy's word in the configuration to the code that chooses.
 */
#include <assert.h>

#include "balancer/balancer.h"
#include "balancer/line.h"
#include "balancer/roster.h"

static const struct balancer_ops *const policies[] = {
	[BALANCE_ROUND_ROBIN] = &round_robin_ops,
	[BALANCE_LEAST_CONNECTIONS] = &least_connections_ops,
};

struct balancer *
balancer_new(enum balance_policy policy)
{
	struct balancer *b = line_alloc(sizeof(*b));

	b->policy = policy;
	b->ops = policies[policy];
	return b;
}

void
balancer_free(struct balancer *b)
{
	free(b);
}

int
balancer_pick(struct balancer *b, const struct choice *choice)
{
	assert(choice->may->n == choice->roster->n);
	return b->ops->pick(b, choice);
}

const char *
balancer_policy_name(enum balance_policy policy)
{
	return policies[policy]->name;
}
