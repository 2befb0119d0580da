#ifndef TESTS_NET_LISTENING_H
#define TESTS_NET_LISTENING_H

#include <sys/types.h>

#include "base/addr.h"
#include "net/listen.h"

#define WORKERS 4

/* What the last attempt to listen came to. */
extern int	 fds[WORKERS];
extern struct addr real;
extern struct listen_error refusal;

/* 0 or -1; for n workers. */
int	 prepare(const char *address, unsigned n);
int	 again(const struct endpoint *, unsigned n);
/* The words name that process, and nothing is open. */
void	 is_refused_with(const char *address, pid_t holder);

struct endpoint endpoint(const char *address);
/* A client's end, connected to the address; -1. */
int	 client(const struct addr *to);
/* The value of that option of SOL_SOCKET. */
int	 option(int fd, int name);

#endif
