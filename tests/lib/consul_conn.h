#ifndef TESTS_LIB_CONSUL_CONN_H
#define TESTS_LIB_CONSUL_CONN_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/queue.h>

#include "tests/lib/bytes.h"
#include "tests/lib/consul.h"
#include "tests/lib/consul_catalog.h"

/*
 * What the parts of Consul's double share.  Everything of struct consul is
 * under its lock, but for what never changes.
 */
enum { REQUEST_PARAMETERS = 16 };

struct consul_conn {
	TAILQ_ENTRY(consul_conn) entry;
	struct consul	*consul;
	int		 fd, wakeup;	/* the eventfd rings when there is news */
	SSL		*ssl;		/* NULL: plain */
	/* what a query waits for: an index of it beyond that one */
	const char	*service;	/* NULL: there is none that waits */
	uint64_t	 known;
	unsigned	 rewound;	/* consul's, when it began */
	struct bytes	 in;
};

struct consul {
	struct consul_options options;
	SSL_CTX		*tls;
	int		 port;
	pthread_t	 thread;
	pthread_mutex_t	 lock;
	int		 listener, wakeup;
	bool		 dead;
	TAILQ_HEAD(, consul_conn) conns;
	struct catalog	 catalog;
	enum consul_fault fault;
	unsigned	 rewound;	/* how often: ends every wait */
	unsigned	 queries, waiting, accepted, open, random;
	char		*last;
};

/* A request, taken apart in place. */
struct consul_request {
	char		*method, *path;	/* decoded, without its query */
	char		*target;	/* as it came */
	char		*token;		/* or NULL */
	const char	*token_by;	/* how it came, "" for not at all */
	bool		 close;
	struct { char *name, *value; } parameters[REQUEST_PARAMETERS];
	unsigned	 nparameters;
	struct bytes	 body;
};

/* Serve a connection to its end; a thread's. */
void	 consul_conn_serve(struct consul_conn *);
/*
 * Locked: tell those for whom there is news to look again.  Not the others: a
 * hundred threads for nothing at every write take the cores from who is tested.
 */
void	 consul_wake(struct consul *);
/* Locked: whether the query need not wait any more. */
bool	 consul_has_news(const struct consul_conn *);

/* False when there is none. */
bool	 consul_request_read(struct consul_conn *, struct consul_request *);
void	 consul_request_free(struct consul_request *);
/* The nth of that name, or NULL. */
const char *consul_request_value(const struct consul_request *,
	    const char *name, unsigned nth);
bool	 consul_conn_send(struct consul_conn *, const void *, size_t);

/* Answer a query for health, waiting first if it asks to; false: close. */
bool	 consul_health(struct consul_conn *, const struct consul_request *);
/* A status with a body of that type; false when it cannot be sent. */
bool	 consul_answer(struct consul_conn *, int status, const char *fields,
	    const char *body);

#endif
