/* health/probe against scripted origins: when it asks, and how many at once. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/lib/descriptors.h"
#include "tests/lib/drive.h"
#include "tests/unit/health/probing.h"

TestSuite(probe_turns, .init = probing_up, .fini = probing_down, .timeout = 60);

Test(probe_turns,
    the_interval_runs_from_start_to_start_and_jitter_only_shortens_it)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;
	uint64_t longest = 0, shortest = UINT64_MAX;

	origin_reply(o, (struct reply){ .delay_ms = 100 });
	options.interval_ns = 200 * CLOCK_MS;
	options.jitter_percent = 50;
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 12));
	for (unsigned i = 1; i < 12; i++) {
		uint64_t gap = got.at[i] - got.at[i - 1];

		longest = gap > longest ? gap : longest;
		shortest = gap < shortest ? gap : shortest;
	}
	cr_assert_lt(longest, 260 * CLOCK_MS);
	cr_assert_gt(shortest, 80 * CLOCK_MS);
	cr_assert_gt(longest - shortest, 15 * CLOCK_MS, "there is jitter");
	cr_assert_lt(got.at[11] - got.at[0], 2000 * CLOCK_MS);
	probe_free(p);
}

Test(probe_turns,
    a_probe_longer_than_the_interval_is_followed_by_the_next_at_once)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;

	origin_reply(o, (struct reply){ .delay_ms = 150 });
	options.interval_ns = 50 * CLOCK_MS;
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 4));
	cr_assert_eq(origin_peak(o), 1, "never two of one server");
	cr_assert_lt(got.at[3] - got.at[0], 900 * CLOCK_MS);
	probe_free(p);
}

Test(probe_turns, hurry_probes_each_second_until_told_otherwise)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p = probe_origin(o, &options);

	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	probe_hurry(p, true);
	probe_hurry(p, true);
	cr_assert(DRIVE_UNTIL(loop, got.count == 3));
	cr_assert_geq(got.at[1] - got.at[0], 900 * CLOCK_MS);
	cr_assert_geq(got.at[2] - got.at[1], 900 * CLOCK_MS);
	cr_assert_lt(got.at[2] - got.at[0], 2900 * CLOCK_MS);
	probe_hurry(p, false);
	drive(loop, 1200);
	cr_assert_eq(got.count, 3);
	probe_free(p);
}

Test(probe_turns, hurry_never_slows_a_shorter_interval)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;

	options.interval_ns = 100 * CLOCK_MS;
	p = probe_origin(o, &options);
	probe_hurry(p, true);
	cr_assert(DRIVE_UNTIL(loop, got.count == 4));
	cr_assert_lt(got.at[3] - got.at[0], 900 * CLOCK_MS);
	probe_free(p);
}

Test(probe_turns, now_means_at_once_and_not_twice)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p = probe_origin(o, &options);

	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	probe_now(p);
	cr_assert(DRIVE_UNTIL(loop, got.count == 2));
	origin_reply(o, (struct reply){ .silent = true });
	probe_now(p);
	cr_assert(DRIVE_UNTIL(loop, origin_requests(o) == 3));
	probe_now(p);
	drive(loop, 50);
	cr_assert_eq(origin_requests(o), 3, "one is under way");
	probe_free(p);
}

Test(probe_turns, other_options_are_tried_at_once_and_the_same_change_nothing)
{
	static const struct status_range ranges[] = { { 200, 200 } };
	struct origin *o = origin_new("a");
	struct probe_options options = http_options(), changed;
	char path[] = "/";
	struct probe *p;
	unsigned n = 1;

	options.path = NULL;
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	options.path = path;
	probe_configure(p, &options);
	drive(loop, 50);
	cr_assert_eq(got.count, 1);
	for (int i = 0; i < 9; i++) {
		changed = options;
		switch (i) {
		case 0:
			changed.path = "/other";
			break;
		case 1:
			changed.host = "example.org";
			break;
		case 2:
			changed.expect_body = "GET";
			break;
		case 3:
			changed.jitter_percent = 1;
			break;
		case 4:
			changed.timeout_ns++;
			break;
		case 5:
			changed.interval_ns++;
			break;
		case 6:
			changed.type = PROBE_TCP;
			break;
		case 7:
			changed.port = (uint16_t)origin_port(o);
			break;
		case 8:
			changed.expect_status = ranges;
			changed.expect_statuses = 1;
			break;
		}
		probe_configure(p, &changed);
		n++;
		cr_assert(DRIVE_UNTIL(loop, got.count == n), "%d", i);
		cr_assert(got.ok);
		probe_configure(p, &changed);
		drive(loop, 10);
		cr_assert_eq(got.count, n);
		probe_configure(p, &options);
		n++;
		cr_assert(DRIVE_UNTIL(loop, got.count == n));
	}
	probe_free(p);
}

Test(probe_turns, options_are_copied)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct status_range range = { 200, 200 };
	char path[] = "/x", host[] = "h", body[] = "GET";
	struct probe *p;

	options.path = path;
	options.host = host;
	options.expect_body = body;
	options.expect_status = &range;
	options.expect_statuses = 1;
	p = probe_origin(o, &options);
	path[1] = host[0] = body[0] = '?';
	range.from = range.to = 999;
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok, "%s", got.detail);
	cr_assert_eq(origin_count(o, "/x"), 1);
	probe_free(p);
}

Test(probe_turns, new_options_drop_the_probe_under_way)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;

	origin_reply(o, (struct reply){ .path = "/hangs", .silent = true });
	options.path = "/hangs";
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, origin_count(o, "/hangs") == 1));
	options.path = "/";
	probe_configure(p, &options);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok);
	probe_free(p);
}

Test(probe_turns, a_freed_probe_says_nothing_in_whatever_state)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct prober *one = prober_new(loop, fetcher, 1);
	struct addr a = address_of(o);
	struct probe *runs, *waits;

	probe_free(probe_origin(o, &options));
	probe_free(NULL);
	origin_reply(o, (struct reply){ .silent = true });
	runs = probe_new(one, &a, &options, note, &got);
	waits = probe_new(one, &a, &options, note, &got);
	cr_assert(DRIVE_UNTIL(loop, origin_requests(o) == 1));
	probe_free(waits);
	probe_free(runs);
	cr_assert(DRIVE_UNTIL(loop, origin_open(o) == 0));
	cr_assert_eq(got.count, 0);
	prober_free(one);
}

static void
free_itself(void *arg, const struct probe_result *r)
{
	struct got *g = arg;

	note(g, r);
	probe_free(g->probe);
}

static void
configure_itself(void *arg, const struct probe_result *r)
{
	struct got *g = arg;
	struct probe_options options = http_options();

	note(g, r);
	options.path = "/again";
	probe_configure(g->probe, &options);
}

Test(probe_turns, may_be_freed_and_configured_from_its_callback)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct addr a = address_of(o);

	got.probe = probe_new(prober, &a, &options, free_itself, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	drive(loop, 20);
	cr_assert_eq(got.count, 1);
	got.probe = probe_new(prober, &a, &options, configure_itself, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 3));
	cr_assert_eq(origin_count(o, "/again"), 1);
	probe_free(got.probe);
}

Test(probe_turns, no_more_than_the_bound_are_under_way_and_all_get_their_turn)
{
	struct origin *o = origin_new("a");
	struct prober *four = prober_new(loop, fetcher, 4);
	struct probe_options options = http_options();
	struct addr a = address_of(o);
	struct probe *p[12];

	origin_reply(o, (struct reply){ .delay_ms = 30 });
	for (int i = 0; i < 12; i++)
		p[i] = probe_new(four, &a, &options, note, &got);
	cr_assert(DRIVE_UNTIL(loop, got.count == 12));
	cr_assert_eq(origin_peak(o), 4);
	for (int i = 0; i < 12; i++)
		probe_free(p[i]);
	prober_free(four);
}

Test(probe_turns, freeing_one_gives_its_turn_to_the_next)
{
	struct origin *hangs = origin_new("a"), *o = origin_new("b");
	struct prober *one = prober_new(loop, fetcher, 1);
	struct probe_options options = http_options();
	struct addr a = address_of(hangs), b = address_of(o);
	struct probe *first, *second;

	origin_reply(hangs, (struct reply){ .silent = true });
	options.timeout_ns = FOREVER;
	first = probe_new(one, &a, &options, note, &got);
	second = probe_new(one, &b, &options, note, &got);
	cr_assert(DRIVE_UNTIL(loop, origin_requests(hangs) == 1));
	probe_free(first);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok);
	probe_free(second);
	prober_free(one);
}

Test(probe_turns, many_have_their_first_result_within_a_second)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p[200];
	uint64_t began = clock_now(), scale = (uint64_t)wait_scale();

	for (int i = 0; i < 200; i++)
		p[i] = probe_origin(o, &options);
	drive(loop, 100);
	cr_assert_gt(got.count, 15, "the first few at once");
	cr_assert_lt(got.count, 150, "the others are spread");
	cr_assert(DRIVE_UNTIL(loop, got.count == 200));
	cr_assert_lt(clock_now() - began, scale * CLOCK_S);
	cr_assert_eq(got.good, 200);
	for (int i = 0; i < 200; i++)
		probe_free(p[i]);
}

Test(probe_turns, a_failure_of_our_own_is_not_told_but_repeated_soon)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p = probe_origin(o, &options);

	descriptors_end_at(0);
	drive(loop, 100);
	descriptors_again();
	cr_assert_eq(got.count, 0);
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok);
	cr_assert_eq(origin_accepted(o), 1);
	probe_free(p);
}

Test(probe_turns, a_stall_of_our_own_is_no_failure_of_the_server)
{
	struct origin *o = origin_new("a");
	struct probe_options options = http_options();
	struct probe *p;

	origin_reply(o, (struct reply){ .silent = true });
	options.timeout_ns = 100 * CLOCK_MS;
	p = probe_origin(o, &options);
	cr_assert(DRIVE_UNTIL(loop, origin_requests(o) == 1));
	wait_till(wait_now() + 600);
	origin_reply(o, (struct reply){ .text = "well" });
	cr_assert(DRIVE_UNTIL(loop, got.count == 1));
	cr_assert(got.ok, "%s", got.detail);
	probe_free(p);
}
