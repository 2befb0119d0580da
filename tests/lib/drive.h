#ifndef TESTS_LIB_DRIVE_H
#define TESTS_LIB_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/wait.h"

struct loop;

/*
 * Turn a loop of the library in the test's own thread until something is true;
 * the value says whether it became so within ten seconds.
 */
#define DRIVE_UNTIL(loop, condition) __extension__({			\
	int64_t drive_end_ = wait_deadline(10000);			\
	bool drive_done_ = false;					\
									\
	while (!(drive_done_ = (condition)) && wait_left(drive_end_) > 0) \
		drive(loop, 2);						\
	drive_done_;							\
})

/* Turn it for so long. */
void	 drive(struct loop *, unsigned ms);
/* One pass, without a wait. */
void	 drive_once(struct loop *);

#endif
