#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H

#include "conf/node.h"

/*
 * Replace ${NAME}, ${NAME:-default}, ${NAME:?message} and $${ in every value of
 * the tree, in place.  Keys stay as they are.  A variable that is not set and
 * has no default is an error where it stands.
 */
void	expand_tree(struct node_reader *, struct conf_node *);

#endif
