#ifndef TESTS_UNIT_BALANCER_FLEET_H
#define TESTS_UNIT_BALANCER_FLEET_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "balancer/balancer.h"
#include "balancer/board.h"
#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/mem.h"
#include "base/rng.h"

/* An upstream under test: servers 10.0.x.y:80, all of whom may serve at first. */
struct fleet {
	struct board *board;
	struct roster *roster;
	struct balancer *balancer;
	struct serverset may;
	struct rng rng;
};

/* What the servers are, by the weights and backup flags of an array. */
struct post {
	unsigned weight;
	bool backup;
};

static inline struct addr
fleet_addr(unsigned i)
{
	struct addr addr = { .len = sizeof(struct sockaddr_in) };

	addr.u.in.sin_family = AF_INET;
	addr.u.in.sin_port = htons(80);
	addr.u.in.sin_addr.s_addr = htonl(0x0a000000 + i);
	return addr;
}

static inline struct server *
fleet_server(struct board *board, unsigned i)
{
	struct addr addr = fleet_addr(i);
	char name[32];

	snprintf(name, sizeof(name), "server-%u", i);
	return server_new(board, "fleet", name, &addr);
}

/* A roster of new servers on the board. */
static inline struct roster *
fleet_roster(struct board *board, const struct post *posts, unsigned n)
{
	struct member *members = xcalloc(n + 1, sizeof(*members));
	struct roster *roster;

	for (unsigned i = 0; i < n; i++)
		members[i] = (struct member){ .server = fleet_server(board, i),
			.weight = posts[i].weight,
			.backup = posts[i].backup };
	roster = roster_new(members, n);
	for (unsigned i = 0; i < n; i++)
		server_unref(members[i].server);
	free(members);
	return roster;
}

static inline void
fleet_init(struct fleet *fleet, enum balance_policy policy,
    const struct post *posts, unsigned n)
{
	fleet->board = board_new();
	fleet->roster = fleet_roster(fleet->board, posts, n);
	fleet->balancer = balancer_new(policy);
	rng_seed(&fleet->rng, 7);
	serverset_init(&fleet->may, n);
	for (unsigned i = 0; i < n; i++)
		serverset_set(&fleet->may, i);
}

static inline void
fleet_fini(struct fleet *fleet)
{
	serverset_fini(&fleet->may);
	balancer_free(fleet->balancer);
	roster_unref(fleet->roster);
	board_unref(fleet->board);
}

static inline int
fleet_pick(struct fleet *fleet)
{
	struct choice choice = { .roster = fleet->roster,
		.may = &fleet->may,
		.rng = &fleet->rng };

	return balancer_pick(fleet->balancer, &choice);
}

static inline struct server *
fleet_at(struct fleet *fleet, int index)
{
	return fleet->roster->members[index].server;
}

/* Picks, counted by member. */
static inline void
fleet_deal(struct fleet *fleet, unsigned picks, unsigned *got)
{
	int index;

	memset(got, 0, fleet->roster->n * sizeof(*got));
	while (picks-- > 0) {
		index = fleet_pick(fleet);
		cr_assert_geq(index, 0);
		got[index]++;
	}
}

/* The same from four threads at once, so many picks each. */
struct dealer {
	struct fleet *fleet;
	struct rng rng;
	unsigned picks, *got;
};

static inline void *
fleet_dealer(void *arg)
{
	struct dealer *dealer = arg;
	struct choice choice = { .roster = dealer->fleet->roster,
		.may = &dealer->fleet->may,
		.rng = &dealer->rng };
	int index;

	for (unsigned i = 0; i < dealer->picks; i++) {
		index = balancer_pick(dealer->fleet->balancer, &choice);
		dealer->got[index]++;
	}
	return NULL;
}

static inline void
fleet_deal_4(struct fleet *fleet, unsigned picks, unsigned *got)
{
	unsigned n = fleet->roster->n;
	struct dealer dealers[4];
	pthread_t threads[4];

	memset(got, 0, n * sizeof(*got));
	for (unsigned i = 0; i < 4; i++) {
		dealers[i] = (struct dealer){ .fleet = fleet, .picks = picks };
		dealers[i].got = xcalloc(n, sizeof(unsigned));
		rng_seed(&dealers[i].rng, i);
		pthread_create(&threads[i], NULL, fleet_dealer, &dealers[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		for (unsigned k = 0; k < n; k++)
			got[k] += dealers[i].got[k];
		free(dealers[i].got);
	}
}

#define POSTS(...) (const struct post[]){ __VA_ARGS__ }

#endif
