/*
 * The circuit breaker of an upstream, seen from its servers' own logs.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { VOLUME = 20, TRIALS = 3, HELD_MS = 200 };

static struct origin *a, *b;
static struct front f;

TestSuite(breaker, .timeout = 120);

static void
start(int workers, const char *settings)
{
	a = origin_new("a");
	b = origin_new("b");
	f = front_of(
	    &(struct front_settings){ .workers = workers,
		.upstream = keep_printf(
		    ", balance: { policy: round_robin }, "
		    "circuit_breaker: { window: 60s, open_for: %dms, %s }",
		    700 * wait_scale(), settings) },
	    a, b, NULL);
}

static void
all_answer(struct reply reply)
{
	origin_reply(a, reply);
	origin_reply(b, reply);
}

static unsigned
all_requests(void)
{
	return origin_requests(a) + origin_requests(b);
}

static bool
is_circuit(const char *state)
{
	const char *is = daemon_stat_text(f.d, "upstreams/up/circuit");

	return is != NULL && strcmp(is, state) == 0;
}

static int
by_time(const void *p, const void *q)
{
	const int64_t *x = p, *y = q;

	return *x < *y ? -1 : *x > *y;
}

/* When the servers got their requests, in order. */
static int64_t *
times(unsigned *n)
{
	unsigned na = origin_requests(a), nb = origin_requests(b), i;
	int64_t *at = keep((na + nb) * sizeof *at);

	for (i = 0; i < na; i++)
		at[i] = origin_seen(a, i)->at;
	for (i = 0; i < nb; i++)
		at[na + i] = origin_seen(b, i)->at;
	*n = na + nb;
	qsort(at, *n, sizeof *at, by_time);
	return at;
}

static void
trip(void)
{
	unsigned i;

	all_answer((struct reply){ .status = 503, .text = "no" });
	for (i = 0; i < VOLUME; i++)
		cr_assert_str_eq(
		    get(f.port, "/", "")->body.p, "no", "request %u", i);
}

/* Done-when 6. */
Test(breaker, circuit_open__it_opens_rejects_tries_and_closes)
{
	struct response *r;
	struct load *l;
	int64_t *at;
	unsigned n;

	start(4,
	    keep_printf("failure_rate: 50%%, min_requests: %d, "
			"half_open_requests: %d",
		VOLUME, TRIALS));
	trip();
	r = get(f.port, "/open", "");
	must_refuse(r, 503, "circuit_open");
	cr_assert_not_null(response_field(r, "retry-after"));
	cr_assert(is_circuit("open"));
	cr_assert_eq(all_requests(), VOLUME);
	front_must_log(&f, "/open", "circuit_open");
	all_answer((struct reply){ .delay_ms = HELD_MS });
	l = load_start(&(struct load_plan){
	    .port = f.port, .connections = 16, .rate = 300 });
	cr_assert(WAIT_FOR(20000, is_circuit("closed")));
	cr_assert(WAIT_FOR(20000, all_requests() > VOLUME + TRIALS));
	(void)load_stop(l);
	at = times(&n);
	cr_assert_geq(at[VOLUME + TRIALS] - at[VOLUME + TRIALS - 1],
	    HELD_MS - 20, "more than %d trials", TRIALS);
	cr_assert_lt(at[VOLUME + TRIALS - 1] - at[VOLUME],
	    HELD_MS * wait_scale(), "fewer than %d trials", TRIALS);
	must_count(f.d,
	    "fairlead_circuit_breaker_transitions_total"
	    "{upstream=\"up\",to=\"closed\"}",
	    1);
	cr_assert_gt(
	    daemon_metric(f.d,
		"fairlead_circuit_breaker_rejected_total{upstream=\"up\"}"),
	    0);
	daemon_stop(f.d);
}

Test(breaker, it_stays_closed_below_its_volume_and_its_rate)
{
	unsigned i;

	start(1, "failure_rate: 50%, min_requests: 20");
	origin_reply(a, (struct reply){ .status = 503, .text = "no" });
	for (i = 0; i < 19; i++)
		(void)get(f.port, "/", "");
	cr_assert(is_circuit("closed"), "below its volume");
	origin_reply(a, (struct reply){ .text = "ok" });
	for (i = 0; i < 2; i++)
		(void)get(f.port, "/", "");
	cr_assert(is_circuit("closed"), "below its rate");
	cr_assert_eq(all_requests(), 21);
	daemon_stop(f.d);
}

Test(breaker, consecutive_failures_open_it)
{
	start(1, "failure_rate: off, consecutive_failures: 3");
	all_answer((struct reply){ .status = 502, .text = "no" });
	(void)get(f.port, "/", "");
	(void)get(f.port, "/", "");
	cr_assert(is_circuit("closed"));
	(void)get(f.port, "/", "");
	must_refuse(get(f.port, "/", ""), 503, "circuit_open");
	cr_assert_eq(all_requests(), 3);
	daemon_stop(f.d);
}

Test(breaker, a_failed_trial_opens_it_again)
{
	start(1,
	    "failure_rate: off, consecutive_failures: 2, "
	    "half_open_requests: 1");
	all_answer((struct reply){ .status = 503, .text = "no" });
	(void)get(f.port, "/", "");
	(void)get(f.port, "/", "");
	cr_assert(is_circuit("open"));
	cr_assert(WAIT_FOR(20000, response_says(get(f.port, "/", ""), "no")),
	    "no trial");
	cr_assert_eq(all_requests(), 3);
	must_refuse(get(f.port, "/", ""), 503, "circuit_open");
	cr_assert_eq(all_requests(), 3);
	daemon_stop(f.d);
}

Test(breaker, what_clients_cause_never_counts)
{
	struct client *c;
	unsigned i;

	start(1, "failure_rate: off, consecutive_failures: 3");
	all_answer((struct reply){ .silent = true });
	for (i = 0; i < 6; i++) {
		c = dial(f.port);
		cr_assert(client_print(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
		cr_assert(WAIT_FOR(10000, all_requests() == i + 1));
		client_abort(c);
		cr_assert(
		    WAIT_FOR(10000, origin_open(a) + origin_open(b) == 0));
	}
	all_answer((struct reply){ .status = 404, .text = "none" });
	for (i = 0; i < 6; i++)
		cr_assert_eq(get(f.port, "/", "")->status, 404);
	cr_assert(is_circuit("closed"));
	daemon_stop(f.d);
}
