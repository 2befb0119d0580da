/* Who may resume what, where, and for how long. */
#include <openssl/ssl.h>

#include <criterion/criterion.h>

#include "tls/tickets.h"

#include "tests/unit/tls/site.h"
#include "tests/unit/tls/wire.h"
#include "tls/transport.h"

#define P TLS_TICKETS_PERIOD_NS

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

TestSuite(tickets, .init = site_up, .fini = site_down);

/*
 * Connect with what was kept, if anything; what to keep now.  `*resumed' is
 * what both sides say.
 */
static SSL_SESSION *
visit(struct tls_context *to, int version, SSL_SESSION *kept, bool *resumed)
{
	SSL_SESSION *next;
	struct wire w;

	wire_open(&w, to, store);
	SSL_set_max_proto_version(w.client, version);
	wire_ask_for(&w, "a.x");
	if (kept != NULL)
		SSL_set_session(w.client, kept);
	cr_assert(wire_shake(&w));
	wire_say(&w, "hello");
	*resumed = tls_session_resumed(wire_session(&w));
	cr_assert_eq(SSL_session_reused(w.client), *resumed);
	cr_assert(text_equal(tls_session_sni(wire_session(&w)), TEXT("a.x")));
	next = wire_ticket(&w);
	SSL_shutdown(w.client);
	wire_close(&w);
	return next;
}

static bool
resumes(struct tls_context *at, int version, SSL_SESSION *kept)
{
	bool resumed;

	SSL_SESSION_free(visit(at, version, kept, &resumed));
	return resumed;
}

Test(tickets, resume_at_another_worker_and_after_a_reload)
{
	struct tls_context *other =
	    wire_context(&wire_options, "https", tickets);

	for (int i = 0; i < 2; i++) {
		bool resumed;
		SSL_SESSION *kept = visit(context, versions[i], NULL, &resumed);

		cr_assert_not(resumed);
		cr_assert(resumes(other, versions[i], kept));
		SSL_SESSION_free(kept);
	}
	tls_context_free(other);
}

static void
does_not_resume_at(struct tls_context *other)
{
	for (int i = 0; i < 2; i++) {
		bool resumed;
		SSL_SESSION *kept = visit(context, versions[i], NULL, &resumed);

		cr_assert_not(resumes(other, versions[i], kept));
		SSL_SESSION_free(kept);
	}
}

Test(tickets, do_not_resume_at_another_listener)
{
	struct tls_context *other =
	    wire_context(&wire_options, "admin", tickets);

	does_not_resume_at(other);
	tls_context_free(other);
}

Test(tickets, of_another_process_are_unknown_but_no_error)
{
	struct tls_tickets *foreign = tls_tickets_new(0);
	struct tls_context *other =
	    wire_context(&wire_options, "https", foreign);

	does_not_resume_at(other);
	tls_context_free(other);
	tls_tickets_free(foreign);
}

/* What a slot holds before its first turn: all zero would be no secret. */
Test(tickets, sealed_with_a_key_of_zeros_open_nothing)
{
	static unsigned char zeros[16 + 32 + 32];
	struct tls_tickets *unused = tls_tickets_new(0);
	struct tls_context *forger =
	    wire_context(&wire_options, "https", unused);
	SSL *ssl = tls_context_accept(forger, store);
	SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);

	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, NULL);
	cr_assert_eq(
	    SSL_CTX_set_tlsext_ticket_keys(ctx, zeros, sizeof(zeros)), 1);
	for (int i = 0; i < 2; i++) {
		bool resumed;
		SSL_SESSION *kept = visit(forger, versions[i], NULL, &resumed);

		cr_assert(resumes(forger, versions[i], kept), "the forgery");
		cr_assert_not(resumes(context, versions[i], kept));
		SSL_SESSION_free(kept);
	}
	SSL_free(ssl);
	tls_context_free(forger);
	tls_tickets_free(unused);
}

Test(tickets, turn_when_a_period_is_over)
{
	cr_assert_not(tls_tickets_turn(tickets, P - 1));
	cr_assert(tls_tickets_turn(tickets, P));
	cr_assert_not(tls_tickets_turn(tickets, P));
	cr_assert_not(tls_tickets_turn(tickets, P - 1));
	cr_assert_not(tls_tickets_turn(tickets, 2 * P - 1));
	cr_assert(tls_tickets_turn(tickets, 2 * P + 5));
	cr_assert_not(tls_tickets_turn(tickets, 3 * P + 4));
	cr_assert(tls_tickets_turn(tickets, 3 * P + 5));
	cr_assert(tls_tickets_turn(tickets, 4 * P + 5));
}

Test(tickets, open_for_one_turn_and_not_for_two)
{
	uint64_t now = 0;

	for (int i = 0; i < 6; i++) {
		bool resumed;
		SSL_SESSION *kept =
		    visit(context, versions[i % 2], NULL, &resumed);

		cr_assert(tls_tickets_turn(tickets, now += P));
		cr_assert(resumes(context, versions[i % 2], kept), "%d", i);
		cr_assert(tls_tickets_turn(tickets, now += P));
		cr_assert_not(resumes(context, versions[i % 2], kept));
		SSL_SESSION_free(kept);
	}
}

/* Whoever keeps coming back is resumed for ever. */
Test(tickets, sealed_before_a_turn_are_renewed)
{
	uint64_t now = 0;

	for (int i = 0; i < 2; i++) {
		bool resumed;
		SSL_SESSION *kept = visit(context, versions[i], NULL, &resumed),
			    *next;

		for (int turn = 0; turn < 4; turn++) {
			cr_assert(tls_tickets_turn(tickets, now += P));
			next = visit(context, versions[i], kept, &resumed);
			cr_assert(resumed);
			SSL_SESSION_free(kept);
			kept = next;
		}
		SSL_SESSION_free(kept);
	}
}

Test(tickets, are_new_each_time_in_tls_1_3_and_kept_in_1_2)
{
	for (int i = 0; i < 2; i++) {
		const unsigned char *a, *b;
		size_t na, nb;
		bool resumed;
		SSL_SESSION *kept = visit(context, versions[i], NULL, &resumed);
		SSL_SESSION *next = visit(context, versions[i], kept, &resumed);

		cr_assert(resumed);
		SSL_SESSION_get0_ticket(kept, &a, &na);
		SSL_SESSION_get0_ticket(next, &b, &nb);
		cr_assert_eq(na == nb && memcmp(a, b, na) == 0, i == 0);
		SSL_SESSION_free(kept);
		SSL_SESSION_free(next);
	}
}

Test(tickets, that_were_tampered_with_open_nothing)
{
	bool resumed;
	SSL_SESSION *kept = visit(context, TLS1_3_VERSION, NULL, &resumed);
	unsigned char *asn1 = NULL;
	const unsigned char *p, *ticket;
	size_t n;
	int len = i2d_SSL_SESSION(kept, &asn1);

	SSL_SESSION_get0_ticket(kept, &ticket, &n);
	/* behind the key's name and the IV: only the MAC can tell */
	for (int i = 0; i + (int)n <= len; i++)
		if (memcmp(asn1 + i, ticket, n) == 0)
			asn1[i + 40] ^= 1;
	SSL_SESSION_free(kept);
	p = asn1;
	kept = d2i_SSL_SESSION(NULL, &p, len);
	cr_assert_not_null(kept);
	cr_assert_not(resumes(context, TLS1_3_VERSION, kept));
	SSL_SESSION_free(kept);
	OPENSSL_free(asn1);
}

Test(tickets, are_not_given_when_switched_off)
{
	struct tls_options o = wire_options;
	struct tls_context *without;

	o.session_tickets = false;
	without = wire_context(&o, "https", tickets);
	for (int i = 0; i < 2; i++) {
		bool resumed;
		SSL_SESSION *kept = visit(without, versions[i], NULL, &resumed);

		cr_assert_not(SSL_SESSION_has_ticket(kept));
		cr_assert_not(resumes(without, versions[i], kept));
		SSL_SESSION_free(kept);
	}
	tls_context_free(without);
	tls_tickets_free(NULL);
}
