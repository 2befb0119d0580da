/* base/clock: reading it and printing it. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"

Test(clock, monotonic_never_goes_back)
{
	uint64_t last = clock_now();

	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_now();

		cr_assert_geq(now, last);
		last = now;
	}
}

Test(clock, readings_are_the_kernel_s_in_nanoseconds)
{
	struct timespec t;
	uint64_t now, wall;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = clock_now();
	cr_assert_geq(now, (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec);
	cr_assert_lt(now - (uint64_t)t.tv_sec * CLOCK_S, 60 * CLOCK_S);
	clock_gettime(CLOCK_REALTIME, &t);
	wall = clock_wall();
	cr_assert_geq(wall, (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec);
	cr_assert_lt(wall - (uint64_t)t.tv_sec * CLOCK_S, 60 * CLOCK_S);
}

static void
check(uint64_t second, const char *rfc3339, const char *http)
{
	char s[32];

	cr_assert_eq(
	    clock_rfc3339(s, second * CLOCK_S + 7 * CLOCK_MS + 999999), 24);
	cr_assert_str_eq(s, rfc3339);
	cr_assert_eq(clock_http_date(s, second * CLOCK_S), 29);
	cr_assert_str_eq(s, http);
}

Test(clock, dates_at_the_turns_of_the_calendar)
{
	check(0, "1970-01-01T00:00:00.007Z", "Thu, 01 Jan 1970 00:00:00 GMT");
	check(784111777, "1994-11-06T08:49:37.007Z",
	    "Sun, 06 Nov 1994 08:49:37 GMT");
	check(951782399, "2000-02-28T23:59:59.007Z",
	    "Mon, 28 Feb 2000 23:59:59 GMT");
	check(951782400, "2000-02-29T00:00:00.007Z",
	    "Tue, 29 Feb 2000 00:00:00 GMT");
	check(951868800, "2000-03-01T00:00:00.007Z",
	    "Wed, 01 Mar 2000 00:00:00 GMT");
	check(4107542400, "2100-03-01T00:00:00.007Z",
	    "Mon, 01 Mar 2100 00:00:00 GMT");
}

/* Against libc, for 400 years. */
Test(clock, dates_agree_with_gmtime)
{
	struct rng rng;
	char got[32], want[64];

	rng_seed(&rng, 11);
	for (int i = 0; i < 20000; i++) {
		uint64_t second = rng_below(&rng, 12622780800ull);
		time_t t = (time_t)second;
		struct tm tm;

		gmtime_r(&t, &tm);
		clock_http_date(got, second * CLOCK_S);
		strftime(want, sizeof(want), "%a, %d %b %Y %T GMT", &tm);
		cr_assert_str_eq(got, want);
		clock_rfc3339(got, second * CLOCK_S + 5 * CLOCK_MS);
		strftime(want, sizeof(want), "%FT%T.005Z", &tm);
		cr_assert_str_eq(got, want);
	}
}
