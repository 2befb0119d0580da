/* proxy/requests: what /requests may be asked. */
#include <criterion/criterion.h>

#include "proxy/requests.h"

#include "base/clock.h"

TestSuite(requests, .timeout = 60);

static bool
parse(const char *query, uint64_t *ns)
{
	*ns = 1;
	return requests_parse_query(text_of(query), ns);
}

Test(requests, are_asked_for_by_age_or_not_at_all)
{
	uint64_t ns;

	cr_assert(parse("", &ns));
	cr_assert_eq(ns, 1, "the caller's");
	cr_assert(parse("older=5s", &ns));
	cr_assert_eq(ns, 5 * CLOCK_S);
	cr_assert(parse("older=1m30s", &ns));
	cr_assert_eq(ns, 90 * CLOCK_S);
}

Test(requests, are_not_asked_for_otherwise)
{
	uint64_t ns;

	cr_assert(!parse("older", &ns));
	cr_assert(!parse("older=", &ns));
	cr_assert(!parse("older=5", &ns));
	cr_assert(!parse("older=5s&x", &ns));
	cr_assert(!parse("Older=5s", &ns));
	cr_assert(!parse("younger=5s", &ns));
	cr_assert(!parse("x&older=5s", &ns));
}
