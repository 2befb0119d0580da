#ifndef TESTS_HEALTH_PROBING_H
#define TESTS_HEALTH_PROBING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "health/options.h"
#include "health/probe.h"
#include "net/fetch.h"
#include "tests/lib/origin.h"

#define FOREVER	(3600 * CLOCK_S)

/* What the probes of this test have told so far, the last of them in words. */
struct got {
	unsigned	 count, good;
	bool		 ok;
	char		 detail[300];
	uint64_t	 duration_ns;
	uint64_t	 at[32];
	struct probe	*probe;		/* for callbacks that turn on it */
};

extern struct loop	*loop;
extern struct fetcher	*fetcher;
extern struct prober	*prober;
extern struct got	 got;

/* For .init and .fini. */
void		 probing_up(void);
void		 probing_down(void);

/* GET / once, with two seconds for it. */
struct probe_options http_options(void);
struct addr	 address_of(struct origin *);
/* Notes to `got'. */
struct probe	*probe_origin(struct origin *, const struct probe_options *);
/* The callback of it: a struct got. */
void		 note(void *, const struct probe_result *);

#endif
