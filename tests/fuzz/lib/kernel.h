#ifndef TESTS_FUZZ_KERNEL_H
#define TESTS_FUZZ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

/*
 * A kernel in memory: sockets, readiness and time, for a run that repeats to
 * the byte.  The linker's --wrap (see KERNEL_WRAP in the Makefile) leads the
 * program's calls of recv, send, splice, close, event_add, event_base_loop,
 * clock_now and so on to here, so that net/conn.c and net/loop.c are the real
 * ones.  Descriptors that are not this kernel's go to the real one.
 */

#define KERNEL_SOCKETS	64	/* of one run; then EMFILE */
#define KERNEL_NO_LIMIT	SIZE_MAX

/* One connection, seen from the program: `in' is what its peer sent. */
struct sock {
	bool		 is_open, accepted;
	bool		 connecting, refused;
	bool		 in_fin, in_rst;	/* behind what is in `in' */
	bool		 out_fin, lingers_not;
	int		 error;			/* SO_ERROR */
	char		*in;
	size_t		 in_n, in_at, in_cap;
	size_t		 room;			/* bytes it still takes */
	struct event	*event;
	bool		 edge;			/* epoll would report it */
	void		*peer;			/* the harness's */
};

/* How the next connects end. */
enum kernel_connect { CONNECT_WELL, CONNECT_REFUSED, CONNECT_HANGS,
	CONNECT_LOCAL };

/* What a peer hears of the program. */
struct kernel_ops {
	void	(*opened)(struct sock *);	/* by connect; sets peer */
	void	(*sent)(struct sock *, const char *, size_t);
	void	(*ended)(struct sock *, bool reset);	/* FIN or RST, once */
};

/* An empty kernel; time goes on from where it was. */
void	 kernel_start(const struct kernel_ops *);
void	 kernel_finish(void);
/* A connection from outside; its descriptor. */
int	 kernel_accepted(void *peer);
struct sock *kernel_sock(int fd);
int	 kernel_fd(const struct sock *);
/* The program may still hear of this peer. */
bool	 kernel_hears(const struct sock *);
/* What the peer does. */
void	 kernel_receive(struct sock *, const char *, size_t);
void	 kernel_fin(struct sock *);
void	 kernel_reset(struct sock *);
void	 kernel_room(struct sock *, size_t);
void	 kernel_connects(enum kernel_connect);
void	 kernel_turn_order(void);	/* of readiness: last first, or again first first */
/* All connects that hang are through. */
void	 kernel_connected(void);
unsigned kernel_open(void);	/* sockets */

/* What event_base_loop finds nothing more to do for: ends the loop. */
void	 kernel_idle(void (*)(void *), void *);
/* Time goes on to `late' behind the next timer; false: there is none. */
bool	 kernel_next_timer(uint64_t late_ns);
void	 kernel_sleep(uint64_t ns);

/*
 * Pipes (kernel_pipe.c), whose two ends have one descriptor.  How many there
 * are; and what close() of an end does.
 */
#define KERNEL_FIRST_PIPE	200000
unsigned kernel_pipes(void);
int	 kernel_close_pipe(int fd);

#endif
