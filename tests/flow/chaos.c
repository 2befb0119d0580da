/*
 * The chaos test: hundreds of requests a second, each byte of which is known,
 * while servers are killed, stopped, slow, lie dead together, cut their answers
 * and close connections as they are used, and while the configuration changes
 * every second.  Then every request is judged by what its client saw, what the
 * servers logged and what fairlead logged.  A failure counts only as one that
 * no proxy could have saved if the servers' own log or the moment of a kill
 * bears it out; all others are violations.
 *
 * SOAK_SECONDS makes it as long as one likes and prints a table (`make soak').
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/crowd.h"
#include "tests/lib/daemon.h"
#include "tests/lib/herd.h"
#include "tests/lib/wait.h"

enum {
	RATE = 500,
	SOAK_LEAST = 350, /* responses a second that a soak must have seen */
	CONNECTIONS = 48,
	SHORT_S = 12,
	TICK_MS = 20,
	ROWS = 64,
	/* From all servers up again to the first probe that says so. */
	RECOVERY_MS = 3000,
	/* From a server's last byte to its word that it was. */
	SILENCED_MS = 1000,
	VIOLATIONS_SHOWN = 20
};

/* One line of the table: what became of requests and why. */
struct row {
	const char *what;
	char reason[24];
	unsigned gets, posts;
};

static struct daemon *d;
static struct herd *herd;
static struct crowd *crowd;
static char *directory, *access_log;
static struct cert cert;
static struct row rows[ROWS];
static unsigned nrows, begun, responses, nviolations, reloads;
static struct bytes violations;
static struct herd_fact *facts;
static char **lines; /* of the access log, by id, where needed */
static bool *retried; /* by id: the log lists more than one attempt */

TestSuite(chaos, .timeout = 7200);

static unsigned
seconds(void)
{
	const char *text = getenv("SOAK_SECONDS");

	return text == NULL ? SHORT_S : (unsigned)strtoul(text, NULL, 10);
}

/* ---- the stage ---- */

/* Every variant is another configuration of the same service. */
static char *
yaml(unsigned variant)
{
	struct bytes servers = { 0 };
	unsigned i, n = variant % 5 == 4 ? HERD_SERVERS - 1 : HERD_SERVERS;

	for (i = 0; i < n; i++)
		bytes_printf(&servers,
		    "%s{ address: \"127.0.0.1:%d\", weight: %u }",
		    i > 0 ? ", " : "", herd_port(herd, i),
		    i == variant % 7 ? 3 : 1);
	return keep_printf(
	    "workers: 2\n"
	    "listeners:\n"
	    "  http: { address: \"127.0.0.1:0\" }\n"
	    "  tls: { address: \"127.0.0.1:0\", tls: { certificates: "
	    "[{ cert: \"%s\", key: \"%s\" }] } }\n"
	    "admin: { address: \"127.0.0.1:0\" }\n"
	    "access_log: { output: \"%s\" }\n"
	    "routes:\n"
	    "  - { name: all, path: \"/*\", to: up }\n"
	    "  - { name: r%u, path: \"/r%u/*\", to: up }\n"
	    "upstreams:\n"
	    "  up:\n"
	    "    servers: [%s]\n"
	    "    balance: { policy: %s }\n"
	    "    pool: { max_idle: %u }\n"
	    "    health_check: %s\n",
	    cert.cert, cert.key, access_log, variant % 10, variant % 10,
	    servers.p, variant % 2 == 0 ? "round_robin" : "least_connections",
	    variant % 3 == 0 ? 2 : 64,
	    variant % 4 < 2 ? "off"
			    : "{ path: /healthz, interval: 250ms, "
			      "healthy_threshold: 1, timeout: 10s }");
}

static void
start(enum herd_mood mood, unsigned period_ms)
{
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	directory = daemon_directory();
	access_log = keep_printf("%s/access.json", directory);
	cert = cert_make(directory, "chaos", "chaos.test", CERT_ECDSA);
	herd = herd_start(directory, mood, period_ms);
	d = daemon_start_in(directory, NULL, "%s", yaml(0));
	crowd = crowd_start(&(struct crowd_plan){
	    .port = daemon_port(d, "http"),
	    .tls_port = daemon_port(d, "tls"),
	    .connections = CONNECTIONS,
	    .rate = RATE,
	    .most = RATE * (seconds() + 1),
	    .only_get = mood == HERD_KILLER,
	});
}

/* Faults all the time and a reload every second. */
static void
run(void)
{
	int64_t end = wait_now() + (int64_t)seconds() * 1000, reload = 0;

	while (wait_now() < end) {
		herd_tick(herd);
		if (wait_now() >= reload) {
			reload = wait_now() + 1000;
			daemon_reload(d, "%s", yaml(++reloads));
		}
		wait_till(wait_now() + TICK_MS);
	}
	herd_settle(herd);
	crowd_stop(crowd);
}

/* ---- what was written down ---- */

static bool
needs_line(unsigned id)
{
	char outcome = crowd_note(crowd, id)->outcome;

	return outcome == OUT_CUT || outcome == OUT_REFUSED ||
	    outcome == OUT_UNANSWERED || outcome == OUT_WRONG;
}

static void
read_access_log(void)
{
	FILE *f = fopen(access_log, "re");
	char *line = NULL, *at;
	unsigned long id;
	size_t cap = 0;
	ssize_t n;

	cr_assert_not_null(f, "%s: %s", access_log, strerror(errno));
	lines = keep(begun * sizeof *lines);
	retried = keep(begun * sizeof *retried);
	while ((n = getline(&line, &cap, f)) > 0) {
		at = strstr(line, "\"path\":\"/c/");
		if (at == NULL)
			continue;
		id = strtoul(at + 11, NULL, 10);
		if (id >= begun)
			continue;
		retried[id] = strstr(line, "\"attempts\":") != NULL;
		if (needs_line((unsigned)id))
			lines[id] = keep_text(line, (size_t)n);
	}
	free(line);
	fclose(f);
}

/* ---- judgement ---- */

static void
tally(const char *what, const char *reason, bool post)
{
	struct row *r = rows;

	for (; r < rows + nrows; r++)
		if (strcmp(r->what, what) == 0 &&
		    strcmp(r->reason, reason) == 0)
			break;
	if (r == rows + nrows) {
		cr_assert_lt(nrows, ROWS);
		nrows++;
		r->what = what;
		snprintf(r->reason, sizeof r->reason, "%s", reason);
	}
	r->gets += !post;
	r->posts += post;
}

static void
violation(unsigned id, const char *what)
{
	const struct crowd_note *n = crowd_note(crowd, id);
	const struct herd_fact *f = &facts[id];

	if (nviolations++ >= VIOLATIONS_SHOWN)
		return;
	bytes_printf(&violations,
	    "request %u (%s%s), outcome %d %s: %s; servers: seen %u, done %u,"
	    "%s%s%s%s; %s\n",
	    id, n->post ? "POST" : "GET", n->tls ? ", TLS" : "", n->outcome,
	    n->reason, what, f->seen, f->done, f->cut ? " cut" : "",
	    f->closed ? " closed" : "", f->left ? " left" : "",
	    f->wrong ? " wrong" : "",
	    lines[id] == NULL ? "no log line" : lines[id]);
}

static const char *
text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static bool
was_killed(const struct crowd_note *n, const char *server)
{
	const char *colon = strrchr(server, ':');

	return colon != NULL &&
	    herd_was_killed(
		herd, (int)strtol(colon + 1, NULL, 10), n->began, n->ended);
}

/* A server that is killed as it ends its answer cannot tell that it has. */
static bool
was_silenced(const struct crowd_note *n)
{
	return herd_was_killed(
	    herd, HERD_ANY, n->began, n->ended + SILENCED_MS);
}

/*
 * Whether a server really lost this attempt: it says so itself, it was killed,
 * or it closed a used connection before it read the request.
 */
static bool
was_lost(unsigned id, const char *reason, const char *server)
{
	bool stale =
	    strcmp(reason, "stale") == 0 || strcmp(reason, "stale_unsent") == 0;

	if (!stale && strcmp(reason, "upstream_reset") != 0)
		return false;
	return facts[id].closed || was_killed(crowd_note(crowd, id), server) ||
	    (stale && facts[id].done == 0);
}

/* How many attempts were lost by servers. */
static unsigned
losses(unsigned id, const json_t *line)
{
	json_t *attempts = json_object_get(line, "attempts"), *a;
	unsigned n = 0;
	size_t i;

	if (attempts == NULL)
		return was_lost(
		    id, text_in(line, "reason"), text_in(line, "server"));
	json_array_foreach(attempts, i, a) n +=
	    was_lost(id, text_in(a, "reason"), text_in(a, "server"));
	return n;
}

/* Why it could not be saved, or NULL. */
static const char *
why_refused(unsigned id, const json_t *line)
{
	const struct crowd_note *n = crowd_note(crowd, id);
	const char *reason = text_in(line, "reason");

	if (strcmp(reason, n->reason) != 0)
		return NULL;
	if (strcmp(reason, "connect_failure") == 0 &&
	    herd_was_gone(herd, n->began, n->ended))
		return "refused: all servers were down";
	if (strcmp(reason, "no_healthy_server") == 0 &&
	    herd_was_gone(herd, n->began - RECOVERY_MS, n->ended))
		return "refused: all servers were down";
	if (!was_lost(id, reason, text_in(line, "server")))
		return NULL;
	if (n->post)
		return "refused: the POST was in flight";
	/* RFC 9110 9.2.2: an automatic retry that failed is not retried. */
	return losses(id, line) >= 2 ? "refused: the GET was lost twice" : NULL;
}

/* The RST that tells of the cut may take the head with it, then none came. */
static const char *
why_cut(unsigned id, const json_t *line)
{
	const struct crowd_note *n = crowd_note(crowd, id);
	bool begun_here = n->outcome == OUT_CUT;

	if (*text_in(line, "reason") == '\0')
		return NULL;
	if (facts[id].cut)
		return begun_here ? "cut: the server cut its answer"
				  : "reset: the server cut its answer";
	if (was_killed(n, text_in(line, "server")))
		return begun_here ? "cut: the server was killed"
				  : "reset: the server was killed";
	return NULL;
}

static void
judge_failure(unsigned id)
{
	const struct crowd_note *n = crowd_note(crowd, id);
	const char *why = NULL;
	json_t *line;

	line = lines[id] == NULL ? NULL : json_loads(lines[id], 0, NULL);
	if (line != NULL && n->outcome == OUT_REFUSED)
		why = why_refused(id, line);
	else if (line != NULL &&
	    (n->outcome == OUT_CUT || n->outcome == OUT_UNANSWERED))
		why = why_cut(id, line);
	if (why == NULL)
		violation(id, "a failure without a cause");
	else
		tally(why, text_in(line, "reason"), n->post);
	json_decref(line);
}

static void
judge(unsigned id)
{
	const struct crowd_note *n = crowd_note(crowd, id);
	const struct herd_fact *f = &facts[id];

	responses += n->status != 0;
	if (f->wrong)
		violation(id, "a server got what the client did not send");
	if (n->post && f->seen > 1)
		violation(id, "a POST was processed twice");
	switch ((enum outcome)n->outcome) {
	case OUT_OK:
	case OUT_ERROR:
		if (f->seen == 0 || (f->done == 0 && !was_silenced(n)))
			violation(id, "an answer that no server gave");
		tally(n->outcome == OUT_ERROR ? "answered 5xx by the server"
			: retried[id]	      ? "answered 200 at a later try"
					      : "answered 200",
		    "", n->post);
		break;
	case OUT_LEFT:
		tally("the client left", "", n->post);
		break;
	default:
		judge_failure(id);
	}
}

static int
compare_rows(const void *p, const void *q)
{
	const struct row *a = p, *b = q;
	int order = strcmp(a->what, b->what);

	return order != 0 ? order : strcmp(a->reason, b->reason);
}

static char *
table(enum herd_mood mood, long rss_before, long rss_after)
{
	struct bytes b = { 0 };
	unsigned i;

	qsort(rows, nrows, sizeof *rows, compare_rows);
	bytes_printf(&b, "\n%s\n",
	    mood == HERD_WILD ? "Faults of every kind"
			      : "One server after the other killed");
	bytes_printf(&b,
	    "%u requests in %u s, %u responses; %u kills, %u stops, "
	    "%u times all servers down, %u reloads\n",
	    begun, seconds(), responses, herd_kills(herd), herd_stops(herd),
	    herd_outages(herd), reloads);
	bytes_printf(&b, "%-36s%-20s%10s%10s\n", "outcome", "reason in the log",
	    "GET", "POST");
	for (i = 0; i < nrows; i++)
		bytes_printf(&b, "%-36s%-20s%10u%10u\n", rows[i].what,
		    rows[i].reason, rows[i].gets, rows[i].posts);
	bytes_printf(&b, "violations: %u\n", nviolations);
	bytes_printf(&b,
	    "RSS of fairlead: %ld KiB at the start, %ld KiB at "
	    "the end\n",
	    rss_before, rss_after);
	return b.p;
}

/* Start, run, judge everything. */
static void
survive(enum herd_mood mood, unsigned period_ms)
{
	long before, after;
	unsigned id;
	char *text;

	start(mood, period_ms);
	(void)WAIT_FOR(10000, crowd_begun(crowd) > RATE);
	before = daemon_rss(d);
	run();
	after = daemon_rss(d);
	daemon_stop(d);
	herd_stop(herd);
	begun = crowd_begun(crowd);
	facts = herd_facts(herd, begun);
	read_access_log();
	for (id = 0; id < begun; id++)
		judge(id);
	text = table(mood, before, after);
	if (getenv("SOAK_SECONDS") != NULL) {
		fputs(text, stdout);
		fflush(stdout);
		cr_assert_geq(responses, seconds() * SOAK_LEAST, "too few");
		cr_assert_leq(after, before * 2, "memory grows");
	}
	cr_assert_eq(nviolations, 0, "%s\n%s%s", text, violations.p,
	    crowd_complaints(crowd));
}

Test(chaos, nothing_is_mixed_up_doubled_or_cut_in_silence)
{
	survive(HERD_WILD, 1500);
	cr_assert_gt(herd_kills(herd), 0);
	cr_assert_gt(herd_stops(herd), 0);
}

Test(chaos, no_unanswered_get_fails_while_a_server_is_killed_again_and_again)
{
	unsigned i;

	survive(HERD_KILLER, getenv("SOAK_SECONDS") == NULL ? 1500 : 5000);
	for (i = 0; i < nrows; i++)
		cr_assert(strncmp(rows[i].what, "refused", 7) != 0, "%s %s",
		    rows[i].what, rows[i].reason);
	cr_assert_gt(herd_kills(herd), 0);
}
