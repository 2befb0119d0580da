/*
 * What is known of a server's health, from two sources: its probes, counted
 * here towards a verdict, and the workers' connects, which make it suspect for
 * a while.  Both live in the server as atomics; each change moves the epoch of
 * the board, by which workers know that their mask is old.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "balancer/board.h"
#include "balancer/roster.h"
#include "balancer/server.h"
#include "base/clock.h"
#include "health/options.h"
#include "health/verdict.h"

#define SUSPECT_FIRST (1 * CLOCK_S)
#define SUSPECT_MOST (30 * CLOCK_S)

/* The groups of verdict_mask, best first. */
enum rank {
	RANK_PRIMARY,
	RANK_BACKUP,
	RANK_DOUBTFUL_PRIMARY,
	RANK_DOUBTFUL_BACKUP,
	RANK_LEFT,
	RANK_NEVER
};

static unsigned threshold(const struct server *, const struct probe_options *);
static void turn(struct server *, const struct verdict *, bool up,
    const char *detail, uint64_t wall_now);
static void set_verdict(struct server *, enum server_verdict);
static enum server_verdict verdict_of(const struct server *);
static uint64_t suspect_time(unsigned failures);
static enum rank rank_of(const struct member *, uint64_t now);

void
verdict_init(struct verdict *v, struct server *srv)
{
	*v = (struct verdict){ .server = srv };
}

bool
verdict_probe(struct verdict *v, const struct probe_options *options, bool ok,
    const char *detail, uint64_t wall_now)
{
	struct server *srv = v->server;

	server_count(ok ? &srv->probes_ok : &srv->probes_failed);
	if (verdict_of(srv) == (ok ? SERVER_UP : SERVER_DOWN)) {
		v->against = 0;
		return false;
	}
	if (++v->against < threshold(srv, options))
		return false;
	turn(srv, v, ok, detail, wall_now);
	v->against = 0;
	return true;
}

bool
verdict_is_turning(const struct verdict *v)
{
	return v->against != 0 || verdict_of(v->server) <= SERVER_WAITING;
}

void
verdict_await(struct server *srv)
{
	assert(verdict_of(srv) <= SERVER_WAITING);
	set_verdict(srv, SERVER_WAITING);
}

void
verdict_forget(struct server *srv)
{
	server_set_why(srv, "");
	set_verdict(srv, SERVER_UNKNOWN);
}

void
verdict_leave(struct server *srv)
{
	srv->left = true;
	board_epoch_move(srv->board);
}

void
verdict_return(struct server *srv)
{
	srv->left = false;
	board_epoch_move(srv->board);
}

/*
 * Of many connects that fail together one wins the swap.  The count of failures
 * is looked at only while there is a time, so it need not be cleared with it in
 * one step.
 */
bool
verdict_connect_failed(struct server *srv, uint64_t now)
{
	uint64_t until = srv->suspect_until;
	unsigned failures = until == 0 ? 0 : srv->suspect_failures;

	if (now < until)
		return false;
	if (!atomic_compare_exchange_strong(
		&srv->suspect_until, &until, now + suspect_time(failures)))
		return false;
	srv->suspect_failures = failures + 1;
	board_epoch_move(srv->board);
	return true;
}

bool
verdict_connected(struct server *srv)
{
	if (srv->suspect_until == 0 ||
	    atomic_exchange(&srv->suspect_until, 0) == 0)
		return false;
	board_epoch_move(srv->board);
	return true;
}

void
verdict_mask(const struct roster *roster, const struct serverset *tried,
    uint64_t now, struct serverset *may, uint64_t *valid_until)
{
	enum rank best = RANK_NEVER, rank;
	const struct member *member;
	uint64_t until;

	*valid_until = UINT64_MAX;
	serverset_empty(may);
	for (unsigned i = 0; i < roster->n; i++) {
		member = &roster->members[i];
		until = member->server->suspect_until;
		if (now < until && until < *valid_until)
			*valid_until = until;
		if (tried != NULL && serverset_test(tried, i))
			continue;
		rank = rank_of(member, now);
		if (rank < best) {
			serverset_empty(may);
			best = rank;
		}
		if (rank == best && rank != RANK_NEVER)
			serverset_set(may, i);
	}
}

void
mask_init(
    struct mask *mask, const struct roster *roster, const struct board *board)
{
	*mask = (struct mask){ .roster = roster, .board = board };
	serverset_init(&mask->may, roster->n);
}

void
mask_fini(struct mask *mask)
{
	serverset_fini(&mask->may);
}

/* The epoch is read before what it stands for: a change in between is seen. */
const struct serverset *
mask_at(struct mask *mask, uint64_t now)
{
	uint64_t epoch = board_epoch(mask->board);

	if (epoch != mask->epoch || now >= mask->valid_until) {
		verdict_mask(
		    mask->roster, NULL, now, &mask->may, &mask->valid_until);
		mask->epoch = epoch;
	}
	return &mask->may;
}

enum verdict_state
verdict_state(const struct server *srv, unsigned weight, uint64_t now)
{
	if (weight == 0)
		return VERDICT_DRAINING;
	if (verdict_of(srv) == SERVER_DOWN)
		return VERDICT_UNHEALTHY;
	if (now < srv->suspect_until)
		return VERDICT_SUSPECT;
	return verdict_of(srv) == SERVER_UP ? VERDICT_HEALTHY : VERDICT_UNKNOWN;
}

const char *
verdict_state_name(enum verdict_state state)
{
	static const char *const names[] = {
		[VERDICT_HEALTHY] = "healthy",
		[VERDICT_UNHEALTHY] = "unhealthy",
		[VERDICT_UNKNOWN] = "unknown",
		[VERDICT_SUSPECT] = "suspect",
		[VERDICT_DRAINING] = "draining",
	};

	return names[state];
}

void
verdict_why(
    const struct server *srv, enum verdict_state state, char *to, size_t size)
{
	if (state == VERDICT_DRAINING)
		snprintf(to, size, "weight 0");
	else if (state == VERDICT_SUSPECT)
		snprintf(to, size, "failed connects in a row: %u",
		    srv->suspect_failures);
	else if (verdict_of(srv) == SERVER_WAITING)
		snprintf(to, size, "waits for its first probe");
	else
		snprintf(to, size, "%s", srv->why);
}

/* Of results in a row against the present verdict. */
static unsigned
threshold(const struct server *srv, const struct probe_options *options)
{
	switch (verdict_of(srv)) {
	case SERVER_UP:
		return options->unhealthy_threshold;
	case SERVER_DOWN:
		return options->healthy_threshold;
	default:
		return 1;
	}
}

static void
turn(struct server *srv, const struct verdict *v, bool up, const char *detail,
    uint64_t wall_now)
{
	char why[SERVER_WHY_MAX];

	snprintf(why, sizeof(why), "%u of %u probes %s: %s", v->against,
	    v->against, up ? "passed" : "failed", detail);
	server_set_why(srv, why);
	server_count(up ? &srv->went_up : &srv->went_down);
	srv->changed_at = wall_now;
	set_verdict(srv, up ? SERVER_UP : SERVER_DOWN);
}

static void
set_verdict(struct server *srv, enum server_verdict verdict)
{
	srv->verdict = verdict;
	board_epoch_move(srv->board);
}

static enum server_verdict
verdict_of(const struct server *srv)
{
	return (enum server_verdict)srv->verdict;
}

static uint64_t
suspect_time(unsigned failures)
{
	uint64_t time = SUSPECT_FIRST;

	while (failures-- > 0 && time < SUSPECT_MOST)
		time *= 2;
	return time < SUSPECT_MOST ? time : SUSPECT_MOST;
}

static enum rank
rank_of(const struct member *member, uint64_t now)
{
	enum server_verdict verdict = verdict_of(member->server);

	if (verdict == SERVER_DOWN || member->weight == 0)
		return RANK_NEVER;
	if (member->server->left)
		return RANK_LEFT;
	if (verdict == SERVER_WAITING || now < member->server->suspect_until)
		return member->backup ? RANK_DOUBTFUL_BACKUP
				      : RANK_DOUBTFUL_PRIMARY;
	return member->backup ? RANK_BACKUP : RANK_PRIMARY;
}
