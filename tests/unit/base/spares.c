/* base/spares: what is kept for reuse, and for how long. */
#include <criterion/criterion.h>

#include "base/spares.h"

static struct spares s;
static struct spare things[8];

static void
give(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		spares_give(&s, &things[i]);
}

/* How many go. */
static unsigned
shed(void)
{
	unsigned n = 0;

	while (spares_shed(&s) != NULL)
		n++;
	return n;
}

TestSuite(spares, .timeout = 60);

Test(spares, the_last_given_is_taken_first)
{
	give(2);
	cr_assert_eq(spares_take(&s), &things[1]);
	cr_assert_eq(spares_take(&s), &things[0]);
	cr_assert_null(spares_take(&s));
	cr_assert_eq(s.n, 0);
}

Test(spares, none_goes_that_was_not_there_at_the_last_look)
{
	give(3);
	cr_assert_eq(shed(), 0);
	cr_assert_eq(s.n, 3);
}

Test(spares, all_go_that_nobody_needed_since)
{
	give(3);
	shed();
	cr_assert_eq(shed(), 3);
	cr_assert_eq(s.n, 0);
	cr_assert_eq(shed(), 0);
}

Test(spares, as_many_stay_as_were_needed_at_once)
{
	struct spare *one, *other;

	give(5);
	shed();
	one = spares_take(&s);
	other = spares_take(&s);
	spares_give(&s, one);
	spares_give(&s, other);
	spares_give(&s, spares_take(&s));
	cr_assert_eq(shed(), 3);
	cr_assert_eq(s.n, 2);
}
