/*
 * The tunnel that an exchange becomes.  relay.c passes its bytes as it passes
 * bodies; here is what is a tunnel's alone: its end by silence, its end when
 * both sides have said their last, and its count.  Its lease is given back as
 * any answered exchange's, so it outlives its route and its listener.
 */
#include "proxy/tunnel.h"

#include "base/container.h"
#include "conf/conf.h"
#include "http/upgrade.h"
#include "proxy/exchange.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "stats/stats.h"

static void on_silence(struct deadline *, bool);

void
tunnel_open(struct exchange *x, const struct head *head)
{
	struct tunnel *t = &x->tunnel;

	t->silence.fire = on_silence;
	t->silence_ns = x->route->conf->tunnel_idle_ns;
	t->websocket = upgrade_is_websocket(head->upgrade);
	if (t->websocket)
		counter_add(&x->stats->websockets, 1);
	tunnel_stirs(x);
}

void
tunnel_stirs(struct exchange *x)
{
	if (x->phase == PHASE_TUNNEL)
		deadline_set(
		    x->worker->loop, &x->tunnel.silence, x->tunnel.silence_ns);
}

void
tunnel_side_over(struct exchange *x, enum tunnel_side side)
{
	bool *over = x->tunnel.over;

	over[side] = true;
	if (over[TUNNEL_DOWN] && over[TUNNEL_UP])
		exchange_cut(x, END_NONE); /* in peace: both are flushed */
}

void
tunnel_unheard(struct exchange *x)
{
	if (x->phase == PHASE_TUNNEL &&
	    x->down->ops->room(x->down) == STREAM_WINDOW)
		exchange_cut(x, END_NONE);
}

void
tunnel_close(struct exchange *x)
{
	deadline_clear(&x->tunnel.silence);
	if (x->tunnel.websocket)
		counter_take(&x->stats->websockets, 1);
}

/* A silence that was fairlead's own is not held against them. */
static void
on_silence(struct deadline *d, bool stalled)
{
	struct exchange *x = CONTAINER_OF(d, struct exchange, tunnel.silence);

	if (stalled)
		tunnel_stirs(x);
	else
		exchange_cut(x, END_TUNNEL_IDLE);
}
