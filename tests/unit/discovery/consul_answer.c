/*
 * Answers in the shape of a real Consul's (1.17, as /v1/health/service shows
 * them), with what may be strange about them.
 */
#include "discovery/consul_answer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4

static struct consul_answer a;

/* An entry as Consul writes it, with these things of the test's. */
#define ENTRY(id, address, port, meta, weights, status) \
	"{\"Node\":{\"ID\":\"40e4a748-2192-161a-0510-9bf59fe950b5\"," \
	"\"Node\":\"n1\",\"Address\":\"10.9.9.9\",\"Datacenter\":\"dc1\"," \
	"\"TaggedAddresses\":{\"lan\":\"10.9.9.9\",\"lan_ipv4\":\"10.9.9.9\"," \
	"\"wan\":\"10.9.9.9\",\"wan_ipv4\":\"10.9.9.9\"}," \
	"\"Meta\":{\"consul-network-segment\":\"\"}," \
	"\"CreateIndex\":13,\"ModifyIndex\":14}," \
	"\"Service\":{\"ID\":\"" id "\",\"Service\":\"web\"," \
	"\"Tags\":[\"v2\"],\"Address\":\"" address "\"," \
	"\"TaggedAddresses\":{\"lan_ipv4\":{\"Address\":\"10.0.0.1\"," \
	"\"Port\":80}},\"Meta\":" meta ",\"Port\":" port \
	",\"Weights\":" weights \
	",\"EnableTagOverride\":false,\"Proxy\":{\"Mode\":\"\"," \
	"\"MeshGateway\":{},\"Expose\":{}},\"Connect\":{}," \
	"\"PeerName\":\"\",\"CreateIndex\":21,\"ModifyIndex\":21}," \
	"\"Checks\":[{\"Node\":\"n1\",\"CheckID\":\"serfHealth\"," \
	"\"Name\":\"Serf Health Status\",\"Status\":\"passing\"," \
	"\"Notes\":\"\",\"Output\":\"Agent alive and reachable\"," \
	"\"ServiceID\":\"\",\"ServiceTags\":[],\"Definition\":{}}," \
	"{\"Node\":\"n1\",\"CheckID\":\"service:web\"," \
	"\"Name\":\"Service 'web' check\",\"Status\":\"" status "\"," \
	"\"Definition\":{}}]}"
#define WEIGHTS(passing, warning) \
	"{\"Passing\":" #passing ",\"Warning\":" #warning "}"
#define WEB(id, address, port) \
	ENTRY(id, address, port, "{}", WEIGHTS(1, 1), "passing")

static bool
read_body(const char *body)
{
	consul_answer_fini(&a);
	return consul_answer_read(&a, text_of(body), MOST);
}

static void
expect(unsigned i, const char *addr, unsigned weight)
{
	char printed[ADDR_TEXT_MAX];

	cr_assert_lt(i, a.n, "%s", a.why);
	addr_print(&a.v[i].addr, printed);
	cr_assert_str_eq(printed, addr);
	cr_assert_eq(a.v[i].weight, weight, "%u", a.v[i].weight);
}

static void
expect_bad(const char *body, const char *why)
{
	cr_assert_not(read_body(body), "%s", body);
	cr_assert_eq(a.n, 0);
	cr_assert_not_null(strstr(a.why, why), "%s: %s", body, a.why);
	consul_answer_fini(&a);
}

TestSuite(consul_answer, .timeout = 60);

Test(consul_answer, a_real_answer_is_read)
{
	cr_assert(read_body("[" ENTRY("web1", "10.0.0.1", "8080",
	    "{\"zone\":\"a\"}", WEIGHTS(10, 1), "passing") "," ENTRY("web2",
	    "fd00::2", "80", "null", WEIGHTS(10, 3), "warning") "]"));
	cr_assert_eq(a.n, 2);
	expect(0, "10.0.0.1:8080", 10);
	expect(1, "[fd00::2]:80", 3);
	cr_assert_eq(a.left_out, 0);
	consul_answer_fini(&a);
}

Test(consul_answer, nobody_is_an_answer)
{
	cr_assert(read_body("[]"));
	cr_assert_eq(a.n, 0);
	cr_assert_str_eq(a.why, "");
	cr_assert(read_body(" [ ]\n"));
	consul_answer_fini(&a);
}

Test(consul_answer, without_an_address_it_is_the_nodes)
{
	cr_assert(read_body("[" WEB("web", "", "80") "]"));
	expect(0, "10.9.9.9:80", 1);
	consul_answer_fini(&a);
}

Test(consul_answer, who_cannot_be_sent_to_is_left_out_alone)
{
	cr_assert(read_body("[" WEB("n", "db.internal", "80") "," WEB(
	    "p", "10.0.0.1", "0") "," WEB("q", "10.0.0.1",
	    "70000") "," WEB("web", "10.0.0.2", "80") "]"));
	cr_assert_eq(a.n, 1);
	cr_assert_eq(a.left_out, 3);
	expect(0, "10.0.0.2:80", 1);
	cr_assert_str_eq(a.why, "\"n\" has no IP address");
	consul_answer_fini(&a);
}

Test(consul_answer, weights_too_large_shrink_in_proportion)
{
	cr_assert(read_body("[" ENTRY("a", "10.0.0.1", "80", "{}",
	    WEIGHTS(1000, 1), "passing") "," ENTRY("b", "10.0.0.2", "80", "{}",
	    WEIGHTS(500, 1), "passing") "," ENTRY("c", "10.0.0.3", "80", "{}",
	    WEIGHTS(1, 1), "passing") "," ENTRY("d", "10.0.0.4", "80", "{}",
	    WEIGHTS(9, 0), "critical") "]"));
	expect(0, "10.0.0.1:80", 256);
	expect(1, "10.0.0.2:80", 128);
	expect(2, "10.0.0.3:80", 1);
	expect(3, "10.0.0.4:80", 0);
	consul_answer_fini(&a);
}

Test(consul_answer, strange_weights_are_one)
{
	cr_assert(read_body("[" ENTRY(
	    "a", "10.0.0.1", "80", "{}", "null", "passing") "," ENTRY("b",
	    "10.0.0.2", "80", "{}", WEIGHTS(-4, 1), "passing") "," ENTRY("c",
	    "10.0.0.3", "80", "{}", "{\"Passing\":\"7\"}", "passing") "]"));
	expect(0, "10.0.0.1:80", 1);
	expect(1, "10.0.0.2:80", 1);
	expect(2, "10.0.0.3:80", 1);
	consul_answer_fini(&a);
}

Test(consul_answer, what_is_not_of_its_form_counts_for_nothing)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{ "", "no JSON" },
		{ "<html>", "no JSON" },
		{ "null", "no JSON" },
		{ "{}", "no list" },
		{ "[] []", "no JSON" },
		{ "[", "no JSON" },
		{ "[" WEB("web", "10.0.0.1", "80"), "no JSON" },
		{ "[1]", "no entry" },
		{ "[{}]", "no entry" },
		{ "[{\"Node\":{},\"Service\":[],\"Checks\":[]}]", "no entry" },
		{ "[{\"Node\":{},\"Service\":{},\"Checks\":null}]",
		    "no entry" },
		{ "[{\"Node\":{},\"Node\":{}}]", "no JSON: duplicate" },
		{ "[" WEB("a\\u0000b", "10.0.0.1", "80") "]", "no JSON" },
		{ "[" WEB("a", "10.0.0.1", "80") ",7]", "no entry" },
		{ "[{},{},{},{},{}]", "too many servers" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_bad(cases[i].body, cases[i].why);
}

Test(consul_answer, brackets_are_counted_before_they_cost_memory)
{
	size_t n = 1 << 20;
	char *body = malloc(n + 1);

	memset(body, '[', n);
	body[n] = '\0';
	expect_bad(body, "more than a list of servers needs");
	free(body);
}

Test(consul_answer, no_prefix_of_an_answer_is_one)
{
	static const char body[] = "[" WEB("web", "10.0.0.1", "80") "]";

	for (size_t n = 0; n < sizeof(body) - 1; n++) {
		cr_assert_not(
		    consul_answer_read(&a, (struct text){ body, n }, MOST));
		consul_answer_fini(&a);
	}
}
