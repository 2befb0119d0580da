/*
 * A service watched at a double of Consul, whatever befalls that.  The rules
 * are those of Consul, only quicker.
 */
#include "discovery/consul.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "discovery/consul_answer.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "tests/lib/bytes.h"
#include "tests/lib/certs.h"
#include "tests/lib/consul.h"
#include "tests/lib/drive.h"
#include "tests/lib/wait.h"

static const struct consul_rules quick = {
	.wait_ns = 300 * CLOCK_S,
	.burst = 2,
	.refill_ns = 20 * CLOCK_MS,
	.backoff_least_ns = 10 * CLOCK_MS,
	.backoff_most_ns = 50 * CLOCK_MS,
};

static struct loop *loop;
static struct fetcher *fetcher;
static struct consul *consul;
static struct consul_source *source;
static struct addr here[2];
static struct consul_agent agent = { .to = here, .n = 1 };
static struct consul_wish wish = { .service = "web", .passing = true };
static unsigned answers, servers, failures;
static enum consul_failure failure;

static void
on_answer(void *arg, const struct consul_answer *a)
{
	(void)arg;
	answers++;
	servers = a->n;
}

static void
on_failure(void *arg, enum consul_failure how, const char *what)
{
	(void)arg;
	cr_assert_neq(*what, '\0');
	failures++;
	failure = how;
}

static const struct consul_ops ops = { on_answer, on_failure };

static void
begin(const struct consul_options *options)
{
	loop = loop_new();
	fetcher = fetcher_new(loop, "fairlead/test");
	consul = consul_start(options);
	cr_assert_not_null(consul);
	cr_assert(addr_from_ip(
	    TEXT("127.0.0.1"), (uint16_t)consul_port(consul), here));
	source =
	    consul_source_new(loop, fetcher, &agent, &wish, &quick, &ops, NULL);
}

static void
end(void)
{
	consul_source_free(source);
	fetcher_free(fetcher);
	loop_free(loop);
}

static void
come(const char *id)
{
	consul_register(consul,
	    &(struct consul_service){
		.name = "web", .id = id, .address = "10.0.0.1", .port = 80 });
}

/* Until a good answer says so many. */
static void
expect(unsigned n)
{
	cr_assert(DRIVE_UNTIL(loop, answers > 0 && servers == n),
	    "%u servers, not %u", servers, n);
}

TestSuite(consul_source, .timeout = 60);

Test(consul_source, servers_come_and_go_by_waiting_queries)
{
	begin(&(struct consul_options){ 0 });
	come("a");
	expect(1);
	come("b");
	expect(2);
	consul_deregister(consul, "a");
	expect(1);
	consul_check(consul, "b", "critical");
	expect(0);
	cr_assert(DRIVE_UNTIL(loop, consul_waiting(consul) == 1));
	cr_assert_eq(failures, 0);
	cr_assert_eq(consul_accepted(consul), 1, "the connection is kept");
	cr_assert_not_null(strstr(consul_last(consul), "&wait=300000ms"));
	end();
}

Test(consul_source, every_fault_is_a_failure_and_it_recovers)
{
	static const struct {
		enum consul_fault fault;
		enum consul_failure failure;
	} cases[] = {
		{ CONSUL_ERROR, CONSUL_STATUS },
		{ CONSUL_BUSY, CONSUL_STATUS },
		{ CONSUL_HALF, CONSUL_UNREACHABLE },
		{ CONSUL_RESET, CONSUL_UNREACHABLE },
		{ CONSUL_GARBAGE, CONSUL_INVALID },
		{ CONSUL_NO_INDEX, CONSUL_INVALID },
		{ CONSUL_HUGE, CONSUL_TOO_LARGE },
	};
	unsigned before;

	begin(&(struct consul_options){ 0 });
	come("a");
	expect(1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		before = failures;
		consul_fail(consul, cases[i].fault);
		cr_assert(DRIVE_UNTIL(loop, failures > before + 1));
		cr_assert_eq(failure, cases[i].failure, "fault %d: %d",
		    cases[i].fault, failure);
		before = answers;
		consul_fail(consul, CONSUL_WELL);
		cr_assert(DRIVE_UNTIL(loop, answers > before));
		cr_assert_eq(servers, 1);
	}
	end();
}

Test(consul_source, it_is_found_again_with_lower_indexes)
{
	begin(&(struct consul_options){ 0 });
	come("a");
	consul_rewind(consul, 1000000);
	expect(1);
	consul_kill(consul);
	cr_assert(DRIVE_UNTIL(loop, failures > 1));
	cr_assert_eq(failure, CONSUL_UNREACHABLE);
	consul_rewind(consul, 5);
	consul_revive(consul);
	come("b");
	expect(2);
	cr_assert(DRIVE_UNTIL(loop, consul_waiting(consul) == 1));
	consul_rewind(consul, 3);
	come("c");
	expect(3);
	end();
}

Test(consul_source, index_zero_does_not_make_it_spin)
{
	begin(&(struct consul_options){ 0 });
	come("a");
	consul_fail(consul, CONSUL_INDEX_ZERO);
	expect(1);
	cr_assert(DRIVE_UNTIL(loop, answers > 5));
	cr_assert_leq(consul_queries(consul), answers + 1);
	cr_assert_eq(failures, 0);
	end();
}

Test(consul_source, a_burst_of_changes_is_few_queries)
{
	unsigned before;
	int64_t began;

	begin(&(struct consul_options){ 0 });
	come("a");
	expect(1);
	before = consul_queries(consul);
	began = wait_now();
	for (unsigned i = 0; i < 200; i++) {
		consul_touch(consul);
		drive_once(loop);
	}
	come("b");
	expect(2);
	cr_assert_leq(consul_queries(consul) - before,
	    4 + (wait_now() - began) * 1000000 / (int64_t)quick.refill_ns);
	end();
}

Test(consul_source, a_token_is_shown_and_a_bad_one_is_told)
{
	begin(&(struct consul_options){ .token = "secret" });
	come("a");
	cr_assert(DRIVE_UNTIL(loop, failures > 0));
	cr_assert_eq(failure, CONSUL_DENIED, "hidden is not empty");
	agent.token = "wrong";
	consul_source_again(source);
	failures = 0;
	cr_assert(DRIVE_UNTIL(loop, failures > 0));
	cr_assert_eq(failure, CONSUL_DENIED);
	cr_assert_eq(answers, 0);
	agent.token = "secret";
	expect(1);
	end();
}

static int delete (
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

Test(consul_source, tls_is_held_to_names_and_certificates)
{
	char directory[] = "/tmp/fairlead-consul-XXXXXX";
	struct cert theirs, ours;
	struct fetch_tls tls = { .name = "other.test" };

	cr_assert_not_null(mkdtemp(directory));
	theirs = cert_make(directory, "there", "consul.test", CERT_ECDSA);
	ours = cert_make(directory, "here", "us.test", CERT_ECDSA);
	tls.ca = theirs.ca;
	agent.tls = &tls;
	begin(&(struct consul_options){
	    .cert = theirs.cert, .key = theirs.key, .client_ca = ours.ca });
	come("a");
	cr_assert(DRIVE_UNTIL(loop, failures > 1));
	cr_assert_eq(failure, CONSUL_UNREACHABLE);
	tls.name = "consul.test";
	failures = 0;
	cr_assert(DRIVE_UNTIL(loop, failures > 1), "no certificate of ours");
	tls.cert = ours.cert;
	tls.key = ours.key;
	expect(1);
	end();
	nftw(directory, delete, 8, FTW_DEPTH | FTW_PHYS);
}

Test(consul_source, many_wait_beside_each_other)
{
	struct consul_source *more[100];

	begin(&(struct consul_options){ 0 });
	come("a");
	for (unsigned i = 0; i < 100; i++)
		more[i] = consul_source_new(
		    loop, fetcher, &agent, &wish, &quick, &ops, NULL);
	cr_assert(DRIVE_UNTIL(loop, consul_waiting(consul) == 101));
	answers = 0;
	come("b");
	cr_assert(DRIVE_UNTIL(loop, answers >= 101));
	cr_assert_eq(servers, 2);
	cr_assert_leq(consul_accepted(consul), 101);
	for (unsigned i = 0; i < 100; i++)
		consul_source_free(more[i]);
	end();
}

Test(consul_source, after_a_failure_the_next_address_is_asked)
{
	begin(&(struct consul_options){ 0 });
	here[1] = here[0];
	cr_assert(addr_from_ip(TEXT("127.0.0.1"), 1, &here[0]));
	agent.n = 2;
	come("a");
	expect(1);
	cr_assert_eq(failures, 1);
	come("b");
	expect(2);
	cr_assert_eq(failures, 1, "it stays with who answers");
	end();
}

Test(consul_source, while_no_address_is_known_it_fails_and_asks_on)
{
	agent.n = 0;
	begin(&(struct consul_options){ 0 });
	come("a");
	drive(loop, 30);
	cr_assert_eq(failures, 0, "not known yet is no failure");
	agent.problem = "consul.test: nobody knows it";
	cr_assert(DRIVE_UNTIL(loop, failures > 2));
	cr_assert_eq(failure, CONSUL_UNREACHABLE);
	agent.n = 1;
	expect(1);
	end();
}
