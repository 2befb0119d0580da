#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/spares.h"
#include "http/end.h"
#include "http/head.h"
#include "http/stream.h"
#include "net/loop.h"
#include "proxy/access.h"
#include "proxy/attempt.h"
#include "proxy/tunnel.h"

struct client;
struct inquiry;
struct lease;
struct route_query;
struct snap_route;
struct stats_route;
struct worker;

enum phase {
	PHASE_ADMIT,		/* deciding what becomes of it */
	PHASE_CONNECT,		/* an attempt looks for a connection */
	PHASE_WAIT,		/* sent, or being sent; no answer yet */
	PHASE_ANSWER,		/* the response is under way: no retry any more */
	PHASE_TUNNEL,		/* bytes pass both ways until both sides have ended */
	PHASE_DONE
};

/* Of "X-Request-Id: ID\r\n". */
#define EXCHANGE_ID_AT		14
#define EXCHANGE_ID_BYTES	32

/* What it tells of itself, also when it has no lease any more. */
struct exchange_names {
	struct text	route, upstream;
	uint64_t	generation;
	bool		logged;
};

/*
 * One request and its response.  Belongs to its worker; lives from the request
 * head to the moment the last byte of the answer is in the kernel, or the
 * client is gone.
 */
struct exchange {
	TAILQ_ENTRY(exchange)	 entry;
	struct worker		*worker;
	struct client		*client;
	struct text		 client_ip;	/* in ip */
	struct lease		*lease;		/* NULL: given back at the commit */
	struct snap_route	*route;		/* NULL: none matched; good while there is a lease */
	struct stats_route	*stats;
	uint64_t		 id;
	enum phase		 phase;
	enum end		 end;		/* why it ended; NONE: well */
	struct stream		*down, *up;	/* NULL: not there (any more) */
	struct head		*request;	/* the codec's, until flushed */
	struct text		 path;		/* as routed, for the log */
	struct buf		 held;		/* request body before there is a server */
	struct buf		 replay;	/* what an idempotent one may send again */
	struct fields		*tail;		/* request trailers, held likewise */
	bool			 request_done;	/* the client sent its end */
	bool			 replayable;	/* replay holds all that was sent */
	size_t			 down_untook, up_untook;	/* credit not given back yet */
	uint64_t		 body_limit;
	struct tunnel		 tunnel;
	/* facts for log and stats */
	struct exchange_names	 names;
	uint64_t		 began, first_byte;	/* monotonic ns */
	uint64_t		 wall;
	uint64_t		 bytes_in, bytes_out;
	unsigned		 status;
	struct text		 id_text;	/* in id_line, or the trusted peer's */
	struct inquiry		*inquiry;	/* admin: waits for the workers */
	struct arena		 arena;
	struct grave		 grave;
	struct spare		 spare;
	/* from the attempt's log on not cleared for the next use */
	struct attempt		 attempt;
	char			 ip[ADDR_IP_MAX];
	char			 id_line[EXCHANGE_ID_AT + EXCHANGE_ID_BYTES + 2];
};

/* A request begins; `why' is not NONE when its head is none. */
void	exchange_new(struct client *, struct stream *, struct head *, bool last,
	    enum end why);
/*
 * Answer with the error reply of this end, or cut the response if it has begun.
 * The exchange ends when that is out.
 */
void	exchange_fail(struct exchange *, enum end);
/*
 * The server of its attempt is out of service, and its time to finish over:
 * try another one, if that is right, else fail or be cut.
 */
void	exchange_drained(struct exchange *);
/* End both sides now, with nothing more said. */
void	exchange_cut(struct exchange *, enum end);
/* The attempt has a connection: send the request on it. */
void	exchange_send(struct exchange *, struct stream *up);
/* A final response head goes to the client: nothing can be retried after it. */
void	exchange_answer(struct exchange *, struct head *, bool last);
/*
 * The response is under way and there is another snapshot: keep counted small
 * things only, and let this one go (DESIGN 8.7).
 */
void	exchange_detach(struct exchange *);
/* When the request was over: now, or as it became a tunnel. */
uint64_t	exchange_over_at(const struct exchange *);
struct route_query exchange_query(const struct exchange *);
/* The only door out: log line, counters, lease; frees it. */
void	exchange_end(struct exchange *);
const char	*exchange_phase_name(enum phase);
void	exchange_spares_fini(struct worker *);
/* Free those that nobody needed since the last call.  false: none is left. */
bool	exchange_spares_shed(struct worker *);

#endif
