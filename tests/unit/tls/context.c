/* What a handshake agrees on. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <criterion/criterion.h>
#include <string.h>

#include "tls/context.h"

#include "tests/unit/tls/pki.h"
#include "tests/unit/tls/site.h"
#include "tests/unit/tls/wire.h"
#include "tls/transport.h"

static struct wire w;

/* a.x by EC and RSA, *.b.x by EC alone. */
static void
setup(void)
{
	struct tls_certificate_file files[3] = {
		pki_pair(
		    "a", (struct pki_spec){ .cn = "a-ec", .names = "DNS:a.x" }),
		pki_pair("r",
		    (struct pki_spec){ .cn = "a-rsa",
			.names = "DNS:a.x",
			.key = pki_key("RSA:2048") }),
		pki_pair(
		    "b", (struct pki_spec){ .cn = "b", .names = "DNS:*.b.x" }),
	};

	site_of(files, 3);
}

TestSuite(context, .init = setup, .fini = site_down);

static void
open_with(const struct tls_options *options)
{
	tls_context_free(context);
	context = wire_context(options, "https", tickets);
	wire_open(&w, context, store);
}

static void
fails_as(enum tls_failure failure)
{
	cr_assert_not(wire_shake(&w));
	cr_assert_eq(tls_session_failure(wire_session(&w)), failure);
	wire_close(&w);
}

static void
client_version(int version)
{
	SSL_set_min_proto_version(w.client, version);
	SSL_set_max_proto_version(w.client, version);
	SSL_set_security_level(w.client, 0);
}

static void
client_protocols(const char *wire)
{
	SSL_set_alpn_protos(
	    w.client, (const unsigned char *)wire, (unsigned)strlen(wire));
}

Test(context, speaks_tls_1_3_and_1_2)
{
	const struct {
		int version;
		const char *word;
	} cases[] = {
		{ TLS1_3_VERSION, "TLSv1.3" },
		{ TLS1_2_VERSION, "TLSv1.2" },
	};

	for (int i = 0; i < 2; i++) {
		wire_open(&w, context, store);
		client_version(cases[i].version);
		cr_assert(wire_shake(&w));
		cr_assert_str_eq(
		    tls_session_version(wire_session(&w)), cases[i].word);
		cr_assert_not(tls_session_resumed(wire_session(&w)));
		wire_say(&w, "hello");
		wire_close(&w);
	}
}

Test(context, refuses_tls_1_1)
{
	wire_open(&w, context, store);
	client_version(TLS1_1_VERSION);
	fails_as(TLS_FAILED_PROTOCOL);
}

Test(context, refuses_tls_1_2_where_1_3_is_the_least)
{
	struct tls_options o = wire_options;

	o.min_version = TLS_1_3;
	open_with(&o);
	client_version(TLS1_2_VERSION);
	fails_as(TLS_FAILED_PROTOCOL);
	wire_open(&w, context, store);
	cr_assert(wire_shake(&w));
	wire_close(&w);
}

Test(context, chooses_the_certificate_by_name)
{
	const struct {
		const char *sni, *cn;
	} cases[] = {
		{ "a.x", "a-ec" },
		{ "A.X", "a-ec" },
		{ "q.b.x", "b" },
		{ "b.x", "a-ec" },
		{ "other", "a-ec" },
		{ NULL, "a-ec" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wire_open(&w, context, store);
		wire_ask_for(&w, cases[i].sni);
		cr_assert(wire_shake(&w));
		cr_assert_str_eq(wire_peer_cn(&w), cases[i].cn);
		cr_assert(text_equal(
		    tls_session_sni(wire_session(&w)), text_of(cases[i].sni)));
		wire_close(&w);
	}
}

static unsigned acknowledged;

static void
on_extension(SSL *ssl, int from_server, int type, const unsigned char *bytes,
    int n, void *arg)
{
	(void)ssl, (void)from_server, (void)bytes, (void)n, (void)arg;
	acknowledged += type == TLSEXT_TYPE_server_name;
}

Test(context, acknowledges_the_names_it_knows_and_no_others)
{
	const struct {
		const char *sni;
		unsigned acknowledged;
	} cases[] = {
		{ "a.x", 1 },
		{ "q.b.x", 1 },
		{ "other", 0 },
		{ NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		acknowledged = 0;
		wire_open(&w, context, store);
		wire_ask_for(&w, cases[i].sni);
		SSL_set_tlsext_debug_callback(w.client, on_extension);
		cr_assert(wire_shake(&w));
		cr_assert_eq(acknowledged, cases[i].acknowledged, "%zu", i);
		wire_close(&w);
	}
}

Test(context, chooses_rsa_for_who_cannot_verify_ecdsa)
{
	static const char *const names[] = { "a.x", "unknown", NULL };

	for (int i = 0; i < 3; i++) {
		wire_open(&w, context, store);
		wire_ask_for(&w, names[i]);
		wire_set(&w, SSL_CTRL_SET_SIGALGS_LIST, "rsa_pss_rsae_sha256");
		cr_assert(wire_shake(&w));
		cr_assert_str_eq(wire_peer_cn(&w), "a-rsa");
		wire_close(&w);
	}
}

Test(context, has_nothing_for_who_can_verify_neither)
{
	wire_open(&w, context, store);
	wire_ask_for(&w, "q.b.x");
	wire_set(&w, SSL_CTRL_SET_SIGALGS_LIST, "rsa_pss_rsae_sha256");
	fails_as(TLS_FAILED_NO_SHARED_CIPHER);
}

Test(context, sends_the_chain_of_the_file_and_nothing_else)
{
	EVP_PKEY *ca = pki_key("P-256"), *key = pki_key("P-256");
	struct pki_spec leaf = { .cn = "leaf", .key = key, .issuer = ca };
	struct pki_spec issuer = { .cn = "ca", .key = ca };
	struct tls_certificate_file file;
	struct tls_store *chained;

	file.cert = pki_file(
	    "chain.pem", pki_join(pki_pem(&leaf), pki_pem(&issuer), ""));
	file.key = pki_file("chain.key", pki_key_pem(key));
	chained = pki_store(&file, 1);
	wire_open(&w, context, chained);
	cr_assert(wire_shake(&w));
	cr_assert_eq(sk_X509_num(SSL_get_peer_cert_chain(w.client)), 2);
	wire_close(&w);
	wire_open(&w, context, store);
	cr_assert(wire_shake(&w));
	cr_assert_eq(sk_X509_num(SSL_get_peer_cert_chain(w.client)), 1);
	wire_close(&w);
	tls_store_free(chained);
}

Test(context, agrees_on_http_1_1_by_alpn)
{
	wire_open(&w, context, store);
	client_protocols("\2h2\10http/1.1");
	cr_assert(wire_shake(&w));
	cr_assert(
	    text_equal(tls_session_alpn(wire_session(&w)), TEXT("http/1.1")));
	wire_close(&w);
}

Test(context, serves_who_offers_no_protocol)
{
	wire_open(&w, context, store);
	cr_assert(wire_shake(&w));
	cr_assert_eq(tls_session_alpn(wire_session(&w)).n, 0);
	wire_close(&w);
}

Test(context, refuses_unknown_protocols_with_alert_120)
{
	static const char *const offers[] = {
		"\2h2",
		"\7http/1.",
		"\11http/1.10",
		"\10http/1.0",
	};

	for (int i = 0; i < 4; i++) {
		wire_open(&w, context, store);
		client_protocols(offers[i]);
		cr_assert_not(wire_shake(&w));
		cr_assert_eq(ERR_GET_REASON(ERR_peek_error()),
		    SSL_AD_REASON_OFFSET + 120);
		cr_assert_eq(tls_session_failure(wire_session(&w)),
		    TLS_FAILED_UNKNOWN_ALPN);
		wire_close(&w);
	}
}

Test(context, prefers_its_own_order_of_protocols)
{
	static const char *const both[] = { "h2", "http/1.1", NULL };
	struct tls_option_fault fault;

	tls_context_free(context);
	context = tls_context_new(&(struct tls_settings){ .listener = "https",
				      .options = &wire_options,
				      .protocols = both,
				      .tickets = tickets },
	    &fault);
	wire_open(&w, context, store);
	client_protocols("\10http/1.1\2h2");
	cr_assert(wire_shake(&w));
	cr_assert(text_equal(tls_session_alpn(wire_session(&w)), TEXT("h2")));
	wire_close(&w);
	wire_open(&w, context, store);
	client_protocols("\10http/1.1");
	cr_assert(wire_shake(&w));
	cr_assert(
	    text_equal(tls_session_alpn(wire_session(&w)), TEXT("http/1.1")));
	wire_close(&w);
}

Test(context, prefers_x25519_but_does_not_insist)
{
	const struct {
		const char *groups;
		int nid;
	} cases[] = {
		{ "X25519:P-256", NID_X25519 },
		{ "P-256", NID_X9_62_prime256v1 },
		{ "P-384", NID_secp384r1 },
	};

	for (int i = 0; i < 3; i++) {
		wire_open(&w, context, store);
		wire_set(&w, SSL_CTRL_SET_GROUPS_LIST, cases[i].groups);
		cr_assert(wire_shake(&w));
		cr_assert_eq(SSL_get_negotiated_group(w.client), cases[i].nid);
		wire_close(&w);
	}
	wire_open(&w, context, store);
	wire_set(&w, SSL_CTRL_SET_GROUPS_LIST, "P-521");
	fails_as(TLS_FAILED_NO_SHARED_CIPHER);
}

Test(context, takes_curves_ciphers_and_suites_from_its_options)
{
	struct tls_options o = wire_options;

	o.curves = "P-384";
	o.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
	o.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256";
	open_with(&o);
	cr_assert(wire_shake(&w));
	cr_assert_eq(SSL_get_negotiated_group(w.client), NID_secp384r1);
	cr_assert_str_eq(
	    SSL_get_cipher(w.client), "TLS_CHACHA20_POLY1305_SHA256");
	wire_close(&w);
	wire_open(&w, context, store);
	client_version(TLS1_2_VERSION);
	cr_assert(wire_shake(&w));
	cr_assert_str_eq(
	    SSL_get_cipher(w.client), "ECDHE-ECDSA-AES256-GCM-SHA384");
	wire_close(&w);
}

Test(context, takes_only_aead_and_forward_secrecy_by_default)
{
	static const char *const refused[] = {
		"ECDHE-ECDSA-AES128-SHA256",
		"ECDHE-RSA-AES256-SHA",
		"AES128-GCM-SHA256",
	};
	static const char *const taken[] = {
		"ECDHE-ECDSA-AES128-GCM-SHA256",
		"ECDHE-RSA-CHACHA20-POLY1305",
	};

	for (int i = 0; i < 3; i++) {
		wire_open(&w, context, store);
		client_version(TLS1_2_VERSION);
		SSL_set_cipher_list(w.client, refused[i]);
		fails_as(TLS_FAILED_NO_SHARED_CIPHER);
	}
	for (int i = 0; i < 2; i++) {
		wire_open(&w, context, store);
		client_version(TLS1_2_VERSION);
		SSL_set_cipher_list(w.client, taken[i]);
		cr_assert(wire_shake(&w));
		wire_close(&w);
	}
}

static void
option_refused(const struct tls_options *options, const char *key)
{
	static const char *const none[] = { NULL };
	struct tls_option_fault fault = { 0 };

	cr_assert_null(
	    tls_context_new(&(struct tls_settings){ .options = options,
				.listener = "https",
				.protocols = none,
				.tickets = tickets },
		&fault));
	cr_assert_str_eq(fault.key, key);
	cr_assert_eq(
	    strncmp(fault.message, "OpenSSL does not take it: ", 26), 0);
	cr_assert_gt(strlen(fault.message), 26);
}

Test(context, refuses_options_that_openssl_does_not_know)
{
	struct tls_options o = wire_options;

	o.ciphers = "NO-SUCH";
	option_refused(&o, "ciphers");
	o = wire_options;
	o.ciphersuites = "TLS_NO_SUCH";
	option_refused(&o, "ciphersuites");
	o = wire_options;
	o.curves = "X25519:no-such";
	option_refused(&o, "curves");
	tls_context_free(NULL);
}

Test(context, has_the_modes_that_were_measured)
{
	SSL *ssl = tls_context_accept(context, store);
	long want = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN;

	cr_assert_eq(SSL_get_mode(ssl) & want, want);
	cr_assert_eq(SSL_get_read_ahead(ssl), 1);
	cr_assert(SSL_get_options(ssl) & SSL_OP_NO_RENEGOTIATION);
	cr_assert(SSL_get_options(ssl) & SSL_OP_NO_COMPRESSION);
	cr_assert_not(SSL_get_options(ssl) & SSL_OP_NO_TICKET);
	cr_assert_eq(SSL_get_num_tickets(ssl), 1);
	cr_assert_eq(SSL_get_max_early_data(ssl), 0);
	cr_assert_eq(SSL_CTX_get_session_cache_mode(SSL_get_SSL_CTX(ssl)),
	    SSL_SESS_CACHE_OFF);
	cr_assert_eq(
	    SSL_CTX_get_timeout(SSL_get_SSL_CTX(ssl)), TLS_TICKET_LIFE_S);
	SSL_free(ssl);
}

Test(context, refuses_renegotiation)
{
	char byte;

	wire_open(&w, context, store);
	client_version(TLS1_2_VERSION);
	cr_assert(wire_shake(&w));
	SSL_renegotiate(w.client);
	SSL_do_handshake(w.client);
	cr_assert_eq(transport_tls.read(&w.conn, &byte, 1), -1);
	cr_assert_leq(SSL_do_handshake(w.client), 0);
	cr_assert_eq(
	    ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
	wire_close(&w);
}

Test(context, may_be_freed_before_its_sessions)
{
	wire_open(&w, context, store);
	client_protocols("\10http/1.1");
	tls_context_free(context);
	context = NULL;
	cr_assert(wire_shake(&w));
	wire_say(&w, "still here");
	wire_close(&w);
}

Test(context, needs_the_store_for_the_handshake_only)
{
	wire_open(&w, context, store);
	wire_ask_for(&w, "a.x");
	cr_assert(wire_shake(&w));
	tls_store_free(store);
	store = NULL;
	wire_say(&w, "still here");
	cr_assert(text_equal(tls_session_sni(wire_session(&w)), TEXT("a.x")));
	wire_close(&w);
}
