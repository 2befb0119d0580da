#ifndef NET_DNS_CHANNEL_H
#define NET_DNS_CHANNEL_H

#include <ares.h>

struct dns_channel;
struct loop;
struct resolver;

/* A c-ares channel as a guest of our loop.  For net/resolve.c and net/dns_query.c. */
struct dns_settings {
	const char	*servers;	/* "127.0.0.1:53,[::1]:53"; NULL: those of resolv_conf */
	const char	*resolv_conf;	/* read now, never again */
	const char	*lookups;	/* "f" the hosts file, "b" the servers */
};

/* NULL: the servers make no sense.  An unreadable resolv_conf means 127.0.0.1. */
struct dns_channel *dns_channel_new(struct loop *, const struct dns_settings *);
/* What is still asked for ends with ARES_EDESTRUCTION.  Not from a callback of c-ares. */
void		 dns_channel_free(struct dns_channel *);	/* NULL is allowed */
/*
 * Ask for the addresses of one family, AF_UNSPEC for both.  The callback may
 * come before this returns; it frees what it gets.
 */
void		 dns_channel_ask(struct dns_channel *, const char *name,
		    int family, ares_addrinfo_callback, void *arg);
/* Ask for records of one type.  The same holds, but that nothing is freed. */
void		 dns_channel_query(struct dns_channel *, const char *name,
		    int type, ares_callback, void *arg);
const char	*dns_status_words(int status);	/* ARES_... */
/* The one to ask on now; NULL when resolv.conf cannot be used. */
struct dns_channel *resolver_channel(struct resolver *);

#endif
