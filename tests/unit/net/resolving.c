/* The resolver of the one test that runs, and what it has told. */
#include "tests/unit/net/resolving.h"

#include <criterion/criterion.h>

#include <stdio.h>

struct resolver *resolver;
struct dns dns;
struct got got;

void
resolving_up(void)
{
	char servers[40];

	loop_up();
	dns_init(&dns, loop);
	dns_open(&dns);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", dns.port);
	resolver = resolver_new(loop, servers, "/dev/null");
	cr_assert_not_null(resolver);
}

void
resolving_down(void)
{
	resolver_free(resolver);
	dns_close(&dns);
	loop_down();
}

void
got_addrs(struct got *g, const struct addr *addrs, size_t n, const char *error)
{
	g->count++;
	g->n = n;
	g->first[0] = g->last[0] = '\0';
	if (n > 0) {
		addr_print(&addrs[0], g->first);
		addr_print(&addrs[n - 1], g->last);
	}
	snprintf(g->error, sizeof(g->error), "%s", error ? error : "");
}
