#ifndef PROXY_HEADERS_H
#define PROXY_HEADERS_H

struct conf_headers;
struct exchange;
struct head;

/*
 * What fairlead adds to and changes in the fields of a request on its way up:
 * X-Forwarded-For, -Proto, -Host, Via, X-Request-Id, then the route's
 * own changes.  Once per exchange: every attempt sends the same.
 */
void	headers_request(struct exchange *);
/* The same for a response on its way down: Via, the route's changes. */
void	headers_response(struct exchange *, struct head *);
/* The route's rewrite of the path: strip_prefix, then add_prefix. */
void	headers_upgrade(struct exchange *);	/* what of it the route allows */
void	headers_rewrite(struct exchange *);

#endif
