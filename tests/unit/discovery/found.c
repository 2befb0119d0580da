/* discovery/found: sets as values. */
#include <criterion/criterion.h>
#include <string.h>

#include "discovery/found.h"

#include "base/addr.h"

TestSuite(found, .timeout = 60);

static struct found
server(const char *ip, uint16_t port)
{
	struct found f = { .weight = 1 };

	cr_assert(addr_from_ip(text_of(ip), port, &f.addr));
	return f;
}

Test(found, the_order_of_telling_does_not_count)
{
	struct found one[] = { server("10.0.0.2", 80), server("10.0.0.1", 81),
		server("10.0.0.1", 80), server("fd00::1", 80) };
	struct found two[] = { one[3], one[2], one[1], one[0] };
	struct found_set *a = found_set_new(one, 4), *b = found_set_new(two, 4);

	cr_assert(found_set_equal(a, b));
	cr_assert_eq(a->n, 4);
	cr_assert(addr_equal(&a->v[0].addr, &one[2].addr) ||
	    addr_equal(&a->v[0].addr, &one[3].addr));
	found_set_free(a);
	found_set_free(b);
	found_set_free(NULL);
}

Test(found, each_fact_of_a_server_counts)
{
	struct found f[4], g = server("10.0.0.1", 80);
	struct found_set *a = found_set_new(&g, 1), *b;

	for (unsigned i = 0; i < 4; i++)
		f[i] = g;
	f[0].weight = 2;
	f[1].backup = true;
	f[2].name = "x";
	f[3].addr = server("10.0.0.1", 81).addr;
	for (unsigned i = 0; i < 4; i++) {
		b = found_set_new(&f[i], 1);
		cr_assert_not(found_set_equal(a, b), "%u", i);
		found_set_free(b);
	}
	g.place = "elsewhere";
	b = found_set_new(&g, 1);
	cr_assert(found_set_equal(a, b));
	found_set_free(b);
	b = found_set_new(NULL, 0);
	cr_assert_not(found_set_equal(a, b));
	found_set_free(b);
	found_set_free(a);
}

Test(found, one_address_or_one_name_is_one_server)
{
	char name[] = "x";
	struct found f[] = { server("10.0.0.1", 80), server("10.0.0.1", 80),
		server("10.0.0.2", 80), server("10.0.0.3", 80) };
	struct found_set *set;

	f[2].name = f[3].name = name;
	set = found_set_new(f, 4);
	name[0] = 'y';
	cr_assert_eq(set->n, 2);
	cr_assert_str_eq(set->v[1].name, "x");
	found_set_free(set);
}

Test(found, what_is_missing_is_counted)
{
	struct found f[] = { server("10.0.0.1", 80), server("10.0.0.2", 80),
		server("10.0.0.3", 80) };
	struct found_set *all = found_set_new(f, 3);
	struct found_set *some = found_set_new(f + 1, 1);

	cr_assert_eq(found_set_missing(all, some), 2);
	cr_assert_eq(found_set_missing(some, all), 0);
	cr_assert_eq(found_set_missing(all, NULL), 3);
	cr_assert_eq(found_set_missing(NULL, all), 0);
	found_set_free(all);
	found_set_free(some);
}
