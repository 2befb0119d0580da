#ifndef PROXY_VIEW_H
#define PROXY_VIEW_H

#include "base/mem.h"
#include "stats/view.h"

struct control;

/*
 * What exists now, gathered from control for stats/ to render.  Everything is
 * in the arena; good until the control thread's next turn.
 */
void	view_fill(const struct control *, struct stats_view *, struct arena *);
/* And of the process: reads /proc, with a line for each descriptor. */
void	view_fill_process(struct stats_view *);

#endif
