#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

struct ssl_ctx_st;
struct tls_tickets;

/*
 * The keys under which session tickets are sealed.  One object for the life
 * of the process, so a client may come back to any worker and after any
 * reload.  A key seals for TLS_TICKETS_PERIOD_NS and opens for one period
 * more; a ticket itself lives shorter than that.
 */
#define TLS_TICKETS_PERIOD_NS	(4 * 3600 * UINT64_C(1000000000))
#define TLS_TICKET_LIFE_S	7200

/* NULL: no randomness to be had. */
struct tls_tickets	*tls_tickets_new(uint64_t now);
/* No context may use them any more.  Wipes the keys. */
void			 tls_tickets_free(struct tls_tickets *);
/*
 * Make a new key when one is due; true when it did.  Control thread only, every
 * minute or so; handshakes in other threads need not stop.
 */
bool			 tls_tickets_turn(struct tls_tickets *, uint64_t now);
/* For tls/ alone. */
void			 tls_tickets_serve(struct tls_tickets *,
			    struct ssl_ctx_st *);

#endif
