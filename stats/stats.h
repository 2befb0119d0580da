#ifndef STATS_STATS_H
#define STATS_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "http/end.h"
#include "http/token.h"
#include "stats/counter.h"
#include "stats/histogram.h"
#include "tls/transport.h"

/*
 * What one thread has counted.  Each worker, and control, has a struct stats
 * of its own and is its only writer; readers sum over all of them.  No locks,
 * no atomics with a price, and no allocation but the first time that a thread
 * meets a route, upstream or listener.
 */

/* ---- label values ---- */
enum stats_reject {
#define REJECT(name, word)	REJECT_##name,
#include "stats/labels.def"
#undef REJECT
	REJECT_COUNT
};
enum stats_protocol {
#define PROTOCOL(name, word)	PROTOCOL_##name,
#include "stats/labels.def"
#undef PROTOCOL
	PROTOCOL_COUNT
};
enum stats_shake {
#define SHAKE(name, word)	SHAKE_##name,
#include "stats/labels.def"
#undef SHAKE
	SHAKE_COUNT
};
extern const char *const stats_reject_word[REJECT_COUNT];
extern const char *const stats_protocol_word[PROTOCOL_COUNT];
extern const char *const stats_shake_word[SHAKE_COUNT];
/* Of OpenSSL's word for a version; one it does not know counts as the newest. */
enum stats_shake	stats_shake_find(const char *version);

/* ---- what is counted, by name ---- */
#define SHAKE_FAILURES	(TLS_FAILED_OTHER + 1)
#define CODE_CLASSES	6	/* 0: no status was sent; 1..5: 1xx..5xx */
#define STATUS_COUNT	600
struct stats_codes {
	struct counter	count[100];	/* status % 100 */
};

struct stats_route {
	/* what each request touches; its sum is the histogram's beginning */
	struct counter	 requests;			/* ended */
	struct counter	 in_flight, websockets;		/* gauges */
	struct counter	 request_bytes, response_bytes;
	struct histogram duration;
	/* Made when first met: release by the writer, acquire by readers. */
	_Atomic(struct stats_codes *) codes[METHOD_COUNT][CODE_CLASSES];
	struct counter	 failures[END_COUNT];
};

struct stats_upstream {
	struct counter	 retries[END_COUNT];	/* by what failed before */
	struct histogram duration, connect;	/* of attempts, of connects */
	struct histogram check;			/* of health checks: control's */
};

/* What struct server, shared by all workers, does not count. */
struct stats_server {
	struct counter	 active, idle;		/* gauges: its connections */
	struct histogram duration;		/* of attempts */
};

struct stats_listener {
	struct counter	 connections;			/* a gauge */
	struct counter	 accepted;
	struct counter	 rejected[REJECT_COUNT];
	struct counter	 requests[PROTOCOL_COUNT];
	struct counter	 protocol_errors[END_COUNT];
	struct counter	 shakes[SHAKE_COUNT][2];	/* version, resumed */
	struct counter	 shake_failures[SHAKE_FAILURES];	/* enum tls_failure */
	struct histogram shake_duration;
};

/* ---- slots ---- */
enum stats_kind {
	STATS_ROUTES, STATS_UPSTREAMS, STATS_SERVERS, STATS_LISTENERS,
	STATS_KINDS
};

/*
 * Names to slots, on the control thread.  A name keeps its slot for the life
 * of the process, also while it is gone from the configuration: it is not
 * shown then, and finds its old counts when it comes back.  Slot 0 is for
 * what has no name ("_none": requests that matched no route) and for all
 * that come after the table is full (STATS_SLOTS names of one kind).  A
 * server's name here is "upstream/server".
 * All zero is a valid empty one.
 */
#define STATS_SLOT_NONE	0
#define STATS_SLOTS	65536
struct stats_names {
	struct stats_name	*first[STATS_KINDS];
	struct map		 by_name[STATS_KINDS];
	unsigned		 used[STATS_KINDS];
};
unsigned	stats_slot(struct stats_names *, enum stats_kind,
		    const char *name);
void		stats_names_fini(struct stats_names *);

/* ---- one thread's ---- */
#define STATS_CHUNK	256
struct stats_chunk {
	_Atomic(void *)	block[STATS_CHUNK];	/* as the chunks */
};
struct stats {
	struct histogram	loop_lag;
	struct counter		busy_ns;
	/* release by the writer, acquire by readers */
	_Atomic(struct stats_chunk *)
				chunks[STATS_KINDS][STATS_SLOTS / STATS_CHUNK];
};
struct stats	*stats_new(void);
void		 stats_free(struct stats *);	/* its thread gone, nobody reads */

/*
 * The writer's block of a slot: made when first met, and never moved or freed
 * before the stats: keep the pointer as long as you like.
 */
struct stats_route	*stats_route(struct stats *, unsigned slot);
struct stats_upstream	*stats_upstream(struct stats *, unsigned slot);
struct stats_server	*stats_server(struct stats *, unsigned slot);
struct stats_listener	*stats_listener(struct stats *, unsigned slot);
/* The same for a reader on another thread: NULL when nothing was counted. */
const void	*stats_block(const struct stats *, enum stats_kind,
		    unsigned slot);
/* Readers: add what a method's requests ended with, by status; false: none. */
bool		 stats_codes_add(const struct stats_route *, enum method,
		    uint64_t to[STATUS_COUNT]);

/* ---- the hot path: the thread that owns the stats only ---- */
struct stats_request {
	enum method	method;
	enum end	reason;		/* END_NONE: the server's or route's answer */
	unsigned	status;		/* as sent; 0: none */
	uint64_t	duration_ns, request_bytes, response_bytes;
};
/* Each begin has its end, on the same route and thread. */
static inline void
stats_request_begin(struct stats_route *r)
{
	counter_add(&r->in_flight, 1);
}
void	stats_request_end(struct stats_route *, const struct stats_request *);

/* Also counts the connection in; undone by stats_connection_end. */
static inline void
stats_connection_begin(struct stats_listener *l)
{
	counter_add(&l->accepted, 1);
	counter_add(&l->connections, 1);
}
static inline void
stats_connection_end(struct stats_listener *l)
{
	counter_take(&l->connections, 1);
}
static inline void
stats_shake(struct stats_listener *l, enum stats_shake version, bool resumed,
    uint64_t ns)
{
	counter_add(&l->shakes[version][resumed], 1);
	histogram_note(&l->shake_duration, ns);
}

#endif
