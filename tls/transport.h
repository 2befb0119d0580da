#ifndef TLS_TRANSPORT_H
#define TLS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "tls/failure.h"

struct tls_context;
struct tls_session;
struct tls_store;
struct transport;

/*
 * TLS under a conn, server's side:
 *	conn_secure(c, &transport_tls, tls_session_new(context, store, c->fd))
 * and the conn owns the session.  As its contract in net/conn.h, and:
 *
 * read	 0: the peer sent close_notify.  ECONNRESET: it ended without (cut off).
 *	 EPROTO: it broke the protocol.
 * writev
 *	 Takes all, or until the kernel refuses: a short count needs no second
 *	 call before the socket is writable.  Bytes that it did not take must
 *	 come first in the next call.
 * pending
 *	 True: read again without waiting for an event.  False only when the
 *	 socket was read dry or the last read left nothing anywhere, so an edge
 *	 will come.  A read that had to send first leaves true: what is behind
 *	 it can be read once the socket is writable.
 * shut	 Sends close_notify, then FIN.  When the kernel has no room for it,
 *	 -1 with EAGAIN: call it again when the socket is writable.
 */
extern const struct transport transport_tls;

/*
 * The store must live until the handshake is over (shake said 0 or failed) or
 * the session is freed; the context may be freed earlier.  NULL: no memory.
 */
struct tls_session	*tls_session_new(struct tls_context *,
			    const struct tls_store *, int fd);

/* What came of it.  Texts belong to the session. */
enum tls_failure tls_session_failure(const struct tls_session *);
/* The same in a sentence, for the debug log. */
void		 tls_session_explain(const struct tls_session *, char *,
		    size_t);
/* "TLSv1.3" */
const char	*tls_session_version(const struct tls_session *);
bool		 tls_session_resumed(const struct tls_session *);
/* As the client sent it; on a resumed TLS 1.2 session: as it first did. */
struct text	 tls_session_sni(const struct tls_session *);
struct text	 tls_session_alpn(const struct tls_session *);
bool		 tls_session_shutting(const struct tls_session *);

#endif
