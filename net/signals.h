#ifndef NET_SIGNALS_H
#define NET_SIGNALS_H

struct loop;
struct signals;

/*
 * Signals as events of one loop, over signalfd(2).  Block them in every thread
 * first: call this before any other thread is made.  NULL with errno.
 */
struct signals	*signals_new(struct loop *, const int *signos, unsigned n,
		    void (*on_signal)(void *, int signo), void *arg);
void		 signals_free(struct signals *);

#endif
