/*
 * One client that behaves well while others do not, for the scripts in
 * tests/soak: so many requests a second, each on a connection of its own or,
 * with --kept, all on one.
 *
 *	steady PORT SECONDS [--rate N] [--kept]
 *
 * Ends at SIGTERM, or when so many seconds are over.  Says how many there were,
 * how many failed, and the median, the 99th percentile and the longest time in
 * milliseconds; 1 when one failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/bytes.h"
#include "tests/lib/client.h"
#include "tests/lib/wait.h"

static int port;
static long seconds, rate = 10;
static bool kept;
static struct client client = { .fd = -1 };

static bool read_arguments(int, char *[]);
static bool ask_once(void);
static bool is_told_to_end(int64_t until);
static void tell(double *took, unsigned n, unsigned failed);
static double now_ms(void);
static int compare(const void *, const void *);

int
main(int argc, char *argv[])
{
	int64_t began = wait_now();
	unsigned n = 0, failed = 0;
	double *took;

	if (!read_arguments(argc, argv)) {
		fprintf(
		    stderr, "usage: steady PORT SECONDS [--rate N] [--kept]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	took = keep((size_t)(seconds * rate) * sizeof(*took));
	while (n < seconds * rate && !is_told_to_end(began + n * 1000 / rate)) {
		double then = now_ms();

		failed += !ask_once();
		took[n++] = now_ms() - then;
	}
	tell(took, n, failed);
	return failed > 0;
}

static bool
read_arguments(int argc, char *argv[])
{
	int i = 3;

	if (argc < i)
		return false;
	port = (int)strtol(argv[1], NULL, 10);
	seconds = strtol(argv[2], NULL, 10);
	if (argc > i + 1 && strcmp(argv[i], "--rate") == 0) {
		rate = strtol(argv[i + 1], NULL, 10);
		i += 2;
	}
	if (argc > i && strcmp(argv[i], "--kept") == 0) {
		kept = true;
		i++;
	}
	return i == argc && port > 0 && seconds > 0 && rate > 0;
}

static bool
ask_once(void)
{
	struct response r = { 0 };
	bool ok = (client.fd != -1 || client_connect(&client, port)) &&
	    client_print(&client, "GET / HTTP/1.1\r\nHost: t\r\n\r\n") &&
	    client_response(&client, &r, "GET") && r.status == 200;

	if (!ok || !kept)
		client_close(&client);
	bytes_free(&r.head);
	bytes_free(&r.body);
	return ok;
}

/* Waits until then for it. */
static bool
is_told_to_end(int64_t until)
{
	int64_t ms = until - wait_now();
	struct timespec most = { 0 };
	sigset_t by;

	if (ms > 0)
		most = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	sigemptyset(&by);
	sigaddset(&by, SIGTERM);
	sigprocmask(SIG_BLOCK, &by, NULL);
	return sigtimedwait(&by, NULL, &most) != -1;
}

static void
tell(double *took, unsigned n, unsigned failed)
{
	qsort(took, n, sizeof(*took), compare);
	printf("%u requests, %u failed", n, failed);
	if (n > 0)
		printf(", median %.2f ms, p99 %.2f ms, longest %.2f ms",
		    took[n / 2], took[n - 1 - n / 100], took[n - 1]);
	printf("\n");
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
