#ifndef LIMIT_OPTIONS_H
#define LIMIT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What a circuit breaker counts as a failure, as a set. */
enum breaker_failure {
	FAILURE_CONNECT = 1,		/* connect_failure */
	FAILURE_TIMEOUT = 2,		/* timeout */
	FAILURE_RESET = 4,		/* reset */
	FAILURE_GATEWAY_ERROR = 8,	/* 502, 503, 504 */
	FAILURE_5XX = 16		/* 5xx */
};

#define HALF_OPEN_REQUESTS_MAX	1000

#define PER_IP_MOST	60000	/* connections of one source */

struct breaker_options {
	bool		on;
	unsigned	failure_percent;	/* 1..100; 0: off */
	unsigned	consecutive_failures;	/* 0: off */
	unsigned	min_requests;		/* before the rate counts */
	uint64_t	window_ns;		/* >= 10 */
	uint64_t	open_for_ns;		/* > 0; doubles in a row */
	uint64_t	max_open_for_ns;
	unsigned	half_open_requests;	/* trials; 1..MAX */
	unsigned	failure_on;		/* of breaker_failure */
};

#endif
