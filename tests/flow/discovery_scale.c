/*
 * A service that grows and shrinks by hundreds of servers, while requests flow:
 * who comes has its share soon, and nobody notices.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/bytes.h"
#include "tests/lib/consul.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 60000, LOOK_MS = 100 };
enum { FEW = 2, MANY = 500, RATE = 200, TURNS = 4 };

/*
 * Two seconds, and then at most one turn of the round robin.  The rest is for
 * machines that do more than this, but still less than it takes to the next
 * probe.
 */
enum { TURN_MS = MANY * 1000 / RATE, SOON_MS = 2000 };
enum { SLACK_MS = 4000, PROBE_S = 20 };

static struct origin *all; /* on all of loopback */
static struct consul *consul;
static struct daemon *d;

/* What the i-th server was seen to be. */
static struct newcomer {
	unsigned requests;
	int64_t good, asked; /* not later, not earlier; 0: not yet */
} servers[MANY];

static void
stage(void)
{
	all = origin_start(
	    &(struct origin_options){ .any = true, .forget = true });
	cr_assert_not_null(all);
	consul = consul_start(&(struct consul_options){ 0 });
	cr_assert_not_null(consul);
}

TestSuite(discovery_scale, .init = stage, .timeout = 600);

static char *
id_of(unsigned i)
{
	return keep_printf("w%u", i);
}

static void
come(unsigned i)
{
	consul_register(consul,
	    &(struct consul_service){ .name = "web",
		.id = id_of(i),
		.address = keep_printf("127.0.%u.%u", 1 + i / 200, 1 + i % 200),
		.port = origin_port(all) });
}

static struct newcomer *
server_named(const char *name)
{
	unsigned a, b, i;

	cr_assert_eq(sscanf(name, "127.0.%u.%u:", &a, &b), 2, "%s", name);
	i = (a - 1) * 200 + b - 1;
	cr_assert_lt(i, (unsigned)MANY, "%s", name);
	return &servers[i];
}

/* `before' was the last look; this one is over. */
static void
look_at(json_t *server, int64_t before)
{
	struct newcomer *n =
	    server_named(json_string_value(json_object_get(server, "name")));
	json_t *check = json_object_get(server, "last_check");

	n->requests =
	    (unsigned)json_integer_value(json_object_get(server, "requests"));
	if (n->good == 0 && json_is_true(json_object_get(check, "ok")))
		n->good = before;
	if (n->asked == 0 && n->requests > 0)
		n->asked = wait_now();
}

/* How many have had a request, by one look at all. */
static unsigned
look(int64_t before)
{
	json_t *stats = daemon_stats(d);
	json_t *up = json_object_get(json_object_get(stats, "upstreams"), "up");
	json_t *list = json_object_get(up, "servers");
	unsigned n = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		look_at(json_array_get(list, i), before);
	for (unsigned i = 0; i < MANY; i++)
		n += servers[i].asked != 0;
	json_decref(stats);
	return n;
}

/* By the last look before its good probe, and the first after its request. */
static void
watch_them_come(void)
{
	int64_t before = wait_now(), now, end = wait_deadline(CHANGE_MS);
	unsigned n = 0;

	while (n < MANY && wait_left(end) > 0) {
		now = wait_now();
		n = look(before);
		before = now;
		wait_till(now + LOOK_MS);
	}
	cr_assert_eq(n, (unsigned)MANY);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
must_have_been_soon(void)
{
	enum { NEW = MANY - FEW };
	int64_t took[NEW];

	for (unsigned i = 0; i < NEW; i++)
		took[i] = servers[FEW + i].asked - servers[FEW + i].good;
	qsort(took, NEW, sizeof(*took), by_value);
	fprintf(stderr,
	    "scale: from the first good probe to the first request: median "
	    "%lld ms, 99 %% %lld ms, longest %lld ms\n",
	    (long long)took[NEW / 2], (long long)took[NEW * 99 / 100],
	    (long long)took[NEW - 1]);
	cr_assert_leq(
	    took[NEW - 1], (SOON_MS + TURN_MS + SLACK_MS) * wait_scale());
}

/* Some turns of the round robin, in which each has its own. */
static void
must_share(struct load *load)
{
	unsigned before[MANY], until, least = UINT32_MAX, most = 0, n;

	look(0);
	for (unsigned i = 0; i < MANY; i++)
		before[i] = servers[i].requests;
	until = load_requests(load) + TURNS * MANY;
	cr_assert(WAIT_FOR(CHANGE_MS, load_requests(load) >= until));
	look(0);
	for (unsigned i = 0; i < MANY; i++) {
		n = servers[i].requests - before[i];
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	fprintf(stderr,
	    "scale: %d requests for each: %u at least, %u at most\n", TURNS,
	    least, most);
	cr_assert_geq(least, TURNS / 2);
	cr_assert_leq(most, TURNS * 2);
}

static void
tell_servers(unsigned n)
{
	must_tell(d, "upstreams/up/discovery/servers", n);
}

/* A new one waits for its first good probe. */
Test(discovery_scale, no_request_fails_from_two_servers_to_many_and_back)
{
	struct load_result *r;
	struct load *load;

	for (unsigned i = 0; i < FEW; i++)
		come(i);
	d = daemon_start("workers: 2\n"
			 "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
			 "admin: { address: \"127.0.0.1:0\" }\n"
			 "access_log: off\n"
			 "discovery: { consul: { "
			 "url: \"http://127.0.0.1:%d\" } }\n"
			 "routes: [{ path: \"/*\", to: up }]\n"
			 "upstreams: { up: { health_check: { interval: %ds },\n"
			 "    balance: { policy: round_robin },\n"
			 "    discover: { consul: { service: web },\n"
			 "      allow: 127.0.0.0/8, max_loss: off } } }\n",
	    consul_port(consul), PROBE_S);
	cr_assert(WAIT_FOR(CHANGE_MS, daemon_is_ready(d)));
	load = load_start(&(struct load_plan){
	    .port = daemon_port(d, "http"), .connections = 8, .rate = RATE });
	for (unsigned i = FEW; i < MANY; i++)
		come(i);
	watch_them_come();
	must_have_been_soon();
	must_share(load);
	for (unsigned i = FEW; i < MANY; i++)
		consul_deregister(consul, id_of(i));
	tell_servers(FEW);
	r = load_stop(load);
	fprintf(stderr, "scale: %u requests, %u failed\n", r->requests,
	    r->requests - r->ok);
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	daemon_stop(d);
}
