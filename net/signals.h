#ifndef NET_SIGNALS_H
#define NET_SIGNALS_H

struct loop;
struct signals;

/*
 * From here on they wait for signals_new instead of acting.  Before any thread
 * is made: threads inherit it.
 */
void		 signals_block(const int *signos, unsigned n);
/* Signals, blocked before, as events of one loop.  NULL with errno. */
struct signals	*signals_new(struct loop *, const int *signos, unsigned n,
		    void (*on_signal)(void *, int signo), void *arg);
void		 signals_free(struct signals *);

#endif
