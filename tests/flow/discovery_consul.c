/*
 * Discovery by Consul, of which a double stands in: instances that come and go
 * while requests flow, and a Consul that fails in all its ways.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/consul.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 30000, SOON_MS = 2000, SLACK_MS = 6000 };

#define TOKEN "5f3c1bd6-0000-4000-8000-0123456789ab"
#define SERVERS "upstreams/up/discovery/servers"
#define UPDATES "upstreams/up/discovery/updates"
#define HELD "upstreams/up/discovery/held_back/why"
#define OF(metric, more) \
	"fairlead_discovery_" metric \
	"{upstream=\"up\",provider=\"consul\"" more "}"
#define ERRORS(reason) OF("errors_total", ",reason=\"" reason "\"")

static struct origin *a, *b;
static struct consul *consul;
static char *directory;
static struct daemon *d;

static void
stage(void)
{
	a = origin_new("a");
	b = origin_new("b");
	directory = daemon_directory();
}

TestSuite(discovery_consul, .init = stage, .timeout = 240);

/* `wish' and `discover' are further keys with a comma before, `top' lines. */
static char *
yaml(const char *wish, const char *discover, const char *top)
{
	return keep_printf(
	    "workers: 2\n"
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: { discover: { consul: { service: web%s },\n"
	    "    allow: 127.0.0.0/8%s } } }\n"
	    "%s",
	    wish, discover, top);
}

/* Where Consul is; further keys, each with a comma before it. */
static char *
at(const char *scheme, const char *host, const char *more)
{
	return keep_printf("discovery: { consul: { url: \"%s://%s:%d\"%s } }\n",
	    scheme, host, consul_port(consul), more);
}

static char *
here(void)
{
	return at("http", "127.0.0.1", "");
}

static void
begin(const struct consul_options *options)
{
	consul = consul_start(options);
	cr_assert_not_null(consul);
}

static void
start(const char *wish, const char *discover, const char *top)
{
	d = daemon_start_in(directory, NULL, "%s", yaml(wish, discover, top));
}

/* An instance whose id is that, as it is but for name and place. */
static void
come_as(struct origin *o, const char *id, struct consul_service s)
{
	s.name = "web";
	s.id = id;
	s.address = "127.0.0.1";
	s.port = origin_port(o);
	consul_register(consul, &s);
}

static void
come(struct origin *o, const char *id)
{
	come_as(o, id, (struct consul_service){ 0 });
}

static struct response *
ask_front(void)
{
	return get(daemon_port(d, "http"), "/", "");
}

static bool
is_served_by(const char *origin)
{
	char *name = response_field(ask_front(), "x-origin");

	return name != NULL && strcmp(name, origin) == 0;
}

static bool
becomes_served_by(const char *origin)
{
	return WAIT_FOR(CHANGE_MS, is_served_by(origin));
}

static int
weight_of(struct origin *o)
{
	char *name = keep_printf("127.0.0.1:%d", origin_port(o));
	json_t *server = daemon_server(d, "up", name);

	return (int)json_integer_value(json_object_get(server, "weight"));
}

static bool
is_held(void)
{
	return daemon_stat_text(d, HELD) != NULL;
}

static bool
has_failed(const char *sample, double before)
{
	return WAIT_FOR(CHANGE_MS, daemon_metric(d, sample) > before);
}

/* ---- who is there ---- */

Test(discovery_consul, instances_come_and_go)
{
	begin(&(struct consul_options){ 0 });
	start("", "", here());
	cr_assert_eq(ask_front()->status, 503);
	come(a, "one");
	cr_assert(becomes_served_by("a"));
	come(b, "two");
	must_tell(d, SERVERS, 2);
	consul_deregister(consul, "one");
	must_tell(d, SERVERS, 1);
	cr_assert(becomes_served_by("b"));
	cr_assert(WAIT_FOR(CHANGE_MS, origin_open(a) == 0));
	daemon_stop(d);
}

Test(discovery_consul, the_wish_says_which_of_them)
{
	const char *wish = ", tag: v2, datacenter: dc1, near: _agent, filter: "
			   "'Service.Meta.zone == \"x\"'";
	char *last;

	begin(&(struct consul_options){ 0 });
	come_as(a, "one", (struct consul_service){ .tags = "v1", .zone = "x" });
	come_as(b, "two", (struct consul_service){ .tags = "v2", .zone = "x" });
	come_as(
	    a, "three", (struct consul_service){ .tags = "v2", .zone = "y" });
	start(wish, "", here());
	cr_assert(becomes_served_by("b"));
	cr_assert_eq(daemon_stat(d, SERVERS), 1);
	last = consul_last(consul);
	cr_assert_not_null(strstr(last, "/v1/health/service/web?"), "%s", last);
	cr_assert_not_null(strstr(last, "tag=v2"), "%s", last);
	cr_assert_not_null(strstr(last, "dc=dc1"), "%s", last);
	cr_assert_not_null(strstr(last, "near=_agent"), "%s", last);
	cr_assert_not_null(strstr(last, "passing"), "%s", last);
	cr_assert_not_null(strstr(last, "stale"), "%s", last);
	daemon_stop(d);
}

Test(discovery_consul, only_who_passes_unless_that_is_not_asked)
{
	begin(&(struct consul_options){ 0 });
	come(a, "one");
	come(b, "two");
	start("", ", max_loss: off", here());
	must_tell(d, SERVERS, 2);
	consul_check(consul, "one", "critical");
	must_tell(d, SERVERS, 1);
	cr_assert(becomes_served_by("b"));
	daemon_reload(d, "%s", yaml(", passing: false", "", here()));
	must_tell(d, SERVERS, 2);
	cr_assert_null(strstr(consul_last(consul), "passing"));
	daemon_stop(d);
}

Test(discovery_consul, weights_are_those_of_its_checks)
{
	begin(&(struct consul_options){ 0 });
	come_as(
	    a, "one", (struct consul_service){ .passing = 5, .warning = 2 });
	come_as(b, "two", (struct consul_service){ .passing = 3 });
	start(", passing: false", "", here());
	must_tell(d, SERVERS, 2);
	cr_assert_eq(weight_of(a), 5);
	cr_assert_eq(weight_of(b), 3);
	consul_check(consul, "one", "warning");
	cr_assert(WAIT_FOR(CHANGE_MS, weight_of(a) == 2));
	daemon_stop(d);
}

Test(discovery_consul, a_query_waits_and_writes_elsewhere_change_nothing)
{
	unsigned queries;

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	start("", "", here());
	cr_assert(becomes_served_by("a"));
	cr_assert(WAIT_FOR(CHANGE_MS, consul_waiting(consul) == 1));
	queries = consul_queries(consul);
	consul_touch(consul);
	cr_assert(WAIT_FOR(CHANGE_MS,
	    consul_queries(consul) == queries + 1 &&
		consul_waiting(consul) == 1));
	cr_assert_eq(daemon_stat(d, UPDATES), 1);
	cr_assert_eq(consul_accepted(consul), 1, "one connection, kept");
	daemon_stop(d);
	cr_assert(WAIT_FOR(CHANGE_MS, consul_open(consul) == 0));
}

Test(discovery_consul, loopback_is_refused_unless_it_is_allowed)
{
	char *text;

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	text = yaml("", "", here());
	memcpy(strstr(text, "127.0.0.0/8"), "10.0.0.0/8 ", 11);
	d = daemon_start_in(directory, NULL, "%s", text);
	cr_assert(daemon_says(d, 0, "is a loopback address; left out: 1"));
	must_tell(d, SERVERS, 0);
	daemon_reload(d, "%s", yaml("", "", here()));
	cr_assert(becomes_served_by("a"));
	daemon_stop(d);
}

Test(discovery_consul, an_instance_with_a_host_name_is_left_out_and_told)
{
	begin(&(struct consul_options){ 0 });
	come(a, "one");
	consul_register(consul,
	    &(struct consul_service){
		.name = "web", .id = "two", .address = "b.test", .port = 80 });
	start("", "", here());
	cr_assert(becomes_served_by("a"));
	cr_assert(daemon_says(d, 0, "has no IP address; left out: 1"));
	must_tell(d, SERVERS, 1);
	daemon_stop(d);
}

/* ---- how it is asked ---- */

Test(discovery_consul, its_host_may_be_a_name)
{
	begin(&(struct consul_options){ 0 });
	come(a, "one");
	start("", "", at("http", "localhost", ""));
	cr_assert(becomes_served_by("a"));
	daemon_stop(d);
}

Test(discovery_consul, a_name_that_nobody_knows_is_told)
{
	const char *env[] = { "FAIRLEAD_DNS_SERVERS", "127.0.0.1:1", NULL };

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	d = daemon_start_in(
	    directory, env, "%s", yaml("", "", at("http", "consul.test", "")));
	cr_assert(daemon_says(d, 0, "discovery.consul: consul.test: "));
	cr_assert(has_failed(ERRORS("unreachable"), 0));
	daemon_reload(d, "%s", yaml("", "", here()));
	cr_assert(becomes_served_by("a"));
	daemon_stop(d);
}

Test(discovery_consul, its_token_is_in_the_configuration_or_in_a_file)
{
	char *path = keep_printf("%s/token", directory);
	FILE *f;

	begin(&(struct consul_options){ .token = TOKEN });
	come(a, "one");
	start("", "", at("http", "127.0.0.1", ", token: wrong"));
	cr_assert(has_failed(ERRORS("denied"), 0));
	cr_assert_null(strstr(daemon_log(d), "wrong"));
	daemon_reload(
	    d, "%s", yaml("", "", at("http", "127.0.0.1", ", token: " TOKEN)));
	cr_assert(becomes_served_by("a"));
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs("faulty\n", f);
	fclose(f);
	daemon_reload(d, "%s",
	    yaml("", "", at("http", "127.0.0.1", ", token_file: token")));
	cr_assert(
	    daemon_says(d, 0, "the token is not accepted; the last good"));
	cr_assert(is_served_by("a"));
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs(TOKEN "\n", f);
	fclose(f);
	daemon_reload(d, "%s",
	    yaml("", "", at("http", "127.0.0.1", ", token_file: token")));
	cr_assert(daemon_says(d, 0, "discovery by consul: no more errors"));
	daemon_stop(d);
}

Test(discovery_consul, it_is_asked_over_tls_with_certificates)
{
	struct cert theirs =
	    cert_make(directory, "theirs", "localhost", CERT_ECDSA);
	struct cert ours = cert_make(directory, "ours", "us.test", CERT_ECDSA);

	begin(&(struct consul_options){
	    .cert = theirs.cert, .key = theirs.key, .client_ca = ours.ca });
	come(a, "one");
	start("", "", at("https", "localhost", ""));
	cr_assert(has_failed(ERRORS("unreachable"), 0));
	daemon_reload(d, "%s",
	    yaml("", "",
		at("https", "localhost",
		    keep_printf(", ca: %s, cert: %s, key: %s", theirs.ca,
			ours.cert, ours.key))));
	cr_assert(becomes_served_by("a"));
	daemon_stop(d);
}

Test(discovery_consul, a_reload_leaves_its_query_waiting)
{
	unsigned queries;

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	start("", "", here());
	cr_assert(becomes_served_by("a"));
	cr_assert(WAIT_FOR(CHANGE_MS, consul_waiting(consul) == 1));
	queries = consul_queries(consul);
	daemon_reload(d, "%s", yaml("", ", drain: 1s", here()));
	cr_assert(is_served_by("a"));
	cr_assert_eq(consul_queries(consul), queries);
	cr_assert_eq(consul_waiting(consul), 1);
	consul_fail(consul, CONSUL_ERROR);
	daemon_reload(d, "%s", yaml(", tag: v2", "", here()));
	cr_assert(is_served_by("a"), "until the other query has an answer");
	come_as(b, "two", (struct consul_service){ .tags = "v2" });
	consul_fail(consul, CONSUL_WELL);
	cr_assert(becomes_served_by("b"));
	must_tell(d, SERVERS, 1);
	daemon_stop(d);
}

/* ---- what befalls it ---- */

/*
 * In step, so long after Consul was well again: two seconds are the promise, the
 * rest is for machines that do more than this.
 */
static void
must_be_soon(const char *what, int64_t well)
{
	int64_t took = wait_now() - well;

	fprintf(stderr, "consul: in step %lld ms after %s\n", (long long)took,
	    what);
	cr_assert_leq(took, (SOON_MS + SLACK_MS) * wait_scale());
}

/* While it fails so, nobody notices; after that it is in step. */
static void
survives(enum consul_fault fault, const char *what, const char *sample)
{
	double before;
	struct load_result *r;
	struct load *load;
	int64_t well;

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	start("", ", max_loss: off", at("http", "127.0.0.1", ", wait: 1s"));
	cr_assert(becomes_served_by("a"));
	load = load_start(&(struct load_plan){
	    .port = daemon_port(d, "http"), .connections = 4, .rate = 100 });
	before = daemon_metric(d, sample);
	consul_fail(consul, fault);
	consul_touch(consul);
	cr_assert(has_failed(sample, before));
	come(b, "two");
	consul_deregister(consul, "one");
	cr_assert(is_served_by("a"));
	consul_fail(consul, CONSUL_WELL);
	well = wait_now();
	cr_assert(becomes_served_by("b"));
	must_be_soon(what, well);
	r = load_stop(load);
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	cr_assert_gt(r->requests, 0);
	daemon_stop(d);
}

Test(discovery_consul, errors_of_its_own_change_nothing)
{
	survives(CONSUL_ERROR, "a 500", ERRORS("status"));
}

Test(discovery_consul, a_busy_one_changes_nothing)
{
	survives(CONSUL_BUSY, "a 429", ERRORS("status"));
}

Test(discovery_consul, garbage_changes_nothing)
{
	survives(CONSUL_GARBAGE, "garbage", ERRORS("invalid"));
}

Test(discovery_consul, an_answer_without_an_index_changes_nothing)
{
	survives(CONSUL_NO_INDEX, "no index", ERRORS("invalid"));
}

Test(discovery_consul, half_an_answer_changes_nothing)
{
	survives(CONSUL_HALF, "half a body", ERRORS("unreachable"));
}

Test(discovery_consul, a_broken_answer_changes_nothing)
{
	survives(
	    CONSUL_RESET, "half a body and a reset", ERRORS("unreachable"));
}

Test(discovery_consul, one_without_end_changes_nothing)
{
	survives(CONSUL_HUGE, "64 MiB", ERRORS("too_large"));
}

Test(discovery_consul, one_that_hangs_changes_nothing)
{
	survives(CONSUL_HANG, "hanging", ERRORS("unreachable"));
}

/* For CONSUL_DEAD_SECONDS, if they are given, as somebody who upgrades it. */
Test(discovery_consul, killed_it_is_missed_by_nobody_and_heard_when_it_is_back)
{
	const char *wanted = getenv("CONSUL_DEAD_SECONDS");
	long seconds = wanted != NULL ? strtol(wanted, NULL, 10) : 0;
	struct load_result *r;
	struct load *load;
	int64_t well;

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	for (unsigned i = 0; i < 20; i++)
		consul_touch(consul);
	start("", ", max_loss: off", here());
	cr_assert(becomes_served_by("a"));
	load = load_start(&(struct load_plan){
	    .port = daemon_port(d, "http"), .connections = 4, .rate = 100 });
	consul_kill(consul);
	wait_till(wait_now() + seconds * 1000);
	cr_assert(has_failed(ERRORS("unreachable"), 2));
	consul_rewind(consul, 3);
	consul_revive(consul);
	well = wait_now();
	cr_assert(daemon_says(d, 0, "discovery by consul: no more errors"));
	come(b, "two");
	consul_deregister(consul, "one");
	cr_assert(becomes_served_by("b"));
	must_tell(d, SERVERS, 1);
	must_be_soon("being dead", well);
	consul_rewind(consul, 1);
	well = wait_now();
	come(a, "three");
	must_tell(d, SERVERS, 2);
	must_be_soon("a lower index", well);
	r = load_stop(load);
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	daemon_stop(d);
}

Test(discovery_consul, a_sudden_empty_answer_is_held_back)
{
	int64_t well;

	begin(&(struct consul_options){ 0 });
	come(a, "one");
	start("", ", hold: 1h", here());
	cr_assert(becomes_served_by("a"));
	consul_fail(consul, CONSUL_EMPTY);
	consul_touch(consul);
	cr_assert(WAIT_FOR(CHANGE_MS, is_held()));
	cr_assert(is_served_by("a"));
	well = wait_now();
	consul_fail(consul, CONSUL_WELL);
	consul_touch(consul);
	cr_assert(WAIT_FOR(CHANGE_MS, !is_held()));
	must_be_soon("a sudden empty answer", well);
	cr_assert_eq(daemon_stat(d, UPDATES), 1);
	daemon_stop(d);
}

Test(discovery_consul, an_empty_answer_is_believed_after_its_time)
{
	begin(&(struct consul_options){ 0 });
	come(a, "one");
	start("", ", hold: 500ms", here());
	cr_assert(becomes_served_by("a"));
	consul_deregister(consul, "one");
	cr_assert(WAIT_FOR(CHANGE_MS, ask_front()->status == 503));
	must_tell(d, SERVERS, 0);
	daemon_stop(d);
}

/* ---- what is seen of it ---- */

Test(discovery_consul, metrics_and_stats_tell_of_it)
{
	begin(&(struct consul_options){ 0 });
	come(a, "one");
	come(b, "two");
	start("", "", here());
	must_count(d, OF("servers", ""), 2);
	must_count(d, OF("updates_total", ""), 1);
	must_count(d, ERRORS("denied"), 0);
	cr_assert_gt(
	    daemon_metric(d, OF("last_success_timestamp_seconds", "")), 1e9);
	cr_assert_str_eq(
	    daemon_stat_text(d, "upstreams/up/discovery/provider"), "consul");
	cr_assert_geq(daemon_stat(d, "upstreams/up/discovery/age_seconds"), 0);
	consul_fail(consul, CONSUL_BUSY);
	cr_assert(has_failed(ERRORS("status"), 0));
	cr_assert_str_eq(daemon_stat_text(d, "upstreams/up/discovery/error"),
	    "it has too much to do");
	daemon_stop(d);
}
