#ifndef CONF_NODE_H
#define CONF_NODE_H

#include "conf/conf.h"

#define NODES_MAX	1000000		/* aliases counted as often as used */
#define DEPTH_MAX	64

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct conf_pair {
	struct conf_node	*key;		/* a scalar */
	struct conf_node	*value;
};

/*
 * One YAML node and where it stands.  Aliases and merge keys share nodes, so
 * a tree is read-only but for `bad', which keeps one fault from being told
 * twice.
 */
struct conf_node {
	enum node_kind		  kind;
	struct conf_place	  place;
	unsigned		  width;	/* on its first line */
	bool			  quoted;	/* or a block scalar */
	bool			  exact;	/* text stands in the file as it is */
	bool			  expanded;	/* ${} was in it: it may hold a secret */
	bool			  made;		/* by us: nobody wrote it */
	bool			  bad;		/* told already */
	unsigned		  n;
	unsigned		  cap;
	unsigned		  size, height;	/* of the whole tree below */
	struct text		  text;		/* NODE_SCALAR; also NUL-ended */
	struct conf_node	**items;	/* NODE_LIST */
	struct conf_pair	 *pairs;	/* NODE_MAP; keys differ */
};

struct node_reader {
	struct arena		*arena;		/* where the nodes live */
	struct conf_errors	*errors;
	unsigned		 nodes;		/* so far, over all files */
};

/*
 * The tree of one YAML document, or NULL when it is not YAML enough to say
 * more (then errors has one more).  Lesser faults are added to the errors and
 * the tree is still returned.  `file' must live as long as the arena.
 */
struct conf_node *node_read(struct node_reader *, const char *file,
		    struct text yaml);

/* The value of a key in a map; NULL when absent, or when it is no map. */
struct conf_node *node_get(const struct conf_node *map, const char *key);
struct conf_pair *node_pair(const struct conf_node *map, struct text key);
/* Nothing was written where a value belongs. */
bool		 node_is_empty(const struct conf_node *);
/* A scalar of exactly that word. */
bool		 node_is_word(const struct conf_node *, const char *);

/* Nodes that stand for something written at `like' (NULL: nowhere). */
struct conf_node *node_scalar(struct arena *, struct text,
		    const struct conf_node *like);
struct conf_node *node_list(struct arena *, const struct conf_node *like);
struct conf_node *node_map(struct arena *, const struct conf_node *like);
void		 node_append(struct arena *, struct conf_node *list,
		    struct conf_node *item);
void		 node_put(struct arena *, struct conf_node *map,
		    struct conf_node *key, struct conf_node *value);
/* Node, list or map of the same children: changing the copy leaves the other. */
struct conf_node *node_copy(struct arena *, const struct conf_node *);

#endif
