#include <criterion/criterion.h>

#include "balancer/serverset.h"

/* Both forms, and the sizes where one turns into the other or into a new word. */
static const unsigned sizes[] = { 1, 63, 64, 65, 128, 129, 1000 };
#define EACH_SIZE(i) (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)

Test(serverset, starts_empty)
{
	struct serverset set;

	for
		EACH_SIZE(i)
		{
			serverset_init(&set, sizes[i]);
			cr_assert(serverset_is_empty(&set));
			cr_assert_eq(serverset_count(&set), 0);
			cr_assert_not(serverset_test(&set, sizes[i] - 1));
			serverset_fini(&set);
		}
}

Test(serverset, of_nobody_is_empty)
{
	struct serverset set;

	serverset_init(&set, 0);
	cr_assert(serverset_is_empty(&set));
	cr_assert_not(serverset_meet(&set, &set));
	serverset_empty(&set);
	serverset_fini(&set);
}

Test(serverset, may_be_given_up_twice)
{
	struct serverset set;

	for
		EACH_SIZE(i)
		{
			serverset_init(&set, sizes[i]);
			serverset_fini(&set);
			cr_assert_eq(set.n, 0);
			cr_assert(serverset_is_empty(&set));
			serverset_fini(&set);
		}
}

Test(serverset, holds_exactly_what_was_set)
{
	struct serverset set;

	for
		EACH_SIZE(i)
		{
			serverset_init(&set, sizes[i]);
			for (unsigned k = 0; k < sizes[i]; k += 3)
				serverset_set(&set, k);
			for (unsigned k = 0; k < sizes[i]; k++)
				cr_assert_eq(serverset_test(&set, k),
				    k % 3 == 0, "%u of %u", k, sizes[i]);
			cr_assert_eq(serverset_count(&set), (sizes[i] + 2) / 3);
			cr_assert_not(serverset_is_empty(&set));
			serverset_fini(&set);
		}
}

Test(serverset, clear_takes_out_one)
{
	struct serverset set;

	for
		EACH_SIZE(i)
		{
			serverset_init(&set, sizes[i]);
			serverset_set(&set, 0);
			serverset_set(&set, sizes[i] - 1);
			serverset_clear(&set, sizes[i] - 1);
			cr_assert_not(serverset_test(&set, sizes[i] - 1));
			cr_assert_eq(serverset_count(&set), sizes[i] > 1);
			serverset_fini(&set);
		}
}

Test(serverset, empty_takes_out_all)
{
	struct serverset set;

	for
		EACH_SIZE(i)
		{
			serverset_init(&set, sizes[i]);
			for (unsigned k = 0; k < sizes[i]; k++)
				serverset_set(&set, k);
			serverset_empty(&set);
			cr_assert(serverset_is_empty(&set));
			cr_assert_eq(serverset_count(&set), 0);
			serverset_fini(&set);
		}
}

Test(serverset, and_not_leaves_what_only_the_first_has)
{
	struct serverset a, b, to;

	for
		EACH_SIZE(i)
		{
			serverset_init(&a, sizes[i]);
			serverset_init(&b, sizes[i]);
			serverset_init(&to, sizes[i]);
			for (unsigned k = 0; k < sizes[i]; k++) {
				serverset_set(&to, k);
				if (k % 2 == 0)
					serverset_set(&a, k);
				if (k % 3 == 0)
					serverset_set(&b, k);
			}
			serverset_and_not(&to, &a, &b);
			for (unsigned k = 0; k < sizes[i]; k++)
				cr_assert_eq(serverset_test(&to, k),
				    k % 2 == 0 && k % 3 != 0, "%u of %u", k,
				    sizes[i]);
			serverset_fini(&a);
			serverset_fini(&b);
			serverset_fini(&to);
		}
}

Test(serverset, meet_wants_one_in_common)
{
	struct serverset a, b;

	for
		EACH_SIZE(i)
		{
			serverset_init(&a, sizes[i]);
			serverset_init(&b, sizes[i]);
			serverset_set(&a, sizes[i] - 1);
			cr_assert_not(serverset_meet(&a, &b));
			serverset_set(&b, 0);
			cr_assert_eq(serverset_meet(&a, &b), sizes[i] == 1);
			serverset_set(&b, sizes[i] - 1);
			cr_assert(serverset_meet(&a, &b));
			serverset_fini(&a);
			serverset_fini(&b);
		}
}
