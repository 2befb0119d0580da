#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

struct addr;
struct ask;
struct loop;
struct resolver;
struct watch;

/*
 * Host names to addresses: /etc/hosts first, then all A and AAAA records over
 * c-ares.  Nothing here waits; one resolver per loop, that loop's thread only.
 *
 * `servers' is a list such as "127.0.0.1:5353,[::1]:53" (the environment's
 * FAIRLEAD_DNS_SERVERS); NULL or "" means those of `resolv_conf', and NULL there
 * means /etc/resolv.conf.  The file is read again when it has changed.  NULL
 * with EINVAL: `servers' makes no sense.
 */
struct resolver	*resolver_new(struct loop *, const char *servers,
		    const char *resolv_conf);
/* All asks and watches of this resolver must be cancelled or freed before. */
void		 resolver_free(struct resolver *);
struct loop	*resolver_loop(const struct resolver *);

/*
 * An answer, sorted.  n > 0 with an error: only the A records could be learned,
 * and `error' says what became of the others ("AAAA: timed out").  n == 0:
 * `error' says why.  Valid
 * during the callback only.
 */
struct resolve_answer {
	const struct addr	*addrs;
	size_t			 n;
	unsigned		 ttl_s;		/* the least; 1 s .. 1 h */
	const char		*error;		/* in words; NULL: none */
};

/*
 * Ask once.  The callback comes exactly once, never before this returns, unless
 * the ask is cancelled; when it runs the ask is gone already.
 */
struct ask	*resolve_start(struct resolver *, const char *name, uint16_t port,
		    void (*done)(void *arg, const struct resolve_answer *),
		    void *arg);
void		 resolve_cancel(struct ask *);

/*
 * Keep asking by TTL (1 s .. 5 min), after failures with a growing, jittered
 * wait (1 s .. 30 s).  `on_change' comes when the set of addresses or the error
 * differs from what it last said; the order of addresses does not count.  A
 * failure keeps the last good set: `addrs' is then that set, `error' tells.
 * n == 0: never resolved yet.  The watch may be freed from its on_change.
 */
struct watch	*resolve_watch_new(struct resolver *, const char *name,
		    uint16_t port, void (*on_change)(void *arg,
		    const struct addr *addrs, size_t n, const char *error),
		    void *arg);
void		 resolve_watch_free(struct watch *);	/* NULL is allowed */

#endif
