/*
 * A hundred services that change all the time, while requests flow: to them, and
 * to one beside them that never changes and has to serve as well as ever.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/bytes.h"
#include "tests/lib/consul.h"
#include "tests/lib/front.h"
#include "tests/lib/load.h"
#include "tests/lib/wait.h"

enum { CHANGE_MS = 60000 };
enum { UPSTREAMS = 100, CHANGE_EVERY_MS = 20, CHURN_S = 5 };
enum { WINDOW_MS = 5000, WINDOWS_MOST = 720, SETTLE_MS = 1000 };

#define TOP \
	"workers: 2\n" \
	"listeners: { http: { address: \"127.0.0.1:0\" } }\n" \
	"admin: { address: \"127.0.0.1:0\" }\n" \
	"access_log: off\n" \
	"discovery: { consul: { url: \"http://127.0.0.1:%d\" } }\n"

static struct origin *all;
static struct consul *consul;
static struct daemon *d;

/* One origin listens on all of loopback. */
static void
stage(void)
{
	all = origin_start(
	    &(struct origin_options){ .any = true, .forget = true });
	cr_assert_not_null(all);
	consul = consul_start(&(struct consul_options){ 0 });
	cr_assert_not_null(consul);
}

TestSuite(discovery_churn, .init = stage, .timeout = 7800);

/* Instance `id' of a service, at the i-th address. */
static void
place(const char *service, const char *id, unsigned i)
{
	consul_register(consul,
	    &(struct consul_service){ .name = service,
		.id = id,
		.address = keep_printf("127.0.%u.%u", 1 + i / 200, 1 + i % 200),
		.port = origin_port(all) });
}

static struct load *
begin_load(const char *path)
{
	return load_start(&(struct load_plan){ .port = daemon_port(d, "http"),
	    .path = path,
	    .connections = 8,
	    .rate = 200 });
}

static void
must_all_be_well(const struct load_result *r)
{
	cr_assert_eq(r->ok, r->requests, "%s", load_reasons(r));
	cr_assert_gt(r->requests, 0);
}

/*
 * What is measured is a route whose own upstream never changes, in windows with
 * and without churn by turns, so that both have the same machine.  Each window
 * has a route of its own, and by that a histogram of its own.  What the workers
 * ran, and waited for a core, tells their own work from the machine's.
 */
struct windows {
	double p99[WINDOWS_MOST]; /* ms */
	double ran_ms, waited_ms; /* the workers */
	unsigned requests;
};

struct plan {
	unsigned pairs;
	int64_t length_ms;
	struct windows quiet, churning;
	long rss_began, rss_half; /* KiB */
	double snapshots, took_s; /* made while there was churn */
	unsigned changes;
};

static char *
read_line(const char *directory, const char *file)
{
	FILE *f = fopen(keep_printf("%s/%s", directory, file), "re");
	char line[256];

	cr_assert_not_null(f);
	cr_assert_not_null(fgets(line, sizeof(line), f));
	fclose(f);
	return keep_printf("%s", line);
}

/* Upstream i is service s<i>, which one server never leaves. */
static void
start_many(unsigned pairs)
{
	struct origin *still = origin_start(
	    &(struct origin_options){ .name = "still", .forget = true });
	struct bytes routes = { 0 }, upstreams = { 0 };

	cr_assert_not_null(still);
	for (unsigned i = 0; i < UPSTREAMS; i++) {
		place(keep_printf("s%u", i), keep_printf("s%u-0", i), i * 2);
		bytes_printf(&routes, "  - { name: r%u, path: /%u, to: u%u }\n",
		    i, i, i);
		bytes_printf(&upstreams,
		    "  u%u: { discover: { consul: { service: s%u }, "
		    "allow: 127.0.0.0/8, max_loss: off } }\n",
		    i, i);
	}
	for (unsigned i = 0; i < pairs; i++)
		bytes_printf(&routes,
		    "  - { name: quiet%u, path: /quiet%u, to: still }\n"
		    "  - { name: churn%u, path: /churn%u, to: still }\n",
		    i, i, i, i);
	d = daemon_start(TOP "routes:\n%supstreams:\n%s"
			     "  still: { servers: [\"127.0.0.1:%d\"] }\n",
	    consul_port(consul), routes.p, upstreams.p, origin_port(still));
}

static bool
all_answer(void)
{
	for (unsigned i = 0; i < UPSTREAMS; i++)
		if (get(daemon_port(d, "http"), keep_printf("/%u", i), "")
			->status != 200)
			return false;
	return true;
}

/* Fifty changes a second, each upstream in its turn. */
static void
churn(struct plan *p, int64_t ms)
{
	int64_t began = wait_now();

	for (int64_t at = CHANGE_EVERY_MS; at <= ms; at += CHANGE_EVERY_MS) {
		unsigned u = p->changes % UPSTREAMS;
		char *id = keep_printf("s%u-1", u);

		if (p->changes++ / UPSTREAMS % 2 == 0)
			place(keep_printf("s%u", u), id, u * 2 + 1);
		else
			consul_deregister(consul, id);
		wait_till(began + at);
	}
}

/* By the kernel's account, of all threads that are workers. */
static void
add_workers(struct windows *w, double sign)
{
	char *pattern = keep_printf("/proc/%d/task/*", (int)d->pid);
	glob_t threads;
	double ran, waited;

	cr_assert_eq(glob(pattern, 0, NULL, &threads), 0);
	for (size_t i = 0; i < threads.gl_pathc; i++) {
		if (strncmp(read_line(threads.gl_pathv[i], "comm"), "worker",
			6) != 0)
			continue;
		cr_assert_eq(sscanf(read_line(threads.gl_pathv[i], "schedstat"),
				 "%lf %lf", &ran, &waited),
		    2);
		w->ran_ms += sign * ran / 1e6;
		w->waited_ms += sign * waited / 1e6;
	}
	globfree(&threads);
}

/* The load of one window, on the route of that name. */
static void
one_window(struct plan *p, struct windows *w, const char *kind, unsigned i)
{
	char *name = keep_printf("%s%u", kind, i);
	struct load *load = begin_load(keep_printf("/%s", name));
	struct load_result *r;

	add_workers(w, -1);
	if (w == &p->churning)
		churn(p, p->length_ms);
	else
		wait_till(wait_now() + p->length_ms);
	add_workers(w, 1);
	r = load_stop(load);
	must_all_be_well(r);
	w->requests += r->requests;
	must_tell(d, keep_printf("routes/%s/requests", name), r->requests);
	w->p99[i] =
	    daemon_stat(d, keep_printf("routes/%s/latency_ms/p99", name));
}

/* The last changes of a window are heard within a second after it. */
static void
one_pair(struct plan *p, unsigned i)
{
	int64_t began;
	double before, made, took_s;

	wait_till(wait_now() + SETTLE_MS);
	one_window(p, &p->quiet, "quiet", i);
	before = daemon_stat(d, "config/snapshots");
	began = wait_now();
	one_window(p, &p->churning, "churn", i);
	made = daemon_stat(d, "config/snapshots") - before;
	took_s = (double)(wait_now() - began) / 1000;
	cr_assert_leq(made, took_s * 5 + 1);
	p->snapshots += made;
	p->took_s += took_s;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What a share 0..1 of them is below. */
static double
quantile(const double *v, unsigned n, double share)
{
	double sorted[WINDOWS_MOST];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*v), by_value);
	return sorted[(unsigned)(share * n)];
}

static double
median(const double *v, unsigned n)
{
	return quantile(v, n, 0.5);
}

static void
print_windows(const char *kind, const struct windows *w, unsigned n)
{
	fprintf(stderr,
	    "churn: %s: %u requests, p99 %.3f ms (of the calmest quarter "
	    "%.3f ms at most), workers ran %.0f us and "
	    "waited %.0f us a request; each window's p99:",
	    kind, w->requests, median(w->p99, n), quantile(w->p99, n, 0.25),
	    w->ran_ms * 1000 / w->requests, w->waited_ms * 1000 / w->requests);
	for (unsigned i = 0; i < n; i++)
		fprintf(stderr, " %.2f", w->p99[i]);
	fputs("\n", stderr);
}

static void
print_plan(const struct plan *p, const struct load_result *others)
{
	print_windows("quiet", &p->quiet, p->pairs);
	print_windows("churning", &p->churning, p->pairs);
	fprintf(stderr,
	    "churn: %.0f s of it, %u changes, %.2f snapshots/s, "
	    "RSS %ld KiB at its start, %ld halfway, %ld at its end; "
	    "where there is change %u requests, %u failed\n",
	    p->took_s, p->changes, p->snapshots / p->took_s, p->rss_began,
	    p->rss_half, daemon_rss(d), others->requests,
	    others->requests - others->ok);
}

/* CHURN_SECONDS makes it long, and its figures are held to what they may be. */
Test(discovery_churn, a_hundred_services_may_change_fifty_times_a_second)
{
	const char *wanted = getenv("CHURN_SECONDS");
	unsigned seconds =
	    wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : CHURN_S;
	struct plan p = { .length_ms = WINDOW_MS };
	struct load_result *r;
	struct load *load;

	if (seconds < WINDOW_MS / 1000)
		p.length_ms = seconds * 1000;
	p.pairs = (unsigned)(seconds * 1000 / p.length_ms);
	cr_assert_leq(p.pairs, WINDOWS_MOST, "CHURN_SECONDS is too large");
	start_many(p.pairs);
	cr_assert(WAIT_FOR(CHANGE_MS, all_answer()));
	load = load_start(&(struct load_plan){ .port = daemon_port(d, "http"),
	    .paths = UPSTREAMS,
	    .connections = 8,
	    .rate = 100 });
	churn(&p, CHURN_S * 1000);
	p.rss_began = daemon_rss(d);
	for (unsigned i = 0; i < p.pairs; i++) {
		if (i == p.pairs / 2)
			p.rss_half = daemon_rss(d);
		one_pair(&p, i);
	}
	r = load_stop(load);
	print_plan(&p, r);
	must_all_be_well(r);
	cr_assert_gt(p.snapshots, p.pairs * p.length_ms / 1000);
	cr_assert(all_answer());
	if (wanted != NULL)
		cr_assert_leq(median(p.churning.p99, p.pairs),
		    median(p.quiet.p99, p.pairs) * 1.1);
	daemon_stop(d);
}
