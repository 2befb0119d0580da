#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "base/text.h"

struct ssl_st;
struct tls_context;
struct tls_options;
struct tls_store;
struct tls_tickets;

/* What a listener's handshakes go by. */
struct tls_settings {
	const struct tls_options *options;
	const char		 *listener;	/* sessions belong to it */
	const char *const	 *protocols;	/* ALPN, best first, NULL-ended;
						   static */
	struct tls_tickets	 *tickets;	/* outlive all sessions */
};

/* An option OpenSSL does not take. */
struct tls_option_fault {
	const char	*key;	/* "ciphers", "curves", ...; NULL: no memory */
	char		 message[128];
};

/*
 * One per listener and worker: OpenSSL 3.0 takes locks in what it shares.
 * NULL with the fault filled in when the options are wrong; making (and
 * freeing) one is also how to check them.  Any thread; then the worker's own.
 * Freeing NULL is fine.
 */
struct tls_context	*tls_context_new(const struct tls_settings *,
			    struct tls_option_fault *);
/* Sessions made from it live on by themselves. */
void			 tls_context_free(struct tls_context *);

/* The OpenSSL that runs. */
const char		*tls_library(void);
/*
 * For tls/ alone: an SSL of the context, server's side, on the context's line,
 * which is its BIO for reading and writing.  Its certificates come from the
 * store, which must live until the handshake is over.
 */
struct ssl_st		*tls_context_accept(struct tls_context *,
			    const struct tls_store *);
/* The handshake is over: let go of the store and its certificates. */
void			 tls_context_shaken(struct ssl_st *);

#endif
