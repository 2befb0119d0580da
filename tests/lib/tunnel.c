/*
 * Both ends of a tunnel, and fairlead between them.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/certs.h"
#include "tests/lib/tunnel.h"
#include "tests/lib/wait.h"

enum { FAR_MS = 10000 };

struct tunnels t;

void
tunnels_start(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof in;

	t.directory = daemon_directory();
	(void)cert_make(t.directory, "t", "t", CERT_ECDSA);
	t.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(t.listener, (struct sockaddr *)&in, sizeof in), 0);
	cr_assert_eq(listen(t.listener, 128), 0);
	getsockname(t.listener, (struct sockaddr *)&in, &n);
	t.far_port = ntohs(in.sin_port);
	t.f.access_log = keep_printf("%s/access.json", t.directory);
	t.f.d = daemon_start_in(t.directory, NULL, "%s",
	    tunnels_yaml(TUNNEL_LISTENERS, TUNNEL_ROUTES, ""));
	t.port = t.f.port = daemon_port(t.f.d, "http");
	t.tls_port = daemon_port(t.f.d, "https");
}

void
tunnels_stop(void)
{
	if (t.f.d->pid != 0)
		daemon_stop(t.f.d);
}

char *
tunnels_yaml(const char *listeners, const char *routes, const char *upstream)
{
	return keep_printf("workers: 2\n"
			   "listeners: { %s }\n"
			   "admin: { address: \"127.0.0.1:0\" }\n"
			   "access_log: { output: \"%s/access.json\" }\n"
			   "routes: [ %s ]\n"
			   "upstreams: { up: { servers: "
			   "[\"127.0.0.1:%d\"]%s } }\n"
			   "shutdown: { timeout: 1s }\n",
	    listeners, t.directory, routes, t.far_port, upstream);
}

struct client *
dial_tls_to(int port)
{
	struct client *c = dial(port);

	cr_assert(
	    client_tls(c, &(struct tls_wish){ .sni = "t" }), "%s", c->why);
	return c;
}

struct client *
far_accept(void)
{
	struct pollfd pfd = { .fd = t.listener, .events = POLLIN };
	struct client *c = keep(sizeof *c);

	cr_assert_eq(poll(&pfd, 1, wait_left(wait_deadline(FAR_MS))), 1,
	    "nobody came to the server");
	c->fd = accept4(t.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_neq(c->fd, -1);
	return c;
}

/* A head off the front of what comes; its text. */
char *
read_head(struct client *c)
{
	char *head;
	long end;

	while ((end = bytes_find(&c->in, 0, "\r\n\r\n")) == -1)
		cr_assert(client_more(c), "%s", c->why);
	head = keep_text(c->in.p, (size_t)end + 4);
	bytes_drop(&c->in, (size_t)end + 4);
	return head;
}

bool
says(const char *head, const char *text)
{
	return strcasestr(head, text) != NULL;
}

void
must_say(struct client *c, const char *text)
{
	cr_assert(client_print(c, "%s", text), "%s", c->why);
}

/* Exactly this comes next. */
void
must_hear(struct client *c, const char *text)
{
	size_t n = strlen(text);

	while (c->in.n < n)
		cr_assert(client_more(c), "%s, with %s", c->why, c->in.p);
	cr_assert_eq(memcmp(c->in.p, text, n), 0, "%s, not %s", c->in.p, text);
	bytes_drop(&c->in, n);
}

void
must_hear_end(struct client *c)
{
	cr_assert(client_ended(c), "%s", c->why);
	cr_assert(c->eof, "cut, not ended: %s", c->why);
}

/* An end that cannot be taken for a good one. */
void
must_be_cut(struct client *c)
{
	while (client_more(c))
		bytes_drop(&c->in, c->in.n);
	cr_assert_not(c->eof, "it looks like a good end");
	cr_assert(c->reset, "%s", c->why);
}

void
must_hear_pattern(struct client *c, uint64_t n)
{
	uint64_t at;

	for (at = 0; at < n; bytes_drop(&c->in, c->in.n)) {
		while (c->in.n == 0)
			cr_assert(client_more(c), "%s at %llu", c->why,
			    (unsigned long long)at);
		cr_assert(pattern_is(c->in.p, c->in.n, at));
		at += c->in.n;
	}
}

struct client *
far_asked(struct client *near, const char *ask)
{
	struct client *far;

	must_say(near, ask);
	far = far_accept();
	(void)read_head(far);
	return far;
}

/* A WebSocket from `near' to where it returns. */
struct client *
far_of(struct client *near)
{
	struct client *far = far_asked(near, WEBSOCKET_ASK);

	must_say(far, WEBSOCKET_AGREE);
	cr_assert(says(read_head(near), "HTTP/1.1 101 "));
	return far;
}

void
end_both(struct client *near, struct client *far)
{
	client_half_close(near);
	must_hear_end(far);
	client_half_close(far);
	must_hear_end(near);
}
