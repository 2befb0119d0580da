#ifndef TESTS_LIB_CLIENT_H
#define TESTS_LIB_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/bytes.h"

/*
 * A raw client: sends exactly the bytes it is given, reads responses by the
 * strictest grammar, over TCP, unix sockets or TLS.  Every call has a deadline.
 * Functions return false (or NULL) and leave a sentence in `why'; the
 * functions at the end of this file assert instead, for the test's own thread.
 */
struct client {
	int		 fd;
	int		 ms;		/* deadline of each call; 0: 10 s */
	int		 receive_buffer;	/* SO_RCVBUF before connecting; 0: the system's */
	uint64_t	 keep;		/* of a body; the rest is only compared; 0: 4 MiB */
	SSL_CTX		*ctx;
	SSL		*ssl;		/* NULL: plain */
	struct bytes	 in;		/* received and not yet used */
	bool		 eof, reset;	/* the peer's end: FIN, RST */
	char		*why;
};

struct response {
	unsigned	 minor;		/* HTTP/1.x */
	int		 status;
	struct bytes	 head;		/* status line and fields, exact */
	struct bytes	 interim;	/* all 1xx heads before it, exact */
	struct bytes	 body;		/* decoded */
	struct bytes	 trailers;	/* lines, exact */
	uint64_t	 body_n;
	bool		 is_pattern;	/* the body is the pattern's beginning */
	bool		 chunked, until_close;
	unsigned	 chunks;
};

struct tls_wish {
	const char	*sni;		/* NULL: none */
	const char	*alpn;		/* one name; NULL: none */
	const char	*ca;		/* PEM file: verify against it, name included */
	const char	*ciphers;	/* of TLS 1.2 */
	int		 min, max;	/* TLS1_2_VERSION...; 0: the default */
	SSL_SESSION	*session;	/* to resume */
};

/* Connect; the client is filled anew except for ms, keep and the buffer. */
bool	client_connect(struct client *, int port);
bool	client_connect6(struct client *, int port);
bool	client_connect_unix(struct client *, const char *path);
/* Connect and shake hands. */
bool	client_connect_tls(struct client *, int port, const struct tls_wish *);
/* Shake hands on what is connected. */
bool	client_tls(struct client *, const struct tls_wish *);
void	client_close(struct client *);
/* Close with RST. */
void	client_abort(struct client *);
/* Say that no more comes, and read on: close_notify, FIN. */
void	client_half_close(struct client *);

bool	client_send(struct client *, const void *, size_t);
bool	client_print(struct client *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* That many bytes of the pattern from its beginning. */
bool	client_send_pattern(struct client *, uint64_t n);
/* What the socket takes within `ms' without being read; how much. */
size_t	client_send_some(struct client *, const void *, size_t, int ms);
/* Read more into `in': false at the end, on failure, and at the deadline. */
bool	client_more(struct client *);
/* The next response to a request of that method. */
bool	client_response(struct client *, struct response *, const char *method);
/* Its head alone; the body stays to be read. */
bool	client_head(struct client *, struct response *);
bool	client_body(struct client *, struct response *, const char *method);
/* Wait for the peer's end; true when it came with no byte more. */
bool	client_ended(struct client *);

/* A field's value or NULL; how often a field occurs. */
char	*response_field(const struct response *, const char *name);
unsigned response_count(const struct response *, const char *name);
/* The body says in it: the request as the origin received it. */
bool	 response_says(const struct response *, const char *text);
/* It does not say that the connection ends with it. */
bool	 response_keeps(const struct response *);
/* What it holds: for those who hear many. */
void	 response_free(struct response *);

/* ---- asserting ---- */

/* Connect to 127.0.0.1. */
struct client	*dial(int port);
/* Send text and read the answer to its first line's method. */
struct response	*ask(struct client *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* The next answer on it. */
struct response	*answer(struct client *, const char *method);
/* A request of its own connection; `fields' are lines with CRLF or "". */
struct response	*get(int port, const char *path, const char *fields);
/* The peer must end the connection here. */
void		 must_end(struct client *);
/* Our own error reply: that status with that reason, closed or not. */
void		 must_refuse(const struct response *, int status,
		    const char *reason);

#endif
