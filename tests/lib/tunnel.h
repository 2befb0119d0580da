#ifndef TESTS_LIB_TUNNEL_H
#define TESTS_LIB_TUNNEL_H

#include <stdint.h>

#include "tests/lib/front.h"

/*
 * A stage for tunnels: fairlead with a plain and a TLS listener, and the test
 * at both ends: `near' is a client, `far' the server's end of a connection, a
 * struct client too.  All functions assert; only for the test's own thread.
 */
struct tunnels {
	struct front	 f;
	int		 port, tls_port;
	char		*directory;
	int		 listener, far_port;	/* the server's */
};

/* Flow-style items, each with its comma behind. */
#define TUNNEL_LISTENERS \
	"http: { address: \"127.0.0.1:0\" }, " \
	"https: { address: \"127.0.0.1:0\", tls: { certificates: " \
	"[{ cert: t.pem, key: t.key }] } }, "
#define TUNNEL_ROUTES \
	"{ name: all, path: /*, to: up }, " \
	"{ name: more, path: /more/*, to: up, upgrade: [chat/2, web] }, " \
	"{ name: none, path: /none/*, to: up, upgrade: off }, " \
	"{ name: brief, path: /brief/*, to: up, " \
	"timeouts: { tunnel_idle: 2s } }, " \
	"{ name: pipe, host: far.test, connect: true, to: up }, "
#define WEBSOCKET_ASK \
	"GET /ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n" \
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define WEBSOCKET_AGREE \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" \
	"Connection: Upgrade\r\nSec-WebSocket-Accept: " \
	"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

/* The one of the test that runs. */
extern struct tunnels	 t;

void		 tunnels_start(void);
void		 tunnels_stop(void);	/* if it has not ended */
/* A configuration of these listeners and routes; `upstream': ", key: value". */
char		*tunnels_yaml(const char *listeners, const char *routes,
		    const char *upstream);

struct client	*dial_tls_to(int port);
struct client	*far_accept(void);
/* Ask; the server's end, with the request's head read off. */
struct client	*far_asked(struct client *near, const char *ask);
/* A WebSocket from `near' to what it returns. */
struct client	*far_of(struct client *near);
/* End both halves, the client's first. */
void		 end_both(struct client *near, struct client *far);

/* A head off the front of what comes; its text. */
char		*read_head(struct client *);
/* The text is in it, in any case of letters. */
bool		 says(const char *head, const char *text);
void		 must_say(struct client *, const char *);
/* Exactly this comes next. */
void		 must_hear(struct client *, const char *);
/* At least n bytes of the pattern, and nothing else. */
void		 must_hear_pattern(struct client *, uint64_t n);
/* A good end, and no byte before it. */
void		 must_hear_end(struct client *);
/* An end that cannot be taken for a good one, whatever came before it. */
void		 must_be_cut(struct client *);

#endif
