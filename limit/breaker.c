/*
 * gobreaker's machine without a lock, and with what it lacks: trials that
 * expire, a growing open time, one exact count of trials over all threads.
 *
 * The state is one word, changed by compare-and-swap; its generation counts the
 * changes of state, so a late result is known as such.  `until' is the deadline
 * of the state: open, when trials begin; half open, when trials are overdue.
 * The two move in one order only: first `until' from the value seen with the
 * word, then the word.  So a thread that was held up in between cannot spoil a
 * newer state's deadline, and who sees a new deadline under an old word waits
 * or tries again.
 */
#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit/breaker.h"
#include "limit/window.h"

/* Where things are in the word. */
#define GENERATION_SHIFT 32
#define STATE_SHIFT 30
#define OPENS_SHIFT 24
#define ADMITTED_SHIFT 12
#define OPENS_MAX 63u

struct word {
	uint32_t generation;
	enum breaker_state state;
	unsigned opens; /* in a row, without having closed */
	unsigned admitted, succeeded; /* trials, while half open */
};

/* A word with the deadline that was there with it. */
struct sight {
	uint64_t packed, until;
	struct word word;
};

struct cause {
	enum breaker_cause why;
	unsigned failed, total;
};

/* All fields: any thread. */
struct breaker {
	/* options; control writes them */
	alignas(64) atomic_bool on;
	atomic_uint failure_percent, consecutive_failures, min_requests;
	atomic_uint half_open_requests;
	_Atomic uint64_t bucket_ns, open_for_ns, max_open_for_ns;

	alignas(64) _Atomic uint64_t word, until;
	_Atomic uint64_t cause; /* struct cause, packed */
	_Atomic uint64_t to[BREAKER_STATES], rejected;

	alignas(64) atomic_uint in_a_row; /* failures while closed */
	struct window window;
};

static void turn_off(struct breaker *);
static bool settle(struct breaker *, const struct sight *, uint64_t now);
static uint64_t
wait_left(const struct breaker *, const struct sight *, uint64_t now);
static bool trial_begin(
    struct breaker *, const struct sight *, uint64_t now, uint64_t trial_ns);
static bool trial_end(
    struct breaker *, const struct sight *, enum breaker_outcome, uint64_t now);
static bool trials_overdue(const struct sight *, uint64_t now);
static void count_outcome(
    struct breaker *, uint32_t generation, enum breaker_outcome, uint64_t now);
static bool rate_is_over(struct breaker *, uint64_t now, struct cause *);
static void
trip(struct breaker *, uint32_t generation, struct cause, uint64_t now);
static void lose_trials(struct breaker *, const struct sight *);
static void
open_up(struct breaker *, const struct sight *, struct cause, uint64_t at);
static void close_again(struct breaker *, const struct sight *);
static uint64_t open_time(const struct breaker *, unsigned opens);
static struct sight look(const struct breaker *);
static bool
step(struct breaker *, const struct sight *, struct word, uint64_t until);
static bool swap_word(struct breaker *, const struct sight *, struct word);
static uint64_t word_pack(struct word);
static struct word word_unpack(uint64_t);

struct breaker *
breaker_new(const struct breaker_options *options)
{
	struct breaker *b = aligned_alloc(alignof(struct breaker), sizeof(*b));

	if (b == NULL)
		abort();
	memset(b, 0, sizeof(*b));
	breaker_configure(b, options);
	return b;
}

void
breaker_free(struct breaker *b)
{
	free(b);
}

void
breaker_configure(struct breaker *b, const struct breaker_options *options)
{
	uint64_t bucket_ns = options->window_ns / WINDOW_BUCKETS;

	if (!options->on) {
		turn_off(b);
		return;
	}
	assert(bucket_ns > 0 && options->open_for_ns > 0);
	assert(options->half_open_requests > 0 &&
	    options->half_open_requests <= HALF_OPEN_REQUESTS_MAX);
	if (atomic_exchange(&b->bucket_ns, bucket_ns) != bucket_ns)
		window_clear(&b->window);
	b->failure_percent = options->failure_percent;
	b->consecutive_failures = options->consecutive_failures;
	b->min_requests = options->min_requests;
	b->half_open_requests = options->half_open_requests;
	b->open_for_ns = options->open_for_ns;
	b->max_open_for_ns = options->max_open_for_ns;
	b->on = true;
}

enum breaker_say
breaker_admit(struct breaker *b, uint64_t now, uint64_t trial_ns,
    struct breaker_ticket *ticket, uint64_t *retry_after_ns)
{
	struct sight s;

	*ticket = (struct breaker_ticket){ .counted = b->on };
	if (!ticket->counted)
		return BREAKER_PASS;
	for (;;) {
		s = look(b);
		ticket->generation = s.word.generation;
		if (s.word.state == BREAKER_CLOSED)
			return BREAKER_PASS;
		if (settle(b, &s, now))
			continue;
		*retry_after_ns = wait_left(b, &s, now);
		if (*retry_after_ns != 0)
			break;
		ticket->generation += s.word.state == BREAKER_OPEN;
		if (trial_begin(b, &s, now, trial_ns))
			return BREAKER_PASS;
	}
	atomic_fetch_add_explicit(&b->rejected, 1, memory_order_relaxed);
	return BREAKER_REJECT;
}

void
breaker_result(struct breaker *b, struct breaker_ticket ticket,
    enum breaker_outcome outcome, uint64_t now)
{
	struct sight s;

	if (!ticket.counted || !b->on)
		return;
	do {
		s = look(b);
		if (s.word.generation != ticket.generation)
			return;
		if (s.word.state == BREAKER_CLOSED) {
			count_outcome(b, ticket.generation, outcome, now);
			return;
		}
	} while (!trial_end(b, &s, outcome, now));
}

enum breaker_state
breaker_state(const struct breaker *b, uint64_t now)
{
	struct breaker_look seen;

	breaker_look(b, now, &seen);
	return seen.state;
}

void
breaker_look(const struct breaker *b, uint64_t now, struct breaker_look *seen)
{
	struct sight s = look(b);
	uint64_t cause = b->cause;

	if (trials_overdue(&s, now)) {
		s.until += open_time(b, s.word.opens + 1);
		s.word.state = BREAKER_OPEN;
	}
	if (s.word.state == BREAKER_OPEN && now >= s.until)
		s.word.state = BREAKER_HALF_OPEN;
	*seen = (struct breaker_look){
		.on = b->on,
		.state = b->on ? s.word.state : BREAKER_CLOSED,
		.rejected = b->rejected,
		.cause = (enum breaker_cause)(cause >> 56),
		.failed = cause >> 28 & 0xfffffff,
		.total = cause & 0xfffffff,
	};
	if (seen->state == BREAKER_OPEN)
		seen->left_ns = s.until - now;
	for (unsigned i = 0; i < BREAKER_STATES; i++)
		seen->to[i] = b->to[i];
}

const char *
breaker_state_name(enum breaker_state state)
{
	static const char *const names[BREAKER_STATES] = {
		[BREAKER_CLOSED] = "closed",
		[BREAKER_OPEN] = "open",
		[BREAKER_HALF_OPEN] = "half_open",
	};

	return names[state];
}

void
breaker_cause_print(const struct breaker_look *seen, char *to, unsigned size)
{
	static const char *const formats[] = {
		[CAUSE_NONE] = "",
		[CAUSE_RATE] = "%u of %u requests failed",
		[CAUSE_CONSECUTIVE] = "%u requests in a row failed",
		[CAUSE_TRIAL_FAILED] = "%u of %u trials failed",
		[CAUSE_TRIAL_LOST] = "%u of %u trials did not come back",
	};

	snprintf(to, size, formats[seen->cause], seen->failed, seen->total);
}

/* The options stay: a worker may be in the middle of using them. */
static void
turn_off(struct breaker *b)
{
	struct sight s;

	b->on = false;
	for (s = look(b); s.word.state != BREAKER_CLOSED; s = look(b))
		close_again(b, &s);
}

/*
 * Make the step that time or new options have made due before a half-open
 * breaker can say anything; true when there was one and all may be different.
 */
static bool
settle(struct breaker *b, const struct sight *s, uint64_t now)
{
	bool lost = trials_overdue(s, now);
	bool done = s->word.state == BREAKER_HALF_OPEN &&
	    s->word.succeeded >= b->half_open_requests;

	if (lost)
		lose_trials(b, s);
	else if (done)
		close_again(b, s);
	return lost || done;
}

/* How long until one more trial has a chance; 0: it may begin. */
static uint64_t
wait_left(const struct breaker *b, const struct sight *s, uint64_t now)
{
	uint64_t left = now < s->until ? s->until - now : 0;

	if (s->word.state == BREAKER_OPEN)
		return left;
	if (s->word.admitted < b->half_open_requests)
		return 0;
	return left < b->open_for_ns ? left : b->open_for_ns;
}

static bool
trial_begin(
    struct breaker *b, const struct sight *s, uint64_t now, uint64_t trial_ns)
{
	bool first = s->word.state == BREAKER_OPEN;
	uint64_t open_for_ns = b->open_for_ns;
	uint64_t due = now + (trial_ns > open_for_ns ? trial_ns : open_for_ns);
	struct word next = s->word;

	next.state = BREAKER_HALF_OPEN;
	next.generation += first;
	next.admitted++;
	if (!step(b, s, next, due > s->until ? due : s->until))
		return false;
	if (first)
		atomic_fetch_add(&b->to[BREAKER_HALF_OPEN], 1);
	return true;
}

/* False when the state is another by now, or may be: look again. */
static bool
trial_end(struct breaker *b, const struct sight *s,
    enum breaker_outcome outcome, uint64_t now)
{
	struct cause failed = { CAUSE_TRIAL_FAILED, 1, s->word.admitted };
	struct word next = s->word;

	next.succeeded += outcome == OUTCOME_SUCCESS;
	next.admitted -= outcome == OUTCOME_NEITHER;
	if (trials_overdue(s, now))
		lose_trials(b, s);
	else if (outcome == OUTCOME_FAILURE)
		open_up(b, s, failed, now);
	else if (next.succeeded >= b->half_open_requests)
		close_again(b, s);
	else
		return swap_word(b, s, next);
	return false;
}

/* Those that came back in time and well do not expire. */
static bool
trials_overdue(const struct sight *s, uint64_t now)
{
	return s->word.state == BREAKER_HALF_OPEN && now >= s->until &&
	    s->word.admitted > s->word.succeeded;
}

static void
count_outcome(struct breaker *b, uint32_t generation,
    enum breaker_outcome outcome, uint64_t now)
{
	struct cause cause = { .why = CAUSE_CONSECUTIVE };
	unsigned most = b->consecutive_failures;

	if (outcome == OUTCOME_NEITHER)
		return;
	if (b->failure_percent != 0)
		window_add(
		    &b->window, b->bucket_ns, now, outcome == OUTCOME_FAILURE);
	if (outcome == OUTCOME_SUCCESS) {
		if (b->in_a_row != 0)
			b->in_a_row = 0;
		return;
	}
	cause.failed = atomic_fetch_add(&b->in_a_row, 1) + 1;
	if ((most != 0 && cause.failed >= most) || rate_is_over(b, now, &cause))
		trip(b, generation, cause, now);
}

static bool
rate_is_over(struct breaker *b, uint64_t now, struct cause *cause)
{
	uint64_t percent = b->failure_percent;
	struct window_sum sum;

	if (percent == 0)
		return false;
	sum = window_sum(&b->window, b->bucket_ns, now);
	*cause = (struct cause){ CAUSE_RATE, sum.failed, sum.total };
	return sum.total >= b->min_requests &&
	    sum.failed * UINT64_C(100) >= sum.total * percent;
}

static void
trip(struct breaker *b, uint32_t generation, struct cause cause, uint64_t now)
{
	struct sight s;

	for (s = look(b); s.word.generation == generation; s = look(b))
		open_up(b, &s, cause, now);
}

/* The trials' time is over; open since then, whenever that is noticed. */
static void
lose_trials(struct breaker *b, const struct sight *s)
{
	struct cause lost = { CAUSE_TRIAL_LOST,
		s->word.admitted - s->word.succeeded, s->word.admitted };

	open_up(b, s, lost, s->until);
}

/* Unless another thread comes between; so it is with close_again. */
static void
open_up(
    struct breaker *b, const struct sight *s, struct cause cause, uint64_t at)
{
	struct word next = { .generation = s->word.generation + 1,
		.state = BREAKER_OPEN,
		.opens = s->word.opens };

	if (next.opens < OPENS_MAX)
		next.opens++;
	b->cause = (uint64_t)cause.why << 56 | (uint64_t)cause.failed << 28 |
	    cause.total;
	if (step(b, s, next, at + open_time(b, next.opens)))
		atomic_fetch_add(&b->to[BREAKER_OPEN], 1);
}

static void
close_again(struct breaker *b, const struct sight *s)
{
	struct word next = { .generation = s->word.generation + 1,
		.state = BREAKER_CLOSED };

	window_clear(&b->window);
	b->in_a_row = 0;
	if (swap_word(b, s, next))
		atomic_fetch_add(&b->to[BREAKER_CLOSED], 1);
}

/* open_for, doubled each time after the first, within max_open_for. */
static uint64_t
open_time(const struct breaker *b, unsigned opens)
{
	uint64_t time = b->open_for_ns, most = b->max_open_for_ns;

	while (--opens > 0 && time < most)
		time *= 2;
	return time < most ? time : most;
}

/* The two words as they were at one moment, or near enough: see the top. */
static struct sight
look(const struct breaker *b)
{
	struct sight s;

	do {
		s.packed = b->word;
		s.until = b->until;
	} while (b->word != s.packed);
	s.word = word_unpack(s.packed);
	return s;
}

static bool
step(struct breaker *b, const struct sight *s, struct word next, uint64_t until)
{
	uint64_t seen = s->until;

	return atomic_compare_exchange_strong(&b->until, &seen, until) &&
	    swap_word(b, s, next);
}

static bool
swap_word(struct breaker *b, const struct sight *s, struct word next)
{
	uint64_t seen = s->packed;

	return atomic_compare_exchange_strong(&b->word, &seen, word_pack(next));
}

static uint64_t
word_pack(struct word word)
{
	return (uint64_t)word.generation << GENERATION_SHIFT |
	    (uint64_t)word.state << STATE_SHIFT |
	    (uint64_t)word.opens << OPENS_SHIFT |
	    (uint64_t)word.admitted << ADMITTED_SHIFT | word.succeeded;
}

static struct word
word_unpack(uint64_t packed)
{
	return (struct word){
		.generation = (uint32_t)(packed >> GENERATION_SHIFT),
		.state = (enum breaker_state)(packed >> STATE_SHIFT & 3),
		.opens = packed >> OPENS_SHIFT & OPENS_MAX,
		.admitted = packed >> ADMITTED_SHIFT & 0xfff,
		.succeeded = packed & 0xfff,
	};
}
