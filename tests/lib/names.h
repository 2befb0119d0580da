#ifndef TESTS_LIB_NAMES_H
#define TESTS_LIB_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A name server on 127.0.0.1 over UDP, a thread of the test's process, that
 * gives every name the same addresses: any of 127.0.0.1 and ::1.
 */
struct names;

struct names_answer {
	bool		 dead;		/* no reply at all */
	bool		 fails;		/* SERVFAIL */
	bool		 v4, v6;	/* 127.0.0.1, ::1 */
	uint32_t	 ttl;		/* seconds */
};

struct names	*names_start(struct names_answer);
/* "127.0.0.1:PORT", for FAIRLEAD_DNS_SERVERS. */
const char	*names_address(const struct names *);
void		 names_answer(struct names *, struct names_answer);
/* Questions so far, those without a reply included. */
unsigned	 names_asked(struct names *);

#endif
