#include "discovery/consul_query.h"

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

#define S CLOCK_S
#define START (1000 * S)

static const struct consul_rules *const rules = &consul_rules_usual;

static void
heard(struct consul_query *q, uint64_t index, uint64_t now)
{
	consul_query_heard(q, rules, index, now);
}

TestSuite(consul_query, .timeout = 60);

Test(consul_query, it_waits_beyond_the_index_it_heard)
{
	struct consul_query q = { 0 };

	heard(&q, 7, START);
	cr_assert_eq(q.index, 7);
	heard(&q, 7, START + 300 * S);
	heard(&q, 9, START + 400 * S);
	cr_assert_eq(q.index, 9);
}

Test(consul_query, a_lower_index_begins_anew)
{
	struct consul_query q = { 0 };

	heard(&q, 1000, START);
	heard(&q, 5, START + 1);
	cr_assert_eq(q.index, 0);
	heard(&q, 5, START + 2);
	cr_assert_eq(q.index, 5);
}

Test(consul_query, index_zero_is_one)
{
	struct consul_query q = { 0 };

	heard(&q, 0, START);
	cr_assert_eq(q.index, 1);
	heard(&q, 0, START + S);
	cr_assert_eq(q.index, 1);
}

Test(consul_query, indexes_are_read_strictly)
{
	static const char *const bad[] = { "", "-1", "1x", "+1",
		"18446744073709551616", "0x10" };
	uint64_t index = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(consul_index_read(text_of(bad[i]), &index));
	cr_assert_eq(index, 77);
	cr_assert(consul_index_read(TEXT(" 18446744073709551615 "), &index));
	cr_assert_eq(index, UINT64_MAX);
}

Test(consul_query, rare_news_comes_at_once)
{
	struct consul_query q = { 0 };
	uint64_t now = START;

	for (unsigned i = 1; i < 100; i++, now += 2 * S) {
		heard(&q, i, now);
		cr_assert_eq(q.ask_at, now);
	}
}

Test(consul_query, a_burst_becomes_polling)
{
	struct consul_query q = { 0 };
	uint64_t now = START;

	for (unsigned i = 1; i <= rules->burst + 100; i++) {
		heard(&q, i, now);
		now = q.ask_at;
		if (i <= rules->burst)
			cr_assert_eq(now, START);
	}
	cr_assert_eq(now, START + 100 * rules->refill_ns);
	now += 60 * S;
	heard(&q, 200, now);
	heard(&q, 201, now);
	cr_assert_eq(q.ask_at, now);
}

/* The first within 125..250 ms, then twice that, and at last 0.5..1 s. */
Test(consul_query, failures_grow_apart_by_chance_and_to_a_limit)
{
	struct consul_query q = { 0 };
	uint64_t now = START, pause, most = 250 * CLOCK_MS, seen = 0;
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < 10000; i++) {
		consul_query_failed(&q, rules, &rng, now);
		pause = q.ask_at - now;
		cr_assert(pause >= most / 2 && pause <= most);
		seen += pause != most;
		if (most < S)
			most *= 2;
		now = q.ask_at;
	}
	cr_assert_gt(seen, 9000);
}

Test(consul_query, failures_cost_no_tokens_and_are_forgotten)
{
	struct consul_query q = { 0 };
	struct rng rng;

	rng_seed(&rng, 2);
	heard(&q, 1000, START);
	for (unsigned i = 0; i < 60; i++)
		consul_query_failed(&q, rules, &rng, START + i * S);
	cr_assert_eq(q.index, 0);
	heard(&q, 3, START + 60 * S);
	cr_assert_eq(q.ask_at, START + 60 * S);
	consul_query_failed(&q, rules, &rng, START + 61 * S);
	cr_assert_leq(q.ask_at, START + 61 * S + 250 * CLOCK_MS);
}

Test(consul_query, patience_outlasts_consuls_own_jitter)
{
	struct consul_query q = { 0 };

	cr_assert_eq(consul_query_patience(&q, rules), 10 * S);
	heard(&q, 1, START);
	cr_assert_gt(consul_query_patience(&q, rules),
	    rules->wait_ns + rules->wait_ns / 16);
}

Test(consul_query, the_path_says_what_is_wanted)
{
	static const struct {
		struct consul_wish wish;
		uint64_t index;
		const char *path;
	} cases[] = {
		{ { .service = "web" }, 0, "/v1/health/service/web?stale" },
		{ { .service = "web" }, 7,
		    "/v1/health/service/web?stale&index=7&wait=300000ms" },
		{ { .service = "web", .passing = true }, 0,
		    "/v1/health/service/web?stale&passing" },
		{ { .service = "a b/c?",
		      .tag = "v&2",
		      .datacenter = "dc1",
		      .near = "_agent",
		      .filter = "Service.Meta.zone == \"a\"" },
		    7,
		    "/v1/health/service/a%20b%2Fc%3F?stale&tag=v%262&dc=dc1&"
		    "near=_agent&filter=Service.Meta.zone%20%3D%3D%20%22a%22&"
		    "index=7&wait=300000ms" },
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct consul_query q = { .index = cases[i].index };
		struct text path =
		    consul_query_path(&q, rules, &cases[i].wish, &arena);

		cr_assert_str_eq(path.p, cases[i].path);
		cr_assert_eq(path.n, strlen(cases[i].path));
	}
	arena_fini(&arena);
}
