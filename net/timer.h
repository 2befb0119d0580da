#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stdint.h>

struct loop;
struct timer;

/*
 * One shot after an arbitrary time, for the control thread's schedules.  The
 * many equal waits of connections use struct deadline (net/loop.h) instead.
 * Loop thread only.
 */
struct timer	*timer_new(struct loop *, void (*fire)(void *arg), void *arg);
/* Fire once after that time; moves one that is set; 0: in the next pass. */
void		 timer_set(struct timer *, uint64_t after_ns);
void		 timer_clear(struct timer *);
/* NULL is allowed; also from the timer's own fire. */
void		 timer_free(struct timer *);

#endif
