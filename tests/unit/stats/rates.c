/*
 * Ten seconds of totals, under a clock of the test's own.
 */
#include <criterion/criterion.h>
#include <malloc.h>

#include "balancer/board.h"
#include "balancer/server.h"
#include "base/clock.h"
#include "stats/rates.h"
#include "stats/view.h"

static struct stats *stats;
static struct stats_rates *rates;
static struct view_worker worker;
static struct view_route route = { "r", 3 };
static struct stats_view view;
static uint64_t now = 100 * CLOCK_S;

static void
begin(void)
{
	stats = stats_new();
	rates = stats_rates_new();
	worker = (struct view_worker){ .id = 2, .stats = stats };
	view = (struct stats_view){ .routes = &route,
		.nroutes = 1,
		.workers = &worker,
		.nworkers = 1 };
}

static void
end(void)
{
	stats_rates_free(rates);
	stats_free(stats);
}

TestSuite(rates, .init = begin, .fini = end);

/* One second in which so many requests ended. */
static void
second(uint64_t requests)
{
	counter_add(&stats_route(stats, 3)->requests, requests);
	now += CLOCK_S;
	stats_sample(rates, &view, now);
}

static double
rate(void)
{
	return stats_rate(rates, STATS_ROUTES, 3);
}

Test(rates, nothing_is_known_before_the_second_sample)
{
	cr_assert_float_eq(rate(), 0, 1e-9);
	second(50);
	cr_assert_float_eq(rate(), 0, 1e-9);
	second(20);
	cr_assert_float_eq(rate(), 20, 1e-9);
	second(10);
	cr_assert_float_eq(rate(), 15, 1e-9);
}

Test(rates, window_is_ten_seconds)
{
	second(0);
	second(1000);
	for (unsigned i = 0; i < 9; i++)
		second(10);
	cr_assert_float_eq(rate(), 109, 1e-9);
	second(10);
	cr_assert_float_eq(rate(), 10, 1e-9);
	second(10);
	cr_assert_float_eq(rate(), 10, 1e-9);
}

Test(rates, late_samples_do_not_change_the_rate)
{
	second(0);
	now += 3 * CLOCK_S;
	second(40);
	cr_assert_float_eq(rate(), 10, 1e-9);
}

Test(rates, same_instant_gives_no_rate)
{
	second(0);
	counter_add(&stats_route(stats, 3)->requests, 5);
	stats_sample(rates, &view, now);
	cr_assert_float_eq(rate(), 0, 1e-9);
}

Test(rates, what_the_view_no_longer_has_is_forgotten)
{
	second(0);
	second(10);
	view.nroutes = 0;
	second(10);
	cr_assert_float_eq(rate(), 0, 1e-9);
	view.nroutes = 1;
	second(10);
	cr_assert_float_eq(rate(), 0, 1e-9);
	second(7);
	cr_assert_float_eq(rate(), 7, 1e-9);
}

Test(rates, total_that_went_back_gives_no_rate)
{
	struct stats *fresh = stats_new();

	second(100);
	second(100);
	worker.stats = fresh;
	second(0);
	cr_assert_float_eq(rate(), 0, 1e-9);
	stats_free(fresh);
}

Test(rates, other_slots_and_kinds_have_none)
{
	second(0);
	second(10);
	cr_assert_float_eq(stats_rate(rates, STATS_ROUTES, 2), 0, 1e-9);
	cr_assert_float_eq(stats_rate(rates, STATS_ROUTES, 4), 0, 1e-9);
	cr_assert_float_eq(stats_rate(rates, STATS_SERVERS, 3), 0, 1e-9);
}

Test(rates, busy_is_a_share_of_time)
{
	second(0);
	counter_add(&stats->busy_ns, 310 * CLOCK_MS);
	second(0);
	cr_assert_float_eq(stats_busy(rates, 2), 0.31, 1e-9);
	cr_assert_float_eq(stats_busy(rates, 1), 0, 1e-9);
	counter_add(&stats->busy_ns, 2 * CLOCK_S);
	second(0);
	cr_assert_float_eq(stats_busy(rates, 2), 1, 1e-9);
}

Test(rates, control_is_no_worker)
{
	worker.control = true;
	second(0);
	counter_add(&stats->busy_ns, 310 * CLOCK_MS);
	second(10);
	cr_assert_float_eq(stats_busy(rates, 2), 0, 1e-9);
	cr_assert_float_eq(rate(), 10, 1e-9);
}

Test(rates, requests_without_a_route_have_one)
{
	second(0);
	counter_add(&stats_route(stats, STATS_SLOT_NONE)->requests, 6);
	second(0);
	cr_assert_float_eq(
	    stats_rate(rates, STATS_ROUTES, STATS_SLOT_NONE), 6, 1e-9);
}

Test(rates, departed_worker_is_forgotten)
{
	worker.id = 0;
	second(0);
	counter_add(&stats->busy_ns, 310 * CLOCK_MS);
	second(0);
	cr_assert_float_eq(stats_busy(rates, 0), 0.31, 1e-9);
	view.nworkers = 0;
	second(0);
	cr_assert_float_eq(stats_busy(rates, 0), 0, 1e-9);
}

/* Two upstreams with two servers each, in slots 10 to 13. */
static struct server *servers[4];
static struct view_server shown[4];
static struct view_upstream upstreams[2];

static void
show_servers(void)
{
	struct board *board = board_new();
	struct addr addr;

	cr_assert(addr_from_ip(TEXT("10.0.0.1"), 80, &addr));
	for (unsigned i = 0; i < 4; i++) {
		servers[i] = server_new(board, "u", "s", &addr);
		shown[i] = (struct view_server){ .server = servers[i],
			.slot = 10 + i };
		upstreams[i / 2] =
		    (struct view_upstream){ .servers = &shown[i / 2 * 2],
			    .nservers = 2 };
	}
	board_unref(board);
	view.upstreams = upstreams;
	view.nupstreams = 2;
}

Test(rates, each_server_has_its_own)
{
	show_servers();
	second(0);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned n = 0; n <= i; n++)
			server_count(&servers[i]->requests[1]);
	second(0);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_float_eq(
		    stats_rate(rates, STATS_SERVERS, 10 + i), i + 1, 1e-9);
		server_unref(servers[i]);
	}
}

Test(rates, each_route_and_worker_has_its_own)
{
	struct view_route routes[2] = { { "a", 3 }, { "b", 4 } };
	struct stats *other = stats_new();
	struct view_worker workers[2] = { worker, { .id = 5, .stats = other } };

	view.routes = routes;
	view.workers = workers;
	view.nroutes = view.nworkers = 2;
	second(0);
	counter_add(&stats_route(other, 4)->requests, 30);
	counter_add(&other->busy_ns, 310 * CLOCK_MS);
	second(7);
	cr_assert_float_eq(rate(), 7, 1e-9);
	cr_assert_float_eq(stats_rate(rates, STATS_ROUTES, 4), 30, 1e-9);
	cr_assert_float_eq(stats_busy(rates, 2), 0, 1e-9);
	cr_assert_float_eq(stats_busy(rates, 5), 0.31, 1e-9);
	stats_free(other);
}

static void
a_life(void)
{
	struct stats_rates *more = stats_rates_new();

	view.nroutes = 1;
	stats_sample(more, &view, now);
	view.nroutes = 0;
	stats_sample(more, &view, now + 1);
	stats_rates_free(more);
}

/* The first lives fill the allocator's caches. */
Test(rates, freed_ones_give_all_memory_back)
{
	size_t before;

	worker.id = 0;
	for (unsigned i = 0; i < 10; i++)
		a_life();
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < 10; i++)
		a_life();
	cr_assert_eq(mallinfo2().uordblks, before);
}

Test(rates, none_at_all_are_zero)
{
	cr_assert_float_eq(stats_rate(NULL, STATS_ROUTES, 3), 0, 1e-9);
	cr_assert_float_eq(stats_busy(NULL, 2), 0, 1e-9);
	stats_rates_free(NULL);
}
