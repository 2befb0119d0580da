/*
 * Counters of one thread: slots that last, blocks that do not move, and
 * requests counted where they belong.
 */
#include <criterion/criterion.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "stats/stats.h"

Test(stats, name_keeps_its_slot_while_it_is_gone)
{
	struct stats_names names = { 0 };
	unsigned a = stats_slot(&names, STATS_ROUTES, "a");
	unsigned b = stats_slot(&names, STATS_ROUTES, "b");

	cr_assert_eq(a, 1);
	cr_assert_eq(b, 2);
	/* a reload without "a" asks for others only */
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, "c"), 3);
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, "b"), b);
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, "a"), a);
	stats_names_fini(&names);
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, "b"), 1);
	stats_names_fini(&names);
}

Test(stats, name_is_copied)
{
	struct stats_names names = { 0 };
	char name[] = "one";
	unsigned slot = stats_slot(&names, STATS_ROUTES, name);

	name[0] = 'x';
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, "one"), slot);
	cr_assert_neq(stats_slot(&names, STATS_ROUTES, name), slot);
	stats_names_fini(&names);
}

Test(stats, name_may_be_long)
{
	struct stats_names names = { 0 };
	char name[3001];

	memset(name, 'n', 3000);
	name[3000] = '\0';
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, name), 1);
	name[2999] = 'm';
	cr_assert_eq(stats_slot(&names, STATS_ROUTES, name), 2);
	stats_names_fini(&names);
}

Test(stats, kinds_have_slots_of_their_own)
{
	struct stats_names names = { 0 };

	(void)stats_slot(&names, STATS_ROUTES, "a");
	(void)stats_slot(&names, STATS_ROUTES, "b");
	cr_assert_eq(stats_slot(&names, STATS_UPSTREAMS, "b"), 1);
	cr_assert_eq(stats_slot(&names, STATS_SERVERS, "b"), 1);
	cr_assert_eq(stats_slot(&names, STATS_LISTENERS, "b"), 1);
	stats_names_fini(&names);
}

Test(stats, names_past_the_table_share_slot_none)
{
	struct stats_names names = { 0 };
	unsigned slot = 0;
	char name[16];

	for (unsigned i = 1; i < STATS_SLOTS; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		slot = stats_slot(&names, STATS_SERVERS, name);
	}
	cr_assert_eq(slot, STATS_SLOTS - 1);
	cr_assert_eq(
	    stats_slot(&names, STATS_SERVERS, "late"), STATS_SLOT_NONE);
	cr_assert_eq(stats_slot(&names, STATS_SERVERS, "n7"), 7);
	stats_names_fini(&names);
}

Test(stats, block_stays_where_it_is)
{
	struct stats *s = stats_new();
	struct stats_route *r = stats_route(s, STATS_CHUNK - 1);

	for (unsigned i = 0; i < 3 * STATS_CHUNK; i++)
		(void)stats_route(s, i);
	cr_assert_eq(stats_route(s, STATS_CHUNK - 1), r);
	cr_assert_neq(stats_route(s, STATS_CHUNK), r);
	cr_assert_eq(stats_block(s, STATS_ROUTES, STATS_CHUNK - 1), r);
	stats_free(s);
}

Test(stats, reader_finds_nothing_where_nothing_was_counted)
{
	struct stats *s = stats_new();

	cr_assert_null(stats_block(s, STATS_UPSTREAMS, 5));
	(void)stats_upstream(s, 5);
	cr_assert_not_null(stats_block(s, STATS_UPSTREAMS, 5));
	cr_assert_null(stats_block(s, STATS_UPSTREAMS, 6));
	cr_assert_null(stats_block(s, STATS_SERVERS, 5));
	stats_free(s);
}

Test(stats, blocks_of_the_kinds_are_distinct)
{
	struct stats *s = stats_new();

	counter_add(&stats_upstream(s, 1)->retries[END_STALE], 1);
	counter_add(&stats_server(s, 1)->active, 2);
	counter_add(&stats_listener(s, 1)->accepted, 3);
	counter_add(&stats_route(s, 1)->requests, 4);
	cr_assert_eq(counter_get(&stats_upstream(s, 1)->retries[END_STALE]), 1);
	cr_assert_eq(counter_get(&stats_server(s, 1)->active), 2);
	cr_assert_eq(counter_get(&stats_listener(s, 1)->accepted), 3);
	cr_assert_eq(counter_get(&stats_route(s, 1)->requests), 4);
	stats_free(s);
}

Test(stats, last_slot_has_a_block)
{
	struct stats *s = stats_new();

	cr_assert_eq(stats_listener(s, STATS_SLOTS - 1),
	    stats_block(s, STATS_LISTENERS, STATS_SLOTS - 1));
	stats_free(s);
	stats_free(NULL);
}

static void
a_life(void)
{
	struct stats_names names = { 0 };
	struct stats *s = stats_new();
	struct stats_request q = { 0 };

	for (unsigned slot = 0; slot < 2 * STATS_CHUNK; slot++) {
		(void)stats_upstream(s, slot);
		(void)stats_server(s, slot);
		(void)stats_listener(s, slot);
	}
	for (unsigned method = 0; method < METHOD_COUNT; method++)
		for (q.status = 0; q.status < STATUS_COUNT; q.status += 100) {
			q.method = (enum method)method;
			stats_request_end(stats_route(s, 300), &q);
		}
	(void)stats_slot(&names, STATS_ROUTES, "a");
	(void)stats_slot(&names, STATS_LISTENERS, "a");
	(void)stats_slot(&names, STATS_LISTENERS, "b");
	stats_names_fini(&names);
	stats_free(s);
}

/* The first lives fill the allocator's caches. */
Test(stats, freed_ones_give_all_memory_back)
{
	size_t before;

	for (unsigned i = 0; i < 10; i++)
		a_life();
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < 10; i++)
		a_life();
	cr_assert_eq(mallinfo2().uordblks, before);
}

Test(stats, request_is_in_flight_until_its_end)
{
	struct stats *s = stats_new();
	struct stats_route *r = stats_route(s, 1);
	struct stats_request q = { .method = METHOD_GET, .status = 200 };

	stats_request_begin(r);
	stats_request_begin(r);
	cr_assert_eq(counter_get(&r->in_flight), 2);
	cr_assert_eq(counter_get(&r->requests), 0);
	stats_request_end(r, &q);
	cr_assert_eq(counter_get(&r->in_flight), 1);
	cr_assert_eq(counter_get(&r->requests), 1);
	stats_free(s);
}

Test(stats, request_is_counted_with_all_that_it_was)
{
	struct stats *s = stats_new();
	struct stats_route *r = stats_route(s, 1);
	struct stats_request q = {
		.method = METHOD_POST,
		.status = 504,
		.reason = END_RESPONSE_TIMEOUT,
		.duration_ns = 3 * CLOCK_MS,
		.request_bytes = 100,
		.response_bytes = 7,
	};
	uint64_t codes[STATUS_COUNT] = { 0 };

	stats_request_end(r, &q);
	stats_request_end(r, &q);
	cr_assert(stats_codes_add(r, METHOD_POST, codes));
	cr_assert_eq(codes[504], 2);
	cr_assert_not(stats_codes_add(r, METHOD_GET, codes));
	cr_assert_eq(counter_get(&r->request_bytes), 200);
	cr_assert_eq(counter_get(&r->response_bytes), 14);
	cr_assert_eq(counter_get(&r->failures[END_RESPONSE_TIMEOUT]), 2);
	cr_assert_eq(counter_get(&r->duration.sum_ns), 6 * CLOCK_MS);
	cr_assert_eq(
	    counter_get(&r->duration.count[histogram_bucket(3 * CLOCK_MS)]), 2);
	stats_free(s);
}

Test(stats, success_is_no_failure)
{
	struct stats *s = stats_new();
	struct stats_route *r = stats_route(s, 1);
	struct stats_request q = { .status = 200, .reason = END_NONE };

	stats_request_end(r, &q);
	for (unsigned i = 0; i < END_COUNT; i++)
		cr_assert_eq(counter_get(&r->failures[i]), 0);
	stats_free(s);
}

static unsigned
counted_as(unsigned status)
{
	struct stats *s = stats_new();
	struct stats_request q = { .method = METHOD_GET, .status = status };
	uint64_t codes[STATUS_COUNT] = { 0 };
	unsigned i;

	stats_request_end(stats_route(s, 0), &q);
	(void)stats_codes_add(stats_route(s, 0), METHOD_GET, codes);
	stats_free(s);
	for (i = 0; codes[i] == 0; i++)
		continue;
	return i;
}

Test(stats, made_up_status_does_not_grow_the_labels)
{
	cr_assert_eq(counted_as(0), 0);
	cr_assert_eq(counted_as(99), 0);
	cr_assert_eq(counted_as(100), 100);
	cr_assert_eq(counted_as(299), 299);
	cr_assert_eq(counted_as(599), 599);
	cr_assert_eq(counted_as(600), 0);
	cr_assert_eq(counted_as(4000000000u), 0);
}

Test(stats, codes_add_to_what_is_there)
{
	struct stats *s = stats_new();
	struct stats_request q = { .method = METHOD_PATCH, .status = 200 };
	uint64_t codes[STATUS_COUNT] = { [200] = 5, [201] = 1 };

	stats_request_end(stats_route(s, 0), &q);
	cr_assert(stats_codes_add(stats_route(s, 0), METHOD_PATCH, codes));
	cr_assert_eq(codes[200], 6);
	cr_assert_eq(codes[201], 1);
	stats_free(s);
}

Test(stats, connections_are_counted_in_and_out)
{
	struct stats *s = stats_new();
	struct stats_listener *l = stats_listener(s, 1);

	stats_connection_begin(l);
	stats_connection_begin(l);
	stats_connection_end(l);
	cr_assert_eq(counter_get(&l->accepted), 2);
	cr_assert_eq(counter_get(&l->connections), 1);
	stats_free(s);
}

Test(stats, handshakes_are_counted_by_version_and_resumption)
{
	struct stats *s = stats_new();
	struct stats_listener *l = stats_listener(s, 1);

	stats_shake(l, SHAKE_TLS_1_2, true, CLOCK_MS);
	stats_shake(l, SHAKE_TLS_1_3, false, CLOCK_MS);
	stats_shake(l, SHAKE_TLS_1_3, false, CLOCK_MS);
	cr_assert_eq(counter_get(&l->shakes[SHAKE_TLS_1_2][true]), 1);
	cr_assert_eq(counter_get(&l->shakes[SHAKE_TLS_1_2][false]), 0);
	cr_assert_eq(counter_get(&l->shakes[SHAKE_TLS_1_3][false]), 2);
	cr_assert_eq(counter_get(&l->shake_duration.sum_ns), 3 * CLOCK_MS);
	stats_free(s);
}

Test(stats, tls_versions_are_found_by_their_words)
{
	cr_assert_eq(stats_shake_find("TLSv1.2"), SHAKE_TLS_1_2);
	cr_assert_eq(stats_shake_find("TLSv1.3"), SHAKE_TLS_1_3);
	cr_assert_eq(stats_shake_find("TLSv1.4"), SHAKE_TLS_1_3);
}

#define ROUNDS 20000

static void *
count_much(void *arg)
{
	struct stats_request q = { .method = METHOD_GET, .status = 200 };
	struct stats *s = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		q.status = 200 + i % 300;
		stats_request_begin(stats_route(s, i % 700));
		stats_request_end(stats_route(s, i % 700), &q);
	}
	return NULL;
}

/* Under a thread sanitizer this is also a proof that there is no race. */
Test(stats, reader_sees_a_writer_at_work_without_a_lock)
{
	uint64_t codes[STATUS_COUNT], seen = 0, before;
	const struct stats_route *r;
	struct stats *s = stats_new();
	pthread_t writer;

	cr_assert_eq(pthread_create(&writer, NULL, count_much, s), 0);
	while (seen < ROUNDS) {
		before = seen;
		seen = 0;
		for (unsigned i = 0; i < 700; i++) {
			r = stats_block(s, STATS_ROUTES, i);
			if (r == NULL)
				continue;
			seen += counter_get(&r->requests);
			(void)stats_codes_add(r, METHOD_GET, codes);
		}
		cr_assert_geq(seen, before);
	}
	cr_assert_eq(pthread_join(writer, NULL), 0);
	cr_assert_eq(seen, ROUNDS);
	stats_free(s);
}
