#ifndef TESTS_LIB_WAIT_H
#define TESTS_LIB_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Time for tests: deadlines that stretch on a slow build (FLOW_SLOW=4, or by
 * themselves under a sanitizer) and waiting for a condition instead of
 * sleeping.
 */

/* Monotonic milliseconds. */
int64_t	 wait_now(void);
/* By how much everything is slower here, at least 1. */
int	 wait_scale(void);
/* The moment `ms' from now, stretched. */
int64_t	 wait_deadline(int ms);
/* What is left of it for poll(2), 0 when it is over. */
int	 wait_left(int64_t deadline);
/* A breath between two looks at a condition. */
void	 wait_breathe(void);
/* Until that moment, whatever happens. */
void	 wait_till(int64_t moment);

/* Poll `condition' until it is true; the value says whether it became so. */
#define WAIT_FOR(ms, condition) __extension__({				\
	int64_t wait_end_ = wait_deadline(ms);				\
	bool wait_done_ = false;					\
									\
	while (!(wait_done_ = (condition)) && wait_left(wait_end_) > 0)	\
		wait_breathe();						\
	wait_done_;							\
})

#endif
