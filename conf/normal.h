#ifndef CONF_NORMAL_H
#define CONF_NORMAL_H

#include "conf/node.h"

/*
 * Bring a tree to its canonical form, in which each thing is written in one
 * way only, so that decoder, checks and print know one way:
 *
 *	listen: A		listeners: { default: { address: A } }
 *	to: T			one more route: { name: default, to: T }
 *	upstreams: { U: [A] }	upstreams: { U: { servers: [A] } }
 *	servers: [A]		servers: [{ address: A }]
 *	to: U			to: [{ upstream: U }]
 *	to: [A:1, A:2]		an upstream named as the route, and its name
 *	a route without name	its host and path
 *	defaults		laid under each upstream and route
 *
 * What has another shape than its key allows stays as it is: the decoder tells
 * it.  Shared nodes are copied, never changed.
 */
void	normal_tree(struct node_reader *, struct conf_node *root);
/* The same of the value of `servers' alone. */
struct conf_node *normal_servers(struct node_reader *, struct conf_node *list);

#endif
