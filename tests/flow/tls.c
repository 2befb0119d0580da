/*
 * TLS towards clients: certificates by name, versions, ALPN, resumption.
 */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

static struct origin *o;
static struct daemon *d;
static struct cert one, wild, rsa;
static int port;

static void
stage(void)
{
	char *directory = daemon_directory();

	o = origin_new("a");
	one = cert_make(directory, "one", "one.test", CERT_ECDSA);
	wild = cert_make(directory, "wild", "*.wild.test", CERT_ECDSA);
	rsa = cert_make(directory, "rsa", "one.test", CERT_RSA);
	d = daemon_start_in(directory, NULL,
	    "workers: 4\n"
	    "listeners:\n"
	    "  https:\n"
	    "    address: \"127.0.0.1:0\"\n"
	    "    tls:\n"
	    "      certificates:\n"
	    "        - { cert: one.pem, key: one.key }\n"
	    "        - { cert: wild.pem, key: wild.key }\n"
	    "        - { cert: rsa.pem, key: rsa.key }\n"
	    "  modern:\n"
	    "    address: \"127.0.0.1:0\"\n"
	    "    tls: { min_version: \"1.3\", certificates: "
	    "[{ cert: one.pem, key: one.key }] }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: { output: \"%s/access.json\" }\n"
	    "routes: [{ name: all, path: \"/*\", to: up }]\n"
	    "upstreams: { up: [\"127.0.0.1:%d\"] }\n",
	    directory, origin_port(o));
	port = daemon_port(d, "https");
}

static void
strike(void)
{
	daemon_stop(d);
}

TestSuite(tls, .init = stage, .fini = strike, .timeout = 60);

static struct client *
dial_tls(const struct tls_wish *wish)
{
	struct client *c = keep(sizeof *c);

	cr_assert(client_connect_tls(c, port, wish), "%s", c->why);
	return c;
}

static struct response *
ask_host(struct client *c, const char *host)
{
	return ask(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
}

Test(tls, the_certificate_is_chosen_by_name)
{
	struct client *c;

	c = dial_tls(&(struct tls_wish){ .sni = "one.test",
	    .ca = one.ca,
	    .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
	    .max = TLS1_2_VERSION });
	cr_assert_eq(ask_host(c, "one.test")->status, 200);
	c = dial_tls(&(struct tls_wish){ .sni = "ONE.test",
	    .ca = one.ca,
	    .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
	    .max = TLS1_2_VERSION });
	cr_assert_eq(ask_host(c, "one.test")->status, 200);
	c = dial_tls(&(struct tls_wish){ .sni = "x.wild.test", .ca = wild.ca });
	cr_assert_eq(ask_host(c, "x.wild.test")->status, 200);
	cr_assert_eq(origin_requests(o), 3);
}

Test(tls, a_wildcard_stands_for_one_label)
{
	struct client c = { 0 };

	cr_assert_not(client_connect_tls(&c, port,
	    &(struct tls_wish){ .sni = "a.b.wild.test", .ca = wild.ca }));
	cr_assert_not(client_connect_tls(
	    &c, port, &(struct tls_wish){ .sni = "wild.test", .ca = wild.ca }));
}

Test(tls, an_unknown_name_gets_the_first_certificate)
{
	struct client *c =
	    dial_tls(&(struct tls_wish){ .sni = "unknown.test" });
	X509 *x = SSL_get1_peer_certificate(c->ssl);

	cr_assert_eq(X509_check_host(x, "one.test", 0, 0, NULL), 1);
	X509_free(x);
	c = dial_tls(&(struct tls_wish){ 0 });
	cr_assert_eq(ask_host(c, "one.test")->status, 200);
}

Test(tls, rsa_and_ecdsa_stand_side_by_side)
{
	(void)dial_tls(&(struct tls_wish){ .sni = "one.test",
	    .ca = rsa.ca,
	    .ciphers = "ECDHE-RSA-AES128-GCM-SHA256",
	    .max = TLS1_2_VERSION });
	(void)dial_tls(&(struct tls_wish){ .sni = "one.test",
	    .ca = one.ca,
	    .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
	    .max = TLS1_2_VERSION });
}

Test(tls, versions_1_2_and_1_3_and_no_other)
{
	struct client *c, old = { 0 };
	int modern = daemon_port(d, "modern");

	c = dial_tls(&(struct tls_wish){ .max = TLS1_2_VERSION });
	cr_assert_str_eq(SSL_get_version(c->ssl), "TLSv1.2");
	c = dial_tls(&(struct tls_wish){ 0 });
	cr_assert_str_eq(SSL_get_version(c->ssl), "TLSv1.3");
	cr_assert_not(client_connect_tls(&old, port,
	    &(struct tls_wish){ .min = TLS1_1_VERSION,
		.max = TLS1_1_VERSION,
		.ciphers = "ALL:@SECLEVEL=0" }));
	cr_assert_not(client_connect_tls(
	    &old, modern, &(struct tls_wish){ .max = TLS1_2_VERSION }));
	cr_assert(client_connect_tls(&old, modern, &(struct tls_wish){ 0 }),
	    "%s", old.why);
}

Test(tls, alpn_agrees_on_http_1_1_and_refuses_what_is_unknown)
{
	struct client *c, other = { 0 };
	const unsigned char *name;
	unsigned n;

	c = dial_tls(&(struct tls_wish){ .alpn = "http/1.1" });
	SSL_get0_alpn_selected(c->ssl, &name, &n);
	cr_assert(n == 8 && memcmp(name, "http/1.1", 8) == 0);
	cr_assert_not(client_connect_tls(
	    &other, port, &(struct tls_wish){ .alpn = "spdy/9" }));
	cr_assert_not_null(
	    strstr(other.why, "no application protocol"), "%s", other.why);
}

/* One after the other from four workers: each must know the others' tickets. */
static void
must_resume(int version)
{
	struct tls_wish wish = {
		.sni = "one.test", .min = version, .max = version
	};
	struct client *c = dial_tls(&wish);
	unsigned i;

	for (i = 0; i < 16; i++) {
		cr_assert_eq(ask_host(c, "one.test")->status, 200);
		wish.session = SSL_get1_session(c->ssl);
		client_close(c);
		c = dial_tls(&wish);
		cr_assert_eq(
		    SSL_session_reused(c->ssl), 1, "%d: %u", version, i);
		SSL_SESSION_free(wish.session);
	}
}

Test(tls, tickets_are_good_at_every_worker)
{
	must_resume(TLS1_2_VERSION);
	must_resume(TLS1_3_VERSION);
}

Test(tls, misdirected__a_host_of_another_certificate)
{
	struct client *c = dial_tls(&(struct tls_wish){ .sni = "one.test" });

	must_refuse(ask_host(c, "x.wild.test"), 421, "misdirected");
	cr_assert_eq(origin_requests(o), 0);
}

Test(tls, forwarding_fields_and_log_say_https)
{
	struct client *c = dial_tls(&(struct tls_wish){ .sni = "one.test" });
	struct front f = { .d = d,
		.access_log = keep_printf("%s/access.json", d->directory) };

	(void)ask_host(c, "one.test");
	cr_assert_str_eq(
	    origin_field(&origin_seen(o, 0)->head, "x-forwarded-proto", 0),
	    "https");
	cr_assert_str_eq(front_line_text(&f, 0, "sni"), "one.test");
	cr_assert_not_null(
	    strstr(front_line_text(&f, 0, "tls_version"), "1.3"));
	cr_assert_str_eq(front_line_text(&f, 0, "listener"), "https");
}

Test(tls, plain_http_on_a_tls_port_is_closed)
{
	struct client *c = dial(port);

	cr_assert(client_print(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
	while (client_more(c))
		;
	cr_assert(c->eof || c->reset, "%s", c->why);
	cr_assert_eq(origin_requests(o), 0);
}

Test(tls, the_end_is_announced_by_close_notify)
{
	struct client *c = dial_tls(&(struct tls_wish){ .sni = "one.test" });

	(void)ask(c,
	    "GET / HTTP/1.1\r\nHost: one.test\r\n"
	    "Connection: close\r\n\r\n");
	must_end(c);
	cr_assert_eq(SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN,
	    SSL_RECEIVED_SHUTDOWN);
}

Test(tls, new_connections_under_load_are_all_served)
{
	struct tls_wish wish = {
		.sni = "one.test", .ca = one.ca, .max = TLS1_3_VERSION
	};
	struct load_result *r;

	r = load_run(&(struct load_plan){ .port = port,
	    .connections = 8,
	    .requests = 200,
	    .fresh = true,
	    .opaque = false,
	    .fields = "",
	    .tls = &wish });
	cr_assert_eq(r->ok + r->status[421], 200, "%s", load_reasons(r));
}
