/*
 * Whoever trickles is out of time; whoever keeps the pace never is.
 */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "http/pace.h"

#define SLACK (30 * CLOCK_S)
#define START (1000 * CLOCK_S)

/* When it is over for who sends so many bytes each second. */
static uint64_t
over_after(uint64_t bytes, uint64_t rate, uint64_t most)
{
	struct pace p;
	uint64_t at;

	pace_begin(&p, SLACK);
	pace_go(&p, START);
	for (at = START; at < START + most; at += CLOCK_S) {
		if (p.due <= at)
			break;
		pace_moved(&p, bytes, rate, SLACK, at);
	}
	return at - START;
}

Test(pace, who_sends_nothing_is_out_after_the_slack)
{
	cr_assert_eq(over_after(0, 240, CLOCK_S * 1000), SLACK);
	cr_assert_eq(over_after(0, 0, CLOCK_S * 1000), SLACK);
}

Test(pace, a_trickle_puts_it_off_by_its_share_alone)
{
	uint64_t tenth = over_after(24, 240, CLOCK_S * 1000);

	cr_assert_geq(tenth, SLACK);
	cr_assert_leq(tenth, SLACK * 10 / 9 + 2 * CLOCK_S);
}

Test(pace, who_keeps_it_is_never_out)
{
	cr_assert_eq(over_after(240, 240, CLOCK_S * 1000), CLOCK_S * 1000);
	cr_assert_eq(over_after(1, 0, CLOCK_S * 1000), CLOCK_S * 1000);
}

Test(pace, bytes_that_were_fast_before_earn_nothing)
{
	struct pace p;

	pace_begin(&p, SLACK);
	pace_go(&p, START);
	pace_moved(&p, UINT64_MAX, 240, SLACK, START + CLOCK_S);
	cr_assert_eq(p.due, START + CLOCK_S + SLACK);
	pace_moved(&p, 1 << 20, UINT64_MAX, SLACK, START + 2 * CLOCK_S);
	cr_assert_eq(p.due, START + CLOCK_S + SLACK);
}

Test(pace, a_second_is_given_back_for_a_seconds_bytes)
{
	struct pace p;

	pace_begin(&p, SLACK);
	pace_go(&p, START);
	pace_moved(&p, 360, 240, SLACK, START + 10 * CLOCK_S);
	cr_assert_eq(p.due, START + SLACK + 3 * CLOCK_S / 2);
}

Test(pace, it_goes_on_where_it_rested)
{
	struct pace p;

	pace_begin(&p, SLACK);
	pace_go(&p, START);
	pace_rest(&p, START + 10 * CLOCK_S);
	pace_go(&p, START + 100 * CLOCK_S);
	cr_assert_eq(p.due, START + 90 * CLOCK_S + SLACK);
	pace_rest(&p, p.due + CLOCK_S);
	pace_go(&p, START + 1000 * CLOCK_S);
	cr_assert_eq(p.due, START + 1000 * CLOCK_S);
}
