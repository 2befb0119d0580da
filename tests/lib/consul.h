#ifndef TESTS_LIB_CONSUL_H
#define TESTS_LIB_CONSUL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A double of Consul: as much of an agent and the cluster behind it as a
 * client of service discovery sees, and what goes wrong with them.  A thread
 * for each connection.  All functions are for the test's thread; services
 * come and go by them or by HTTP:
 *
 *	GET /v1/health/service/NAME?index=&wait=&passing&tag=&dc=&near=&filter=
 *	    &stale|consistent	(of filters only SELECTOR ==|!= "VALUE")
 *	GET /v1/catalog/services	GET /v1/agent/self
 *	PUT /v1/agent/service/register, /v1/agent/service/deregister/ID
 *	PUT /v1/agent/check/pass|warn|fail/ID
 *	PUT /double/fault/NAME	/double/rewind/INDEX	/double/touch
 *
 * A token comes by X-Consul-Token, Authorization: Bearer, or ?token=.
 */
struct consul;

struct consul_options {
	const char	*token;		/* NULL: no ACLs */
	const char	*cert, *key;	/* NULL: no TLS */
	const char	*client_ca;	/* clients show a certificate of it */
	bool		 any;		/* 0.0.0.0: for people, not for tests */
	int		 port;		/* 0: a free one */
};

/* An instance of a service.  All but `name' and `port' may be left out. */
struct consul_service {
	const char	*name, *id;	/* NULL: as the name */
	const char	*address;	/* NULL: the node's */
	int		 port;
	const char	*tags;		/* "a,b" */
	const char	*zone;		/* in ServiceMeta */
	int		 passing, warning; /* Weights; 0: 1 */
	const char	*status;	/* of its check; NULL: "passing" */
	const char	*ttl;		/* of its check, "10s"; NULL: for ever */
	const char	*dead_after;	/* DeregisterCriticalServiceAfter */
	const char	*node;		/* NULL: the agent's, "agent" */
	const char	*node_address;	/* NULL: 127.0.0.1 */
	const char	*dc;		/* NULL: "dc1" */
};

/* What becomes of every query for health from now on, and of those waiting. */
enum consul_fault {
	CONSUL_WELL, CONSUL_ERROR,	/* 500 */
	CONSUL_BUSY,			/* 429 */
	CONSUL_HANG,			/* no byte, nor an end */
	CONSUL_HALF,			/* half a body, then FIN */
	CONSUL_RESET,			/* half a body, then RST */
	CONSUL_GARBAGE,			/* a 200 that is no JSON */
	CONSUL_EMPTY,			/* no servers, whoever is there */
	CONSUL_INDEX_ZERO, CONSUL_NO_INDEX,
	CONSUL_HUGE,			/* 64 MiB of it */
	CONSUL_FAULTS
};

/* Listens when it returns; NULL and errno when it cannot. */
struct consul	*consul_start(const struct consul_options *);
int		 consul_port(const struct consul *);

/* Come, or change. */
void		 consul_register(struct consul *, const struct consul_service *);
/* False when there is none of that id. */
bool		 consul_deregister(struct consul *, const char *id);
/* "passing", "warning", "critical": all checks of that instance. */
bool		 consul_check(struct consul *, const char *id, const char *status);

void		 consul_fail(struct consul *, enum consul_fault);
/* A write that changes no answer, but every index. */
void		 consul_touch(struct consul *);
/* All indexes are that one, and who waits is told, as when a server restores. */
void		 consul_rewind(struct consul *, uint64_t index);
/* Gone, as a killed process, and back on the same port with all it knew. */
void		 consul_kill(struct consul *);
void		 consul_revive(struct consul *);

/* Queries for health so far, and of them now waiting for news. */
unsigned	 consul_queries(struct consul *);
unsigned	 consul_waiting(struct consul *);
/* Connections so far, and now. */
unsigned	 consul_accepted(struct consul *);
unsigned	 consul_open(struct consul *);
/* The last query for health, "/v1/...?...", and how its token came. */
char		*consul_last(struct consul *);

/* By its name in /double/fault, "half"; CONSUL_FAULTS for none. */
enum consul_fault consul_fault_of(const char *name);

#endif
