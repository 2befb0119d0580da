/* proxy/reply: fairlead's own answers. */
#include "tests/unit/proxy/exchanged.h"

#include "proxy/lease.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/bytes.h"
#include "tests/lib/certs.h"
#include "tests/lib/origin.h"

TestSuite(reply, .timeout = 60);

static void
start_routes(const char *routes)
{
	control =
	    rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG "routes:\n%s", routes);
	w = control->workers[0];
}

Test(reply, a_route_may_answer_by_itself)
{
	struct rig_answer a;

	start_routes("- { path: /a, respond: { status: 201, body: abc, "
		     "headers: { X-One: \"1\", content-type: text/css } } }\n"
		     "- { path: /b, respond: { status: 204 } }\n"
		     "- { path: /c, respond: { status: 304 } }\n"
		     "- { path: /d, respond: { status: 200, body: x } }\n");
	a = ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 201);
	cr_assert_str_eq(a.body, "abc");
	cr_assert(says(a.head, "X-One: 1\r\n"));
	cr_assert(says(a.head, "Content-Type: text/css\r\n"));
	cr_assert(says(a.head, "\r\nDate: "));
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->response_bytes), 3);
	a = ask("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 204);
	cr_assert_not(says(a.head, "Content-Length"));
	cr_assert_not(says(a.head, "Content-Type"));
	a = ask("GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 304);
	cr_assert_not(says(a.head, "Content-Length"));
	a = ask("GET /d HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert(says(a.head, "Content-Type: text/plain; charset=utf-8\r\n"));
	rig_stop();
}

Test(reply, some_statuses_have_no_body_whatever_the_route_says)
{
	static const char *const requests[] = {
		"GET /204 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /205 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /304 HTTP/1.1\r\nHost: a\r\n\r\n"
	};
	struct rig_answer a;

	start_routes("- { path: /204, respond: { status: 204, body: x } }\n"
		     "- { path: /205, respond: { status: 205, body: x } }\n"
		     "- { path: /304, respond: { status: 304, body: x } }\n");
	for (unsigned i = 0; i < 3; i++) {
		a = ask(requests[i]);
		cr_assert_eq(a.status, i == 2 ? 304 : 204 + i);
		cr_assert_not(says(a.head, "Content-Type"));
		cr_assert_eq(says(a.head, "Content-Length: 0\r\n"), i == 1);
		cr_assert_str_eq(a.body, "");
		cr_assert_eq(
		    counter_get(&lease_route(w->lease, i)->response_bytes), 0);
	}
	rig_stop();
}

Test(reply, head_gets_no_body)
{
	struct rig_answer a;

	start_routes("- { respond: { status: 200, body: abc } }\n");
	a = ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	cr_assert(says(a.head, "Content-Length: 3\r\n"));
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->requests), 1);
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->response_bytes), 0);
	rig_stop();
}

static void
must_go(const char *request, const char *location)
{
	struct rig_answer a = ask(request);

	cr_assert(says(a.head, keep_printf("\r\nLocation: %s\r\n", location)),
	    "%s", a.head);
}

Test(reply, a_redirect_keeps_what_it_does_not_change)
{
	start_routes("- { path: /a, redirect: { scheme: https } }\n"
		     "- { path: /b, redirect: { host: \"b.c:8\" } }\n"
		     "- { path: /c, redirect: { path: /x } }\n"
		     "- { path: /d, redirect: { host: e.f, scheme: https, "
		     "path: /y, status: 301 } }\n");
	must_go("GET /a HTTP/1.1\r\nHost: a:99\r\n\r\n", "https://a/a");
	must_go("GET /a?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "https://a/a?q=1");
	must_go("GET /b? HTTP/1.1\r\nHost: a\r\n\r\n", "http://b.c:8/b?");
	must_go("GET /c HTTP/1.1\r\nHost: a:99\r\n\r\n", "http://a:99/x");
	must_go("GET /d HTTP/1.1\r\nHost: a\r\n\r\n", "https://e.f/y");
	cr_assert_eq(ask("GET /d HTTP/1.1\r\nHost: a\r\n\r\n").status, 301);
	cr_assert_eq(ask("GET /d HTTP/1.0\r\n\r\n").status, 301);
	cr_assert_eq(ask("GET /c HTTP/1.0\r\n\r\n").status, 400);
	rig_stop();
}

Test(reply, https_is_at_443_or_where_it_listens)
{
	control = rig_start(ONE_WORKER
	    "listeners: { http: { address: \"127.0.0.1:0\", redirect: https "
	    "} }\n" ON_ADMIN NO_LOG TEAPOT);
	w = control->workers[0];
	must_go("GET /a?b HTTP/1.1\r\nHost: a:80\r\n\r\n", "https://a/a?b");
	cr_assert_eq(ask(ASK).status, 308);
	cr_assert_eq(ask("GET / HTTP/1.0\r\n\r\n").status, 400);
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->requests), 0);
	cr_assert_eq(counter_get(&w->lease->no_route->requests), 3);
	rig_stop();
}

Test(reply, https_is_where_the_first_tls_listener_is)
{
	struct cert cert =
	    cert_make(rig_directory(), "a", "a.test", CERT_ECDSA);

	control = rig_start(ONE_WORKER
	    "listeners:\n  http: { address: \"127.0.0.1:0\", redirect: https }\n"
	    "  path: { address: \"unix:%s/s\", tls: { certificates: "
	    "[{ cert: %s, key: %s }] } }\n"
	    "  https: { address: \"127.0.0.1:0\", tls: { certificates: "
	    "[{ cert: %s, key: %s }] } }\n" ON_ADMIN NO_LOG TEAPOT,
	    rig_directory(), cert.cert, cert.key, cert.cert, cert.key);
	w = control->workers[0];
	must_go("GET /a?b HTTP/1.1\r\nHost: a:80\r\n\r\n",
	    keep_printf("https://a:%d/a?b", rig_port("https")));
	must_go("GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
	    keep_printf("https://a:%d/a", rig_port("https")));
	rig_stop();
}

Test(reply, another_method_is_told_which_are_allowed)
{
	struct rig_answer a;

	start_routes("- { path: /a, methods: [GET, PUT], "
		     "respond: { status: 200 } }\n");
	a = ask("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(a.status, 405);
	cr_assert(says(a.head, "\r\nAllow: GET, HEAD, PUT\r\n"), "%s", a.head);
	cr_assert_not(says(a.head, "Retry-After"));
	a = ask("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_eq(a.status, 404);
	cr_assert(says(a.head, "X-Fairlead-Reason: no_route\r\n"));
	cr_assert_not(says(a.head, "Allow"));
	cr_assert_eq(counter_get(&w->lease->no_route->requests), 2);
	rig_stop();
}

Test(reply, the_last_proxy_a_trace_may_reach_answers_it)
{
	start("", "", "");
	cr_assert_eq(ask("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0"
			 "\r\n\r\n")
			 .status,
	    200);
	cr_assert_eq(origin_requests(o), 0);
	cr_assert_eq(ask("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1"
			 "\r\n\r\n")
			 .status,
	    200);
	cr_assert_eq(origin_requests(o), 1);
	rig_stop();
}

Test(reply, without_any_server_it_says_which_way)
{
	struct rig_answer a;

	control = rig_start(ONE_WORKER ON_HTTP ON_ADMIN NO_LOG
	    "upstreams: { u: [{ address: \"127.0.0.1:1\", weight: 0 }] }\n"
	    "routes: [{ to: u }]\n");
	w = control->workers[0];
	a = ask(ASK);
	cr_assert_eq(a.status, 503);
	cr_assert(says(a.head, "X-Fairlead-Reason: no_healthy_server\r\n"));
	cr_assert(says(a.head, "Retry-After: 1\r\n"));
	rig_stop();
}
