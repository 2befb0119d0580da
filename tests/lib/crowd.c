/*
 * The crowd: one thread for each connection, so that each is a plain blocking
 * client.  An id is written by the thread that drew it, and read when all have
 * ended; only drawing ids and complaining are shared, under a lock.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/chaos.h"
#include "tests/lib/crowd.h"
#include "tests/lib/team.h"
#include "tests/lib/wait.h"

enum {
	PATIENCE_MS = 40000, /* longer than any timeout of fairlead's */
	REQUESTS_MOST = 300, /* on one connection */
	COMPLAINTS_MOST = 20
};

struct crowd {
	struct crowd_plan plan;
	struct crowd_note *notes;
	struct team *team;
	pthread_mutex_t lock; /* all below */
	struct bytes complaints;
	unsigned begun, ncomplaints;
	int64_t started;
	bool over;
};

/* One connection. */
struct member {
	struct crowd *crowd;
	struct client client;
	unsigned short random[3];
	unsigned left; /* requests until it makes a new connection */
	bool tls, connected;
	/* the request at work */
	unsigned id;
	struct crowd_note *note;
	uint64_t up, down; /* bytes of both bodies */
	bool chunked_up, chunked_down, leaves;
};

static void *member_thread(void *);
static bool draw_id(struct member *);
static void draw_request(struct member *);
static uint64_t draw_size(struct member *);
static unsigned draw(struct member *, unsigned below);
static bool connect_member(struct member *);
static bool ask_one(struct member *);
static bool send_request(struct member *);
static bool send_body(struct member *, uint64_t upto);
static bool hear(struct member *, struct response *);
static bool hear_own(struct member *, struct response *, bool whole);
static bool hear_refusal(struct member *, struct response *, bool whole);
static bool is_own(const struct response *, unsigned id);
static bool ended_visibly(const struct client *);
static bool end(struct member *, enum outcome);
static bool complain(struct member *, const char *what);

struct crowd *
crowd_start(const struct crowd_plan *plan)
{
	struct crowd *crowd = keep(sizeof *crowd);
	struct member *members = keep(plan->connections * sizeof *members);
	unsigned i;

	crowd->plan = *plan;
	crowd->notes = keep(plan->most * sizeof *crowd->notes);
	crowd->started = wait_now();
	bytes_add(&crowd->complaints, "", 0);
	pthread_mutex_init(&crowd->lock, NULL);
	for (i = 0; i < plan->connections; i++) {
		members[i].crowd = crowd;
		members[i].client.ms = PATIENCE_MS;
		members[i].tls = plan->tls_port != 0 && i % 3 == 0;
		members[i].random[0] = (unsigned short)i;
	}
	crowd->team = team_start(
	    plan->connections, member_thread, members, sizeof *members);
	return crowd;
}

void
crowd_stop(struct crowd *crowd)
{
	pthread_mutex_lock(&crowd->lock);
	crowd->over = true;
	pthread_mutex_unlock(&crowd->lock);
	team_wait(crowd->team);
}

unsigned
crowd_begun(struct crowd *crowd)
{
	unsigned n;

	pthread_mutex_lock(&crowd->lock);
	n = crowd->begun;
	pthread_mutex_unlock(&crowd->lock);
	return n;
}

struct crowd_note *
crowd_note(struct crowd *crowd, unsigned id)
{
	return &crowd->notes[id];
}

const char *
crowd_complaints(struct crowd *crowd)
{
	return crowd->complaints.p;
}

static void *
member_thread(void *arg)
{
	struct member *m = arg;

	while (draw_id(m)) {
		draw_request(m);
		m->note->began = wait_now();
		if (!m->connected && !connect_member(m))
			continue;
		if (!ask_one(m) || --m->left == 0) {
			client_close(&m->client);
			m->connected = false;
		}
		m->note->ended = wait_now();
	}
	if (m->connected)
		client_close(&m->client);
	return NULL;
}

/* The next id at its place in the whole; false when it is over. */
static bool
draw_id(struct member *m)
{
	struct crowd *crowd = m->crowd;
	int64_t due;
	bool more;

	pthread_mutex_lock(&crowd->lock);
	more = !crowd->over && crowd->begun < crowd->plan.most;
	if (more)
		m->id = crowd->begun++;
	pthread_mutex_unlock(&crowd->lock);
	if (!more)
		return false;
	m->note = &crowd->notes[m->id];
	due = crowd->started + (int64_t)m->id * 1000 / crowd->plan.rate;
	if (due > wait_now())
		wait_till(due);
	return true;
}

static void
draw_request(struct member *m)
{
	bool calm = m->crowd->plan.only_get;

	m->note->tls = m->tls;
	m->note->post = !calm && draw(m, 100) < 40;
	m->up = m->note->post ? draw_size(m) : 0;
	m->down = draw_size(m);
	m->chunked_up = draw(m, 2) == 0;
	m->chunked_down = draw(m, 2) == 0;
	m->leaves = !calm && draw(m, 1000) < 5;
}

/* Mostly small ones; one in ten is up to as large as can be. */
static uint64_t
draw_size(struct member *m)
{
	unsigned kind = draw(m, 100);

	if (kind < 5)
		return 0;
	if (kind < 60)
		return draw(m, 2048);
	return kind < 90 ? draw(m, 32768) : draw(m, CHAOS_BODY_MOST) + 1;
}

static unsigned
draw(struct member *m, unsigned below)
{
	return (unsigned)nrand48(m->random) % below;
}

static bool
connect_member(struct member *m)
{
	const struct crowd_plan *p = &m->crowd->plan;
	struct tls_wish wish = { 0 };
	bool ok = m->tls ? client_connect_tls(&m->client, p->tls_port, &wish)
			 : client_connect(&m->client, p->port);

	m->left = 1 + draw(m, REQUESTS_MOST);
	m->connected = ok;
	if (ok)
		return true;
	(void)complain(m, "no connection");
	client_close(&m->client);
	wait_breathe();
	return false;
}

/* ---- one request ---- */

/* Whether the connection may be used again. */
static bool
ask_one(struct member *m)
{
	struct response r = { 0 };
	bool again;

	if (m->leaves) {
		(void)send_request(m);
		client_abort(&m->client);
		return end(m, OUT_LEFT);
	}
	/* A refusal may come before all was sent: it is heard all the same. */
	again = send_request(m);
	again = hear(m, &r) && again && response_keeps(&r);
	response_free(&r);
	return again;
}

/* Of one who leaves: the half of it. */
static bool
send_request(struct member *m)
{
	char framing[64] = "";
	bool post = m->note->post;

	if (post && m->chunked_up)
		snprintf(
		    framing, sizeof framing, "Transfer-Encoding: chunked\r\n");
	else if (post)
		snprintf(framing, sizeof framing, "Content-Length: %ju\r\n",
		    (uintmax_t)m->up);
	if (!client_print(&m->client,
		"%s /c/%u?n=%ju&f=%s HTTP/1.1\r\nHost: chaos.test\r\n"
		"X-Id: %u\r\nX-Size: %ju\r\n%s\r\n",
		post ? "POST" : "GET", m->id, (uintmax_t)m->down,
		m->chunked_down ? "chunked" : "sized", m->id, (uintmax_t)m->up,
		framing))
		return false;
	if (!send_body(m, m->leaves ? m->up / 2 : m->up))
		return false;
	return m->leaves || !post || !m->chunked_up ||
	    client_print(&m->client, "0\r\n\r\n");
}

static bool
send_body(struct member *m, uint64_t upto)
{
	uint64_t at, offset = chaos_request_offset(m->id);
	char piece[CHAOS_PIECE_MOST];
	size_t n;

	for (at = 0; at < upto; at += CHAOS_PIECE) {
		n = chaos_piece(piece, m->chunked_up, offset + at, upto - at);
		if (!client_send(&m->client, piece, n))
			return false;
	}
	return true;
}

/* Whether a whole answer came. */
static bool
hear(struct member *m, struct response *r)
{
	struct client *c = &m->client;
	bool whole;

	if (!client_head(c, r)) {
		if (!ended_visibly(c) || c->in.n > 0)
			return complain(m, "no answer");
		return end(m, OUT_UNANSWERED);
	}
	m->note->status = (short)r->status;
	whole = client_body(c, r, "GET");
	if (!whole && !ended_visibly(c))
		return complain(m, "the body is wrong or stands still");
	if (whole && c->in.n > 0)
		return complain(m, "bytes after the answer");
	return response_count(r, "x-id") > 0 ? hear_own(m, r, whole)
					     : hear_refusal(m, r, whole);
}

/* A server's answer. */
static bool
hear_own(struct member *m, struct response *r, bool whole)
{
	if (!is_own(r, m->id))
		return complain(m, "the answer is another request's");
	if (r->status != 200 && r->status != 500 && r->status != 503)
		return complain(m, "a status that no server gave");
	if (!pattern_is(r->body.p, r->body.n, chaos_response_offset(m->id)))
		return complain(m, "the body is another's");
	if (!whole)
		return end(m, OUT_CUT);
	if (r->body_n != m->down)
		return complain(m, "the body has another length");
	return end(m, r->status == 200 ? OUT_OK : OUT_ERROR);
}

static bool
hear_refusal(struct member *m, struct response *r, bool whole)
{
	char *reason = response_field(r, "x-fairlead-reason");

	if (reason == NULL || !whole || r->status < 400)
		return complain(m, "neither a server's answer nor a refusal");
	snprintf(m->note->reason, sizeof m->note->reason, "%s", reason);
	keep_no_more(reason);
	return end(m, OUT_REFUSED);
}

static bool
is_own(const struct response *r, unsigned id)
{
	char *value = response_field(r, "x-id"), *last;
	bool own = strtoull(value, &last, 10) == id && *last == '\0' &&
	    last > value && response_count(r, "x-id") == 1;

	keep_no_more(value);
	return own;
}

/* The connection is over, and not just silent or speaking nonsense. */
static bool
ended_visibly(const struct client *c)
{
	return c->why != NULL && strncmp(c->why, "receive: ", 9) == 0;
}

/* Whether the connection may be used after it. */
static bool
end(struct member *m, enum outcome outcome)
{
	m->note->outcome = (char)outcome;
	return outcome == OUT_OK || outcome == OUT_ERROR ||
	    outcome == OUT_REFUSED;
}

/* Always false. */
static bool
complain(struct member *m, const char *what)
{
	struct crowd *crowd = m->crowd;

	m->note->ended = wait_now();
	pthread_mutex_lock(&crowd->lock);
	if (crowd->ncomplaints++ < COMPLAINTS_MOST)
		bytes_printf(&crowd->complaints,
		    "request %u (%s%s): %s; %s; after %jd ms\n", m->id,
		    m->note->post ? "POST" : "GET", m->tls ? ", TLS" : "", what,
		    m->client.why == NULL ? "" : m->client.why,
		    (intmax_t)(m->note->ended - m->note->began));
	pthread_mutex_unlock(&crowd->lock);
	return end(m, OUT_WRONG);
}
