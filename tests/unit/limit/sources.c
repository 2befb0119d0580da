/*
 * Connections by source: exact, never above the limit, and nobody is lost,
 * whoever comes and goes at the same time.
 */
#include <arpa/inet.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/addr.h"
#include "base/rng.h"
#include "limit/options.h"
#include "limit/sources.h"

enum { THREADS = 4, SOURCES = 50, ROUNDS = 20000, LIMIT = 3 };

static struct sources *s;
static atomic_int in[SOURCES + 1];
static atomic_bool above;

static void
set_up(void)
{
	s = sources_new(1000, 42);
	cr_assert_not_null(s);
}

static void
tear_down(void)
{
	sources_free(s);
}

TestSuite(sources, .init = set_up, .fini = tear_down, .timeout = 60);

static uint64_t
source(const char *ip)
{
	struct addr a;
	uint8_t bytes[16];

	cr_assert(addr_from_ip(text_of(ip), 80, &a), "%s", ip);
	cr_assert(addr_bytes(&a, bytes));
	return source_of(bytes);
}

Test(sources, an_ipv4_address_is_one_and_an_ipv6_address_its_64)
{
	static const uint8_t local[16];

	cr_expect_neq(source("10.0.0.1"), source("10.0.0.2"));
	cr_expect_eq(source("10.0.0.1"), source("::ffff:10.0.0.1"));
	cr_expect_eq(source("2001:db8:1:2::1"), source("2001:db8:1:2:f::9"));
	cr_expect_neq(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
	cr_expect_neq(source("::1"), 0);
	cr_expect_neq(source("0.0.0.0"), 0);
	cr_expect_neq(source("10.0.0.1"), source("::ffff:0:10.0.0.1"));
	cr_expect_neq(source("1.2.3.4"), source("::102:304"));
	cr_expect_eq(source_of(local), 0);
}

Test(sources, no_more_than_most_are_in)
{
	for (unsigned i = 0; i < LIMIT; i++)
		cr_assert_eq(sources_enter(s, 7, LIMIT), SOURCES_IN);
	cr_assert_eq(sources_enter(s, 7, LIMIT), SOURCES_OVER);
	cr_assert_eq(sources_enter(s, 8, LIMIT), SOURCES_IN);
	cr_assert_eq(sources_count(s, 7), LIMIT);
	sources_leave(s, 7);
	cr_assert_eq(sources_count(s, 7), LIMIT - 1);
	cr_assert_eq(sources_enter(s, 7, LIMIT), SOURCES_IN);
}

Test(sources, a_count_goes_as_far_as_the_limit_may)
{
	for (unsigned i = 0; i < PER_IP_MOST; i++)
		cr_assert_eq(sources_enter(s, 7, PER_IP_MOST), SOURCES_IN);
	cr_assert_eq(sources_enter(s, 7, PER_IP_MOST), SOURCES_OVER);
	for (unsigned i = 0; i < PER_IP_MOST; i++)
		sources_leave(s, 7);
	cr_assert_eq(sources_count(s, 7), 0);
}

/* Eight at a time have room in the worst case, and thousands in the real one. */
Test(sources, those_who_left_leave_their_place)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < 3000000; i++) {
		uint64_t one = rng_next(&rng) | 1;

		cr_assert_eq(sources_enter(s, one, 1), SOURCES_IN);
		cr_assert_eq(sources_count(s, one), 1);
		sources_leave(s, one);
	}
}

Test(sources, thousands_are_in_at_once_and_each_is_counted_alone)
{
	for (uint64_t i = 1; i <= 50000; i++)
		cr_assert_eq(sources_enter(s, i << 16, 1), SOURCES_IN);
	for (uint64_t i = 1; i <= 50000; i++)
		cr_assert_eq(sources_enter(s, i << 16, 1), SOURCES_OVER);
}

Test(sources, a_bucket_without_a_word_left_says_so)
{
	unsigned full = 0;

	for (uint64_t i = 1; i <= 2000000 && full == 0; i++)
		full = sources_enter(s, i, 1) == SOURCES_FULL;
	cr_assert_eq(full, 1);
}

/* Few sources of a few buckets: workers meet in the same words all the time. */
static void *
come_and_go(void *arg)
{
	struct rng rng;

	rng_seed(&rng, (uint64_t)(uintptr_t)arg);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t one = 1 + rng_below(&rng, SOURCES);

		if (sources_enter(s, one, LIMIT) != SOURCES_IN)
			continue;
		if (atomic_fetch_add(&in[one], 1) >= LIMIT)
			atomic_store(&above, true);
		atomic_fetch_sub(&in[one], 1);
		sources_leave(s, one);
	}
	return NULL;
}

Test(sources, workers_that_come_and_go_at_once_lose_nobody)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1));
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_not(above);
	for (uint64_t one = 1; one <= SOURCES; one++)
		cr_assert_eq(sources_count(s, one), 0);
}
