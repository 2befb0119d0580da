/*
 * Much at once: a service that grows and shrinks by hundreds, and hundreds of
 * changes to a hundred services, while requests flow.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/bytes.h"
#include "tests/lib/consul.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 60000, MANY = 500, UPSTREAMS = 100, CHURN_S = 5 };

#define TOP \
	"workers: 2\n" \
	"listeners: { http: { address: \"127.0.0.1:0\" } }\n" \
	"admin: { address: \"127.0.0.1:0\" }\n" \
	"access_log: off\n" \
	"discovery: { consul: { url: \"http://127.0.0.1:%d\" } }\n"
#define SERVERS "upstreams/up/discovery/servers"

static struct origin *all;
static struct consul *consul;
static struct daemon *d;

/* One origin listens on all of loopback. */
static void
stage(void)
{
	all = origin_start(
	    &(struct origin_options){ .any = true, .forget = true });
	cr_assert_not_null(all);
	consul = consul_start(&(struct consul_options){ 0 });
	cr_assert_not_null(consul);
}

TestSuite(discovery_churn, .init = stage, .timeout = 900);

/* Instance `id' of a service, at the i-th address. */
static void
place(const char *service, const char *id, unsigned i)
{
	consul_register(consul,
	    &(struct consul_service){ .name = service,
		.id = id,
		.address = keep_printf("127.0.%u.%u", 1 + i / 200, 1 + i % 200),
		.port = origin_port(all) });
}

static void
scale(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		place("web", keep_printf("w%u", i), i);
}

/* How many servers have had a request. */
static unsigned
have_been_asked(void)
{
	json_t *up = json_object_get(
	    json_object_get(daemon_stats(d), "upstreams"), "up");
	json_t *servers = json_object_get(up, "servers");
	unsigned n = 0;

	for (size_t i = 0; i < json_array_size(servers); i++)
		n += json_integer_value(json_object_get(
			 json_array_get(servers, i), "requests")) > 0;
	return n;
}

static struct load *
begin_load(const char *path)
{
	return load_start(&(struct load_plan){ .port = daemon_port(d, "http"),
	    .path = path,
	    .connections = 8,
	    .rate = 200 });
}

static void
must_all_be_well(const struct load_result *r)
{
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	cr_assert_gt(r->requests, 0);
}

/* A new one waits for its first good probe. */
Test(discovery_churn, no_request_fails_from_two_servers_to_many_and_back)
{
	struct load *load;

	scale(0, 2);
	d = daemon_start(TOP
	    "routes: [{ path: \"/*\", to: up }]\n"
	    "upstreams: { up: { health_check: { interval: 10s },\n"
	    "    discover: { consul: { service: web }, allow: 127.0.0.0/8,\n"
	    "      max_loss: off } } }\n",
	    consul_port(consul));
	cr_assert(WAIT_FOR(CHANGE_MS, daemon_is_ready(d)));
	load = begin_load("/");
	scale(2, MANY);
	must_tell(d, SERVERS, MANY);
	cr_assert(WAIT_FOR(CHANGE_MS, have_been_asked() == MANY));
	for (unsigned i = 2; i < MANY; i++)
		consul_deregister(consul, keep_printf("w%u", i));
	must_tell(d, SERVERS, 2);
	must_all_be_well(load_stop(load));
	daemon_stop(d);
}

/* Upstream i is service s<i>, which one server never leaves. */
static void
start_many(void)
{
	struct bytes routes = { 0 }, upstreams = { 0 };

	for (unsigned i = 0; i < UPSTREAMS; i++) {
		place(keep_printf("s%u", i), keep_printf("s%u-0", i), i * 2);
		bytes_printf(&routes, "  - { name: r%u, path: /%u, to: u%u }\n",
		    i, i, i);
		bytes_printf(&upstreams,
		    "  u%u: { discover: { consul: { service: s%u }, "
		    "allow: 127.0.0.0/8, max_loss: off } }\n",
		    i, i);
	}
	d = daemon_start(TOP "routes:\n%supstreams:\n%s", consul_port(consul),
	    routes.p, upstreams.p);
}

static bool
all_answer(void)
{
	for (unsigned i = 0; i < UPSTREAMS; i++)
		if (get(daemon_port(d, "http"), keep_printf("/%u", i), "")
			->status != 200)
			return false;
	return true;
}

/* Fifty changes a second, each upstream in its turn. */
static void
churn(unsigned seconds)
{
	int64_t began = wait_now();

	for (unsigned i = 0; i < seconds * 50; i++) {
		unsigned u = i % UPSTREAMS;
		char *id = keep_printf("s%u-1", u);

		if (i / UPSTREAMS % 2 == 0)
			place(keep_printf("s%u", u), id, u * 2 + 1);
		else
			consul_deregister(consul, id);
		wait_till(began + (i + 1) * 20);
	}
}

/* While nothing changes, the same load on a route of its own. */
static void
be_quiet(unsigned seconds)
{
	struct load *load = begin_load("/6");

	wait_till(wait_now() + seconds * 1000);
	must_all_be_well(load_stop(load));
}

/* CHURN_SECONDS makes it long. */
Test(discovery_churn, a_hundred_services_may_change_fifty_times_a_second)
{
	const char *wanted = getenv("CHURN_SECONDS");
	unsigned seconds =
	    wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : CHURN_S;
	struct load_result *r;
	struct load *load;
	int64_t began, took_ms;
	double before, made;
	long rss;

	start_many();
	cr_assert(WAIT_FOR(CHANGE_MS, all_answer()));
	be_quiet(seconds);
	load = begin_load("/7");
	churn(CHURN_S);
	rss = daemon_rss(d);
	before = daemon_stat(d, "config/snapshots");
	began = wait_now();
	churn(seconds);
	made = daemon_stat(d, "config/snapshots") - before;
	took_ms = wait_now() - began;
	cr_assert_leq(made, (double)took_ms / 200 + 1);
	cr_assert_gt(made, seconds);
	must_all_be_well(r = load_stop(load));
	fprintf(stderr,
	    "churn: %u s, %.0f snapshots, %u requests, RSS %ld to %ld KiB, "
	    "p99 %.3f ms, quiet %.3f ms\n",
	    seconds, made, r->requests, rss, daemon_rss(d),
	    daemon_stat(d, "routes/r7/latency_ms/p99"),
	    daemon_stat(d, "routes/r6/latency_ms/p99"));
	cr_assert(all_answer());
	daemon_stop(d);
}
