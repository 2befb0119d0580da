#ifndef TESTS_HTTP_H1_HEARD_H
#define TESTS_HTTP_H1_HEARD_H

#include "tests/unit/http/h1_wire.h"

/* What a wire gives the codec to tell its news to; all of it goes to hear(). */
extern const struct sink_ops heard_sink;
extern const struct h1_server_owner heard_server;
extern const struct h1_client_owner heard_client;

/* One word more. */
void	 hear(struct wire *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* The conn is the wire's again: idle. */
void	 wire_idle(struct wire *);

#endif
