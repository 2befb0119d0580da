/*
 * The list of requests under way, oldest part of the truth about a stuck
 * service.  Exchanges belong to their workers, so each writes its own part.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/requests.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/json.h"
#include "base/mem.h"
#include "conf/units.h"
#include "net/loop.h"
#include "proxy/control.h"
#include "proxy/exchange.h"
#include "proxy/reply.h"
#include "proxy/worker.h"

#define PATIENCE_NS (1 * CLOCK_S)

/* One question to all workers; control's. */
struct inquiry {
	struct exchange *x; /* NULL: answered, or gone */
	struct deadline patience;
	struct buf parts;
	unsigned asked, heard;
};

/* The letter that goes to a worker and comes back. */
struct part {
	struct mail mail;
	struct inquiry *inquiry;
	struct worker *worker;
	uint64_t older_ns;
	char *json; /* objects, comma-separated */
	size_t n;
};

static void on_asked(struct mail *);
static void on_heard(struct mail *);
static void on_patience(struct deadline *, bool);
static void answer(struct inquiry *);
static void write_part(struct worker *, uint64_t, struct buf *);
static void write_one(
    struct json *, const struct worker *, const struct exchange *, uint64_t);

void
requests_ask(struct exchange *x, uint64_t older_ns)
{
	const struct control *control = x->worker->control;
	struct inquiry *q;

	/* Workers that have ended open no letters. */
	if (control->stage == STAGE_STOPPING) {
		exchange_fail(x, END_SHUTDOWN);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->x = x;
	x->inquiry = q;
	q->patience.fire = on_patience;
	deadline_set(control->loop, &q->patience, PATIENCE_NS);
	q->asked = control->nworkers;
	for (unsigned i = 0; i < control->nworkers; i++) {
		struct part *p = xcalloc(1, sizeof(*p));

		p->mail.open = on_asked;
		p->inquiry = q;
		p->worker = control->workers[i];
		p->older_ns = older_ns;
		loop_post(p->worker->loop, &p->mail);
	}
}

void
requests_forget(struct exchange *x)
{
	if (x->inquiry == NULL)
		return;
	deadline_clear(&x->inquiry->patience);
	x->inquiry->x = NULL;
	x->inquiry = NULL;
}

bool
requests_parse_query(struct text query, uint64_t *older_ns)
{
	struct text key = TEXT("older=");

	if (query.n == 0)
		return true;
	return text_starts(query, key) &&
	    units_duration(text_from(query, key.n), older_ns) == UNIT_GOOD;
}

/* On the worker's thread. */
static void
on_asked(struct mail *mail)
{
	struct part *p = (struct part *)mail;
	struct buf json = { 0 };

	write_part(p->worker, p->older_ns, &json);
	p->json = xmalloc(json.n + 1);
	while (json.n > 0) {
		struct text front = buf_front(&json);

		memcpy(p->json + p->n, front.p, front.n);
		p->n += front.n;
		buf_drop(&json, front.n);
	}
	p->mail.open = on_heard;
	loop_post(p->worker->control->loop, &p->mail);
}

/* On the control thread. */
static void
on_heard(struct mail *mail)
{
	struct part *p = (struct part *)mail;
	struct inquiry *q = p->inquiry;

	if (q->x != NULL && p->n > 0) {
		if (q->parts.n > 0)
			buf_append_text(&q->parts, TEXT(","));
		buf_append(&q->parts, p->json, p->n);
	}
	free(p->json);
	free(p);
	if (++q->heard < q->asked)
		return;
	if (q->x != NULL)
		answer(q);
	buf_clear(&q->parts);
	free(q);
}

static void
on_patience(struct deadline *d, bool stalled)
{
	struct inquiry *q = CONTAINER_OF(d, struct inquiry, patience);

	(void)stalled;
	answer(q);
}

static void
answer(struct inquiry *q)
{
	struct exchange *x = q->x;
	struct buf body = { 0 };

	buf_append_text(&body,
	    arena_printf(&x->arena, "{\"workers_silent\":%u,\"requests\":[",
		q->asked - q->heard));
	buf_move(&body, &q->parts, q->parts.n);
	buf_append_text(&body, TEXT("]}\n"));
	requests_forget(x);
	reply(x, 200, NULL, TEXT("application/json"), &body);
}

static void
write_part(struct worker *w, uint64_t older_ns, struct buf *to)
{
	uint64_t now = loop_now(w->loop);
	struct exchange *x;
	struct json j;

	json_init_buf(&j, to);
	TAILQ_FOREACH (x, &w->exchanges, entry)
		if (now - x->began >= older_ns)
			write_one(&j, w, x, now);
	json_end(&j);
}

static void
write_one(struct json *j, const struct worker *w, const struct exchange *x,
    uint64_t now)
{
	json_open(j);
	json_key(j, "id");
	json_text(j, x->id_text);
	json_key(j, "worker");
	json_u64(j, w->id);
	json_key(j, "phase");
	json_cstring(j, exchange_phase_name(x->phase));
	json_key(j, "age_ms");
	json_u64(j, (now - x->began) / CLOCK_MS);
	json_key(j, "method");
	json_text(j, x->request->method_name);
	json_key(j, "path");
	json_text(j, x->path);
	json_key(j, "route");
	json_text(j, x->names.route);
	json_key(j, "upstream");
	json_text(j, x->names.upstream);
	json_key(j, "server");
	json_cstring(j, attempt_server_name(x));
	json_key(j, "attempt");
	json_u64(j, x->attempt.nlog + x->attempt.in_flight);
	json_key(j, "bytes_in");
	json_u64(j, x->bytes_in);
	json_key(j, "bytes_out");
	json_u64(j, x->bytes_out);
	json_close(j);
}
