/*
 * A server's life: made by control, referenced by rosters and by the attempts
 * at it, gone with the last of them, on whatever thread that happens.
 */
#include <assert.h>
#include <string.h>

#include "balancer/board.h"
#include "balancer/line.h"
#include "balancer/server.h"
#include "base/mem.h"

struct server *
server_new(struct board *board, const char *upstream, const char *name,
    const struct addr *addr)
{
	struct server *srv = line_alloc(sizeof(*srv));

	atomic_init(&srv->refs, 1);
	srv->board = board_ref(board);
	srv->lane = board_take(board);
	srv->name = xstrdup(name);
	srv->upstream = xstrdup(upstream);
	srv->addr = *addr;
	return srv;
}

struct server *
server_ref(struct server *srv)
{
	atomic_fetch_add_explicit(&srv->refs, 1, memory_order_relaxed);
	return srv;
}

void
server_unref(struct server *srv)
{
	if (atomic_fetch_sub(&srv->refs, 1) != 1)
		return;
	board_give(srv->board, srv->lane);
	board_unref(srv->board);
	free(srv->name);
	free(srv->upstream);
	free(srv);
}

void
server_set_why(struct server *srv, const char *why)
{
	size_t n = strnlen(why, sizeof(srv->why) - 1);

	memcpy(srv->why, why, n);
	srv->why[n] = '\0';
}
