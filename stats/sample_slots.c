/*
 * Samples of what has slots: routes, upstreams and listeners, summed over all
 * threads' blocks.  A word of many, such as a failure's reason, is shown once
 * it has happened.
 */
#include "stats/samples.h"
#include "stats/sum.h"

/* Something that has a slot. */
struct named {
	const char *name;
	unsigned slot;
};

static bool named_at(const struct scrape *, unsigned, struct named *);
static void put_words(struct scrape *, const char *(*)(unsigned), unsigned);
static const char *end_word(unsigned);
static const char *reject_word(unsigned);
static const char *protocol_word(unsigned);
static const char *shake_failure_word(unsigned);
static void put_method(struct scrape *, const char *, unsigned, enum method);

/* The i-th of the row's kind; false past the last. */
static bool
named_at(const struct scrape *s, unsigned i, struct named *to)
{
	const struct stats_view *v = s->view;

	switch (s->metric->kind) {
	case STATS_ROUTES:
		if (i < v->nroutes)
			*to = (struct named){ v->routes[i].name,
				v->routes[i].slot };
		else
			*to = (struct named){ "_none", STATS_SLOT_NONE };
		return i <= v->nroutes;
	case STATS_UPSTREAMS:
		if (i < v->nupstreams)
			*to = (struct named){ v->upstreams[i].name,
				v->upstreams[i].slot };
		return i < v->nupstreams;
	default:
		if (i < v->nlisteners)
			*to = (struct named){ v->listeners[i].name,
				v->listeners[i].slot };
		return i < v->nlisteners;
	}
}

void
sample_counter(struct scrape *s)
{
	struct named n;
	unsigned i;

	for (i = 0; named_at(s, i, &n); i++)
		exposition_u64(&s->out, &n.name,
		    sum_counter(
			s->view, s->metric->kind, n.slot, s->metric->at));
}

void
sample_histogram(struct scrape *s)
{
	struct histogram_sum sum;
	struct named n;
	unsigned i;

	for (i = 0; named_at(s, i, &n); i++) {
		sum_histogram(
		    s->view, s->metric->kind, n.slot, s->metric->at, &sum);
		exposition_histogram(&s->out, &n.name, &sum);
	}
}

/* An array of counters, each with its word; those at 0 are left out. */
static void
put_words(struct scrape *s, const char *(*word)(unsigned), unsigned words)
{
	const char *values[2];
	struct named n;
	uint64_t count;
	unsigned i, j;

	for (i = 0; named_at(s, i, &n); i++)
		for (j = 0; j < words; j++) {
			count = sum_counter(s->view, s->metric->kind, n.slot,
			    s->metric->at + j * sizeof(struct counter));
			if (count == 0)
				continue;
			values[0] = n.name;
			values[1] = word(j);
			exposition_u64(&s->out, values, count);
		}
}

void
sample_ends(struct scrape *s)
{
	put_words(s, end_word, END_COUNT);
}

static const char *
end_word(unsigned i)
{
	return end_row((enum end)i)->word;
}

void
sample_rejects(struct scrape *s)
{
	put_words(s, reject_word, REJECT_COUNT);
}

static const char *
reject_word(unsigned i)
{
	return stats_reject_word[i];
}

void
sample_protocols(struct scrape *s)
{
	put_words(s, protocol_word, PROTOCOL_COUNT);
}

static const char *
protocol_word(unsigned i)
{
	return stats_protocol_word[i];
}

void
sample_shake_failures(struct scrape *s)
{
	put_words(s, shake_failure_word, SHAKE_FAILURES);
}

static const char *
shake_failure_word(unsigned i)
{
	return tls_failure_word((enum tls_failure)i);
}

void
sample_codes(struct scrape *s)
{
	struct named n;
	unsigned i, method;

	for (i = 0; named_at(s, i, &n); i++)
		for (method = 0; method < METHOD_COUNT; method++)
			put_method(s, n.name, n.slot, (enum method)method);
}

static void
put_method(
    struct scrape *s, const char *route, unsigned slot, enum method method)
{
	uint64_t count[STATUS_COUNT];
	char code[4];
	const char *values[] = { route, method_label(method), code };
	unsigned i;

	if (!sum_codes(s->view, slot, method, count))
		return;
	for (i = 0; i < STATUS_COUNT; i++) {
		if (count[i] == 0)
			continue;
		code[text_put_u64(code, i)] = '\0';
		exposition_u64(&s->out, values, count[i]);
	}
}

void
sample_shakes(struct scrape *s)
{
	const char *values[3];
	struct named n;
	uint64_t count;
	unsigned i, j;

	for (i = 0; named_at(s, i, &n); i++)
		for (j = 0; j < SHAKE_COUNT * 2; j++) {
			count = sum_counter(s->view, s->metric->kind, n.slot,
			    s->metric->at + j * sizeof(struct counter));
			if (count == 0)
				continue;
			values[0] = n.name;
			values[1] = stats_shake_word[j / 2];
			values[2] = j % 2 == 0 ? "false" : "true";
			exposition_u64(&s->out, values, count);
		}
}
