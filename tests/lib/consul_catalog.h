#ifndef TESTS_LIB_CONSUL_CATALOG_H
#define TESTS_LIB_CONSUL_CATALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * What Consul's double knows: instances, their checks, and the indexes of all
 * of it.  No locks of its own, and its time is an argument in milliseconds.
 */
enum { CATALOG_CHECKS = 8 };

struct catalog_check {
	char		*id, *name;
	const char	*status;	/* one of those of check_status() */
	int64_t		 ttl;		/* 0: for ever */
	int64_t		 dead_after;	/* critical; 0: never */
	int64_t		 since;		/* of the last word of it */
};

struct catalog_instance {
	TAILQ_ENTRY(catalog_instance) entry;
	char		*id, *name, *dc;
	json_t		*node, *service;	/* as they are in an answer */
	struct catalog_check checks[CATALOG_CHECKS];
	unsigned	 nchecks;
};

/* The index of one name, for as long as it has instances and after. */
struct catalog_name {
	TAILQ_ENTRY(catalog_name) entry;
	char		*name;
	uint64_t	 index;
};

struct catalog {
	TAILQ_HEAD(, catalog_instance) instances;
	TAILQ_HEAD(, catalog_name) names;
	uint64_t	 index;		/* of the last write */
	uint64_t	 extinct;	/* of the last one that took a service */
};

/* What a query asks for; the texts are borrowed. */
struct catalog_query {
	const char	*name;
	bool		 passing;
	const char	*tags[8];	/* NULL behind the last */
	const char	*dc;		/* NULL: the agent's */
	const char	*near;		/* NULL: in the order of their coming */
	const char	*filter;	/* NULL: none */
	const char	*error;		/* set by catalog_find: its status ... */
	int		 status;	/* ... and words, when it cannot */
};

void		 catalog_init(struct catalog *);
/* A registration as Consul takes it; an error in words, or NULL. */
const char	*catalog_register(struct catalog *, const json_t *, int64_t now);
/* False when there is none. */
bool		 catalog_deregister(struct catalog *, const char *id);
/* All checks of an instance, or the one that has this id. */
bool		 catalog_set(struct catalog *, const char *id, const char *status,
		    int64_t now);
void		 catalog_touch(struct catalog *);
void		 catalog_rewind(struct catalog *, uint64_t index);
/* Let time have its way; when to do it next, 0 for never. */
int64_t		 catalog_age(struct catalog *, int64_t now);
uint64_t	 catalog_index(const struct catalog *, const char *name);
/* An array of entries, or NULL with the query's status and error. */
json_t		*catalog_find(struct catalog *, struct catalog_query *);
/* Every name with the tags of its instances. */
json_t		*catalog_names(struct catalog *);
/* "5m", "1.5s", "200ms" in milliseconds, or -1. */
int64_t		 catalog_duration(const char *);

#endif
