/*
 * What OpenSSL is told once per listener and worker: versions, ciphers, modes,
 * and the three choices of a handshake: certificate, protocol, ticket key.
 * Nothing here is shared between workers but the tickets.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/context.h"

#include "base/mem.h"
#include "tls/line.h"
#include "tls/options.h"
#include "tls/store.h"
#include "tls/tickets.h"

/* Forward secret and AEAD; the client knows best which one is fast for it. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define CURVES "X25519:P-256:P-384"

struct tls_context {
	SSL_CTX *ssl_ctx;
	BIO *line; /* of its sessions */
};

static bool
set_options(SSL_CTX *, const struct tls_options *, struct tls_option_fault *);
static bool taken(bool, const char *, struct tls_option_fault *);
static void set_modes(SSL_CTX *);
static void set_sessions(SSL_CTX *, const struct tls_settings *);
static void set_choices(SSL_CTX *, const char *const *);
static int choose_certificate(SSL *, void *);
static int acknowledge_name(SSL *, int *, void *);
static int choose_protocol(SSL *, const unsigned char **, unsigned char *,
    const unsigned char *, unsigned, void *);
static bool offered(const unsigned char *, unsigned, struct text);

struct tls_context *
tls_context_new(
    const struct tls_settings *settings, struct tls_option_fault *fault)
{
	struct tls_context *context = xcalloc(1, sizeof(*context));

	ERR_clear_error();
	context->ssl_ctx = SSL_CTX_new(TLS_server_method());
	context->line = tls_line_new();
	if (!taken(context->ssl_ctx != NULL && context->line != NULL, NULL,
		fault) ||
	    !set_options(context->ssl_ctx, settings->options, fault)) {
		tls_context_free(context);
		return NULL;
	}
	set_modes(context->ssl_ctx);
	set_sessions(context->ssl_ctx, settings);
	set_choices(context->ssl_ctx, settings->protocols);
	return context;
}

const char *
tls_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

void
tls_context_free(struct tls_context *context)
{
	if (context == NULL)
		return;
	SSL_CTX_free(context->ssl_ctx);
	BIO_free(context->line);
	free(context);
}

SSL *
tls_context_accept(struct tls_context *context, const struct tls_store *store)
{
	SSL *ssl = SSL_new(context->ssl_ctx);

	assert(store != NULL);
	if (ssl == NULL)
		return NULL;
	BIO_up_ref(context->line);
	SSL_set_bio(ssl, context->line, context->line);
	SSL_set_accept_state(ssl);
	SSL_set_app_data(ssl, (void *)(uintptr_t)store);
	return ssl;
}

void
tls_context_shaken(SSL *ssl)
{
	SSL_set_app_data(ssl, NULL);
	SSL_certs_clear(ssl);
}

static bool
set_options(
    SSL_CTX *ctx, const struct tls_options *o, struct tls_option_fault *fault)
{
	int version =
	    o->min_version == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	const char *ciphers = o->ciphers != NULL ? o->ciphers : CIPHERS;
	const char *curves = o->curves != NULL ? o->curves : CURVES;

	if (!o->session_tickets) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
	} else
		SSL_CTX_set_num_tickets(ctx, 1);
	return taken(SSL_CTX_set_min_proto_version(ctx, version) == 1,
		   "min_version", fault) &&
	    taken(
		SSL_CTX_set_cipher_list(ctx, ciphers) == 1, "ciphers", fault) &&
	    taken(o->ciphersuites == NULL ||
		    SSL_CTX_set_ciphersuites(ctx, o->ciphersuites) == 1,
		"ciphersuites", fault) &&
	    taken(SSL_CTX_ctrl(ctx, SSL_CTRL_SET_GROUPS_LIST, 0,
		      (void *)(uintptr_t)curves) == 1,
		"curves", fault);
}

static bool
taken(bool ok, const char *key, struct tls_option_fault *fault)
{
	const char *reason;

	if (ok)
		return true;
	reason = ERR_reason_error_string(ERR_peek_last_error());
	fault->key = key;
	snprintf(fault->message, sizeof(fault->message),
	    "OpenSSL does not take it: %s",
	    reason != NULL ? reason : "unknown value");
	ERR_clear_error();
	return false;
}

/*
 * A record is read with what follows it in one read(2), an idle session holds
 * no buffer, a write may be resumed from another address, and no chain is
 * put together from the system's certificates at each handshake.
 */
static void
set_modes(SSL_CTX *ctx)
{
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
}

/* A ticket is taken back by the listener alone that gave it. */
static void
set_sessions(SSL_CTX *ctx, const struct tls_settings *settings)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	unsigned n;

	EVP_Digest(settings->listener, strlen(settings->listener), id, &n,
	    EVP_sha256(), NULL);
	SSL_CTX_set_session_id_context(ctx, id, n);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	tls_tickets_serve(settings->tickets, ctx);
}

static void
set_choices(SSL_CTX *ctx, const char *const *protocols)
{
	SSL_CTX_set_cert_cb(ctx, choose_certificate, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge_name);
	SSL_CTX_set_alpn_select_cb(
	    ctx, choose_protocol, (void *)(uintptr_t)protocols);
}

static int
choose_certificate(SSL *ssl, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)arg;
	return tls_store_apply(SSL_get_app_data(ssl), text_of(name), ssl);
}

/* Only an acknowledged name is kept with a TLS 1.2 session. */
static int
acknowledge_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert, (void)arg;
	if (name == NULL ||
	    !tls_store_knows(SSL_get_app_data(ssl), text_of(name)))
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_OK;
}

/* Runs only when the client offered some; none in common: alert 120. */
static int
choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *n,
    const unsigned char *offers, unsigned noffers, void *arg)
{
	const char *const *protocols = arg;

	(void)ssl;
	for (; *protocols != NULL; protocols++) {
		struct text p = text_of(*protocols);

		if (!offered(offers, noffers, p))
			continue;
		*chosen = (const unsigned char *)p.p;
		*n = (unsigned char)p.n;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Each offer is a length and that many bytes; libssl checked that they fit. */
static bool
offered(const unsigned char *offers, unsigned n, struct text protocol)
{
	for (unsigned i = 0; i < n; i += 1u + offers[i])
		if (offers[i] == protocol.n &&
		    memcmp(offers + i + 1, protocol.p, protocol.n) == 0)
			return true;
	return false;
}
