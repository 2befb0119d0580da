#ifndef TESTS_NET_CONNECTED_H
#define TESTS_NET_CONNECTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/buf.h"
#include "net/conn.h"
#include "tests/unit/net/looped.h"

/* For suites about a conn over loopback TCP: one for each test. */
extern struct conn	 c;
extern int		 peer;		/* the other end; -1: none yet */
extern int		 listener;	/* bound, and no more than that */
extern struct addr	 at;		/* its */

/* What the conn's owner heard, and what it does. */
extern struct owner {
	unsigned	 readables, writables, failures, expiries;
	int		 failure;
	bool		 was_stalled;
	void		(*on_writable_do)(void);
	bool		 reads_all;	/* to the end, into `in' */
	struct buf	 in;
	bool		 at_end;
} owner;
extern const struct conn_ops ops;

/* For .init and .fini; no block of bytes may be left. */
void	 connected_up(void);
void	 connected_down(void);
/* Open the conn, as an accepted one, with its peer. */
void	 open_conn(void);
/* Let what is ready happen. */
void	 settle(void);
/* The peer says it, and it has come. */
void	 say(const char *bytes);
/* It resets the connection, and that has come. */
void	 reset_by_peer(void);
/* So many bytes wait to go out. */
void	 fill(size_t);

#endif
