/*
 * What is believed of what a source says.  Sources err in ways that look like
 * answers: a registry that has just come up knows nobody yet, a file is cut
 * short while it is written.  Such answers make servers fewer, and suddenly, so
 * these are held back; what a wrong one more does is told by health checks.
 * What goes and comes at the same time is no loss: a deploy looks like that.
 */
#include <stddef.h>

#include "discovery/trust.h"

static bool is_allowed(const struct discover_options *, const struct addr *);
static bool is_named(const struct discover_options *, const struct addr *);
static enum refusal range_of(const struct addr *);
static enum trust_doubt doubt_of(const struct discover_options *,
    const struct found_set *good, const struct found_set *);
static void believe(struct trust *, struct found_set *);
static void drop_held(struct trust *);

enum refusal
trust_refuses(const struct discover_options *options, const struct addr *addr,
    const struct addr *own, unsigned nown)
{
	if (addr_is_unix(addr))
		return REFUSED_UNIX;
	if (addr_port(addr) == 0)
		return REFUSED_PORT;
	for (unsigned i = 0; i < nown; i++)
		if (addr_equal(&own[i], addr))
			return is_named(options, addr) ? REFUSED_NOT
						       : REFUSED_OWN;
	return is_allowed(options, addr) ? REFUSED_NOT : range_of(addr);
}

const char *
refusal_words(enum refusal r)
{
	static const char *const words[] = {
		[REFUSED_NOT] = "is allowed",
		[REFUSED_UNIX] = "is a unix socket",
		[REFUSED_PORT] = "has no port",
		[REFUSED_LOOPBACK] = "is a loopback address",
		[REFUSED_LINK_LOCAL] = "is a link-local address",
		[REFUSED_NO_HOST] = "is no host's own address",
		[REFUSED_OWN] = "is a listener of fairlead itself",
	};

	return words[r];
}

void
trust_fini(struct trust *t)
{
	drop_held(t);
	found_set_free(t->good);
	t->good = NULL;
}

enum trust_verdict
trust_hear(struct trust *t, const struct discover_options *options,
    struct found_set *set, bool anew, uint64_t now)
{
	bool held = t->held != NULL, confirmed;
	enum trust_doubt doubt;

	if (t->good != NULL && found_set_equal(t->good, set)) {
		drop_held(t);
		found_set_free(set);
		return TRUST_SAME;
	}
	confirmed = held && anew && found_set_equal(t->held, set);
	doubt = doubt_of(options, t->good, set);
	if (doubt == DOUBT_NONE || confirmed) {
		believe(t, set);
		return TRUST_APPLY;
	}
	found_set_free(t->held);
	t->held = set;
	t->doubt = doubt;
	if (!held)
		t->held_since = now;
	return held ? TRUST_HOLD_STILL : TRUST_HOLD;
}

void
trust_fail(struct trust *t)
{
	drop_held(t);
}

bool
trust_wait(
    struct trust *t, const struct discover_options *options, uint64_t now)
{
	struct found_set *held = t->held;

	if (trust_left(t, options, now) != 0)
		return false;
	t->held = NULL;
	believe(t, held);
	return true;
}

uint64_t
trust_left(
    const struct trust *t, const struct discover_options *options, uint64_t now)
{
	uint64_t until = t->held_since + options->hold_ns;

	if (t->held == NULL || options->hold_ns == 0)
		return UINT64_MAX;
	return now >= until ? 0 : until - now;
}

static bool
is_allowed(const struct discover_options *options, const struct addr *addr)
{
	for (unsigned i = 0; i < options->nallow; i++)
		if (cidr_contains(&options->allow[i], addr))
			return true;
	return false;
}

static bool
is_named(const struct discover_options *options, const struct addr *addr)
{
	for (unsigned i = 0; i < options->nallow; i++)
		if (options->allow[i].bits == 128 &&
		    cidr_contains(&options->allow[i], addr))
			return true;
	return false;
}

/* The first that holds it; IPv4 also where it is mapped into IPv6. */
static enum refusal
range_of(const struct addr *addr)
{
	static const struct {
		struct cidr net;
		enum refusal why;
	} ranges[] = {
#define V4(a, b, bits) \
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, a, b }, 96 + (bits) }
#define V6(a, b, bits) \
	{ \
		{ a, b }, bits \
	}
		{ V4(127, 0, 8), REFUSED_LOOPBACK },
		{ V4(169, 254, 16), REFUSED_LINK_LOCAL },
		{ V4(0, 0, 8), REFUSED_NO_HOST },
		{ V4(224, 0, 3), REFUSED_NO_HOST },
		{ { { [15] = 1 }, 128 }, REFUSED_LOOPBACK },
		{ V6(0xfe, 0x80, 10), REFUSED_LINK_LOCAL },
		{ { { 0 }, 128 }, REFUSED_NO_HOST },
		{ V6(0xff, 0, 8), REFUSED_NO_HOST },
#undef V4
#undef V6
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cidr_contains(&ranges[i].net, addr))
			return ranges[i].why;
	return REFUSED_NOT;
}

static enum trust_doubt
doubt_of(const struct discover_options *options, const struct found_set *good,
    const struct found_set *set)
{
	uint64_t lost;

	if (good == NULL || good->n == 0 || set->n >= good->n)
		return DOUBT_NONE;
	if (set->n == 0)
		return options->on_empty == ON_EMPTY_KEEP ? DOUBT_EMPTY
							  : DOUBT_NONE;
	lost = good->n - set->n;
	if (options->max_loss_percent == 0 ||
	    lost * 100 <= (uint64_t)good->n * options->max_loss_percent)
		return DOUBT_NONE;
	return DOUBT_LOSS;
}

static void
believe(struct trust *t, struct found_set *set)
{
	drop_held(t);
	found_set_free(t->good);
	t->good = set;
}

static void
drop_held(struct trust *t)
{
	found_set_free(t->held);
	t->held = NULL;
	t->doubt = DOUBT_NONE;
}
