#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct event_base;
struct loop;
struct mail;
struct rng;

/*
 * One thread's event loop.  A pass is: wait, run what is ready, run the ready
 * list, free the buried.  Everything here belongs to the loop's own thread
 * but for loop_post.
 */
struct loop	*loop_new(void);		/* NULL with errno */
void		 loop_free(struct loop *);
void		 loop_run(struct loop *);	/* until loop_stop; may run again */
void		 loop_stop(struct loop *);
struct event_base *loop_base(struct loop *);	/* for net/ only */
const char	*loop_library(void);		/* libevent's version */
uint64_t	 loop_now(struct loop *);	/* monotonic ns, taken once per pass */
struct rng	*loop_rng(struct loop *);
/* Any thread: the letter is opened in this loop's thread. */
void		 loop_post(struct loop *, struct mail *);
/* Called at the end of each pass with the time it took. */
void		 loop_on_pass(struct loop *, void (*)(void *, uint64_t ns),
		    void *arg);

/* Run once more in this or the next pass, without an event; the loop does not sleep before. */
struct again {
	TAILQ_ENTRY(again)	 link;		/* tqe_prev NULL: not listed */
	void			(*run)(struct again *);
};
static inline bool
again_is_listed(const struct again *a)
{
	return a->link.tqe_prev != NULL;
}
void	loop_again(struct loop *, struct again *);
void	loop_again_cancel(struct loop *, struct again *);

/* Free at the end of the pass: nothing dies under its own callback. */
struct grave {
	struct grave	*next;
	void		(*free)(struct grave *);
};
void	loop_bury(struct loop *, struct grave *);

/*
 * A deadline.  Deadlines of one duration stand in one list in the order they
 * were set, with one timer for its head: setting one is a move to a tail.  `fire' gets
 * `stalled' when the loop itself was away as the time ran out (own stall,
 * SIGSTOP, a paused VM): then it is nobody else's failure.  After an absence
 * what is ready is read first.
 */
struct deadline {
	TAILQ_ENTRY(deadline)	 link;
	struct deadline_list	*list;		/* NULL: not set */
	uint64_t		 at;		/* monotonic ns */
	void			(*fire)(struct deadline *, bool stalled);
};
void	deadline_set(struct loop *, struct deadline *, uint64_t after_ns);	/* moves one that is set; 0: none */
void	deadline_clear(struct deadline *);
/* True when the loop stood still (over 250 ms) at some time since then. */
bool	loop_was_away_since(struct loop *, uint64_t since_ns);

/* Passes turned so far; any thread. */
uint64_t	loop_turns(const struct loop *);

#endif
