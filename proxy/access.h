#ifndef PROXY_ACCESS_H
#define PROXY_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "http/end.h"

struct ring;

/*
 * One finished request as plain data; every text is borrowed for the call.
 * Empty texts, and numbers marked so, are left out of the line.
 */
struct access_attempt {
	struct text	server;
	enum end	reason;		/* END_NONE: it answered */
	uint64_t	duration_ns;
};

#define ACCESS_UNKNOWN	UINT64_MAX

struct access_entry {
	uint64_t	wall_ns;	/* as the request began */
	struct text	request_id, client_ip, listener;
	struct text	protocol;	/* "HTTP/1.1" */
	struct text	tls_version, sni;
	struct text	method, host, path, query;
	bool		has_query;	/* a bare '?': an empty query is shown */
	unsigned	status;		/* 0: none was sent */
	enum end	reason;		/* END_NONE: the server answered */
	struct text	route, upstream, server;
	const struct access_attempt *attempts;	/* shown when more than one */
	unsigned	nattempts;
	uint64_t	bytes_in, bytes_out;
	uint64_t	duration_ns;
	/* ACCESS_UNKNOWN: left out */
	uint64_t	wait_ns, connect_ns, ttfb_ns;
	struct text	user_agent, referer;
	uint64_t	config_generation;
};

#define ACCESS_LINE_MAX	8192

/*
 * One line of JSON with its newline into `to'; its length, always at most
 * ACCESS_LINE_MAX and always valid: values from outside that are too long are
 * cut and end in "...".
 */
size_t	access_format(const struct access_entry *, char to[ACCESS_LINE_MAX]);
/*
 * Format and put; false: the ring was full and the line dropped.  The ring's
 * producer only.
 */
bool	access_write(struct ring *, const struct access_entry *);

#endif
