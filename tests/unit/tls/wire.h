#ifndef TESTS_TLS_WIRE_H
#define TESTS_TLS_WIRE_H

#include <openssl/ssl.h>

#include <stdbool.h>

#include "net/conn.h"
#include "tls/context.h"
#include "tls/failure.h"
#include "tls/options.h"
#include "tls/store.h"
#include "tls/tickets.h"

/*
 * A server's end under test and OpenSSL's client on the other end of a
 * non-blocking socketpair.  The conn is no more than what the transport uses:
 * a descriptor and a session.
 */
struct wire {
	struct conn	 conn;
	SSL		*client;	/* to be set up before wire_shake */
	int		 fd;		/* the client's */
};

void	wire_open(struct wire *, struct tls_context *,
	    const struct tls_store *);
void	wire_close(struct wire *);
void	wire_ask_for(struct wire *, const char *name);	/* SNI; NULL: none */
/* One of the client's lists: SSL_CTRL_SET_GROUPS_LIST, ..._SIGALGS_LIST. */
void	wire_set(struct wire *, int list, const char *);
/* Both sides in turn until both are done (true) or one failed. */
bool	wire_shake(struct wire *);
struct tls_session *wire_session(struct wire *);
/* Write n bytes on one side, read them on the other; n is small. */
void	wire_say(struct wire *, const char *);
/* What the client may resume with; reads a TLS 1.3 ticket first. */
SSL_SESSION *wire_ticket(struct wire *);
/* Of the certificate the client saw. */
const char *wire_peer_cn(struct wire *);

/* Settings for http/1.1 with tickets, and a context that must be made. */
extern const struct tls_options wire_options;
struct tls_context *wire_context(const struct tls_options *,
	    const char *listener, struct tls_tickets *);

#endif
