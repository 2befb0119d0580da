#ifndef NET_DNS_CHANNEL_H
#define NET_DNS_CHANNEL_H

#include <ares.h>

struct dns_channel;
struct loop;

/* A c-ares channel as a guest of our loop.  For net/resolve.c only. */
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

#endif
