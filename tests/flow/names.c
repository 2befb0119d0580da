/*
 * Servers by name: resolved in the background, all addresses, again by TTL,
 * the last answer kept.  Done-when 10.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/front.h"
#include "tests/lib/names.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 30000 };

#define RELOADS "fairlead_config_reloads_total{result=\"success\"}"

static struct origin *four, *six;
static struct names *dns;
static struct daemon *d;

TestSuite(names, .timeout = 120);

/* Two origins on one port, one for each family. */
static void
start(struct names_answer answer)
{
	const char *env[] = { "FAIRLEAD_DNS_SERVERS", NULL, "http_proxy",
		"http://127.0.0.1:1/", "HTTP_PROXY", "http://127.0.0.1:1/",
		"all_proxy", "http://127.0.0.1:1/", NULL };

	do {
		four = origin_new("four");
		six = origin_start(&(struct origin_options){
		    .name = "six", .ipv6 = true, .port = origin_port(four) });
	} while (six == NULL);
	dns = names_start(answer);
	env[1] = names_address(dns);
	d = daemon_start_in(daemon_directory(), env,
	    "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: { servers: [\"app.test:%d\"], "
	    "balance: { policy: round_robin }, health_check: { type: http, "
	    "interval: 200ms } } }\n",
	    origin_port(four));
}

static struct response *
ask_front(void)
{
	return get(daemon_port(d, "http"), "/", "");
}

static bool
is_served(void)
{
	return ask_front()->status == 200;
}

/* Which of the two answer ten requests: bit 0 the IPv4 one, bit 1 the other. */
static unsigned
who_answers(void)
{
	unsigned who = 0, i;
	char *name;

	for (i = 0; i < 10; i++) {
		name = response_field(ask_front(), "x-origin");
		who |= name == NULL ? 4 : strcmp(name, "four") == 0 ? 1 : 2;
	}
	return who;
}

Test(names, unresolved__it_serves_as_soon_as_dns_answers)
{
	start((struct names_answer){ .dead = true });
	must_refuse(ask_front(), 503, "unresolved");
	cr_assert(WAIT_FOR(CHANGE_MS, names_asked(dns) > 0));
	names_answer(dns, (struct names_answer){ .v4 = true, .ttl = 60 });
	cr_assert(WAIT_FOR(CHANGE_MS, is_served()));
	cr_assert_leq(daemon_metric(d, RELOADS), 0, "no reload was needed");
	daemon_stop(d);
}

Test(names, a_and_aaaa_are_all_servers_and_no_environment_proxy_is_asked)
{
	start((struct names_answer){ .v4 = true, .v6 = true, .ttl = 60 });
	cr_assert(WAIT_FOR(CHANGE_MS, who_answers() == 3));
	daemon_stop(d);
}

Test(names, names_are_resolved_again_by_their_ttl)
{
	start((struct names_answer){ .v4 = true, .ttl = 1 });
	cr_assert(WAIT_FOR(CHANGE_MS, who_answers() == 1));
	names_answer(dns, (struct names_answer){ .v6 = true, .ttl = 1 });
	cr_assert(WAIT_FOR(CHANGE_MS, who_answers() == 2));
	daemon_stop(d);
}

Test(names, the_last_answer_is_kept_when_dns_fails)
{
	unsigned before;

	start((struct names_answer){ .v4 = true, .ttl = 1 });
	cr_assert(WAIT_FOR(CHANGE_MS, is_served()));
	names_answer(dns, (struct names_answer){ .fails = true });
	before = names_asked(dns);
	cr_assert(WAIT_FOR(CHANGE_MS, names_asked(dns) > before + 2));
	cr_assert(is_served());
	daemon_stop(d);
}

Test(names, reload_and_check_do_not_wait_for_dns)
{
	char *yaml;

	start((struct names_answer){ .dead = true });
	yaml = keep_file(d->config);
	daemon_reload(d, "%s  \n", yaml);
	must_count(d, RELOADS, 1);
	must_refuse(ask_front(), 503, "unresolved");
	daemon_stop(d);
}
