#ifndef TESTS_UNIT_STATS_RICH_H
#define TESTS_UNIT_STATS_RICH_H

/*
 * A view with one of everything, counted by two workers and control: what the
 * renderers' tests render.  Names are hostile where a name may be.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "balancer/board.h"
#include "balancer/server.h"
#include "base/buf.h"
#include "base/clock.h"
#include "discovery/discovery.h"
#include "stats/rates.h"
#include "stats/stats.h"
#include "stats/view.h"

#define RICH_HOSTILE "sh\"op\\\n\xff"

struct rich {
	struct stats *stats[3];
	struct stats_rates *rates;
	struct board *board;
	struct server *server;
	struct view_route routes[2];
	struct view_server servers[3];
	struct view_upstream upstreams[2];
	struct view_discovery discovery;
	uint64_t errors_found[DISCOVERY_ERRORS];
	struct view_certificate certificates[3];
	const char *addresses[2];
	struct view_listener listeners[2];
	struct view_worker workers[3];
	const char *errors[1], *reasons[1];
	struct stats_view view;
};

static struct rich rich;

static inline void
rich_request(unsigned worker, unsigned slot, enum method method,
    unsigned status, enum end reason)
{
	struct stats_route *r = stats_route(rich.stats[worker], slot);
	struct stats_request q = { method, reason, status, 4 * CLOCK_MS, 100,
		1000 };

	stats_request_begin(r);
	stats_request_end(r, &q);
}

static inline void
rich_count(void)
{
	struct stats_listener *l = stats_listener(rich.stats[0], 1);
	struct stats_upstream *u = stats_upstream(rich.stats[1], 1);
	struct stats_server *srv = stats_server(rich.stats[1], 1);

	rich_request(0, 1, METHOD_GET, 200, END_NONE);
	rich_request(1, 1, METHOD_GET, 200, END_NONE);
	rich_request(1, 1, METHOD_OTHER, 504, END_RESPONSE_TIMEOUT);
	rich_request(1, 1, METHOD_GET, 0, END_CLIENT_CLOSED);
	rich_request(0, STATS_SLOT_NONE, METHOD_GET, 404, END_NO_ROUTE);
	stats_request_begin(stats_route(rich.stats[0], 1));
	stats_connection_begin(l);
	stats_connection_begin(stats_listener(rich.stats[1], 1));
	stats_connection_end(l);
	counter_add(&l->rejected[REJECT_MAX_CONNECTIONS], 2);
	counter_add(&l->requests[PROTOCOL_HTTP_1_1], 5);
	counter_add(&l->protocol_errors[END_BAD_REQUEST], 1);
	stats_shake(l, SHAKE_TLS_1_3, true, 2 * CLOCK_MS);
	stats_shake(l, SHAKE_TLS_1_2, false, 3 * CLOCK_MS);
	counter_add(&l->shake_failures[TLS_FAILED_TIMEOUT], 3);
	counter_add(&u->retries[END_CONNECT_FAILURE], 4);
	histogram_note(&u->duration, 20 * CLOCK_MS);
	histogram_note(&u->connect, CLOCK_MS);
	histogram_note(&stats_upstream(rich.stats[2], 1)->check, CLOCK_MS);
	counter_add(&srv->active, 3);
	counter_add(&srv->idle, 6);
	histogram_note(&srv->duration, 30 * CLOCK_MS);
	counter_add(&rich.stats[0]->busy_ns, 2500 * CLOCK_MS);
	histogram_note(&rich.stats[0]->loop_lag, 80 * CLOCK_US);
}

static inline void
rich_server(void)
{
	struct addr addr;

	cr_assert(addr_from_ip(TEXT("10.0.0.1"), 8080, &addr));
	rich.board = board_new();
	rich.server = server_new(rich.board, "catalog", "10.0.0.1:8080", &addr);
	server_enter(rich.server);
	for (unsigned i = 0; i < 8; i++)
		server_count(&rich.server->requests[1]);
	server_count(&rich.server->requests[4]);
	server_count(&rich.server->failures[END_RESPONSE_TIMEOUT]);
	server_count(&rich.server->failures[END_CONNECT_FAILURE]);
	server_count(&rich.server->connections_opened);
	server_count(&rich.server->probes_ok);
	server_count(&rich.server->probes_failed);
	server_count(&rich.server->probes_failed);
	server_count(&rich.server->went_up);
	rich.servers[0] = (struct view_server){
		.name = "10.0.0.1:8080",
		.slot = 1,
		.server = rich.server,
		.weight = 5,
		.up = true,
		.state = VIEW_HEALTHY,
		.why = "3 of 3 probes passed",
		.since_at = 1763985600 * CLOCK_S + 500 * CLOCK_MS,
		.checked = true,
		.check_ok = true,
		.check_ns = 1900 * CLOCK_US,
		.check_detail = "200",
		.availability = 0.9997,
	};
	rich.servers[1] = (struct view_server){
		.name = "late.example:80",
		.slot = 2,
		.weight = 1,
		.backup = true,
		.state = VIEW_UNRESOLVED,
		.why = "no answer from DNS yet",
		.availability = -1,
	};
	rich.servers[2] = (struct view_server){
		.name = "10.0.0.3:8080",
		.slot = 3,
		.server = rich.server,
		.up = true,
		.state = VIEW_DRAINING,
		.availability = -1,
	};
}

static inline void
rich_upstreams(void)
{
	rich.upstreams[0] = (struct view_upstream){
		.name = "catalog",
		.slot = 1,
		.policy = "round_robin",
		.breaker = {
			.on = true,
			.state = BREAKER_OPEN,
			.to = { [BREAKER_OPEN] = 3, [BREAKER_HALF_OPEN] = 2,
			    [BREAKER_CLOSED] = 1 },
			.rejected = 17,
			.cause = CAUSE_RATE,
			.failed = 12,
			.total = 20,
			.left_ns = 1500 * CLOCK_MS,
		},
		.servers = rich.servers,
		.nservers = 3,
	};
	rich.upstreams[1] = (struct view_upstream){
		.name = "plain", .slot = 2, .policy = "least_connections"
	};
	rich.errors_found[1] = 3;
	rich.discovery = (struct view_discovery){
		.provider = "file",
		.last_success = 1763985600 * CLOCK_S,
		.servers = 4,
		.updates = 7,
		.errors = rich.errors_found,
		.error = "s.yaml:1:1: the file is empty",
		.held = "an empty answer in place of 4 servers",
		.held_left_ns = 1500 * CLOCK_MS,
	};
	rich.upstreams[1].discovery = &rich.discovery;
}

static inline void
rich_listeners(void)
{
	rich.certificates[0] =
	    (struct view_certificate){ "shop.example", 253402300799 };
	rich.certificates[1] = (struct view_certificate){ "b.example", 2000 };
	rich.certificates[2] =
	    (struct view_certificate){ "shop.example", 1798761600 };
	rich.addresses[0] = "0.0.0.0:443";
	rich.addresses[1] = "[::]:443";
	rich.listeners[0] = (struct view_listener){
		.name = "https",
		.slot = 1,
		.addresses = rich.addresses,
		.naddresses = 2,
		.tls = true,
		.certificates = rich.certificates,
		.ncertificates = 3,
	};
	rich.listeners[1] = (struct view_listener){ .name = "http", .slot = 2 };
}

static inline void
rich_view(void)
{
	rich.routes[0] = (struct view_route){ "catalog", 1 };
	rich.routes[1] = (struct view_route){ RICH_HOSTILE, 2 };
	rich.errors[0] = "edge.yaml:14:5: unknown key \"x\"";
	rich.reasons[0] = "draining";
	rich.view = (struct stats_view){
		.version = "0.1.0",
		.revision = "abc123",
		.openssl = "3.0.1",
		.started_at = 1763980000 * CLOCK_S + 250 * CLOCK_MS,
		.uptime_ns = 812 * CLOCK_S + 999 * CLOCK_MS,
		.not_ready = rich.reasons,
		.nnot_ready = 1,
		.config = {
			.file = "/etc/fairlead/fairlead.yaml",
			.hash = "9f2c",
			.generation = 4,
			.loaded_at = 1763985600 * CLOCK_S,
			.generations = 2,
			.reload_at = 1763985660 * CLOCK_S,
			.errors = rich.errors,
			.nerrors = 1,
			.reloads_ok = 3,
			.reloads_failed = 1,
		},
		.routes = rich.routes,
		.nroutes = 2,
		.upstreams = rich.upstreams,
		.nupstreams = 2,
		.listeners = rich.listeners,
		.nlisteners = 2,
		.workers = rich.workers,
		.nworkers = 3,
		.access_lines_dropped = 6,
		.process = { 1.5, 1000, 2000, 30, 4096 },
	};
}

static inline void
rich_begin(void)
{
	for (unsigned i = 0; i < 3; i++) {
		rich.stats[i] = stats_new();
		rich.workers[i] = (struct view_worker){ i, i == 2,
			rich.stats[i] };
	}
	rich_server();
	rich_upstreams();
	rich_listeners();
	rich_view();
	rich_count();
}

static inline void
rich_end(void)
{
	for (unsigned i = 0; i < 3; i++)
		stats_free(rich.stats[i]);
	stats_rates_free(rich.rates);
	server_leave(rich.server);
	server_unref(rich.server);
	board_unref(rich.board);
	block_pool_fini();
}

/* All of a buf as a string of its own; the buf is emptied. */
static inline char *
rich_string(struct buf *b)
{
	size_t n = b->n;
	char *s = malloc(n + 1);

	cr_assert_not_null(s);
	if (n > 0)
		memcpy(s, buf_join(b, n, 0), n);
	s[n] = '\0';
	buf_clear(b);
	return s;
}

#endif
