/* The prober of the one test that runs. */
#include "tests/unit/health/probing.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/loop.h"

struct loop *loop;
struct fetcher *fetcher;
struct prober *prober;
struct got got;

void
probing_up(void)
{
	memset(&got, 0, sizeof(got));
	loop = loop_new();
	fetcher = fetcher_new(loop, "fairlead/test (probe)");
	prober = prober_new(loop, fetcher, 256);
}

void
probing_down(void)
{
	prober_free(prober);
	fetcher_free(fetcher);
	loop_free(loop);
}

void
note(void *arg, const struct probe_result *r)
{
	struct got *g = arg;

	if (g->count < 32)
		g->at[g->count] = clock_now();
	g->count++;
	g->good += r->ok;
	g->ok = r->ok;
	g->duration_ns = r->duration_ns;
	snprintf(g->detail, sizeof(g->detail), "%s", r->detail);
}

struct probe_options
http_options(void)
{
	return (struct probe_options){
		.on = true,
		.type = PROBE_HTTP,
		.path = "/",
		.interval_ns = FOREVER,
		.timeout_ns = 2 * CLOCK_S,
	};
}

struct addr
address_of(struct origin *o)
{
	struct addr a;

	cr_assert(
	    addr_from_ip(TEXT("127.0.0.1"), (uint16_t)origin_port(o), &a));
	return a;
}

struct probe *
probe_origin(struct origin *o, const struct probe_options *options)
{
	struct addr a = address_of(o);

	return probe_new(prober, &a, options, note, &got);
}
