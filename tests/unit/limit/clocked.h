#ifndef TESTS_LIMIT_CLOCKED_H
#define TESTS_LIMIT_CLOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "limit/breaker.h"

#define S	CLOCK_S
#define MS	CLOCK_MS

/* Times are far from 0, as those of a monotonic clock. */
#define START	(1000 * S)

/* 50% of at least 20 requests in 10 s; open for 5 s to 60 s; 3 trials. */
extern const struct breaker_options usual;

/* A breaker under a clock of its own. */
struct test {
	struct breaker	*b;
	uint64_t	 now, retry;
};

struct test	 begin(struct breaker_options);
/* Open since now. */
struct test	 begin_open(struct breaker_options);
void		 end(struct test *);
/* The usual ones, but for a rule of so many failures in a row. */
struct breaker_options in_a_row(unsigned failures);

bool		 admit(struct test *, struct breaker_ticket *);
void		 result(struct test *, struct breaker_ticket,
		    enum breaker_outcome);
/* So many attempts, each with its result at once. */
void		 attempts(struct test *, unsigned count, enum breaker_outcome);
/* Half open it, fail, and say for how long it is open now. */
uint64_t	 reopen(struct test *);

struct breaker_look look(struct test *);
void		 expect_state(struct test *, enum breaker_state);
void		 expect_reject(struct test *, uint64_t retry);
void		 expect_cause(struct test *, const char *);

#endif
