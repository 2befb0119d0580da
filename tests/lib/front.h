#ifndef TESTS_LIB_FRONT_H
#define TESTS_LIB_FRONT_H

#include "tests/lib/client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/origin.h"

/*
 * The usual stage: fairlead with one plain listener `http', one route `all',
 * one upstream `up', an admin listener, and an access log in its directory.
 */
struct front {
	struct daemon	*d;
	int		 port;
	char		*access_log;	/* path */
};

/* YAML to put in, each flow-style: ", timeouts: { header: 300ms }". */
struct front_settings {
	int		 workers;	/* 0: 1 */
	const char	*listener, *route, *upstream;
	const char	*top;		/* whole lines at the end */
};

/* Before these origins (NULL ends them), each under its own name's server. */
struct front	 front_of(const struct front_settings *, struct origin *, ...)
		    __attribute__((sentinel));
/* The same configuration as text, for a reload. */
char		*front_yaml(const char *directory,
		    const struct front_settings *, struct origin *const *);
/* Wait for the i-th access-log line from 0; the parsed line, NULL after 5 s. */
json_t		*front_line(const struct front *, unsigned i);
/* A text of that line, "" when it has none. */
const char	*front_line_text(const struct front *, unsigned i,
		    const char *key);
/* Wait for a line whose `path' is that one, and assert its reason. */
void		 front_must_log(const struct front *, const char *path,
		    const char *reason);

#endif
