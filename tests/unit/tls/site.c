/* Certificates, tickets and a context for each test. */
#include "tests/unit/tls/site.h"

#include "tests/unit/tls/pki.h"
#include "tests/unit/tls/wire.h"

struct tls_tickets *tickets;
struct tls_store *store;
struct tls_context *context;

void
site_up(void)
{
	struct tls_certificate_file file =
	    pki_pair("a", (struct pki_spec){ .names = "DNS:a.x" });

	site_of(&file, 1);
}

void
site_of(const struct tls_certificate_file *files, unsigned n)
{
	store = pki_store(files, n);
	tickets = tls_tickets_new(0);
	context = wire_context(&wire_options, "https", tickets);
}

void
site_down(void)
{
	tls_context_free(context);
	tls_tickets_free(tickets);
	tls_store_free(store);
}
