#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include <stdbool.h>

#include "http/stream.h"

struct buf;
struct exchange;

/* What an exchange hears from the client's codec, and from the server's. */
extern const struct sink_ops relay_down_sink, relay_up_sink;

/* Body bytes of the request go to the server, which is there; moves them. */
void	relay_request_body(struct exchange *, struct buf *, bool last);

#endif
