#ifndef PROXY_ROUTES_JSON_H
#define PROXY_ROUTES_JSON_H

struct buf;
struct plan;

/* GET /routes: the index in the order of matching. */
void	routes_render(const struct plan *, struct buf *);

#endif
