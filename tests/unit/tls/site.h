#ifndef TESTS_TLS_SITE_H
#define TESTS_TLS_SITE_H

#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/store.h"
#include "tls/tickets.h"

/* What a server is to its clients: of the one test that runs. */
extern struct tls_tickets	*tickets;
extern struct tls_store		*store;
extern struct tls_context	*context;

/* For .init: it is a.x, or has these certificates; and for .fini. */
void	 site_up(void);
void	 site_of(const struct tls_certificate_file *, unsigned n);
void	 site_down(void);

#endif
