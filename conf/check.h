#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "base/map.h"
#include "conf/errors.h"
#include "conf/node.h"

/*
 * What one value cannot tell by itself.  Resolves names to indexes, gives
 * servers their names, and adds faults and warnings to the errors.  Runs also
 * on what the decoder found faulty, and then says nothing that follows from
 * those faults.
 */
void	check_conf(struct conf *, struct conf_errors *);

/* For check*.c */
struct check {
	struct conf		*conf;
	struct conf_errors	*errors;
	struct map		 upstreams, listeners;	/* to their conf_* */
	bool			*used;			/* by upstream */
};

/* What its agent is asked with; reads the token's file. */
void	check_consul(struct check *, struct conf_consul *, struct conf_node *);
void	check_routes(struct check *, struct conf_node *list);
void	check_shadows(struct check *, struct conf_node *list);
void	check_upstream(struct check *, struct conf_upstream *,
	    const struct conf_pair *);
/* Names for those that have none; no address and no name twice. */
void	check_servers(struct check *, struct conf_upstream *,
	    struct conf_node *list);
/*
 * At a node that may be NULL (then nothing is said) or told already.  A fault
 * is told once, however many share the node through an alias or defaults.
 */
void	check_fault(struct check *, struct conf_node *,
	    const char *hint, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
void	check_warning(struct check *, const struct conf_node *,
	    const char *hint, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
/* "; did you mean 'payments' (edge.yaml:40:3)?" for a name in neither. */
const char *check_near(struct check *, const struct conf_node *names,
	    struct text name);
/* One text for equal addresses; NULL: equal to none. */
const char *check_address_key(struct check *, const struct conf_address *);

#endif
