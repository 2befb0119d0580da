/* What net/fetch.h offers those who ask one server again and again. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "net/fetch.h"

#include "base/clock.h"
#include "net/loop.h"
#include "tests/lib/drive.h"
#include "tests/lib/origin.h"

static struct loop *loop;
static struct fetcher *fetcher;
static struct origin *o;
static struct fetch_request q;
static unsigned good, capped;
static char heard[FETCH_FIELDS][32];

static void
set_up(void)
{
	loop = loop_new();
	fetcher = fetcher_new(loop, "fairlead/test");
	o = origin_new("a");
	q = (struct fetch_request){ .path = "/",
		.timeout_ns = 30 * CLOCK_S,
		.body_most = 8192,
		.keep = true };
	cr_assert(
	    addr_from_ip(TEXT("127.0.0.1"), (uint16_t)origin_port(o), &q.to));
}

static void
tear_down(void)
{
	fetcher_free(fetcher);
	loop_free(loop);
}

TestSuite(fetch_kept, .init = set_up, .fini = tear_down, .timeout = 60);

static void
hear(void *arg, const struct fetch_result *r)
{
	(void)arg;
	cr_assert(r->ok && r->status == 200, "%s", r->error);
	good++;
	capped += r->capped;
	for (unsigned i = 0; i < FETCH_FIELDS; i++)
		snprintf(heard[i], sizeof(heard[i]), "%s",
		    r->fields[i] == NULL ? "none" : r->fields[i]);
}

static void
fetch_and_wait(void)
{
	unsigned before = good;

	fetch_start(fetcher, &q, hear, NULL);
	cr_assert(DRIVE_UNTIL(loop, good > before));
}

Test(fetch_kept, a_connection_serves_the_next_one)
{
	fetch_and_wait();
	fetch_and_wait();
	cr_assert_eq(origin_accepted(o), 1);
	q.keep = false;
	fetch_and_wait();
	cr_assert_eq(origin_accepted(o), 2);
}

Test(fetch_kept, one_that_was_closed_meanwhile_is_replaced)
{
	fetch_and_wait();
	origin_close_idle(o);
	fetch_and_wait();
	cr_assert_eq(origin_accepted(o), 2);
}

Test(fetch_kept, fields_are_sent_and_heard)
{
	origin_reply(
	    o, (struct reply){ .fields = "X-Index: 7\r\n", .text = "much" });
	q.host = "a.test";
	q.field = "X-Token: secret";
	q.wanted[0] = "x-none";
	q.wanted[1] = "x-index";
	fetch_and_wait();
	cr_assert_str_eq(heard[0], "none");
	cr_assert_str_eq(heard[1], "7");
	cr_assert_str_eq(
	    origin_field(&origin_seen(o, 0)->head, "X-Token", 0), "secret");
	cr_assert_str_eq(
	    origin_field(&origin_seen(o, 0)->head, "Host", 0), "a.test");
}

Test(fetch_kept, more_than_the_cap_is_told)
{
	origin_reply(o, (struct reply){ .text = "much" });
	q.body_most = 4;
	fetch_and_wait();
	cr_assert_eq(capped, 0);
	q.body_most = 3;
	fetch_and_wait();
	cr_assert_eq(capped, 1);
}
