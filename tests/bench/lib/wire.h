#ifndef TESTS_BENCH_LIB_WIRE_H
#define TESTS_BENCH_LIB_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Connections of the loopback for the benchmark's programs: non-blocking, in
 * an edge-triggered epoll, with or without TLS.  Handshakes happen by
 * themselves in the first read or write.  One thread.
 */
struct wire {
	int	 fd;		/* -1: none */
	SSL	*ssl;		/* NULL: plain */
};

/* What a read or a write says but for how many bytes and, by 0, the end. */
enum { WIRE_WAITS = -1, WIRE_BROKEN = -2 };

/* As many descriptors as one may have, no SIGPIPE; the epoll. */
int	 wire_start(void);
/* A listening socket; port 0: a free one, which is written there.  Or exits. */
int	 wire_listen(int *port);
/* Of one listener or wire, with all events, edge-triggered or not. */
void	 wire_watch(int epoll, int fd, void *whose, bool edge);

/* The next connection of a listener, with TLS if there is a context. */
bool	 wire_accept(struct wire *, int listener, SSL_CTX *);
/* Begin to connect; `resume' may be NULL. */
bool	 wire_connect(struct wire *, int port, SSL_CTX *, SSL_SESSION *resume);
ssize_t	 wire_read(struct wire *, void *, size_t);
ssize_t	 wire_write(struct wire *, const void *, size_t);
/* Whether after a read of `n' from `room' nothing is left there for now. */
bool	 wire_is_drained(const struct wire *, size_t n, size_t room);
/* Without a goodbye; nothing happens when there is none. */
void	 wire_close(struct wire *);

/* TLS 1.3 with one cipher suite, so that all encrypt the same.  Or exits. */
SSL_CTX	*wire_client_tls(void);
SSL_CTX	*wire_server_tls(const char *cert, const char *key, size_t tickets);

#endif
