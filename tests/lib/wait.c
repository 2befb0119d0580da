/*
 * Deadlines and conditions.  Every wait of a test goes through here, so that
 * a sanitizer build needs no other number than the one of wait_scale.
 */
#include <stdlib.h>
#include <time.h>

#include "tests/lib/wait.h"

enum { BREATH_MS = 3, SANITIZER_SCALE = 4 };

int64_t
wait_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
wait_scale(void)
{
	const char *slow = getenv("FLOW_SLOW");
	const char *san = getenv("FAIRLEAD_SAN");
	long n;

	if (slow != NULL && (n = strtol(slow, NULL, 10)) >= 1 && n < 100)
		return (int)n;
	return san != NULL && *san != '\0' ? SANITIZER_SCALE : 1;
}

int64_t
wait_deadline(int ms)
{
	return wait_now() + (int64_t)ms * wait_scale();
}

int
wait_left(int64_t deadline)
{
	int64_t left = deadline - wait_now();

	return left < 0 ? 0 : (int)left;
}

void
wait_breathe(void)
{
	wait_till(wait_now() + BREATH_MS);
}

void
wait_till(int64_t moment)
{
	struct timespec ts = { .tv_sec = moment / 1000,
		.tv_nsec = moment % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0)
		;
}
