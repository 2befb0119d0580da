#ifndef STATS_VIEW_H
#define STATS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "limit/breaker.h"

struct server;
struct stats;
struct stats_rates;

/*
 * What exists now, as plain data: filled on the control thread for one
 * rendering, and borrowed by it.  Names are unique within their list, and
 * servers within their upstream, so that no sample is shown twice.  Times
 * named _at are wall clock, ns since 1970; 0: never.  Strings may be NULL
 * where the comment says so.
 */
struct view_route {
	const char	*name;
	unsigned	 slot;
};

enum view_state {
	VIEW_HEALTHY, VIEW_UNHEALTHY, VIEW_DRAINING,
	VIEW_UNRESOLVED,		/* a name without an address yet */
	VIEW_STATES
};
const char	*view_state_word(enum view_state);	/* "healthy" */

struct view_server {
	const char	*name;
	unsigned	 slot;		/* of "upstream/server" */
	const struct server *server;	/* NULL while unresolved */
	unsigned	 weight;
	bool		 backup;
	bool		 up;		/* the verdict; may be, if draining */
	enum view_state	 state;
	const char	*why;		/* NULL: nothing to say */
	uint64_t	 since_at;
	bool		 checked;	/* last_check below is filled */
	bool		 check_ok;
	uint64_t	 check_ns;
	const char	*check_detail;	/* "200", "connect timeout" */
	double		 availability;	/* 0..1; below 0: not known */
};

/* Where the servers of an upstream come from. */
struct view_discovery {
	const char	*provider;	/* "file" */
	uint64_t	 last_success;	/* wall ns */
	unsigned	 servers;	/* of the last answer believed */
	uint64_t	 updates;
	const uint64_t	*errors;	/* by discovery/errors.def */
	const char	*error;		/* of the last answer; NULL: none */
	const char	*refused;	/* what it left out; NULL: nothing */
	const char	*held;		/* what is held back, why; NULL: nothing */
	unsigned	 held_servers;
	uint64_t	 held_left_ns;	/* 0: until it is confirmed */
};

struct view_upstream {
	const char	*name;
	unsigned	 slot;
	const char	*policy;	/* "round_robin" */
	struct breaker_look breaker;	/* by breaker_look() */
	const struct view_discovery *discovery;	/* NULL: configured */
	const struct view_server *servers;
	unsigned	 nservers;
};

struct view_certificate {
	const char	*common_name;
	int64_t		 not_after_s;	/* Unix seconds */
};

struct view_listener {
	const char	*name;
	unsigned	 slot;
	const char *const *addresses;	/* real ones, ports filled in */
	unsigned	 naddresses;
	bool		 tls;
	const struct view_certificate *certificates;
	unsigned	 ncertificates;
};

struct view_worker {
	unsigned	 id;
	bool		 control;	/* counted, but no worker */
	const struct stats *stats;
};

struct view_config {
	const char	*file, *hash;
	uint64_t	 generation;
	uint64_t	 loaded_at;	/* the one that serves */
	uint64_t	 generations;	/* snapshots still alive */
	uint64_t	 snapshots;	/* made so far */
	bool		 reload_ok;	/* the last reload, or the start */
	uint64_t	 reload_at;
	const char *const *errors;	/* of the last reload */
	unsigned	 nerrors;
	uint64_t	 reloads_ok, reloads_failed;
};

struct view_process {
	double		 cpu_seconds;
	uint64_t	 resident_bytes, virtual_bytes;
	uint64_t	 open_fds, max_fds;
};

struct stats_view {
	const char	*version, *revision, *openssl;
	uint64_t	 started_at, uptime_ns;
	bool		 ready;
	const char *const *not_ready;	/* reasons */
	unsigned	 nnot_ready;
	struct view_config config;
	const struct view_route *routes;	/* "_none" is added */
	unsigned	 nroutes;
	const struct view_upstream *upstreams;
	unsigned	 nupstreams;
	const struct view_listener *listeners;
	unsigned	 nlisteners;
	const struct view_worker *workers;
	unsigned	 nworkers;
	const struct stats_rates *rates;	/* NULL: all rates are 0 */
	uint64_t	 access_lines_dropped;
	struct view_process process;
};

#endif
