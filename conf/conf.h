#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "balancer/options.h"
#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "discovery/options.h"
#include "health/options.h"
#include "limit/options.h"
#include "tls/options.h"

struct buf;
struct conf_errors;
struct conf_source;

/*
 * The whole configuration as plain data: checked, defaults filled in, names
 * resolved to indexes.  Everything lives in `arena' and dies with conf_free.
 * Immutable once loaded.  A NULL string means not set.
 */
struct conf_place {
	const char	*file;
	unsigned	 line, column;		/* from 1; 0: none */
};

struct conf_address {
	const char	*text;			/* as written (after ${}) */
	struct endpoint	 endpoint;
	struct conf_place place;
};

/* Of an API: no more than a scheme, a host and a port. */
struct conf_url {
	const char	*text;			/* host:port */
	struct endpoint	 endpoint;
	bool		 tls;			/* https */
};

struct conf_certificate {
	const char	*cert, *key;		/* paths, made absolute or relative to the cwd */
	struct conf_place cert_place, key_place;
};

struct conf_listener {
	const char		*name;
	struct conf_place	 place;
	struct conf_address	*addresses;
	unsigned		 naddresses;
	bool			 redirect_https;
	unsigned		 path_grants;	/* URI_ENCODED_SLASH... */
	struct cidr		*trusted_proxies;
	unsigned		 ntrusted_proxies;
	bool			 tls;
	struct tls_options	 tls_options;
	struct conf_certificate	*certificates;
	unsigned		 ncertificates;
	/* timeouts */
	uint64_t		 handshake_ns, header_ns, body_ns, idle_ns;
	/* limits */
	unsigned		 max_connections;
	unsigned		 per_ip;	/* 0: off */
	unsigned		 header_size, uri_size, max_headers;
	uint64_t		 body_size;	/* UINT64_MAX: off */
	uint64_t		 min_rate;	/* bytes a second; UINT64_MAX: off */
	unsigned		 requests_per_connection;	/* 0: off */
};

struct conf_server {
	const char		*name;		/* = address as written unless given */
	struct conf_address	 address;
	unsigned		 weight;	/* 0..256 */
	bool			 backup;
};

struct conf_upstream {
	const char		*name;
	struct conf_place	 place;
	struct conf_server	*servers;
	unsigned		 nservers;	/* 0: they are discovered */
	struct discover_options	 discover;
	enum balance_policy	 policy;
	struct probe_options	 probe;
	struct breaker_options	 breaker;
	uint64_t		 connect_ns, response_ns, idle_ns;
	unsigned		 pool_max_idle;		/* per server and worker */
	uint64_t		 pool_idle_ns;
};

struct conf_field {
	const char	*name, *value;
};

struct conf_headers {
	struct conf_field	*set, *add;
	const char		**remove;
	unsigned		 nset, nadd, nremove;
};

struct conf_target {
	unsigned	upstream;		/* index in conf.upstreams */
	unsigned	weight;
};

/* Consul's agent, which all that is discovered by Consul asks. */
struct conf_consul {
	struct conf_url	 url;
	const char	*token;			/* also that of token_file; NULL: none */
	const char	*token_file;
	uint64_t	 wait_ns;
	bool		 stale;
	const char	*ca, *cert, *key;	/* paths */
};

enum conf_action { ACTION_PROXY, ACTION_RESPOND, ACTION_REDIRECT };

struct conf_route {
	const char		*name;
	struct conf_place	 place;
	bool			*on_listener;	/* by listener index; NULL: all */
	/* conditions */
	const char		**hosts;	/* lower case, "*.x" or exact */
	unsigned		 nhosts;	/* 0: any */
	const char		**paths;	/* "/a/" + "*" prefix or exact */
	unsigned		 npaths;	/* 0: any */
	const char		**methods;	/* upper case as given; GET includes HEAD */
	unsigned		 nmethods;
	/* action */
	enum conf_action	 action;
	struct conf_target	*targets;
	unsigned		 ntargets;
	unsigned		 respond_status;
	const char		*respond_body;
	struct conf_headers	 respond_headers;	/* `set' only */
	unsigned		 redirect_status;
	const char		*redirect_scheme, *redirect_host, *redirect_path;
	/* changes */
	const char		*strip_prefix, *add_prefix;
	struct conf_headers	 request_headers, response_headers;
	const char		**upgrades;	/* tokens of Upgrade to pass on */
	unsigned		 nupgrades;
	bool			 connect;
	uint64_t		 tunnel_idle_ns;
	bool			 access_log;
	/* overrides; 0: the upstream's or listener's */
	uint64_t		 connect_ns, response_ns, idle_ns;
	uint64_t		 body_size;	/* 0: the listener's; UINT64_MAX: off */
};

struct conf {
	struct arena		 arena;
	const char		*path;		/* the main file */
	char			 hash[17];	/* of all bytes read, hex */
	unsigned		 workers;	/* 0: auto */
	struct conf_place	 workers_place;
	struct conf_listener	*listeners;
	unsigned		 nlisteners;
	struct conf_upstream	*upstreams;	/* inline ones get their route's name */
	unsigned		 nupstreams;
	struct conf_route	*routes;	/* in file order */
	unsigned		 nroutes;
	struct conf_address	*dns_servers;	/* those that discovery asks */
	unsigned		 ndns_servers;	/* 0: the system's */
	uint64_t		 dns_min_ttl_ns;
	struct conf_consul	 consul;
	uint64_t		 shutdown_delay_ns, shutdown_timeout_ns;
	bool			 admin_on;
	struct conf_address	 admin_address;
	bool			 admin_is_default;	/* cannot bind: a warning, not an error */
	const char		*access_log;	/* "stdout", a path, or NULL: off */
	struct conf_place	 access_log_place;
	enum log_level		 log_level;
	enum log_format		 log_format;
	struct conf_node	*tree;		/* the merged tree, for conf_print */
};

/*
 * Read, merge, decode and check the file and its includes.  Collects all
 * errors (and warnings) into `errors'; NULL when there is any error.  Reads
 * files only; no network, no privilege.  Any thread.
 */
struct conf	*conf_load(const char *path, struct conf_errors *errors);
/* The same from memory (fuzzing, `fairlead proxy'); relative paths are relative to the cwd. */
struct conf	*conf_parse(const char *name, struct text yaml, struct conf_errors *errors);
/*
 * A list of servers by itself, in the syntax of `servers' and in YAML or JSON,
 * but of IP addresses alone: what a source of discovery says.  It may be empty.
 * A configuration that holds one upstream of that name and nothing else; NULL
 * when there is any error.  Any thread.
 */
struct conf	*conf_servers(const char *name, struct text yaml,
		    const char *upstream, struct conf_errors *errors);
void		 conf_free(struct conf *);
/*
 * The effective configuration as JSON: `config' in canonical form, defaults
 * filled in and secrets as "***", itself a valid configuration; and `origins',
 * from each key that was written to its file:line.
 */
void		 conf_print(const struct conf *, struct buf *);
/* JSON Schema draft-07 of the language. */
void		 conf_schema(struct buf *);
/* The reference of fairlead.yaml(5): an mdoc list, one .It for each key. */
void		 conf_reference(struct buf *);

/* Errors with their places, in the order of the file. */
struct conf_error {
	struct conf_place	 place;
	bool			 warning;
	const char		*message;
	const char		*hint;		/* under the caret; NULL: none */
	unsigned		 width;		/* of the caret with its tail, at least 1 */
	const char		*source;	/* the line it stands in, or NULL */
	unsigned		 order;		/* of its file among those read */
};
struct conf_errors {
	struct arena		 arena;
	struct conf_error	*v;
	unsigned		 n, cap;	/* kept, with warnings: at most 1000 */
	unsigned		 nerrors, nwarnings;	/* all, also those not kept */
	const char		*path;		/* the main file; conf_load sets it */
	const char		*consequence;	/* set by the caller: ends the last line; NULL: nothing */
	const struct conf_source *sources;	/* while loading */
};
void	conf_errors_fini(struct conf_errors *);
/* For those who find a fault later (certificates, ports): the source line is read again from the file. */
void	conf_error_at(struct conf_errors *, struct conf_place, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/*
 * At most 20 errors and 20 warnings, each with source line, caret and hint,
 * then "edge.yaml: 2 errors." and the consequence, if there is one.  Nothing
 * when there is nothing to tell.
 */
void	conf_errors_print(const struct conf_errors *, FILE *);

#endif
