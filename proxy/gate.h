#ifndef PROXY_GATE_H
#define PROXY_GATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "stats/stats.h"

struct addr;
struct conf_listener;
struct control;
struct port;
struct sources;

/*
 * Who may come in at a listener: its connections, counted over all workers and
 * kept by the listener's name for good, so that a reload forgets nobody.
 */
struct gate {
	char		*name;
	atomic_uint	 connections;	/* any thread, relaxed */
	struct sources	*sources;	/* NULL: nobody asked for it yet; control
					   sets it before a snapshot tells */
};

/* Control: the gate of that listener, with all that its limits need. */
struct gate	*gate_of(struct control *, const struct conf_listener *);
void		 gates_free(struct control *);

/*
 * A connection of that peer comes in, or is rejected for that reason
 * (REJECT_COUNT: it is not).  *source is then for gate_leave.  Any worker.
 */
enum stats_reject gate_enter(const struct port *, const struct addr *peer,
		    uint64_t *source);
void		 gate_leave(struct gate *, uint64_t source);

#endif
