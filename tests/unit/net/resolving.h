#ifndef TESTS_NET_RESOLVING_H
#define TESTS_NET_RESOLVING_H

#include <stddef.h>

#include "base/addr.h"
#include "net/resolve.h"
#include "tests/lib/dns.h"
#include "tests/unit/net/looped.h"

/* What was told last, and how often anything was. */
struct got {
	unsigned	 count;
	size_t		 n;
	char		 first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];
	unsigned	 ttl_s;
	char		 error[100];	/* "": none */
};

/* A resolver that asks a DNS server which turns on the same loop. */
extern struct resolver	*resolver;
extern struct dns	 dns;
extern struct got	 got;

/* For .init and .fini. */
void	 resolving_up(void);
void	 resolving_down(void);
/* Note it. */
void	 got_addrs(struct got *, const struct addr *, size_t n,
	    const char *error);

#endif
