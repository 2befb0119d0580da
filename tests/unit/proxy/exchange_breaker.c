/* proxy/exchange and attempt: what the circuit breaker is told of a request. */
#include "tests/unit/proxy/exchanged.h"

#include "balancer/server.h"
#include "limit/breaker.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/lease.h"
#include "proxy/worker.h"
#include "stats/stats.h"
#include "tests/lib/origin.h"

TestSuite(exchange_breaker, .timeout = 60);

/* Whether one answer of that status opens a breaker that counts `on'. */
static bool
opens(const char *upstream, int status)
{
	start("", upstream, "");
	origin_reply(o, (struct reply){ .status = status, .text = "x" });
	ask(ASK);
	return looked().to[BREAKER_OPEN] == 1;
}

Test(exchange_breaker, a_502_is_a_gateway_error)
{
	cr_assert(opens(BREAKER("gateway_error"), 502));
	rig_stop();
}

Test(exchange_breaker, a_503_is_a_gateway_error)
{
	cr_assert(opens(BREAKER("gateway_error"), 503));
	rig_stop();
}

Test(exchange_breaker, a_504_is_a_gateway_error)
{
	cr_assert(opens(BREAKER("gateway_error"), 504));
	rig_stop();
}

Test(exchange_breaker, a_500_is_none)
{
	cr_assert_not(opens(BREAKER("gateway_error"), 500));
	rig_stop();
}

Test(exchange_breaker, a_505_is_none)
{
	cr_assert_not(opens(BREAKER("gateway_error"), 505));
	rig_stop();
}

Test(exchange_breaker, a_500_is_5xx)
{
	cr_assert(opens(BREAKER("5xx"), 500));
	rig_stop();
}

Test(exchange_breaker, a_599_is_5xx)
{
	cr_assert(opens(BREAKER("5xx"), 599));
	rig_stop();
}

Test(exchange_breaker, a_503_is_5xx_too)
{
	cr_assert(opens(BREAKER("5xx"), 503));
	rig_stop();
}

Test(exchange_breaker, a_499_is_not)
{
	cr_assert_not(opens(BREAKER("5xx"), 499));
	rig_stop();
}

Test(exchange_breaker, a_600_is_not)
{
	cr_assert_not(opens(BREAKER("5xx"), 600));
	rig_stop();
}

Test(exchange_breaker, an_open_breaker_says_when_to_come_again)
{
	struct rig_answer a;

	cr_assert(opens(BREAKER("5xx"), 500));
	a = ask(ASK);
	cr_assert_eq(a.status, 503);
	cr_assert(says(a.head, "X-Fairlead-Reason: circuit_open\r\n"));
	cr_assert(says(a.head, "Retry-After: 7\r\n"), "%s", a.head);
	cr_assert(says(a.head, "Content-Type: text/plain; charset=utf-8\r\n"));
	cr_assert_str_eq(a.body,
	    "503 circuit_open: the upstream's circuit breaker is open\n");
	cr_assert_eq(origin_requests(o), 1);
	rig_stop();
}

Test(exchange_breaker, a_cut_is_a_reset_for_the_breaker)
{
	start("", BREAKER("reset"), "");
	origin_reply(o, (struct reply){ .raw = "HTTP/1.1 nonsense\r\n\r\n" });
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 1);
	cr_assert_eq(failures(0, END_UPSTREAM_PROTOCOL), 1);
	rig_stop();
}

Test(exchange_breaker, a_cut_is_nothing_else_for_it)
{
	start("", BREAKER("connect_failure, timeout, 5xx, gateway_error"), "");
	origin_reply(o, (struct reply){ .raw = "HTTP/1.1 nonsense\r\n\r\n" });
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 0);
	rig_stop();
}

Test(exchange_breaker, a_refused_connect_counts_as_one)
{
	start("", BREAKER("connect_failure"), "");
	origin_kill(o);
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 1);
	rig_stop();
}

Test(exchange_breaker, a_refused_connect_is_no_timeout)
{
	start("", BREAKER("timeout"), "");
	origin_kill(o);
	cr_assert_eq(ask(ASK).status, 502);
	cr_assert_eq(looked().to[BREAKER_OPEN], 0);
	rig_stop();
}

Test(exchange_breaker, a_client_that_leaves_takes_its_request_with_it)
{
	struct exchange *x =
	    wait_for_answer(BREAKER("timeout, reset, 5xx"), "");

	cr_assert_not_null(x);
	exchange_cut(x, END_CLIENT_CLOSED);
	RIG_UNTIL(TAILQ_EMPTY(&w->clients));
	cr_assert_eq(server_inflight(server(0)), 0);
	cr_assert_eq(failures(0, END_CLIENT_CLOSED), 0, "not its fault");
	cr_assert_eq(looked().to[BREAKER_OPEN], 0);
	cr_assert_eq(
	    counter_get(&lease_route(w->lease, 0)->failures[END_CLIENT_CLOSED]),
	    1);
	cr_assert_eq(counter_get(&lease_route(w->lease, 0)->in_flight), 0);
	RIG_UNTIL(origin_open(o) == 0);
	rig_stop();
	cr_assert_eq(number(last_line(), "ttfb_ms"), -1);
}
