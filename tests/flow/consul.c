/*
 * The double of Consul, held to what two clients that are not ours make of it:
 * npm's `consul' and Debian's python3-consul.  What they have no word for, the
 * raw client asks.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/certs.h"
#include "tests/lib/child.h"
#include "tests/lib/client.h"
#include "tests/lib/consul.h"
#include "tests/lib/daemon.h"
#include "tests/lib/wait.h"

#define TOKEN "5f3c1bd6-0000-4000-8000-0123456789ab"

static const char modules[] = "/usr/local/lib/node_modules:"
			      "/usr/lib/node_modules";

TestSuite(consul, .timeout = 300);

/* The status of a script of tests/oracles; its words are in the log. */
static int
run(const char *directory, const char *program, const char *script,
    const char *argument, const char *ca)
{
	const char *root = getenv("FAIRLEAD_ROOT");
	char *log = keep_printf("%s/%s.log", directory, script);
	char *argv[] = { keep_printf("%s", program),
		keep_printf(
		    "%s/tests/oracles/%s", root == NULL ? "." : root, script),
		keep_printf("%s", argument), keep_printf("%s", TOKEN),
		ca == NULL ? NULL : keep_printf("%s", ca), NULL };
	int status = -1;
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid == 0)
		child_become(argv, log, log);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fprintf(stderr, "%s: %s", script, keep_file(log));
	return status;
}

static struct consul *
start(const struct consul_options *options)
{
	struct consul *c = consul_start(options);

	cr_assert_not_null(c);
	return c;
}

Test(consul, npms_client_understands_the_double)
{
	struct consul *c = start(&(struct consul_options){ .token = TOKEN });
	char *directory = daemon_directory();

	if (access("/usr/lib/node_modules/consul", F_OK) == -1 &&
	    access("/usr/local/lib/node_modules/consul", F_OK) == -1)
		cr_skip_test("npm's consul is not installed");
	setenv("NODE_PATH", modules, 1);
	cr_assert_eq(run(directory, "node", "consul_client.js",
			 keep_printf("%d", consul_port(c)), NULL),
	    0);
	cr_assert_eq(consul_waiting(c), 0);
}

Test(consul, pythons_client_understands_the_double)
{
	struct consul *c = start(&(struct consul_options){ .token = TOKEN });

	cr_assert_eq(
	    run(daemon_directory(), "/usr/bin/python3", "consul_client.py",
		keep_printf("%d", consul_port(c)), NULL),
	    0);
}

Test(consul, pythons_client_understands_it_over_tls)
{
	char *directory = daemon_directory();
	struct cert cert = cert_make(directory, "t", "localhost", CERT_ECDSA);
	struct consul *c = start(&(struct consul_options){
	    .token = TOKEN, .cert = cert.cert, .key = cert.key });

	cr_assert_eq(run(directory, "/usr/bin/python3", "consul_client.py",
			 keep_printf("%d", consul_port(c)), cert.ca),
	    0);
}

Test(consul, a_killed_double_comes_back_with_all_it_knew)
{
	struct consul *c = start(&(struct consul_options){ 0 });
	const char path[] = "/v1/health/service/web?index=1000&wait=5m";
	struct client *waiting, none = { .fd = -1 };
	struct response r = { 0 };

	consul_register(
	    c, &(struct consul_service){ .name = "web", .port = 1 });
	waiting = dial(consul_port(c));
	client_print(waiting, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path);
	cr_assert(WAIT_FOR(10000, consul_waiting(c) == 1));
	consul_kill(c);
	cr_assert_not(client_response(waiting, &r, "GET"));
	cr_assert_not(client_connect(&none, consul_port(c)));
	cr_assert(WAIT_FOR(10000, consul_open(c) == 0));
	consul_revive(c);
	cr_assert(response_says(
	    get(consul_port(c), "/v1/health/service/web?passing", ""),
	    "\"Port\":1,"));
	cr_assert_eq(consul_queries(c), 2);
	cr_assert_str_eq(consul_last(c), "/v1/health/service/web?passing ");
}

Test(consul, an_index_from_before_waits_until_it_is_rewound)
{
	struct consul *c = start(&(struct consul_options){ 0 });
	struct client *waiting = dial(consul_port(c));
	struct response *r;

	client_print(waiting,
	    "GET /v1/health/service/web?index=1000 HTTP/1.1\r\n"
	    "Host: t\r\n\r\n");
	cr_assert(WAIT_FOR(10000, consul_waiting(c) == 1));
	consul_register(
	    c, &(struct consul_service){ .name = "web", .port = 1 });
	cr_assert_eq(consul_waiting(c), 1);
	consul_rewind(c, 7);
	r = answer(waiting, "GET");
	cr_assert_str_eq(response_field(r, "x-consul-index"), "7");
	cr_assert(response_says(r, "\"web\""));
}

Test(consul, a_client_that_leaves_is_waited_for_no_longer)
{
	struct consul *c = start(&(struct consul_options){ 0 });
	struct client *waiting = dial(consul_port(c));

	client_print(waiting,
	    "GET /v1/health/service/web?index=1000 HTTP/1.1\r\n"
	    "Host: t\r\n\r\n");
	cr_assert(WAIT_FOR(10000, consul_waiting(c) == 1));
	client_close(waiting);
	cr_assert(WAIT_FOR(10000, consul_waiting(c) == 0));
}

Test(consul, the_nearest_come_first)
{
	struct consul *c = start(&(struct consul_options){ 0 });
	struct response *r;
	long far, close;

	consul_register(c,
	    &(struct consul_service){
		.name = "web", .id = "close", .port = 1 });
	consul_register(c,
	    &(struct consul_service){
		.name = "web", .id = "far", .node = "n2", .port = 1 });
	r = get(consul_port(c), "/v1/health/service/web?near=n2", "");
	far = bytes_find(&r->body, 0, "\"ID\":\"far\"");
	close = bytes_find(&r->body, 0, "\"ID\":\"close\"");
	cr_assert(far >= 0 && close > far);
}
