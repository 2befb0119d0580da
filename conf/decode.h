#ifndef CONF_DECODE_H
#define CONF_DECODE_H

#include "conf/errors.h"
#include "conf/node.h"
#include "conf/schema.h"

#define PATH_MAX_BYTES	256

/* Where the decoder is in the tree, for what it says about it. */
struct decoder {
	struct arena		*arena;
	struct conf_errors	*errors;
	bool			 partial;	/* under defaults: nothing is required */
	const struct conf_node	*owner;		/* of the keys: where to say that one is missing */
	size_t			 n;
	char			 path[PATH_MAX_BYTES];	/* routes[2].to */
};

/*
 * Fill the configuration from its tree (in canonical form, see normal.h) by
 * the schema.  Faults are added to the errors; what they leave behind is zero.
 * Names of upstreams and listeners are not looked up here.
 */
void	decode_conf(struct conf *, struct conf_errors *);

/* The value of `servers' alone, in the same way. */
void	decode_servers(struct conf_upstream *, struct arena *,
	    struct conf_node *, struct conf_errors *);

/*
 * One single value of that key's type into `to'; false: a fault was told.
 * For the type's sake only (check a value that is stored nowhere) `to' may be
 * NULL.  value_size is that of the items of a list of such values.
 */
bool	value_decode(struct decoder *, const struct key *, struct conf_node *,
	    void *to);
size_t	value_size(enum key_type);
/* "a duration", "text"; for messages and documents. */
const char *value_words(enum key_type);

/*
 * Whether a key means something in its map: the `type' there (by default the
 * one that knows all keys) is what the key wants.
 */
bool	decode_applies(const struct key *, const struct conf_node *map);

/* A copy in lower case. */
struct text value_folded(struct arena *, struct text);

/* "path: message" at the node, which is bad from then on. */
void	decode_fault(struct decoder *, struct conf_node *, const char *hint,
	    const char *, ...) __attribute__((format(printf, 4, 5)));

#endif
