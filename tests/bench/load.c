/*
 * The benchmark's load: one thread, so cheap that it is not the limit.
 *
 *	load PORT [-c CONNECTIONS] [-u PATH] [-b BODY] [-v HOSTS] [-f] [-t] [-s]
 *	    [-w WARM] [-d SECONDS] [-n REQUESTS] [-r RATE] [-i]
 *	    [-P PROXIES] [-O ORIGIN]
 *
 *	-b	POST so many bytes; else GET
 *	-v	ask for the hosts v0.test, v1.test, ... by turns
 *	-f	a new connection for each request
 *	-t -s	TLS 1.3; resume sessions
 *	-w -d	seconds before, and in, the window that counts
 *	-n	end after so many requests instead; all of them count
 *	-r	so many requests a second in all at random moments, whatever
 *		the answers do: their time counts from when they were due
 *	-i	one request on each connection, then hold them all until killed
 *	-P -O	process ids, commas between: what they spend in the window
 *
 * Says what came of it in one line of JSON.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/lib/call.h"
#include "tests/bench/lib/latency.h"
#include "tests/bench/lib/spent.h"

enum { EVENTS = 512, BACKLOG = 1 << 20, IDLE_AT_ONCE = 128, GRACE_S = 120 };
#define MILLISECOND 1000000ll
#define SECOND 1000000000ll

/* What one end of the window looked like. */
struct look {
	int64_t at;
	struct spent proxies, rig;
	double cores_s;
};

static struct {
	long connections, hosts, body, requests;
	const char *path, *proxies, *origin;
	double warm, seconds, rate;
	bool tls, idle;
} wish = { .connections = 64,
	.body = -1,
	.path = "/b/1024",
	.proxies = "",
	.origin = "",
	.warm = 0.5,
	.seconds = 2 };

static struct caller caller;
static struct call *resting; /* calls that nothing is due for */
static struct bytes *requests; /* one for each host, asked by turns */
static int64_t due[BACKLOG]; /* what no call was free for, a ring */
static uint64_t due_first, due_end;
static int64_t arrival; /* when the next request of an open loop is due */
static int64_t pause_until; /* of a closed loop, after a failure */
static uint64_t begun, ended, again, failed, refused; /* refused: not 200 */
static struct latency latency;
static bool is_window;

static bool read_arguments(int, char *[]);
static bool read_option(int option, const char *value);
static void compose(void);
static void begin(struct call *, int64_t due_ns);
static void heard(struct call *, enum call_news);
static void go_on(struct call *);
static void rest(struct call *);
static void run(struct look *opened, struct look *closed);
static bool is_over(int64_t now, int64_t closes);
static int64_t begin_what_is_due(int64_t now);
static bool may_begin(void);
static void begin_arrivals(int64_t now);
static void wait_for_news(int64_t until);
static struct look look_around(void);
static void tell(const struct look *opened, const struct look *closed);
static int64_t now_ns(void);

int
main(int argc, char *argv[])
{
	struct look opened, closed;
	struct call *calls;
	long i;

	if (!read_arguments(argc, argv)) {
		fprintf(stderr, "usage: load PORT [option...]\n");
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1ul);
	caller.epoll = wire_start();
	if (wish.tls)
		caller.tls = call_tls();
	compose();
	calls = keep((size_t)wish.connections * sizeof(*calls));
	for (i = 0; i < wish.connections; i++) {
		calls[i].caller = &caller;
		calls[i].wire.fd = -1;
		rest(&calls[i]);
	}
	alarm((unsigned)(wish.warm + wish.seconds) + GRACE_S);
	run(&opened, &closed);
	tell(&opened, &closed);
	alarm(0);
	while (wish.idle)
		pause();
	return 0;
}

static bool
read_arguments(int argc, char *argv[])
{
	int option;

	if (argc < 2)
		return false;
	caller.port = (int)strtol(argv[1], NULL, 10);
	argv++;
	argc--;
	while ((option = getopt(argc, argv, "c:u:b:v:ftsw:d:n:r:iP:O:")) != -1)
		if (!read_option(option, optarg))
			return false;
	return caller.port > 0 && wish.connections > 0 && optind == argc;
}

static bool
read_option(int option, const char *value)
{
	switch (option) {
	case 'c':
		wish.connections = strtol(value, NULL, 10);
		break;
	case 'u':
		wish.path = value;
		break;
	case 'b':
		wish.body = strtol(value, NULL, 10);
		break;
	case 'v':
		wish.hosts = strtol(value, NULL, 10);
		break;
	case 'f':
		caller.fresh = true;
		break;
	case 's':
		caller.resume = true;
		break;
	case 't':
		wish.tls = true;
		break;
	case 'w':
		wish.warm = strtod(value, NULL);
		break;
	case 'd':
		wish.seconds = strtod(value, NULL);
		break;
	case 'n':
		wish.requests = strtol(value, NULL, 10);
		break;
	case 'r':
		wish.rate = strtod(value, NULL);
		break;
	case 'i':
		wish.idle = true;
		break;
	case 'P':
		wish.proxies = value;
		break;
	case 'O':
		wish.origin = value;
		break;
	default:
		return false;
	}
	return true;
}

static void
compose(void)
{
	long i, n = wish.hosts > 0 ? wish.hosts : 1;
	char *body = wish.body > 0 ? keep((size_t)wish.body) : NULL;

	requests = keep((size_t)n * sizeof(*requests));
	if (body != NULL)
		memset(body, 'x', (size_t)wish.body);
	for (i = 0; i < n; i++) {
		struct bytes *r = &requests[i];

		bytes_printf(r,
		    "%s %s HTTP/1.1\r\n"
		    "Host: v%ld.test\r\n"
		    "User-Agent: load/1\r\n"
		    "Accept: */*\r\n%s",
		    wish.body >= 0 ? "POST" : "GET", wish.path, i,
		    caller.fresh ? "Connection: close\r\n" : "");
		if (wish.body >= 0)
			bytes_printf(r, "Content-Length: %ld\r\n", wish.body);
		bytes_printf(r, "\r\n");
		if (body != NULL)
			bytes_add(r, body, (size_t)wish.body);
	}
}

/* ---- requests ------------------------------------------------------------ */

static void
begin(struct call *c, int64_t due_ns)
{
	uint64_t hosts = wish.hosts > 0 ? (uint64_t)wish.hosts : 1;

	c->due_ns = due_ns;
	heard(c, call_begin(c, &requests[begun++ % hosts]));
}

static void
heard(struct call *c, enum call_news news)
{
	/* The server ended the connection before it saw this one. */
	if (news == CALL_LOST) {
		again++;
		news = call_begin(c, c->request);
	}
	if (news == CALL_WAITS)
		return;
	ended++;
	if (news == CALL_DONE) {
		refused += c->status != 200;
		if (is_window)
			latency_add(&latency, now_ns() - c->due_ns);
		go_on(c);
		return;
	}
	failed++;
	pause_until = now_ns() + MILLISECOND;
	rest(c);
}

/* What a call does after an answer. */
static void
go_on(struct call *c)
{
	if (wish.idle)
		return;
	if (wish.rate > 0 && due_first != due_end)
		begin(c, due[due_first++ % BACKLOG]);
	else if (wish.rate == 0 && may_begin())
		begin(c, now_ns());
	else
		rest(c);
}

static void
rest(struct call *c)
{
	c->next = resting;
	resting = c;
}

/* ---- the course of it ---------------------------------------------------- */

static void
run(struct look *opened, struct look *closed)
{
	int64_t now = now_ns(), closes;
	int64_t opens = now + (int64_t)(wish.warm * (double)SECOND);

	if (wish.idle || wish.requests > 0)
		opens = now;
	closes = opens + (int64_t)(wish.seconds * (double)SECOND);
	arrival = now;
	for (; !is_over(now, closes); now = now_ns()) {
		if (!is_window && now >= opens) {
			*opened = look_around();
			is_window = true;
		}
		wait_for_news(begin_what_is_due(now));
	}
	*closed = look_around();
}

static bool
is_over(int64_t now, int64_t closes)
{
	if (wish.idle)
		return ended == (uint64_t)wish.connections;
	if (wish.requests > 0)
		return ended == (uint64_t)wish.requests;
	return now >= closes;
}

/* When to look again, whatever happens. */
static int64_t
begin_what_is_due(int64_t now)
{
	struct call *c, *all = resting;

	if (wish.rate > 0) {
		begin_arrivals(now);
		return arrival;
	}
	if (now < pause_until)
		return pause_until;
	/* One that fails at once rests again, and waits for the next time. */
	resting = NULL;
	while ((c = all) != NULL) {
		all = c->next;
		if (may_begin())
			begin(c, now);
		else
			rest(c);
	}
	return now + 50 * MILLISECOND;
}

static bool
may_begin(void)
{
	if (wish.idle)
		return begun - ended < IDLE_AT_ONCE;
	return wish.requests == 0 || begun < (uint64_t)wish.requests;
}

/* By Poisson; a seed of its own, so that each run is the same. */
static void
begin_arrivals(int64_t now)
{
	static unsigned short seed[3] = { 1, 2, 3 };
	struct call *c;

	for (; arrival <= now; arrival +=
	     (int64_t)(-log(1 - erand48(seed)) / wish.rate * (double)SECOND))
		if ((c = resting) != NULL) {
			resting = c->next;
			begin(c, arrival);
		} else if (due_end - due_first < BACKLOG)
			due[due_end++ % BACKLOG] = arrival;
}

static void
wait_for_news(int64_t until)
{
	struct epoll_event events[EVENTS];
	int64_t wait = until - now_ns();
	struct timespec t = { 0 };
	int i, n;

	if (wait > 0) {
		t.tv_sec = wait / SECOND;
		t.tv_nsec = wait % SECOND;
	}
	n = epoll_pwait2(caller.epoll, events, EVENTS, &t, NULL);
	for (i = 0; i < n; i++) {
		struct call *c = events[i].data.ptr;
		enum call_news news = call_go_on(c);

		if (news != CALL_WAITS)
			heard(c, news);
	}
}

/* ---- the result ---------------------------------------------------------- */

static struct look
look_around(void)
{
	char *rig = keep_printf("%d,%s", getpid(), wish.origin);

	return (struct look){ .at = now_ns(),
		.proxies = spent_by(wish.proxies),
		.rig = spent_by(rig),
		.cores_s = spent_on_our_cores_s() };
}

static void
tell(const struct look *opened, const struct look *closed)
{
	double seconds = (double)(closed->at - opened->at) / (double)SECOND;
	double cpu = closed->proxies.run_s - opened->proxies.run_s;
	double rig = closed->rig.run_s - opened->rig.run_s;
	double n = latency.n > 0 ? (double)latency.n : 1;

	printf("{\"requests\": %" PRIu64 ", \"failed\": %" PRIu64
	       ", \"refused\": %" PRIu64 ", \"again\": %" PRIu64
	       ", \"opened\": %" PRIu64 ", \"resumed\": %" PRIu64
	       ", \"tickets\": %" PRIu64 ", \"backlog\": %" PRIu64
	       ", \"ended\": %" PRIu64,
	    wish.idle ? ended : latency.n, failed, refused, again,
	    caller.opened, caller.resumed, caller.tickets, due_end - due_first,
	    ended);
	printf(", \"rate\": %.1f, \"cpu_us\": %.3f, \"user_us\": %.3f, "
	       "\"cpu_share\": %.3f, \"stray_share\": %.3f",
	    n / seconds, cpu / n * 1e6,
	    (closed->proxies.user_s - opened->proxies.user_s) / n * 1e6,
	    cpu / seconds,
	    (closed->cores_s - opened->cores_s - cpu - rig) / seconds);
	printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
	       "\"worst_us\": %.1f}\n",
	    latency_us(&latency, 0.5), latency_us(&latency, 0.99),
	    latency_us(&latency, 0.999), (double)latency.worst_ns / 1000);
	fflush(stdout);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}
