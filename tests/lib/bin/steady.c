/*
 * One client that behaves well while others do not, for the scripts in
 * tests/soak: ten requests a second, each on a connection of its own.
 *
 *	steady PORT SECONDS
 *
 * Says how many there were, how many failed, and the median, the 99th
 * percentile and the longest time in milliseconds; 1 when one failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/lib/bytes.h"
#include "tests/lib/client.h"
#include "tests/lib/wait.h"

enum { RATE = 10 };

static bool ask_once(int port);
static double now_ms(void);
static int compare(const void *, const void *);

int
main(int argc, char *argv[])
{
	int port = argc == 3 ? (int)strtol(argv[1], NULL, 10) : 0;
	long seconds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	int64_t began = wait_now();
	unsigned i, n, failed = 0;
	double *took;

	if (port <= 0 || seconds <= 0) {
		fprintf(stderr, "usage: steady PORT SECONDS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	n = (unsigned)seconds * RATE;
	took = keep(n * sizeof(*took));
	for (i = 0; i < n; i++) {
		wait_till(began + (int64_t)i * 1000 / RATE);
		took[i] = now_ms();
		failed += !ask_once(port);
		took[i] = now_ms() - took[i];
	}
	qsort(took, n, sizeof(*took), compare);
	printf("%u requests, %u failed, median %.2f ms, p99 %.2f ms, "
	       "longest %.2f ms\n",
	    n, failed, took[n / 2], took[n - 1 - n / 100], took[n - 1]);
	return failed > 0;
}

static bool
ask_once(int port)
{
	struct client c = { 0 };
	struct response r = { 0 };
	bool ok = client_connect(&c, port) &&
	    client_print(&c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n") &&
	    client_response(&c, &r, "GET") && r.status == 200;

	client_close(&c);
	bytes_free(&r.head);
	bytes_free(&r.body);
	return ok;
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}
