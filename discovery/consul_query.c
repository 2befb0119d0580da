/*
 * Consul's rules for clients of blocking queries, as its documentation has
 * them: begin anew when the index goes backwards, never wait beyond 0, and
 * limit the loop with a bucket of tokens, so that news comes at once when it is
 * rare and the loop becomes polling when it is not.
 *
 * The bucket is kept as one moment, `spent': each answer moves it by what one
 * costs, and who is further ahead of now than the whole bucket has to wait.
 * Failures cost no tokens; they have their own, growing distance.
 *
 * Consul proposes two tokens and a new one every fifteen seconds, which suits
 * what writes files and restarts.  Here a change is a small, cheap thing, and
 * one that is late is a server that gets no share yet, or one that is gone and
 * still gets its own.  So there is a token a second: no news is older than
 * that, half of the two seconds in which all should be as it was said, and a
 * hundred services that change twice a second cost Consul a hundred answers a
 * second, not two hundred.  Five of them let a deploy of a few servers through
 * at once.  For the same reason a Consul that fails is asked again within a
 * second.
 */
#include <string.h>

#include "discovery/consul_query.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

/* For an answer that has not to be waited for, and for the way of any. */
#define WAY_NS (10 * CLOCK_S)

const struct consul_rules consul_rules_usual = {
	.wait_ns = 300 * CLOCK_S,
	.stale = true,
	.burst = 5,
	.refill_ns = CLOCK_S,
	.backoff_least_ns = 250 * CLOCK_MS,
	.backoff_most_ns = CLOCK_S,
};

static const char *encode(struct arena *, const char *);
static void
add(struct text *, struct arena *, const char *name, const char *value);

bool
consul_index_read(struct text field, uint64_t *index)
{
	return text_to_u64(text_trim(field), UINT64_MAX, index);
}

void
consul_query_heard(struct consul_query *q, const struct consul_rules *rules,
    uint64_t index, uint64_t now)
{
	uint64_t whole = rules->burst * rules->refill_ns;

	q->failures = 0;
	if (q->spent < now)
		q->spent = now;
	q->spent += rules->refill_ns;
	q->ask_at = q->spent - now > whole ? q->spent - whole : now;
	if (index == 0)
		index = 1;
	q->index = index < q->index ? 0 : index;
}

void
consul_query_failed(struct consul_query *q, const struct consul_rules *rules,
    struct rng *rng, uint64_t now)
{
	uint64_t pause = rules->backoff_least_ns;

	for (unsigned i = 0; i < q->failures; i++)
		if (pause < rules->backoff_most_ns)
			pause *= 2;
	if (pause > rules->backoff_most_ns)
		pause = rules->backoff_most_ns;
	q->failures++;
	q->index = 0;
	q->ask_at = now + pause - rng_below(rng, pause / 2 + 1);
}

uint64_t
consul_query_patience(
    const struct consul_query *q, const struct consul_rules *rules)
{
	return q->index == 0 ? WAY_NS
			     : rules->wait_ns + rules->wait_ns / 16 + WAY_NS;
}

struct text
consul_query_path(const struct consul_query *q,
    const struct consul_rules *rules, const struct consul_wish *wish,
    struct arena *arena)
{
	struct text path = arena_printf(arena, "/v1/health/service/%s?%s%s",
	    encode(arena, wish->service), rules->stale ? "stale&" : "",
	    wish->passing ? "passing&" : "");

	add(&path, arena, "tag", wish->tag);
	add(&path, arena, "dc", wish->datacenter);
	add(&path, arena, "near", wish->near);
	add(&path, arena, "filter", wish->filter);
	if (q->index > 0)
		path = arena_printf(arena, "%sindex=%llu&wait=%llums", path.p,
		    (unsigned long long)q->index,
		    (unsigned long long)(rules->wait_ns / CLOCK_MS));
	if (path.p[path.n - 1] == '&' || path.p[path.n - 1] == '?')
		path = arena_copy(arena, text_first(path, path.n - 1));
	return path;
}

static void
add(struct text *path, struct arena *arena, const char *name, const char *value)
{
	if (value != NULL)
		*path = arena_printf(
		    arena, "%s%s=%s&", path->p, name, encode(arena, value));
}

/* All but RFC 3986's unreserved, so that it fits into any part of a URL. */
static const char *
encode(struct arena *arena, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	char *const start = arena_alloc(arena, strlen(value) * 3 + 1);
	char *p = start;

	for (; *value != '\0'; value++) {
		if (strchr(plain, *value) != NULL) {
			*p++ = *value;
			continue;
		}
		*p++ = '%';
		*p++ = hex[(unsigned char)*value >> 4];
		*p++ = hex[*value & 15];
	}
	*p = '\0';
	return start;
}
