#include <criterion/criterion.h>

#include "conf/suggest.h"

static void
hint_is(const char *hint, const char *expected, const char *word)
{
	if (expected == NULL)
		cr_expect_null(hint, "'%s' gives '%s'", word, hint);
	else if (hint == NULL)
		cr_expect_fail("'%s' gives nothing", word);
	else
		cr_expect_str_eq(hint, expected, "'%s' gives '%s'", word, hint);
}

Test(suggest, keys_are_near_foreign_elsewhere_or_later)
{
	static const struct {
		const char *path, *key, *hint;
	} cases[] = {
		{ "upstreams.NAME", "heath_check",
		    "did you mean 'health_check'?" },
		{ "upstreams.NAME", "healthCheck",
		    "did you mean 'health_check'?" },
		{ "upstreams.NAME", "Health-Checks",
		    "did you mean 'health_check'?" },
		{ "", "access-logs", "did you mean 'access_log'?" },
		{ "", "worker_threads", "did you mean 'workers'?" },
		{ "", "entryPoints", "did you mean 'listeners'?" },
		{ "", "backend", "did you mean 'upstreams'?" },
		{ "", "CLUSTERS", "did you mean 'upstreams'?" },
		{ "", "frontend", "did you mean 'listeners'?" },
		{ "routes[]", "proxy_pass", "did you mean 'to'?" },
		{ "upstreams.NAME", "server", "did you mean 'servers'?" },
		{ "upstreams.NAME", "hosts", "did you mean 'servers'?" },
		{ "routes[]", "hosts", "did you mean 'host'?" },
		{ "routes[]", "entryPoints", "did you mean 'listeners'?" },
		{ "log", "entryPoints", "fairlead calls it 'listeners'" },
		{ "routes[]", "weight",
		    "its place is upstreams.NAME.servers[].weight" },
		{ "", "health_check",
		    "its place is upstreams.NAME.health_check" },
		{ "", "redis", "not available in this version" },
		{ "routes[]", "retry", "not available in this version" },
		{ "", "zzzzzz", NULL },
		{ "", "", NULL },
		{ "log", "lvel", "did you mean 'level'?" },
		{ "log", "lel", NULL },
	};
	struct arena arena = { 0 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		hint_is(
		    suggest_key(&arena, cases[i].path, text_of(cases[i].key)),
		    cases[i].hint, cases[i].key);
	arena_fini(&arena);
}

Test(suggest, words_are_near_foreign_or_listed)
{
	static const char policies[] = "round_robin|least_connections";
	static const struct {
		const char *words, *word, *hint;
	} cases[] = {
		{ policies, "leastconn", "did you mean 'least_connections'?" },
		{ policies, "rr", "did you mean 'round_robin'?" },
		{ policies, "roundrobin", "did you mean 'round_robin'?" },
		{ policies, "round-robin", "did you mean 'round_robin'?" },
		{ policies, "maglev", "not available in this version" },
		{ policies, "x", "one of: round_robin, least_connections" },
		{ "json", "xml", "only: json" },
		{ "http|https", "htps", "did you mean 'https'?" },
		{ "a|b", "frontend", "one of: a, b" },
	};
	struct arena arena = { 0 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		hint_is(suggest_word(
			    &arena, cases[i].words, text_of(cases[i].word)),
		    cases[i].hint, cases[i].word);
	arena_fini(&arena);
}

Test(suggest, the_nearest_of_several_is_taken_within_a_third)
{
	struct nearest near = { .to = TEXT("payments") };

	nearest_offer(&near, TEXT("paymnet")); /* 2 */
	nearest_offer(&near, TEXT("paymets")); /* 1 */
	nearest_offer(&near, TEXT("paymens")); /* 1, but later */
	nearest_offer(&near, TEXT("apyment"));
	cr_assert(text_equal(near.found, TEXT("paymets")));
	near = (struct nearest){ .to = TEXT("abcdef") };
	nearest_offer(&near, TEXT("abcxyz")); /* 3 of 6 */
	cr_assert_eq(near.found.n, 0);
	nearest_offer(&near, TEXT("abcdxy")); /* 2 of 6 */
	cr_assert_gt(near.found.n, 0);
	near = (struct nearest){ .to = TEXT("abcdefghijklmno") };
	nearest_offer(&near, TEXT("abcdefghijkXXXX")); /* 4 of 15 */
	cr_assert_eq(near.found.n, 0);
	nearest_offer(&near, TEXT("abcdefghijklXXX")); /* 3 of 15 */
	cr_assert_gt(near.found.n, 0);
	near = (struct nearest){ .to = TEXT("u") };
	nearest_offer(&near, TEXT("v"));
	cr_assert_eq(near.found.n, 0, "one letter is near to no letter");
}
