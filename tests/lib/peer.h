#ifndef TESTS_LIB_PEER_H
#define TESTS_LIB_PEER_H

#include <sys/types.h>

/*
 * Another program as a process of the test's: a real web server, say.  It gets
 * a port that nobody else takes, since the test keeps it bound without
 * listening, and it dies with the test.  All functions assert; only for the
 * test's own thread.
 */
struct peer {
	const char	*name;
	pid_t		 pid;
	int		 port, holder;
	char		*directory;	/* borrowed */
	char		*out;		/* path of what it writes to stdout */
	char		*log;		/* and to stderr */
};

/* Bind a free port of 127.0.0.1 and keep it: servers use SO_REUSEADDR. */
int	 port_hold(int *port);

/* Its port is known; nothing runs yet. */
struct peer *peer_new(const char *name, char *directory);
/* Run that (found by PATH) until it takes connections; NULL ends the list. */
void	 peer_run(struct peer *, const char *program, ...)
	    __attribute__((sentinel));
/*
 * A file of the tests' own with each NAME@ of these pairs replaced: a path in
 * the peer's directory.
 */
char	*peer_file(struct peer *, const char *path, ...)
	    __attribute__((sentinel));
/* End it. */
void	 peer_stop(struct peer *);

#endif
