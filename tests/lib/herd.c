/*
 * The herd.  The test keeps each server's port bound, without listening, so
 * that nobody else gets it while the server is dead: a connection to it is
 * refused then, as it should be.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/bytes.h"
#include "tests/lib/child.h"
#include "tests/lib/client.h"
#include "tests/lib/herd.h"
#include "tests/lib/peer.h"
#include "tests/lib/wait.h"

enum { START_MS = 20000, DOWN_MS = 1000, SEED = 20 };

enum beast_state { BEAST_UP, BEAST_STOPPED, BEAST_DEAD };

struct beast {
	pid_t pid;
	int port, holder; /* the socket that keeps the port */
	enum beast_state state;
	char *log;
};

/* Something done to one of them (all: -1), until it was undone. */
struct deed {
	int server;
	bool kill;
	int64_t from, done, until; /* begun, accomplished, undone */
};

struct herd {
	struct beast beasts[HERD_SERVERS];
	enum herd_mood mood;
	unsigned period_ms, turn;
	int64_t next, back; /* of the next fault; of the end of this one */
	struct deed *deeds;
	unsigned ndeeds, cap_deeds;
	unsigned short random[3];
};

static void spawn(struct herd *, struct beast *);
static bool answers(const struct beast *);
static unsigned between(struct herd *, unsigned least, unsigned most);
static void strike(struct herd *);
static void strike_some(struct herd *);
static void strike_one(struct herd *, unsigned server, bool to_kill);
static void undo(struct herd *);
static void kill_beast(struct beast *);
static void remember(struct herd *, int server, bool to_kill);
static unsigned count(const struct herd *, bool all, bool kills);
static void read_log(const char *path, struct herd_fact *, unsigned n);
static void note_fact(struct herd_fact *, const char *what);

struct herd *
herd_start(const char *directory, enum herd_mood mood, unsigned period_ms)
{
	struct herd *h = keep(sizeof *h);
	unsigned i;

	h->mood = mood;
	h->period_ms = period_ms;
	h->random[0] = SEED;
	for (i = 0; i < HERD_SERVERS; i++) {
		h->beasts[i].log = keep_printf("%s/chaos.%u", directory, i);
		h->beasts[i].holder = port_hold(&h->beasts[i].port);
		spawn(h, &h->beasts[i]);
	}
	h->next = wait_now() + period_ms;
	return h;
}

int
herd_port(const struct herd *h, unsigned server)
{
	return h->beasts[server].port;
}

void
herd_tick(struct herd *h)
{
	int64_t now = wait_now();

	if (h->back != 0 && now >= h->back) {
		undo(h);
		if (h->mood == HERD_WILD)
			h->next = wait_now() + h->period_ms;
	} else if (h->back == 0 && now >= h->next) {
		h->next = now + h->period_ms;
		strike(h);
	}
}

void
herd_settle(struct herd *h)
{
	if (h->back != 0)
		undo(h);
}

void
herd_stop(struct herd *h)
{
	unsigned i;

	for (i = 0; i < HERD_SERVERS; i++) {
		kill_beast(&h->beasts[i]);
		close(h->beasts[i].holder);
	}
}

unsigned
herd_kills(const struct herd *h)
{
	return count(h, false, true);
}

unsigned
herd_stops(const struct herd *h)
{
	return count(h, false, false);
}

unsigned
herd_outages(const struct herd *h)
{
	return count(h, true, true);
}

bool
herd_was_killed(const struct herd *h, int port, int64_t from, int64_t until)
{
	const struct deed *d;
	unsigned i;

	for (i = 0; i < h->ndeeds; i++) {
		d = &h->deeds[i];
		if (d->kill && d->from <= until && d->done >= from &&
		    (d->server == -1 || port == HERD_ANY ||
			h->beasts[d->server].port == port))
			return true;
	}
	return false;
}

bool
herd_was_gone(const struct herd *h, int64_t from, int64_t until)
{
	const struct deed *d;
	unsigned i;

	for (i = 0; i < h->ndeeds; i++) {
		d = &h->deeds[i];
		if (d->server == -1 && d->from <= until && d->until >= from)
			return true;
	}
	return false;
}

struct herd_fact *
herd_facts(const struct herd *h, unsigned n)
{
	struct herd_fact *facts = keep(n * sizeof *facts);
	unsigned i;

	for (i = 0; i < HERD_SERVERS; i++)
		read_log(h->beasts[i].log, facts, n);
	return facts;
}

/* Until it listens. */
static void
spawn(struct herd *h, struct beast *b)
{
	const char *folder = getenv("FAIRLEAD_TESTS");
	char *argv[] = { keep_printf("%s/chaos",
			     folder == NULL ? "build/tests" : folder),
		keep_printf("%d", b->port), b->log,
		h->mood == HERD_KILLER ? keep_printf("--calm") : NULL, NULL };

	b->pid = fork();
	cr_assert_neq(b->pid, -1, "fork: %s", strerror(errno));
	if (b->pid == 0)
		child_become(argv, NULL, NULL);
	b->state = BEAST_UP;
	cr_assert(
	    WAIT_FOR(START_MS, answers(b)), "no server on port %d", b->port);
}

static bool
answers(const struct beast *b)
{
	struct client c = { .fd = -1 };
	bool connected = client_connect(&c, b->port);

	client_close(&c);
	return connected;
}

static unsigned
between(struct herd *h, unsigned least, unsigned most)
{
	return least + (unsigned)nrand48(h->random) % (most - least + 1);
}

static void
strike(struct herd *h)
{
	strike_some(h);
	h->deeds[h->ndeeds - 1].done = wait_now();
}

/* By turns, so that each kind comes also in a short run. */
static void
strike_some(struct herd *h)
{
	unsigned i, victim = between(h, 0, HERD_SERVERS - 1);

	h->turn++;
	if (h->mood == HERD_KILLER) {
		strike_one(h, h->turn % HERD_SERVERS, true);
		h->back = wait_now() + DOWN_MS;
		return;
	}
	if (h->turn % 5 == 4) {
		remember(h, -1, true);
		for (i = 0; i < HERD_SERVERS; i++)
			kill_beast(&h->beasts[i]);
	} else
		strike_one(h, victim, h->turn % 2 == 1);
	h->back = wait_now() + between(h, 200, 1500);
}

static void
strike_one(struct herd *h, unsigned server, bool to_kill)
{
	struct beast *b = &h->beasts[server];

	remember(h, (int)server, to_kill);
	if (to_kill) {
		kill_beast(b);
		return;
	}
	cr_assert_eq(kill(b->pid, SIGSTOP), 0);
	b->state = BEAST_STOPPED;
}

static void
undo(struct herd *h)
{
	unsigned i;

	for (i = 0; i < HERD_SERVERS; i++) {
		struct beast *b = &h->beasts[i];

		if (b->state == BEAST_DEAD)
			spawn(h, b);
		else if (b->state == BEAST_STOPPED)
			cr_assert_eq(kill(b->pid, SIGCONT), 0);
		b->state = BEAST_UP;
	}
	h->back = 0;
	h->deeds[h->ndeeds - 1].until = wait_now();
}

static void
kill_beast(struct beast *b)
{
	cr_assert_eq(kill(b->pid, SIGKILL), 0);
	cr_assert_eq(waitpid(b->pid, NULL, 0), b->pid);
	b->state = BEAST_DEAD;
}

static void
remember(struct herd *h, int server, bool to_kill)
{
	struct deed *old = h->deeds;

	if (h->ndeeds == h->cap_deeds) {
		h->cap_deeds = h->cap_deeds * 2 + 16;
		h->deeds = keep(h->cap_deeds * sizeof *h->deeds);
		if (old != NULL)
			memcpy(h->deeds, old, h->ndeeds * sizeof *old);
		keep_no_more(old);
	}
	h->deeds[h->ndeeds++] = (struct deed){
		.server = server, .kill = to_kill, .from = wait_now()
	};
}

static unsigned
count(const struct herd *h, bool all, bool kills)
{
	unsigned i, n = 0;

	for (i = 0; i < h->ndeeds; i++)
		n += (h->deeds[i].server == -1) == all &&
		    h->deeds[i].kill == kills;
	return n;
}

static void
read_log(const char *path, struct herd_fact *facts, unsigned n)
{
	FILE *f = fopen(path, "re");
	char line[64], method[8], what[16];
	unsigned id;

	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof line, f) != NULL) {
		cr_assert_eq(sscanf(line, "%u %7s %15s", &id, method, what), 3,
		    "%s", line);
		cr_assert_lt(id, n, "%s", line);
		note_fact(&facts[id], what);
	}
	fclose(f);
}

static void
note_fact(struct herd_fact *fact, const char *what)
{
	if (strcmp(what, "seen") == 0)
		fact->seen++;
	else if (strcmp(what, "done") == 0)
		fact->done++;
	else if (strcmp(what, "cut") == 0)
		fact->cut = true;
	else if (strcmp(what, "closed") == 0)
		fact->closed = true;
	else if (strcmp(what, "left") == 0)
		fact->left = true;
	else
		fact->wrong = true;
}
