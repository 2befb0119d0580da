/*
 * Large bodies in both directions: every byte arrives, none is collected.
 * Done-when 3.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/front.h"
#include "tests/lib/wait.h"

enum { RSS_MOST_KIB = 40 * 1024, MIB = 1 << 20 };

static struct origin *o;
static struct daemon *d;
static struct cert cert;

static void
stage(void)
{
	char *directory = daemon_directory();

	o = origin_new("a");
	cert = cert_make(directory, "a", "a.test", CERT_ECDSA);
	d = daemon_start_in(directory, NULL,
	    "workers: 2\n"
	    "listeners:\n"
	    "  http: { address: \"127.0.0.1:0\" }\n"
	    "  https:\n"
	    "    address: \"127.0.0.1:0\"\n"
	    "    tls: { certificates: [{ cert: %s, key: %s }] }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: off\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: [\"127.0.0.1:%d\"] }\n",
	    cert.cert, cert.key, origin_port(o));
}

static void
strike(void)
{
	daemon_stop(d);
}

TestSuite(bodies, .init = stage, .fini = strike, .timeout = 120);

static void
must_be_small(void)
{
	if (!daemon_is_sanitized())
		cr_assert_lt(
		    daemon_rss(d), RSS_MOST_KIB, "%ld KiB", daemon_rss(d));
}

static struct client *
dial_either(bool tls)
{
	struct tls_wish wish = { .sni = "a.test", .ca = cert.ca };
	struct client *c = keep(sizeof *c);

	c->ms = 30000;
	if (tls)
		cr_assert(client_connect_tls(c, daemon_port(d, "https"), &wish),
		    "%s", c->why);
	else
		cr_assert(client_connect(c, daemon_port(d, "http")));
	return c;
}

static void
download(struct client *c, uint64_t size, bool chunked)
{
	struct response *r;

	origin_reply(o,
	    (struct reply){ .path = "/down",
		.sized = true,
		.size = size,
		.chunked = chunked });
	r = ask(c, "GET /down HTTP/1.1\r\nHost: a.test\r\n\r\n");
	cr_assert_eq(r->chunked, chunked);
	cr_assert_eq(r->body_n, size);
	cr_assert(r->is_pattern);
}

static void
upload(struct client *c, uint64_t size, bool chunked)
{
	uint64_t left;

	origin_reply(o, (struct reply){ .path = "/up", .digest = true });
	if (chunked) {
		cr_assert(client_print(c,
		    "PUT /up HTTP/1.1\r\n"
		    "Host: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"));
		left = size;
		if (left > 0)
			cr_assert(client_print(
			    c, "%llx\r\n", (unsigned long long)left));
		cr_assert(client_send_pattern(c, left), "%s", c->why);
		cr_assert(
		    client_print(c, "%s0\r\n\r\n", left > 0 ? "\r\n" : ""));
	} else {
		cr_assert(client_print(c,
		    "PUT /up HTTP/1.1\r\n"
		    "Host: a.test\r\nContent-Length: %llu\r\n\r\n",
		    (unsigned long long)size));
		cr_assert(client_send_pattern(c, size), "%s", c->why);
	}
	cr_assert_str_eq(answer(c, "PUT")->body.p,
	    keep_printf(
		"%llu %s", (unsigned long long)size, pattern_digest(size)));
}

static void
both_ways(bool tls, uint64_t size)
{
	struct client *c = dial_either(tls);

	download(c, size, false);
	download(c, size, true);
	upload(c, size, false);
	upload(c, size, true);
	client_close(c);
	must_be_small();
}

Test(bodies, small_ones_arrive_plain_and_over_tls)
{
	static const uint64_t sizes[] = { 0, 1, 1024, 65536, MIB };
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		both_ways(false, sizes[i]);
		both_ways(true, sizes[i]);
	}
}

Test(bodies, a_hundred_mebibytes_arrive_plain)
{
	both_ways(false, 100 * MIB);
}

Test(bodies, a_hundred_mebibytes_arrive_over_tls)
{
	both_ways(true, 100 * MIB);
}

/*
 * Slow readers take nothing for a while: the origin must be made to wait, and
 * what stands between is bounded.
 */
static void
read_late(bool tls)
{
	struct client *c[4];
	struct response r;
	unsigned i;
	long before;

	origin_reply(o,
	    (struct reply){ .path = "/down", .sized = true, .size = 25 * MIB });
	for (i = 0; i < 4; i++) {
		c[i] = dial_either(tls);
		cr_assert(client_print(
		    c[i], "GET /down HTTP/1.1\r\nHost: a.test\r\n\r\n"));
	}
	for (i = 0; i < 4; i++)
		cr_assert(client_head(c[i], &r), "%s", c[i]->why);
	before = 0;
	while (daemon_rss(d) > before) {
		before = daemon_rss(d);
		must_be_small();
		wait_till(wait_now() + 100);
	}
	for (i = 0; i < 4; i++)
		cr_assert_not(origin_seen(o, i)->finished);
	for (i = 0; i < 4; i++) {
		r = (struct response){ .is_pattern = true };
		bytes_printf(&r.head,
		    "HTTP/1.1 200 OK\r\n"
		    "Content-Length: %d\r\n\r\n",
		    25 * MIB);
		cr_assert(client_body(c[i], &r, "GET"), "%s", c[i]->why);
		cr_assert(r.is_pattern);
	}
	must_be_small();
}

Test(bodies, slow_readers_hold_the_server_back_plain)
{
	read_late(false);
}

Test(bodies, slow_readers_hold_the_server_back_over_tls)
{
	read_late(true);
}

Test(bodies, a_server_that_takes_nothing_holds_the_client_back)
{
	struct client *c = dial_either(false);
	char *piece = keep(MIB);
	uint64_t sent = 0;
	size_t n;

	origin_reply(o,
	    (struct reply){ .path = "/deaf", .silent = true, .unread = true });
	cr_assert(client_print(c,
	    "PUT /deaf HTTP/1.1\r\nHost: a.test\r\n"
	    "Content-Length: 104857600\r\n\r\n"));
	do
		sent += n = client_send_some(c, piece, MIB, 300);
	while (n == MIB);
	cr_assert_lt(sent, 50u * MIB, "%llu", (unsigned long long)sent);
	must_be_small();
	client_abort(c);
	cr_assert(WAIT_FOR(10000, origin_open(o) == 0));
}

Test(bodies, bytes_are_passed_on_as_they_come)
{
	struct client *c = dial_either(false);
	struct response r;

	origin_reply(o,
	    (struct reply){ .path = "/drip",
		.sized = true,
		.size = 20,
		.piece = 10,
		.pace_ms = 1000000 });
	cr_assert(client_print(c, "GET /drip HTTP/1.1\r\nHost: t\r\n\r\n"));
	cr_assert(client_head(c, &r));
	while (c->in.n < 10)
		cr_assert(client_more(c), "%s", c->why);
	cr_assert(pattern_is(c->in.p, 10, 0));
	client_abort(c);
}
