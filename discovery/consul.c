/*
 * One service of Consul's, watched: asks over the control thread's fetcher,
 * hears, and asks again when the rules let it.  A query that waits holds one
 * kept connection and nothing else, so that any number of them stand beside
 * each other; where the agent speaks HTTP/2 they share one.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/consul.h"

#include "base/clock.h"
#include "base/mem.h"
#include "discovery/consul_answer.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "net/timer.h"

enum { FIELD_INDEX, FIELD_FILTERED };

struct consul_source {
	struct loop *loop;
	struct fetcher *fetcher;
	const struct consul_agent *agent;
	const struct consul_wish *wish;
	const struct consul_rules *rules;
	const struct consul_ops *ops;
	void *arg;
	struct consul_query query;
	unsigned turn; /* of the agent's addresses */
	struct timer *timer; /* set while no query is under way */
	struct fetch *fetch; /* NULL: none is */
};

static void ask(void *);
static void await_agent(struct consul_source *);
static void on_fetched(void *, const struct fetch_result *);
static const char *judge(const struct fetch_result *, uint64_t *index,
    struct consul_answer *, enum consul_failure *);
static bool
is_hidden(const struct fetch_result *, const struct consul_answer *);
static void fail(struct consul_source *, enum consul_failure, const char *);
static void schedule(struct consul_source *);

struct consul_source *
consul_source_new(struct loop *loop, struct fetcher *fetcher,
    const struct consul_agent *agent, const struct consul_wish *wish,
    const struct consul_rules *rules, const struct consul_ops *ops, void *arg)
{
	struct consul_source *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->fetcher = fetcher;
	s->agent = agent;
	s->wish = wish;
	s->rules = rules;
	s->ops = ops;
	s->arg = arg;
	s->timer = timer_new(loop, ask, s);
	timer_set(s->timer, 0);
	return s;
}

void
consul_source_again(struct consul_source *s)
{
	if (s->fetch != NULL)
		fetch_cancel(s->fetch);
	s->fetch = NULL;
	memset(&s->query, 0, sizeof(s->query));
	timer_set(s->timer, 0);
}

void
consul_source_free(struct consul_source *s)
{
	if (s == NULL)
		return;
	if (s->fetch != NULL)
		fetch_cancel(s->fetch);
	timer_free(s->timer);
	free(s);
}

static void
ask(void *arg)
{
	struct consul_source *s = arg;
	struct arena texts = { 0 };
	struct fetch_request request = {
		.host = s->agent->host,
		.tls = s->agent->tls,
		.wanted = { [FIELD_INDEX] = "X-Consul-Index",
		    [FIELD_FILTERED] = "X-Consul-Results-Filtered-By-ACLs" },
		.keep = true,
		.timeout_ns = consul_query_patience(&s->query, s->rules),
		.body_most = CONSUL_BYTES_MOST,
	};

	if (s->agent->n == 0) {
		await_agent(s);
		return;
	}
	request.to = s->agent->to[s->turn % s->agent->n];
	request.path =
	    consul_query_path(&s->query, s->rules, s->wish, &texts).p;
	if (s->agent->token != NULL)
		request.field =
		    arena_printf(&texts, "X-Consul-Token: %s", s->agent->token)
			.p;
	s->fetch = fetch_start(s->fetcher, &request, on_fetched, s);
	arena_fini(&texts);
}

/* That nobody has said yet where it is, is no failure. */
static void
await_agent(struct consul_source *s)
{
	if (s->agent->problem != NULL)
		fail(s, CONSUL_UNREACHABLE, s->agent->problem);
	else
		timer_set(s->timer, s->rules->backoff_least_ns);
}

/* What is to come is settled first: who is told may free the source. */
static void
on_fetched(void *arg, const struct fetch_result *result)
{
	struct consul_source *s = arg;
	struct consul_answer answer = { 0 };
	enum consul_failure failure;
	uint64_t index = 0;
	const char *problem = judge(result, &index, &answer, &failure);

	s->fetch = NULL;
	if (problem == NULL) {
		consul_query_heard(
		    &s->query, s->rules, index, loop_now(s->loop));
		schedule(s);
		s->ops->answer(s->arg, &answer);
	} else
		fail(s, failure, problem);
	consul_answer_fini(&answer);
}

/* What is wrong with it, or NULL with all that it says. */
static const char *
judge(const struct fetch_result *r, uint64_t *index,
    struct consul_answer *answer, enum consul_failure *failure)
{
	*failure = CONSUL_UNREACHABLE;
	if (!r->ok)
		return r->error;
	*failure = CONSUL_DENIED;
	if (r->status == 401 || r->status == 403)
		return "the token is not accepted";
	*failure = CONSUL_STATUS;
	if (r->status != 200)
		return r->status == 429 ? "it has too much to do"
		    : r->status >= 500	? "it failed itself"
					: "it does not understand";
	*failure = CONSUL_TOO_LARGE;
	if (r->capped)
		return "the answer is too large";
	*failure = CONSUL_INVALID;
	if (!consul_index_read(text_of(r->fields[FIELD_INDEX]), index))
		return "the answer has no X-Consul-Index";
	if (!consul_answer_read(
		answer, (struct text){ r->body, r->n }, CONSUL_SERVERS_MOST))
		return answer->why;
	*failure = CONSUL_DENIED;
	return is_hidden(r, answer) ? "the token may not see the service"
				    : NULL;
}

/* Nobody, because nobody is shown to us. */
static bool
is_hidden(const struct fetch_result *r, const struct consul_answer *answer)
{
	const char *filtered = r->fields[FIELD_FILTERED];

	return filtered != NULL && strcmp(filtered, "true") == 0 &&
	    answer->n + answer->left_out == 0;
}

static void
fail(struct consul_source *s, enum consul_failure failure, const char *what)
{
	s->turn++;
	consul_query_failed(
	    &s->query, s->rules, loop_rng(s->loop), loop_now(s->loop));
	schedule(s);
	s->ops->failure(s->arg, failure, what);
}

static void
schedule(struct consul_source *s)
{
	uint64_t now = loop_now(s->loop);

	timer_set(s->timer, s->query.ask_at > now ? s->query.ask_at - now : 0);
}
