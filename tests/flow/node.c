/*
 * A Node server on its defaults, which ends a connection after five seconds
 * without a request, whoever is about to send one; and POSTs at random gaps,
 * which cannot be sent twice.  None may fail, and each must arrive once.
 *
 * NODE_SECONDS makes it as long as one likes (`make soak-node').
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/peer.h"
#include "tests/lib/wait.h"

enum {
	CLIENTS = 12,
	SHORT_S = 14,
	SHORT_GAP_MS = 6500, /* beyond Node's five seconds */
	LONG_GAP_MS = 20000,
	POSTS_MOST = 100000
};

struct poster {
	pthread_t thread;
	unsigned short random[3];
	char *why; /* the first failure */
};

static int port;
static int64_t end;
static unsigned gap_ms;
static atomic_uint posts;

TestSuite(node, .timeout = 7200);

/* Whether all is well and the connection may be used again. */
static bool
post(struct client *c, struct poster *p)
{
	struct response r = { 0 };
	unsigned id = atomic_fetch_add(&posts, 1);
	bool ok;

	ok = client_print(c,
		 "POST /%u HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"
		 "hello",
		 id) &&
	    client_response(c, &r, "POST");
	if (!ok)
		p->why = keep_printf("POST %u: %s", id, c->why);
	else if (r.status != 200)
		p->why = keep_printf("POST %u: %s", id, r.head.p);
	response_free(&r);
	return p->why == NULL;
}

static void *
poster_thread(void *arg)
{
	struct poster *p = arg;
	struct client c = { .fd = -1 };
	int64_t next = wait_now();

	if (!client_connect(&c, port)) {
		p->why = c.why;
		return NULL;
	}
	while (next < end && post(&c, p)) {
		next = wait_now() + nrand48(p->random) % gap_ms;
		wait_till(next < end ? next : end);
	}
	client_close(&c);
	return NULL;
}

/* Each of them once. */
static void
must_have_come(const char *path)
{
	char *line = keep_file(path), *at;
	unsigned char *seen = keep(POSTS_MOST);
	unsigned i, n = atomic_load(&posts);

	cr_assert_leq(n, POSTS_MOST);
	for (; (at = strstr(line, "\"target\":\"/")) != NULL; line = at + 1) {
		i = (unsigned)strtoul(at + 11, NULL, 10);
		cr_assert_lt(i, n);
		seen[i]++;
	}
	for (i = 0; i < n; i++)
		cr_assert_eq(seen[i], 1, "POST %u came %u times", i, seen[i]);
}

Test(node, posts_at_any_gap_never_fail)
{
	const char *text = getenv("NODE_SECONDS"), *root;
	long seconds = text == NULL ? SHORT_S : strtol(text, NULL, 10);
	struct peer *server = peer_new("node", daemon_directory());
	struct poster posters[CLIENTS] = { 0 };
	struct daemon *d;
	unsigned i;

	root = getenv("FAIRLEAD_ROOT");
	peer_run(server, "node",
	    keep_printf("%s/tests/oracles/node.js", root == NULL ? "." : root),
	    keep_printf("%d", server->port), NULL);
	d = daemon_start("workers: 2\n"
			 "listeners: { http: { address: \"127.0.0.1:0\" } }\n"
			 "access_log: off\n"
			 "routes: [{ path: \"/*\", to: up }]\n"
			 "upstreams: { up: [\"127.0.0.1:%d\"] }\n",
	    server->port);
	port = daemon_port(d, "http");
	gap_ms = text == NULL ? SHORT_GAP_MS : LONG_GAP_MS;
	end = wait_now() + seconds * 1000;
	for (i = 0; i < CLIENTS; i++) {
		posters[i].random[0] = (unsigned short)i;
		cr_assert_eq(pthread_create(&posters[i].thread, NULL,
				 poster_thread, &posters[i]),
		    0);
	}
	for (i = 0; i < CLIENTS; i++)
		pthread_join(posters[i].thread, NULL);
	for (i = 0; i < CLIENTS; i++)
		cr_assert_null(posters[i].why, "%s", posters[i].why);
	must_have_come(server->out);
	if (text != NULL)
		printf("%u POSTs in %ld s, none failed, each came once\n",
		    atomic_load(&posts), seconds);
	fflush(stdout);
	daemon_stop(d);
	peer_stop(server);
}
