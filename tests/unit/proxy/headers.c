/* proxy/headers on an exchange that is no more than what they look at. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "proxy/headers.h"

#include "conf/conf.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/snapshot.h"

static struct conf_route conf;
static struct snap_route route;
static struct client client;
static struct head head;
static struct exchange x;

static void
set_up(void)
{
	conf = (struct conf_route){ .name = "r" };
	route.conf = &conf;
	client = (struct client){ .requests = 1 };
	head = (struct head){ .version = HTTP_1_1, .authority = TEXT("h:80") };
	x = (struct exchange){ .route = &route,
		.client = &client,
		.client_ip = TEXT("192.0.2.7"),
		.request = &head,
		.id_line =
		    "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n" };
}

static void
tear_down(void)
{
	arena_fini(&x.arena);
}

TestSuite(headers, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- the path --------------------------------------------------------------- */

static void
rewrites(const char *strip, const char *add, const char *from, const char *to)
{
	conf.strip_prefix = strip;
	conf.add_prefix = add;
	head.path = text_of(from);
	headers_rewrite(&x);
	cr_assert(text_equal(head.path, text_of(to)), "%s: %.*s", from,
	    TEXT_ARG(head.path));
}

Test(headers, a_prefix_is_stripped_by_whole_segments)
{
	rewrites("/api", NULL, "/api/x", "/x");
	rewrites("/api", NULL, "/api/", "/");
	rewrites("/api", NULL, "/api", "/");
	rewrites("/api", NULL, "/apix", "/apix");
	rewrites("/api", NULL, "/ap", "/ap");
	rewrites("/api", NULL, "/x/api", "/x/api");
	rewrites("/api/", NULL, "/api/x", "/x");
	rewrites("/api/", NULL, "/api", "/");
	rewrites("/api//", NULL, "/api/x", "/x");
	rewrites("/a/b", NULL, "/a/b/c", "/c");
	rewrites("/a/b", NULL, "/a/c", "/a/c");
	rewrites("/", NULL, "/x", "/x");
}

Test(headers, a_prefix_is_added_with_one_slash_between)
{
	rewrites(NULL, "/v2", "/x", "/v2/x");
	rewrites(NULL, "/v2/", "/x", "/v2/x");
	rewrites(NULL, "/v2//", "/", "/v2/");
	rewrites(NULL, "/", "/x", "/x");
}

Test(headers, a_prefix_is_stripped_before_one_is_added)
{
	rewrites("/api", "/v2", "/api/x", "/v2/x");
	rewrites("/api", "/v2", "/api", "/v2/");
	rewrites("/api", "/api", "/api/x", "/api/x");
	rewrites("/api", "/v2", "/x", "/v2/x");
	rewrites(NULL, NULL, "/x", "/x");
}

/* ---- fields ----------------------------------------------------------------- */

static void
have(enum token token, const char *name, const char *value)
{
	fields_add(
	    &head.fields, &x.arena, token, text_of(name), text_of(value));
}

/* The fields that go onward, in one line. */
static void
fields_are(const char *expected)
{
	char line[1024] = "";

	for (unsigned i = 0; i < head.fields.n; i++) {
		const struct field *f = &head.fields.v[i];

		if (f->token != TOKEN_NONE)
			snprintf(line + strlen(line),
			    sizeof(line) - strlen(line), "%.*s: %.*s\n",
			    TEXT_ARG(f->name), TEXT_ARG(f->value));
	}
	cr_assert_str_eq(line, expected);
}

Test(headers, a_request_says_where_it_came_from)
{
	have(TOKEN_OTHER, "A", "b");
	headers_request(&x);
	fields_are("A: b\n"
		   "X-Forwarded-For: 192.0.2.7\n"
		   "X-Forwarded-Proto: http\n"
		   "X-Forwarded-Host: h:80\n"
		   "X-Request-Id: 0123456789abcdef0123456789abcdef\n"
		   "Via: 1.1 fairlead\n");
}

Test(headers, a_request_over_tls_in_1_0_without_a_host_says_so)
{
	client.secure = true;
	head.version = HTTP_1_0;
	head.authority = TEXT_NONE;
	headers_request(&x);
	fields_are("X-Forwarded-For: 192.0.2.7\n"
		   "X-Forwarded-Proto: https\n"
		   "X-Request-Id: 0123456789abcdef0123456789abcdef\n"
		   "Via: 1.0 fairlead\n");
}

Test(headers, a_chain_is_kept_and_continued)
{
	have(TOKEN_X_FORWARDED_FOR, "X-Forwarded-For", "1.1.1.1, 2.2.2.2");
	have(TOKEN_OTHER, "A", "b");
	have(TOKEN_X_FORWARDED_FOR, "x-forwarded-for", "3.3.3.3");
	have(TOKEN_X_FORWARDED_PROTO, "X-Forwarded-Proto", "https");
	have(TOKEN_X_FORWARDED_HOST, "X-Forwarded-Host", "first");
	have(TOKEN_X_REQUEST_ID, "X-Request-Id", "theirs");
	have(TOKEN_VIA, "Via", "1.1 edge");
	headers_request(&x);
	fields_are("A: b\n"
		   "X-Forwarded-Proto: https\n"
		   "X-Forwarded-Host: first\n"
		   "X-Request-Id: theirs\n"
		   "Via: 1.1 edge\n"
		   "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7\n"
		   "Via: 1.1 fairlead\n");
}

/* A proxy that is trusted may pass on what its clients said. */
Test(headers, a_chain_in_many_fields_costs_no_more_than_its_bytes)
{
	char hop[300];

	memset(hop, 'f', sizeof(hop));
	for (unsigned i = 0; i < 90; i++)
		fields_add(&head.fields, &x.arena, TOKEN_X_FORWARDED_FOR,
		    TEXT("X-Forwarded-For"), (struct text){ hop, sizeof(hop) });
	headers_request(&x);
	cr_assert_lt(x.arena.bytes, 3 * 90 * sizeof(hop));
}

Test(headers, a_chain_has_no_empty_hops)
{
	have(TOKEN_X_FORWARDED_FOR, "X-Forwarded-For", "");
	have(TOKEN_X_FORWARDED_FOR, "X-Forwarded-For", "1.1.1.1");
	have(TOKEN_X_FORWARDED_FOR, "X-Forwarded-For", "");
	headers_request(&x);
	fields_are("X-Forwarded-For: 1.1.1.1, 192.0.2.7\n"
		   "X-Forwarded-Proto: http\n"
		   "X-Forwarded-Host: h:80\n"
		   "X-Request-Id: 0123456789abcdef0123456789abcdef\n"
		   "Via: 1.1 fairlead\n");
}

static struct conf_field set[] = { { "A", "1" }, { "B", "2" } };
static struct conf_field add[] = { { "A", "3" }, { "C", "4" } };
static const char *removed[] = { "D", "via" };

static const struct conf_headers changes = {
	.set = set,
	.nset = 2,
	.add = add,
	.nadd = 2,
	.remove = removed,
	.nremove = 2,
};

Test(headers, a_route_removes_sets_and_adds_in_this_order)
{
	conf.request_headers = changes;
	x.client_ip = TEXT("");
	have(TOKEN_OTHER, "a", "0");
	have(TOKEN_OTHER, "C", "0");
	have(TOKEN_OTHER, "d", "0");
	have(TOKEN_OTHER, "a", "00");
	headers_request(&x);
	fields_are("C: 0\n"
		   "X-Forwarded-For: \n"
		   "X-Forwarded-Proto: http\n"
		   "X-Forwarded-Host: h:80\n"
		   "X-Request-Id: 0123456789abcdef0123456789abcdef\n"
		   "A: 1\nB: 2\nA: 3\nC: 4\n");
}

Test(headers, a_response_passes_through_and_is_changed)
{
	have(TOKEN_DATE, "Date", "then");
	have(TOKEN_OTHER, "B", "0");
	conf.request_headers = changes;
	headers_response(&x, &head);
	fields_are("Date: then\nB: 0\nVia: 1.1 fairlead\n");
	conf.request_headers = (struct conf_headers){ 0 };
	conf.response_headers = changes;
	headers_response(&x, &head);
	fields_are("Date: then\nA: 1\nB: 2\nA: 3\nC: 4\n");
}
