#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct fetch;
struct fetcher;
struct loop;

/*
 * One HTTP GET or one TCP connect each, straight to the given address: no name
 * is resolved, no proxy of the environment is used, no redirect is followed.
 * On a fresh connection that is not kept, unless `keep' says otherwise.  One
 * fetcher per loop, that loop's thread only.
 */
struct fetcher	*fetcher_new(struct loop *, const char *user_agent);
/* All its fetches must have ended or been cancelled. */
void		 fetcher_free(struct fetcher *);

#define FETCH_FIELDS 2

/* Files in PEM; NULL is the system's authorities, and no certificate of ours. */
struct fetch_tls {
	const char	*name;		/* that the server has to prove */
	const char	*ca, *cert, *key;
};

/* Borrowed during fetch_start only. */
struct fetch_request {
	struct addr	 to;		/* IP or unix */
	bool		 tcp_only;	/* connected is all that is asked */
	const char	*path;		/* begins with a slash */
	const char	*host;		/* Host field; NULL: the address, or tls->name */
	const char	*field;		/* one more, "Name: value"; or NULL */
	const char	*wanted[FETCH_FIELDS]; /* names of fields to hear */
	const struct fetch_tls *tls;	/* NULL: plain; not for unix */
	bool		 keep;		/* use a kept connection, and keep it */
	uint64_t	 timeout_ns;	/* for the whole, > 0 */
	size_t		 body_most;	/* bytes kept; the rest is not read */
};

/* Valid during the callback only. */
struct fetch_result {
	bool		 ok;		/* connected (tcp_only), or a whole head came */
	bool		 local;		/* not ok by our own doing: a stall of this loop, no descriptor or port left */
	unsigned	 status;	/* 0: none */
	const char	*body;		/* NUL-ended besides */
	size_t		 n;
	bool		 capped;	/* there was more than body_most */
	const char	*fields[FETCH_FIELDS]; /* as wanted; NULL: not there */
	const char	*error;		/* in words when not ok, else NULL */
	uint64_t	 connect_ns, total_ns;
};

/*
 * The callback comes exactly once, never before this returns, unless the fetch
 * is cancelled; when it runs the fetch is gone already.
 */
struct fetch	*fetch_start(struct fetcher *, const struct fetch_request *,
		    void (*done)(void *arg, const struct fetch_result *),
		    void *arg);
void		 fetch_cancel(struct fetch *);

#endif
