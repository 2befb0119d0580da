#ifndef TESTS_TLS_CARRYING_H
#define TESTS_TLS_CARRYING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/rng.h"
#include "tests/unit/tls/site.h"
#include "tests/unit/tls/wire.h"

#define BULK (1 << 20)

/* For suites about what goes over a wire: one for each test, not yet shaken. */
extern struct wire	 w;
extern struct rng	 rng;
/* Random bytes to send, and a place for those that come. */
extern char		 sent[BULK], got[BULK];

/* For .init and .fini. */
void	 carrying_up(void);
void	 carrying_down(void);

/* The handshake; it must succeed. */
void	 shake(void);
/* So that little goes into the sockets. */
void	 tiny_buffers(void);

/* ---- the server's end: the transport under test ---- */

ssize_t	 server_read(void *, size_t);
ssize_t	 server_write(const void *, size_t);
bool	 pending(void);
/* Nothing waits in the socket. */
bool	 socket_is_empty(void);
/* One-byte records until the socket is full to the brim and none is owed. */
void	 fill_to_the_brim(void);
/* What an earlier call left in OpenSSL's queue and errno means nothing. */
void	 leave_stale_errors(void);

/* ---- the client's ---- */

/* The first n bytes to send. */
void	 say(size_t n);
/* What has come, to its place in `got'; how many. */
size_t	 client_take(size_t at, size_t most);
/* Its error after a call that did not succeed. */
int	 client_error(int n);

#endif
