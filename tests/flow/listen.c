/*
 * Where fairlead listens, and who is refused a place that is taken.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/certs.h"
#include "tests/lib/front.h"
#include "tests/lib/wait.h"

TestSuite(listen, .timeout = 60);

#define SAY_HI \
	"access_log: off\n" \
	"routes: [{ name: hi, path: \"/*\", respond: { status: 200, " \
	"body: hi } }]\n"
#define ADMIN "admin: { address: \"127.0.0.1:0\" }\n"

static struct response *
hello(struct client *c)
{
	struct response *r = keep(sizeof *r);

	cr_assert(client_print(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(client_response(c, r, "GET"), "%s", c->why);
	cr_assert_eq(r->status, 200);
	return r;
}

Test(listen, port_0_works_and_every_address_is_printed)
{
	struct daemon *d;
	int a, b;

	d = daemon_start("listeners:\n"
			 "  a: { address: \"127.0.0.1:0\" }\n"
			 "  b: { address: \"127.0.0.1:0\" }\n" ADMIN SAY_HI);
	a = daemon_port(d, "a");
	b = daemon_port(d, "b");
	cr_assert_gt(a, 0);
	cr_assert_neq(a, b);
	(void)hello(dial(a));
	(void)hello(dial(b));
	daemon_stop(d);
}

Test(listen, a_bare_port_is_dual_stack)
{
	struct client c = { 0 };
	struct daemon *d;
	int port;

	d = daemon_start(
	    "listeners: { any: { address: \":0\" } }\n" ADMIN SAY_HI);
	port = daemon_port(d, "any");
	(void)hello(dial(port));
	cr_assert(client_connect6(&c, port), "%s", c.why);
	(void)hello(&c);
	daemon_stop(d);
}

Test(listen, ipv6_works_on_both_sides)
{
	struct origin *o =
	    origin_start(&(struct origin_options){ .ipv6 = true });
	struct client c = { 0 };
	struct daemon *d;

	cr_assert_not_null(o);
	d = daemon_start("listeners: { six: { address: \"[::1]:0\" } }\n" ADMIN
			 "access_log: off\n"
			 "routes: [{ path: \"/*\", to: up }]\n"
			 "upstreams: { up: [\"[::1]:%d\"] }\n",
	    origin_port(o));
	cr_assert(client_connect6(&c, daemon_port(d, "six")));
	cr_assert(response_says(hello(&c), "X-Forwarded-For: ::1\r\n"));
	daemon_stop(d);
}

Test(listen, unix_sockets_work_on_both_sides)
{
	char *directory = daemon_directory();
	char *server = keep_printf("%s/server.sock", directory);
	char *front = keep_printf("%s/front.sock", directory);
	struct origin *o =
	    origin_start(&(struct origin_options){ .unix_path = server });
	struct client c = { 0 };
	struct daemon *d;

	cr_assert_not_null(o);
	d = daemon_start_in(directory, NULL,
	    "workers: 2\n"
	    "listeners: { local: { address: \"unix:%s\" } }\n" ADMIN
	    "access_log: off\n"
	    "routes: [{ path: \"/*\", to: up }]\n"
	    "upstreams: { up: [\"unix:%s\"] }\n",
	    front, server);
	(void)daemon_port(d, "local");
	cr_assert(client_connect_unix(&c, front), "%s", c.why);
	(void)hello(&c);
	(void)hello(&c);
	cr_assert_eq(origin_requests(o), 2);
	daemon_stop(d);
	cr_assert_eq(access(front, F_OK), -1, "the socket's file is left");
}

Test(listen, several_addresses_of_one_listener)
{
	char *directory = daemon_directory();
	char *path = keep_printf("%s/front.sock", directory);
	struct client c = { 0 };
	struct daemon *d;

	d = daemon_start_in(directory, NULL,
	    "listeners: { both: { address: [\"127.0.0.1:0\", \"unix:%s\"] } }"
	    "\n" ADMIN SAY_HI,
	    path);
	(void)hello(dial(daemon_port(d, "both")));
	cr_assert(WAIT_FOR(5000, client_connect_unix(&c, path)));
	(void)hello(&c);
	daemon_stop(d);
}

Test(listen, redirect_https_sends_everything_there)
{
	struct response *r;
	struct daemon *d;

	d = daemon_start("listeners: { http: { address: \"127.0.0.1:0\", "
			 "redirect: https } }\n" ADMIN SAY_HI);
	r = get(daemon_port(d, "http"), "/a/b?c=d", "");
	cr_assert_eq(r->status, 308);
	cr_assert_str_eq(response_field(r, "location"), "https://test/a/b?c=d");
	daemon_stop(d);
}

Test(listen, a_second_instance_is_refused_with_the_holders_pid)
{
	struct daemon *first, *second;
	int status;

	first = daemon_start("listeners: { http: { address: "
			     "\"127.0.0.1:0\" } }\n" ADMIN SAY_HI);
	second = daemon_try(daemon_directory(), NULL,
	    "listeners: { http: { address: \"127.0.0.1:%d\" } }\n" ADMIN SAY_HI,
	    daemon_port(first, "http"));
	status = daemon_wait(second, 10000);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x",
	    (unsigned)status);
	cr_assert_not_null(
	    strstr(daemon_log(second), keep_printf("%d", first->pid)), "%s",
	    daemon_log(second));
	(void)hello(dial(daemon_port(first, "http")));
	daemon_stop(first);
}

Test(listen, a_unix_socket_left_by_a_killed_process_is_taken_over)
{
	char *directory = daemon_directory();
	char *path = keep_printf("%s/front.sock", directory);
	char *yaml = keep_printf("listeners: { local: { address: \"unix:%s\" "
				 "} }\n" ADMIN SAY_HI,
	    path);
	struct client c = { 0 };
	struct daemon *d;

	d = daemon_start_in(directory, NULL, "%s", yaml);
	(void)daemon_port(d, "local");
	daemon_signal(d, SIGKILL);
	(void)daemon_wait(d, 10000);
	d = daemon_start_in(directory, NULL, "%s", yaml);
	(void)daemon_port(d, "local");
	cr_assert(client_connect_unix(&c, path), "%s", c.why);
	(void)hello(&c);
	daemon_stop(d);
}

Test(listen, connections_beyond_the_limit_are_refused)
{
	struct client *held[4], *c;
	struct daemon *d;
	unsigned i;
	int port;

	d = daemon_start("workers: 2\n"
			 "listeners: { http: { address: \"127.0.0.1:0\", "
			 "limits: { max_connections: 4 } } }\n" ADMIN SAY_HI);
	port = daemon_port(d, "http");
	for (i = 0; i < 4; i++) {
		held[i] = dial(port);
		(void)hello(held[i]);
	}
	c = dial(port);
	must_end(c);
	(void)hello(held[0]);
	client_close(held[1]);
	cr_assert(WAIT_FOR(5000, ({
		struct client again = { 0 };
		struct response r = { 0 };
		client_connect(&again, port) &&
		    client_print(&again, "GET / HTTP/1.1\r\nHost: t\r\n\r\n") &&
		    client_response(&again, &r, "GET");
	})));
	daemon_stop(d);
}
