#ifndef HEALTH_OPTIONS_H
#define HEALTH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum probe_type { PROBE_HTTP, PROBE_TCP };

struct status_range {
	uint16_t	from, to;
};

/* Strings belong to the configuration. */
struct probe_options {
	bool		 on;
	enum probe_type	 type;
	const char	*path;			/* http; default "/" */
	uint16_t	 port;			/* 0: the server's own */
	const char	*host;			/* Host field; NULL: the server's address */
	uint64_t	 interval_ns, timeout_ns;
	unsigned	 jitter_percent;
	unsigned	 healthy_threshold, unhealthy_threshold;
	const struct status_range *expect_status;	/* default 200-399 */
	unsigned	 expect_statuses;
	const char	*expect_body;		/* substring of the first 8 KiB; NULL: any */
};

#endif
