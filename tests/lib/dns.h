#ifndef TESTS_LIB_DNS_H
#define TESTS_LIB_DNS_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/*
 * A DNS server for tests, on 127.0.0.1 over UDP and TCP, that answers every
 * name alike: with 10.9.0.i, fd00::i and, to SRV, "0 5 i" at its name below
 * "t", or at the root.  It turns on a loop of the library.
 * Set the scripts and read the counters between two turns.
 */
enum dns_how {
	DNS_ANSWER, DNS_NXDOMAIN, DNS_SERVFAIL, DNS_REFUSED,
	DNS_SILENT,		/* no reply */
	DNS_GARBAGE,		/* a record longer than the packet */
	DNS_BY_TCP		/* truncated over UDP */
};

/* What one type of question is answered with. */
struct dns_script {
	enum dns_how	 how;
	unsigned	 failures;	/* so many SERVFAILs come before that */
	unsigned	 first, count;	/* the addresses' i; 0: no data */
	bool		 backwards;	/* the last one first, and twice */
	bool		 root;		/* SRV: the target is the root */
	uint32_t	 ttl;
};

struct dns {
	struct dns_script a, aaaa, srv;	/* srv: no data */
	uint32_t	 alias_ttl;	/* 0: no alias on the way */
	uint16_t	 port;		/* 0: dns_open takes a free one */
	unsigned	 asked_a, asked_aaaa, asked_srv, asked_tcp;
	char		 name[256];	/* of the last question, "a.test." */
	uint64_t	 asked_at[16];	/* of the first questions for A */
	struct loop	*loop;
	struct event	 udp_event, tcp_event;
	int		 udp, tcp;	/* -1: closed */
};

/* All zero, with the loop and two A records of a minute; closed. */
void	 dns_init(struct dns *, struct loop *);
void	 dns_open(struct dns *);	/* on dns->port */
void	 dns_close(struct dns *);	/* asking is refused; may be opened again */

#endif
